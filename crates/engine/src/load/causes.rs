//! Which record was the first that needed a column, or its wider type.
//!
//! While rows come, each slice notes what its rows change of the table's schema, and where the first such record stands. Put
//! together in slice order, the notes say it of the whole commit. They hold no value of a record.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::spool::LaidOutBatch;
use crate::figures::grouped;
use crate::schema::{Change, ColumnChange, ConformError, TableSchema, Wanted, changes, first_rows};

/// Changes that are noted of one table in a load; what comes behind them has no cause in the log.
const MOST_NOTED: usize = 1000;

/// Where a record stands among those of its API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPlace {
    /// Name of the resource.
    pub resource: String,
    /// Name of the slice.
    pub slice: String,
    /// Position of the page within the slice, from 1.
    pub page: u64,
    /// Position among the records of the page that were not left out, from 0.
    pub record: u64,
}

/// The first record that needed some columns, or their wider types.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Where it stands.
    #[serde(flatten)]
    pub place: RecordPlace,
    /// The paths of the columns.
    pub columns: Vec<String>,
}

impl ColumnChange {
    /// What the change is due to, for people: the first record that needed it, or the spec; empty where that isn't known.
    pub fn due_to(&self, causes: &[Cause]) -> String {
        let mut causes = causes.iter();
        match causes.find(|cause| cause.columns.contains(&self.column)) {
            Some(cause) => cause.place.to_string(),
            None if self.declared => "declared".to_owned(),
            None => String::new(),
        }
    }
}

impl fmt::Display for RecordPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (page, record) = (grouped(self.page), grouped(self.record));
        write!(formatter, "{}, page {page}, record {record}", self.resource)?;
        match self.slice.as_str() {
            "all" => Ok(()),
            slice => write!(formatter, ", slice {slice}"),
        }
    }
}

/// What rows change of the schema that a table had before the load, in the order of the rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    /// What is known of all records that were looked at.
    pub(super) seen: Arc<TableSchema>,
    notes: Vec<Note>,
}

#[derive(Clone, Debug)]
struct Note {
    /// Name of the child table behind that of the table; empty for the table itself.
    table: String,
    key: String,
    /// The type of the column once the record is known.
    type_name: String,
    place: RecordPlace,
}

impl Notes {
    /// Notes what a batch changes, the first row of which stands at `place`; `known` is what is known of the slice with it.
    pub(super) fn look(
        &mut self,
        batch: &LaidOutBatch,
        known: &TableSchema,
        committed: Option<&TableSchema>,
        place: &RecordPlace,
    ) -> Result<(), ConformError> {
        if self.notes.len() >= MOST_NOTED {
            return Ok(());
        }
        let settled = known.settle(committed);
        if committed.is_some_and(|committed| committed.has_layout_of(&settled)) {
            return Ok(());
        }
        let mut tables = vec![(String::new(), changes(committed, Some(&settled)))];
        let before: HashMap<_, _> = committed.map_or_else(HashMap::new, |committed| {
            committed.child_tables().into_iter().collect()
        });
        for (name, schema) in settled.child_tables() {
            tables.push((name.to_owned(), changes(before.get(name), Some(&schema))));
        }
        for (table, changes) in &mut tables {
            changes.retain(|change| {
                let type_name = new_type(change).filter(|_| !change.given);
                type_name.is_some_and(|type_name| self.find(table, change, type_name).is_none())
            });
        }
        let wanted: Vec<Wanted<'_>> = tables
            .iter()
            .map(|(table, changes)| Wanted { table, changes })
            .collect();
        if wanted.iter().all(|wanted| wanted.changes.is_empty()) {
            return Ok(());
        }
        let rows = first_rows(&batch.batch, &batch.schema, &settled, &wanted)?;
        let all = tables.iter().flat_map(|(table, changes)| {
            let of_table = changes.iter();
            of_table.map(move |change| (table, change))
        });
        let room = MOST_NOTED - self.notes.len();
        let found = all.zip(rows).filter(|(_, row)| row.is_some());
        for ((table, change), row) in found.take(room) {
            if let (Some(row), Some(type_name)) = (row, new_type(change)) {
                self.notes.push(Note {
                    table: table.clone(),
                    key: change.key.clone(),
                    type_name: type_name.to_owned(),
                    place: RecordPlace {
                        record: place.record + row as u64,
                        ..place.clone()
                    },
                });
            }
        }
        Ok(())
    }

    /// Takes the notes of the next slice.
    pub(super) fn add(&mut self, slice: Self) {
        for note in slice.notes {
            let is_known = self.notes.iter().any(|known| {
                (&known.table, &known.key, &known.type_name)
                    == (&note.table, &note.key, &note.type_name)
            });
            if !is_known && self.notes.len() < MOST_NOTED {
                self.notes.push(note);
            }
        }
        let is_news = *slice.seen != TableSchema::default() && *slice.seen != *self.seen;
        if is_news {
            self.seen = Arc::new(self.seen.join(&slice.seen));
        }
    }

    /// The records that changes of a table, or a child table, are due to, as far as that is noted.
    pub(super) fn causes(&self, table: &str, changes: &[ColumnChange]) -> Vec<Cause> {
        let mut causes: Vec<Cause> = Vec::new();
        for change in changes {
            let mut notes = self.notes.iter();
            let note = notes.find(|note| {
                let is_of_column = note.table == table && note.key == change.key;
                is_of_column
                    && match &change.change {
                        Change::Added { .. } => true,
                        Change::Widened { from, .. } => note.type_name != *from,
                        _ => false,
                    }
            });
            let Some(place) = note.map(|note| &note.place) else {
                continue;
            };
            let column = change.column.clone();
            match causes.iter_mut().find(|cause| cause.place == *place) {
                Some(cause) => cause.columns.push(column),
                None => causes.push(Cause {
                    place: place.clone(),
                    columns: vec![column],
                }),
            }
        }
        causes
    }

    fn find(&self, table: &str, change: &ColumnChange, type_name: &str) -> Option<&Note> {
        let mut notes = self.notes.iter();
        notes.find(|note| {
            note.table == table && note.key == change.key && note.type_name == type_name
        })
    }
}

/// The type that a column has got.
fn new_type(change: &ColumnChange) -> Option<&str> {
    match &change.change {
        Change::Added { type_name } => Some(type_name),
        Change::Widened { to, .. } => Some(to),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, SliceMemory};
    use crate::flow::{Page, Slice};
    use crate::plan::DecodePlan;

    #[test]
    fn a_very_wide_table_has_no_more_notes_than_others() {
        let keys = (0..3000).map(|key| format!("\"k{key}\": 1"));
        let record = format!("{{{}}}", keys.collect::<Vec<_>>().join(","));
        let page = Page::of_records(&[record]);
        let mut memory = SliceMemory::default();
        let read = Decoder::new(DecodePlan::default(), "load")
            .decode(&Slice::default(), &page, &mut memory)
            .unwrap();
        let batch = LaidOutBatch {
            batch: read.batch,
            schema: Arc::new(read.schema),
        };
        let mut notes = Notes::default();
        let place = RecordPlace::default();
        notes.look(&batch, &batch.schema, None, &place).unwrap();
        assert_eq!(notes.notes.len(), MOST_NOTED);
        notes.look(&batch, &batch.schema, None, &place).unwrap();
        assert_eq!(notes.notes.len(), MOST_NOTED);
    }
}
