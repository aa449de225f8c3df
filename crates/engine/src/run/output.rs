//! Where a resource's records go: rows into its table, and what the schema contract discards into files of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::error::Error;
use crate::decode::{Decoded, DiscardCounts, Rejected};
use crate::flow::Slice;
use crate::load::{
    self, Discards, Lake, RecordPlace, RejectedLine, RejectedSpool, RejectedWriter, SealedSpool,
    SliceWriter, SpoolSettings, TableSpool,
};
use crate::plan::{ContractMode, DestinationPlan, ResourcePlan};
use crate::schema::TableSchema;

/// What one run brings to a table.
#[derive(Debug)]
pub(super) struct TableOutput {
    rows: TableSpool,
    rejected: Option<RejectedSpool>,
    discarding: Mutex<Discarding>,
    load_id: String,
    /// The table's schema before the run; `None` where the table isn't there.
    pub(super) schema: Option<TableSchema>,
    /// Names of tables that are not made of lists of this one, in lower case: folders may not tell it from upper case.
    other_tables: BTreeSet<String>,
}

/// What the schema contract left out of finished slices.
#[derive(Debug, Default)]
struct Discarding {
    /// Of slices that an earlier one holds up, by their place: it goes through the same commit as their rows.
    waiting: BTreeMap<u64, DiscardedOfSlice>,
    /// Records and values of the slices that the next commit takes.
    rows: u64,
    values: u64,
}

#[derive(Debug)]
struct DiscardedOfSlice {
    rejected: Option<RejectedWriter>,
    rows: u64,
    values: u64,
}

impl Discarding {
    fn take(&mut self, slice: DiscardedOfSlice) -> Result<(), load::Error> {
        if let Some(rejected) = slice.rejected {
            rejected.finish()?;
        }
        self.rows += slice.rows;
        self.values += slice.values;
        Ok(())
    }
}

/// What one slice brings to a table.
#[derive(Debug)]
pub(super) struct SliceOutput {
    rows: SliceWriter,
    rejected: Option<RejectedWriter>,
    load_id: String,
}

/// What one page brings to a table.
#[derive(Debug)]
pub(super) struct PageOutput {
    number: u64,
    /// How many rows of the page come before these.
    rows_before: u64,
    /// `None` where the table is discarded: the rows of none create no table.
    rows: Option<(RecordBatch, TableSchema)>,
    rejected: Vec<Rejected>,
}

impl PageOutput {
    /// Takes it from a decoded page.
    ///
    /// `rows_before` of the same page came in earlier parts.
    pub(super) fn of(
        decoded: &mut Decoded,
        number: u64,
        rows_before: u64,
        discards_table: bool,
    ) -> Self {
        let rows = (!discards_table).then(|| (decoded.batch.clone(), decoded.schema.clone()));
        Self {
            number,
            rows_before,
            rows,
            rejected: std::mem::take(&mut decoded.discarded.rejected),
        }
    }

    /// Size in memory.
    pub(super) fn bytes(&self) -> usize {
        let rows = self.rows.as_ref();
        let rejected = self.rejected.iter().map(|rejected| rejected.value.len());
        rows.map_or(0, |(batch, _)| batch.get_array_memory_size()) + rejected.sum::<usize>()
    }
}

impl TableOutput {
    /// The output of a resource of a plan with these tables; nothing is written until a slice is.
    ///
    /// Versions of rows begin `now`, by a clock that is finer than the run's start: those of two loads never begin at once.
    ///
    /// # Errors
    /// Its table holds the elements of another one's lists.
    pub(super) fn new<'t>(
        resource: &ResourcePlan,
        tables: impl Iterator<Item = &'t String>,
        lake: &Lake,
        destination: &DestinationPlan,
        load_id: &str,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let table = &resource.table;
        let folder = resource.rejected.as_ref();
        let mut other_tables: BTreeSet<String> = tables.map(|name| name.to_lowercase()).collect();
        for (name, state) in &lake.state().tables {
            let children = state.child_tables(name);
            if children.contains(table) {
                return Err(Error::TableOfLists {
                    resource: resource.name.clone(),
                    table: table.clone(),
                    parent: name.clone(),
                });
            }
            other_tables.insert(name.to_lowercase());
            other_tables.extend(children.iter().map(|child| child.to_lowercase()));
        }
        let known = lake.state().tables.get(table);
        for own in known.map_or_else(Vec::new, |known| known.child_tables(table)) {
            other_tables.remove(&own.to_lowercase());
        }
        let schema = lake.state().tables.get(table);
        let schema = schema.and_then(|table| table.schema.clone());
        let settings = SpoolSettings::new(destination, resource, now);
        Ok(Self {
            rows: lake.spool(table, settings)?,
            rejected: folder.map(|folder| lake.rejected(table, folder)),
            discarding: Mutex::default(),
            load_id: load_id.to_owned(),
            // A table without columns is none yet.
            schema: schema.filter(TableSchema::has_columns),
            other_tables,
        })
    }

    /// Whether the run would create the table though its contract freezes the tables.
    pub(super) fn is_frozen_out(&self, resource: &ResourcePlan) -> bool {
        self.schema.is_none() && resource.decode.contract.tables == ContractMode::Freeze
    }

    /// A table that a list of the finished slices would become, and that is there for something else.
    pub(super) fn taken_table(&self) -> Option<String> {
        let tables = self.rows.child_tables();
        tables
            .into_iter()
            .find(|table| self.other_tables.contains(&table.to_lowercase()))
    }

    /// Begins the slice at a place; see [`TableSpool::begin`].
    pub(super) fn begin(&self, place: u64, apart: Option<String>) -> SliceOutput {
        SliceOutput {
            rows: self.rows.begin(place, apart),
            rejected: self.rejected.as_ref().map(RejectedSpool::begin),
            load_id: self.load_id.clone(),
        }
    }

    /// Takes a slice that was read to its end, with what was counted as discarded of it. Blocks.
    pub(super) fn finish(
        &self,
        place: u64,
        slice: SliceOutput,
        discarded: &DiscardCounts,
    ) -> Result<(), load::Error> {
        let SliceOutput { rows, rejected, .. } = slice;
        rows.finish()?;
        let mut discarding = self.discarding();
        let slice = DiscardedOfSlice {
            rejected,
            rows: discarded.rows,
            values: discarded.values,
        };
        discarding.waiting.insert(place, slice);
        let behind = discarding.waiting.split_off(&self.rows.unbroken());
        let ready = std::mem::replace(&mut discarding.waiting, behind);
        ready
            .into_values()
            .try_for_each(|slice| discarding.take(slice))
    }

    /// Takes what the slices brought that are finished in an unbroken row. Blocks.
    pub(super) fn seal(&self) -> Result<(SealedSpool, Discards), load::Error> {
        let sealed = self.rows.seal()?;
        let mut discarding = self.discarding();
        for place in sealed.finished() {
            if let Some(slice) = discarding.waiting.remove(place) {
                discarding.take(slice)?;
            }
        }
        let discards = Discards {
            rows: std::mem::take(&mut discarding.rows),
            values: std::mem::take(&mut discarding.values),
            file: match &self.rejected {
                Some(rejected) => rejected.seal()?,
                None => None,
            },
        };
        Ok((sealed, discards))
    }

    /// How much a seal would take now: the size of its rows in memory, in bytes.
    pub(super) fn sealable_bytes(&self) -> u64 {
        self.rows.sealable_bytes()
    }

    /// Whether a seal would take any slice now, be it one without rows.
    pub(super) fn is_sealable(&self) -> bool {
        self.rows.is_sealable()
    }

    fn discarding(&self) -> MutexGuard<'_, Discarding> {
        // After a panic the run is over.
        self.discarding
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl SliceOutput {
    /// Writes what a page brought. Blocks.
    pub(super) fn write(&mut self, page: PageOutput, slice: &Slice) -> Result<(), load::Error> {
        if let Some(writer) = &mut self.rejected {
            for one in &page.rejected {
                write_rejected(writer, one, &self.load_id, slice, page.number)?;
            }
        }
        match page.rows {
            Some((batch, schema)) => {
                self.rows.stand_at(RecordPlace {
                    resource: slice.resource.clone(),
                    slice: slice.id(),
                    page: page.number,
                    record: page.rows_before,
                });
                self.rows.write(batch, &schema)
            }
            None => Ok(()),
        }
    }
}

fn write_rejected(
    writer: &mut RejectedWriter,
    rejected: &Rejected,
    load_id: &str,
    slice: &Slice,
    page: u64,
) -> Result<(), load::Error> {
    // Between the tokens of JSON, where alone a line can end, one kind of white space is as good as another.
    let value = rejected.value.replace(['\n', '\r'], " ");
    let included = slice.parents.iter().flat_map(|parent| &parent.included);
    let included = included.filter(|_| rejected.is_row);
    let from_parent: BTreeMap<&str, &RawValue> = included
        .filter_map(|(column, json)| Some((column.as_str(), serde_json::from_str(json).ok()?)))
        .collect();
    writer.write(&RejectedLine {
        load_id,
        resource: &slice.resource,
        slice: &slice.id(),
        page,
        record: rejected.record,
        discarded: if rejected.is_row { "row" } else { "value" },
        column: rejected.column.as_deref(),
        reason: &rejected.reason,
        from_parent: &from_parent,
        value: serde_json::from_str(&value).unwrap_or(RawValue::NULL),
    })
}
