//! The records of a page, read one after the other.

use indexmap::IndexMap;
use jiff::Timestamp;
use jiter::Peek;

use super::Error;
use super::constants;
use super::declared::Hint;
use super::object::ObjectNode;
use super::parents::parent_fields;
use super::time::{format_name, instant};
use super::walk::{Walk, excerpt};
use crate::flow::{Page, ParentFields, Slice, Window};
use crate::plan::{CursorColumn, DecodePlan};

/// Under this key a record that is no object becomes one.
const VALUE_KEY: &str = "value";

/// What was read of a page's records.
pub(super) struct Records {
    pub(super) root: ObjectNode,
    pub(super) rows: usize,
    pub(super) parents: Vec<ParentFields>,
    /// For each record whether its cursor lies in the window.
    pub(super) kept: Vec<bool>,
}

impl Records {
    /// Reads the records of a page, only those that are `kept` where that is known.
    ///
    /// Without `kept`, the columns hold the records outside the window too.
    pub(super) fn read(
        plan: &DecodePlan,
        hints: &IndexMap<String, Hint>,
        slice: &Slice,
        page: &Page,
        kept: Option<&[bool]>,
    ) -> Result<Self, Error> {
        let expected_rows = page.records.len();
        let mut records = Self {
            root: ObjectNode::records(expected_rows),
            rows: 0,
            parents: Vec::new(),
            kept: Vec::new(),
        };
        let mut required = required(plan, hints, slice);
        let cursor_path = plan.cursor.as_ref().map_or(&[][..], |cursor| &cursor.path);
        let mut buffer = Vec::new();
        for (record, range) in page.records.iter().enumerate() {
            if kept.is_some_and(|kept| !kept[record]) {
                continue;
            }
            let data = page
                .body
                .get(range.clone())
                .ok_or(Error::OutsideBody { record })?;
            let mut walk = Walk::with_buffer(data, cursor_path, std::mem::take(&mut buffer));
            let row = records.rows;
            let read = match walk.json.peek() {
                Ok(Peek::Object) => records.root.read_record(&mut walk, row, hints),
                _ => records.root.read_as_field(&mut walk, VALUE_KEY, row, hints),
            };
            read.and_then(|()| Ok(walk.json.finish()?))
                .map_err(|fault| fault.into_error(record, data))?;
            records.rows += 1;
            if let Some(cursor) = &plan.cursor {
                let instant = read_cursor(&walk, cursor, record)?;
                let inside = slice.window.is_none_or(|window| contains(window, instant));
                records.kept.push(inside);
                if !inside {
                    continue;
                }
            }
            buffer = walk.json.into_tape();
            for column in &mut required {
                column.check(&records.root, row, record, data)?;
            }
            records
                .parents
                .extend(parent_fields(plan, slice, record, data)?);
        }
        Ok(records)
    }

    /// Records that were read and lie outside the window.
    pub(super) fn outside_window(&self) -> u64 {
        self.kept.iter().map(|kept| u64::from(!kept)).sum()
    }
}

fn contains(window: Window, instant: Timestamp) -> bool {
    window.start <= instant && instant < window.end
}

fn read_cursor(walk: &Walk<'_>, cursor: &CursorColumn, record: usize) -> Result<Timestamp, Error> {
    let path = || cursor.path.join(".");
    let Some(range) = walk.cursor.clone() else {
        return Err(Error::MissingCursor {
            record,
            path: path(),
            excerpt: excerpt(walk.data),
        });
    };
    let json = walk.data.get(range).unwrap_or_default();
    instant(json, cursor.format).ok_or_else(|| Error::UnreadableCursor {
        record,
        path: path(),
        format: format_name(cursor.format),
        excerpt: excerpt(json),
    })
}

/// A top-level key that every record must have.
struct Required {
    key: String,
    is_primary_key: bool,
    /// Where its values are, once it was seen.
    position: Option<usize>,
}

impl Required {
    fn check(
        &mut self,
        root: &ObjectNode,
        row: usize,
        record: usize,
        data: &[u8],
    ) -> Result<(), Error> {
        self.position = self.position.or_else(|| root.position(&self.key));
        if self
            .position
            .is_some_and(|position| root.has_value(position, row))
        {
            return Ok(());
        }
        let (key, excerpt) = (self.key.clone(), excerpt(data));
        Err(if self.is_primary_key {
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
        })
    }
}

fn required(plan: &DecodePlan, hints: &IndexMap<String, Hint>, slice: &Slice) -> Vec<Required> {
    // What is copied from the parent is there, and not null.
    let copied: Vec<String> = constants(slice).into_iter().map(|(key, _)| key).collect();
    let own = plan.primary_key.iter().filter(|key| !copied.contains(key));
    let keys = own.map(|key| (key, true));
    let declared = hints
        .iter()
        .filter(|(_, hint)| hint.declaration.required)
        .map(|(key, _)| (key, false));
    keys.chain(declared)
        .map(|(key, is_primary_key)| Required {
            key: key.clone(),
            is_primary_key,
            position: None,
        })
        .collect()
}
