//! From the bytes of a page to a typed Arrow batch and the schema that it needs.
//!
//! One pass over each record puts every value straight into the column of its kind; the type of a column is what
//! its values need, and changes within the page when a value surprises it. Pages are independent: each gets a
//! schema of its own, and [`conform`](crate::schema::conform) brings their batches together later.
//!
//! **Invariant:** nothing here waits, and a page depends on those before it in its slice only by what [`SliceMemory`]
//! tells of their cursors, keys and number.

mod canonical;
mod contract;
mod cursor;
mod declared;
mod entries;
mod error;
mod fixed;
mod hints;
mod list;
mod memory;
mod misfits;
mod named;
mod number_column;
mod object;
mod parents;
mod records;
mod row_ids;
mod steps;
mod string_column;
#[cfg(test)]
mod tests;
mod time;
mod value;
mod walk;

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use indexmap::IndexMap;

pub use contract::{DiscardCounts, Discarded, Rejected};
pub use error::Error;
pub use memory::SliceMemory;
pub(crate) use parents::key_value;

use crate::flow::{MAXIMUM_PAGE_BYTES, Page, ParentFields, Slice};
use crate::plan::DecodePlan;
use crate::schema::{Field, Source, TableSchema};
use contract::{Contract, ReadPage};
use cursor::Verdict;
use hints::{Hint, hints};
use misfits::AllMisfits;
pub use misfits::{Misfits, Told};
pub use named::AbsentField;
use named::NamedFields;
use records::Records;
use row_ids::{RowIds, RowPlace};
use steps::Surroundings;
use value::ValueNode;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use walk::MAXIMUM_LIST_DEPTH;
use walk::Walk;

/// Decodes the pages of one resource.
///
/// Cheap to share between threads; decoding a page blocks on the processor alone.
#[derive(Debug)]
pub struct Decoder {
    plan: DecodePlan,
    hints: IndexMap<String, Hint>,
    named: NamedFields,
    misfits: AllMisfits,
    load_id: String,
    /// Each row gets an id.
    has_row_ids: bool,
    /// `None` where the records may change the table in any way.
    contract: Option<Contract>,
}

/// What a page held.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The rows in page order, laid out as `schema` says.
    pub batch: RecordBatch,
    /// What is known of these rows; not settled.
    pub schema: TableSchema,
    /// For each row the fields that child resources use, where there are any.
    pub parents: Vec<ParentFields>,
    /// Records that were left out because their cursor lies outside the slice.
    pub outside_window: u64,
    /// Records that a filter of the spec left out.
    pub filtered: u64,
    /// Records that were left out because they lie at the slice's start, and an earlier run has loaded them.
    pub already_loaded: u64,
    /// Records that were left out because they have no cursor.
    pub without_cursor: u64,
    /// Records that were left out because one with the same key came before.
    pub duplicates: u64,
    /// What the schema contract left out.
    pub discarded: Discarded,
}

impl Decoder {
    /// Prepares decoding under a plan; `load_id` goes into each row.
    pub fn new(plan: DecodePlan, load_id: &str) -> Self {
        Self {
            hints: hints(&plan),
            named: NamedFields::new(&plan.steps),
            misfits: AllMisfits::default(),
            has_row_ids: plan.has_tables(),
            plan,
            load_id: load_id.to_owned(),
            contract: None,
        }
    }

    /// Decodes for a table by its schema before the load: where it has child tables, rows get ids whatever the plan says.
    #[must_use]
    pub fn for_table(mut self, table: Option<&TableSchema>) -> Self {
        self.has_row_ids |= table.is_some_and(TableSchema::has_row_ids);
        self
    }

    /// Holds the records against the schema that the table had before the load, as the plan's contract says.
    #[must_use]
    pub fn under_contract(mut self, table: Option<&TableSchema>) -> Self {
        self.contract = Contract::new(&self.plan, &self.hints, table);
        self
    }

    /// Whether the table isn't there, and the contract discards all of its records.
    pub fn discards_table(&self) -> bool {
        self.contract.as_ref().is_some_and(Contract::discards_table)
    }

    /// Paths of the keys whose values were of several kinds, so that some have a column of their own although the contract
    /// lets in only what fits: nothing says which of them is wrong.
    pub fn mixed_columns(&self) -> Vec<String> {
        let mixtures = self.contract.iter().flat_map(Contract::mixtures);
        mixtures.map(|mixture| mixture.path).collect()
    }

    /// The fields that `filter` and `processing_steps` name, and that no record had so far.
    pub fn absent_fields(&self) -> Vec<AbsentField> {
        self.named.absent()
    }

    /// The fields whose numbers have more digits than the expressions of `map` compute with.
    pub fn rounded_fields(&self) -> Vec<String> {
        self.named.rounded()
    }

    /// What the declared columns did not take so far, by their source names.
    pub fn misfits(&self) -> Vec<(String, Misfits)> {
        self.misfits.by_column()
    }

    /// Decodes the records of a page; `memory` is the slice's, in the order of its pages.
    ///
    /// What is included from the slice's parents becomes columns; `_load_id` and `_extracted_at` come last.
    /// A record that is no object becomes `{"value": <record>}`.
    pub fn decode(
        &self,
        slice: &Slice,
        page: &Page,
        memory: &mut SliceMemory,
    ) -> Result<Decoded, Error> {
        let mut constants = constants(slice);
        let processed;
        let (page, filtered) = if self.plan.steps.is_empty() {
            (page, 0)
        } else {
            let surroundings = Surroundings {
                copied: &constants,
                partition: &slice.partition,
                named: &self.named,
            };
            processed = steps::process(&self.plan.steps, &surroundings, page)?;
            (&processed.page, processed.filtered)
        };
        let copied: usize = constants.iter().map(|(_, json)| json.len()).sum();
        let bytes = page
            .body
            .len()
            .saturating_add(copied.saturating_mul(page.records.len()));
        if bytes > MAXIMUM_PAGE_BYTES {
            return Err(Error::TooLarge {
                bytes,
                limit: MAXIMUM_PAGE_BYTES,
            });
        }
        let mut records = Records::read(&self.plan, &self.hints, slice, page, None, memory)?;
        let count = |verdict| records.count(verdict);
        let (outside_window, already_loaded) = (count(Verdict::Outside), count(Verdict::Loaded));
        let (without_cursor, mut duplicates) =
            (count(Verdict::WithoutCursor), count(Verdict::Duplicate));
        let keys = std::mem::take(&mut records.keys);
        let mut verdicts = None;
        if records.leaves_out() {
            // What is left out must leave no trace in the schema.
            let all = verdicts.insert(std::mem::take(&mut records.verdicts));
            records = Records::read(&self.plan, &self.hints, slice, page, Some(all), memory)?;
        }
        let read = ReadPage {
            hints: &self.hints,
            slice,
            page,
            verdicts: verdicts.as_deref(),
            keys: &keys,
        };
        let mut discarded = Discarded::default();
        if let Some(contract) = &self.contract {
            let admitted = contract.admit(&read, records, constants, memory)?;
            (records, constants) = (admitted.records, admitted.constants);
            discarded = admitted.discarded;
            duplicates -= admitted.twins;
        }
        let misfits = records.root.misfits();
        if !misfits.is_empty() {
            self.misfits.add(&slice.id(), page.number, misfits);
        }
        let place = RowPlace {
            slice,
            rows_before: memory.rows,
        };
        let (schema, batch) = self.batch(&mut records, &constants, place, page)?;
        memory.rows += batch.num_rows() as u64;
        if let Some(contract) = &self.contract {
            contract.take_in(&schema, &read, &constants)?;
        }
        Ok(Decoded {
            batch,
            schema,
            parents: records.parents,
            outside_window,
            filtered,
            already_loaded,
            without_cursor,
            duplicates,
            discarded,
        })
    }

    fn batch(
        &self,
        records: &mut Records,
        constants: &[(String, String)],
        place: RowPlace<'_>,
        page: &Page,
    ) -> Result<(TableSchema, RecordBatch), Error> {
        let rows = records.rows;
        let mut fields = records.root.observed_fields(&self.hints);
        let mut copied = Vec::new();
        for (key, json) in constants {
            let source = Source {
                from_parent: true,
                ..Source::key(key)
            };
            let node =
                repeated(json, rows).map_err(|fault| fault.into_error(0, json.as_bytes()))?;
            fields.push(Field {
                source: source.clone(),
                declared: None,
                observed: node.observed(),
            });
            copied.push((source, node));
        }
        if self.has_row_ids {
            // In front, so that its place doesn't depend on which page brought the other fields.
            fields.insert(0, row_ids::field());
        }
        let schema = TableSchema::of_records(fields, self.plan.nested);
        let layout = schema.layout();
        let row_id = schema.row_id().filter(|_| self.has_row_ids);
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (position, column) in layout.iter().enumerate() {
            if Some(position) == row_id {
                // Filled in once the columns of the key are there.
                arrays.push(new_null_array(&column.data_type.arrow_type(), rows));
                continue;
            }
            let constant = copied
                .iter_mut()
                .find(|(source, _)| *source == column.source);
            arrays.push(match constant {
                Some((_, node)) => node.finish_column(column, rows)?,
                None => records.root.finish_column(column, rows)?,
            });
        }
        if let Some(position) = row_id {
            let ids = RowIds {
                plan: &self.plan,
                load_id: &self.load_id,
                place,
            };
            arrays[position] = Arc::new(ids.of(&layout, &arrays, rows));
        }
        arrays.push(Arc::new(StringArray::from_iter_values(repeat_n(
            &self.load_id,
            rows,
        ))));
        let extracted_at =
            TimestampMicrosecondArray::from_value(page.fetched_at.as_microsecond(), rows);
        arrays.push(Arc::new(extracted_at.with_timezone("UTC")));
        debug_assert!(
            arrays.iter().all(|array| array.len() == rows),
            "columns have all rows"
        );
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(schema.arrow_schema(), arrays, &options)?;
        Ok((schema, batch))
    }
}

/// The columns that each row copies from the slice's parents, with their JSON.
fn constants(slice: &Slice) -> Vec<(String, String)> {
    let included = slice.parents.iter().flat_map(|parent| &parent.included);
    let mut columns: Vec<(String, String)> = included
        .map(|(column, json)| (column.clone(), json.clone()))
        .collect();
    columns.sort_unstable();
    columns
}

fn repeated(json: &str, rows: usize) -> walk::Read<ValueNode> {
    let mut node = ValueNode::new(None, rows, 0);
    for row in 0..rows {
        let mut walk = Walk::new(json.as_bytes(), &[]);
        let peek = walk.json.peek()?;
        node.read(&mut walk, peek, row, 1)?;
    }
    Ok(node)
}
