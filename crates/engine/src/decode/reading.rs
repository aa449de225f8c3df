//! Reading records into columns, one after the other.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use indexmap::IndexMap;

use super::hints::Hint;
use super::object::{Keys, ObjectNode};
use super::walk::{Read, Walk, excerpt};
use super::{Decoder, Error, PART_RECORDS, constants};
use crate::flow::{RecordReader, Slice};
use crate::json::{Peek, Reader};
use crate::plan::{CursorPath, DecodePlan};

/// Under this key a record that is no object becomes one.
pub(super) const VALUE_KEY: &str = "value";

/// Records in columns.
pub(super) struct RecordColumns {
    pub(super) root: ObjectNode,
    pub(super) rows: usize,
    required: Vec<Required>,
}

/// What was noticed of a record while it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Noticed {
    /// Where the value of its cursor lies in the record.
    pub(super) cursor: Option<Range<usize>>,
    /// The first required key that it doesn't have, by its position among those.
    absent: Option<usize>,
}

impl RecordColumns {
    /// Begins for about so many rows.
    pub(super) fn new(plan: &DecodePlan, top_level: Keys<'_>, slice: &Slice, rows: usize) -> Self {
        Self {
            root: ObjectNode::records(rows),
            rows: 0,
            required: required(plan, top_level.hints, slice),
        }
    }

    /// Reads the record that the walk stands at into the next row.
    pub(super) fn read(&mut self, walk: &mut Walk<'_>, top_level: Keys<'_>) -> Read<Noticed> {
        let row = self.rows;
        let is_object = walk.json.peek()? == Peek::Object;
        let start = walk.json.current_index();
        if is_object {
            self.root.read_record(walk, row, top_level)?;
        } else {
            self.root.read_as_field(walk, VALUE_KEY, row, top_level)?;
        }
        self.rows += 1;
        let root = &self.root;
        let mut required = self.required.iter_mut();
        Ok(Noticed {
            cursor: walk
                .cursor
                .take()
                .map(|found| found.start - start..found.end - start),
            absent: required.position(|key| !key.is_in(root, row)),
        })
    }

    /// Fails where a record doesn't have all required keys.
    pub(super) fn check(&self, noticed: &Noticed, record: usize, data: &[u8]) -> Result<(), Error> {
        match noticed
            .absent
            .and_then(|position| self.required.get(position))
        {
            Some(required) => Err(required.absence(record, data)),
            None => Ok(()),
        }
    }
}

/// Places in the columns of a page that is read early, at most: beyond that it is decoded in its turn, few pages at a time.
const MOST_CELLS: usize = 1 << 20;

/// Keys from a record to its cursor; empty where there is none, or none behind keys.
pub(super) fn cursor_path(plan: &DecodePlan) -> &[String] {
    match plan.cursor.as_ref().map(|cursor| &cursor.path) {
        Some(CursorPath::Keys(keys)) => keys,
        Some(CursorPath::Selector(_)) | None => &[],
    }
}

/// Reads the records of a page while the page is checked.
pub(super) struct EarlyReader {
    decoder: Arc<Decoder>,
    records: ReadRecords,
    buffer: String,
    /// Rows of the newest page of the slice.
    newest_rows: Arc<AtomicUsize>,
}

/// Records in columns, and what was noticed of each, in their order.
pub(super) struct ReadRecords {
    pub(super) columns: RecordColumns,
    pub(super) noticed: Vec<Noticed>,
}

impl EarlyReader {
    /// Begins a page that is about as long as the newest one of the slice.
    pub(super) fn new(decoder: Arc<Decoder>, slice: &Slice, newest_rows: Arc<AtomicUsize>) -> Self {
        let rows = newest_rows.load(Ordering::Relaxed);
        let columns = RecordColumns::new(&decoder.plan, decoder.keys(), slice, rows);
        Self {
            decoder,
            records: ReadRecords {
                columns,
                noticed: Vec::with_capacity(rows),
            },
            buffer: String::new(),
            newest_rows,
        }
    }
}

impl RecordReader for EarlyReader {
    fn read(&mut self, json: &Reader<'_>) -> Option<usize> {
        let rows = self.records.noticed.len();
        if rows == PART_RECORDS
            || rows.saturating_mul(self.records.columns.root.keys()) > MOST_CELLS
        {
            return None;
        }
        let json = json.fork(std::mem::take(&mut self.buffer));
        let decoder = &self.decoder;
        let mut walk = Walk::within(json, cursor_path(&decoder.plan));
        // What can't be read is told when the page is decoded.
        let noticed = self.records.columns.read(&mut walk, decoder.keys()).ok()?;
        self.records.noticed.push(noticed);
        let end = walk.json.current_index();
        self.buffer = walk.json.into_buffer();
        Some(end)
    }

    fn into_read(self: Box<Self>) -> Box<dyn Any + Send> {
        let rows = self.records.noticed.len();
        self.newest_rows.store(rows, Ordering::Relaxed);
        Box::new(self.records)
    }
}

/// A top-level key that every record must have.
struct Required {
    key: String,
    is_primary_key: bool,
    /// Where its values are, once it was seen.
    position: Option<usize>,
}

impl Required {
    /// Whether the last row has it.
    fn is_in(&mut self, root: &ObjectNode, row: usize) -> bool {
        self.position = self.position.or_else(|| root.position(&self.key));
        self.position
            .is_some_and(|position| root.has_value(position, row))
    }

    fn absence(&self, record: usize, data: &[u8]) -> Error {
        let (key, excerpt) = (self.key.clone(), excerpt(data));
        if self.is_primary_key {
            Error::MissingPrimaryKey {
                record,
                key,
                excerpt,
            }
        } else {
            Error::MissingValue {
                record,
                column: key,
                excerpt,
            }
        }
    }
}

fn required(plan: &DecodePlan, hints: &IndexMap<String, Hint>, slice: &Slice) -> Vec<Required> {
    // What is copied from the parent is there, and not null.
    let copied: Vec<String> = constants(slice).into_iter().map(|(key, _)| key).collect();
    let own = plan.primary_key.iter().filter(|key| !copied.contains(key));
    let keys = own.map(|key| (key, true));
    let groups = plan.merge_key.iter().filter(|key| !copied.contains(key));
    let groups = groups.map(|key| (key, false));
    let declared = hints
        .iter()
        .filter(|(_, hint)| hint.declaration.required)
        .map(|(key, _)| (key, false));
    keys.chain(groups)
        .chain(declared)
        .map(|(key, is_primary_key)| Required {
            key: key.clone(),
            is_primary_key,
            position: None,
        })
        .collect()
}
