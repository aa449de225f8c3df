//! From the bytes of a page to a typed Arrow batch and the schema that it needs.
//!
//! One pass over each record puts every value straight into the column of its kind; the type of a column is what
//! its values need, and changes within the page when a value surprises it. Pages are independent: each gets a
//! schema of its own, and [`conform`](crate::schema::conform) brings their batches together later.
//!
//! **Invariant:** nothing here waits, and a page depends on those before it in its slice only by what [`SliceMemory`]
//! tells of their cursors, keys and number.

mod batch;
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
mod reading;
mod records;
mod row_ids;
mod steps;
mod string_column;
#[cfg(test)]
mod tests;
mod time;
mod value;
mod walk;

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use indexmap::IndexMap;

pub use contract::{DiscardCounts, Discarded, Rejected};
pub use error::Error;
pub(crate) use hints::column_type;
pub use memory::SliceMemory;
pub(crate) use parents::key_value;

use crate::flow::{MAXIMUM_PAGE_BYTES, Page, ParentFields, RecordReader, RecordReaders, Slice};
use crate::plan::DecodePlan;
use crate::schema::TableSchema;
use batch::PageLayout;
use contract::{Contract, ReadPage};
use cursor::Verdict;
use hints::{Hint, hints};
use misfits::AllMisfits;
pub use misfits::{Misfits, Told};
pub use named::AbsentField;
use named::NamedFields;
use object::Keys;
use reading::{EarlyReader, ReadRecords};
use records::Records;
use row_ids::RowPlace;
use steps::Surroundings;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use walk::MAXIMUM_LIST_DEPTH;

/// Records that are decoded at a time. Each has a place in all their columns, whether it has the value or not: with 10,000
/// columns of 8 bytes, that is 330 MB.
pub const PART_RECORDS: usize = 4096;

/// Decodes the pages of one resource.
///
/// Cheap to share between threads; decoding a page blocks on the processor alone.
#[derive(Debug)]
pub struct Decoder {
    plan: DecodePlan,
    hints: IndexMap<String, Hint>,
    /// Columns whose type the table alone declares: nobody is told of what doesn't fit.
    kept: HashSet<String>,
    named: NamedFields,
    misfits: AllMisfits,
    /// Hints that name a key in an object.
    hints_within: Mutex<BTreeSet<String>>,
    load_id: String,
    /// Each row gets an id.
    has_row_ids: bool,
    newest_layout: Mutex<Option<Arc<PageLayout>>>,
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
            kept: HashSet::new(),
            named: NamedFields::new(&plan.steps),
            misfits: AllMisfits::default(),
            hints_within: Mutex::default(),
            has_row_ids: plan.has_tables(),
            newest_layout: Mutex::default(),
            plan,
            load_id: load_id.to_owned(),
            contract: None,
        }
    }

    /// Makes readers that read the records of a slice while their page is checked; `None` where the records are not decoded as
    /// they come.
    pub fn record_readers(self: &Arc<Self>, slice: &Slice) -> Option<RecordReaders> {
        let (decoder, slice) = (Arc::clone(self), slice.clone());
        let newest_rows = Arc::new(AtomicUsize::new(0));
        let make = move || -> Box<dyn RecordReader> {
            let (decoder, newest_rows) = (Arc::clone(&decoder), Arc::clone(&newest_rows));
            Box::new(EarlyReader::new(decoder, &slice, newest_rows))
        };
        self.plan
            .steps
            .is_empty()
            .then(|| -> RecordReaders { Arc::new(make) })
    }

    /// Reads for a table that had this schema before the load. Whatever the plan says, types that are only declared stay,
    /// and rows get ids where the table has child tables; the records are held against the schema as the plan's contract
    /// says.
    #[must_use]
    pub fn for_table(mut self, table: Option<&TableSchema>) -> Self {
        if let Some(table) = table {
            self.kept = hints::keep_declared(&mut self.plan, table);
            self.hints = hints(&self.plan);
            self.has_row_ids |= table.has_row_ids();
        }
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

    /// Declared columns of which the records had none so far, but a key in an object that would be named so under
    /// `nested: flatten`: what is declared says nothing of it.
    pub fn hints_within(&self) -> Vec<String> {
        let names = self.hints_within.lock();
        let names = names.unwrap_or_else(PoisonError::into_inner);
        names.iter().cloned().collect()
    }

    /// Decodes a part of a page, before which so many records come; see [`Decoder::decode`]. `reader` has read exactly its
    /// records, where there is one.
    pub fn decode_part(
        &self,
        slice: &Slice,
        (before, part): (usize, &Page),
        reader: Option<Box<dyn RecordReader>>,
        memory: &mut SliceMemory,
    ) -> Result<Decoded, Error> {
        let decoded = self.decode_read(slice, part, reader, memory);
        let mut decoded = decoded.map_err(|error| error.behind(before))?;
        for rejected in &mut decoded.discarded.rejected {
            rejected.record += before;
        }
        Ok(decoded)
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
        self.decode_read(slice, page, None, memory)
    }

    fn decode_read(
        &self,
        slice: &Slice,
        page: &Page,
        reader: Option<Box<dyn RecordReader>>,
        memory: &mut SliceMemory,
    ) -> Result<Decoded, Error> {
        let early = reader
            .and_then(|reader| reader.into_read().downcast::<ReadRecords>().ok())
            .filter(|read| read.noticed.len() == page.records.len());
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
        let keys = self.keys();
        let early = early.map(|read| *read);
        let mut records = Records::read(&self.plan, keys, slice, page, early, memory)?;
        let count = |verdict| records.count(verdict);
        let (outside_window, already_loaded) = (count(Verdict::Outside), count(Verdict::Loaded));
        let (without_cursor, mut duplicates) =
            (count(Verdict::WithoutCursor), count(Verdict::Duplicate));
        let hashes = std::mem::take(&mut records.keys);
        let mut verdicts = None;
        if records.leaves_out() {
            // What is left out must leave no trace in the schema.
            let all = verdicts.insert(std::mem::take(&mut records.verdicts));
            records = Records::read_kept(&self.plan, keys, slice, page, all)?;
        }
        let read = ReadPage {
            hints: &self.hints,
            slice,
            page,
            verdicts: verdicts.as_deref(),
            keys: &hashes,
        };
        let mut discarded = Discarded::default();
        if let Some(contract) = &self.contract {
            let admitted = contract.admit(&read, records, constants, memory)?;
            (records, constants) = (admitted.records, admitted.constants);
            discarded = admitted.discarded;
            duplicates -= admitted.twins;
        }
        let mut misfits = records.root.misfits();
        misfits.retain(|(column, _)| !self.kept.contains(column));
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

    /// What the keys of records are to the table.
    fn keys(&self) -> Keys<'_> {
        Keys {
            hints: &self.hints,
            // What the contract lets in of more keys than a table can have columns for may be few enough.
            always_read: self.contract.as_ref().map(|contract| &contract.named),
        }
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
