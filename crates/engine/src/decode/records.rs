//! The records of a page, read one after the other.

use indexmap::IndexMap;

use super::Error;
use super::constants;
use super::cursor::{Judge, Verdict, key_content};
use super::hints::Hint;
use super::memory::{SliceMemory, hash};
use super::object::{Keys, ObjectNode};
use super::parents::parent_fields;
use super::walk::{Walk, excerpt, find};
use crate::flow::{Page, ParentFields, Slice};
use crate::json::Peek;
use crate::plan::{CursorPath, DecodePlan};

/// Under this key a record that is no object becomes one.
pub(super) const VALUE_KEY: &str = "value";

/// What was read of a page's records.
pub(super) struct Records {
    pub(super) root: ObjectNode,
    pub(super) rows: usize,
    pub(super) parents: Vec<ParentFields>,
    /// What becomes of each record; empty where that was known before.
    pub(super) verdicts: Vec<Verdict>,
    /// The hash of each record's key; `None`, or not there, where it isn't compared.
    pub(super) keys: Vec<Option<u128>>,
}

impl Records {
    /// Reads the records of a page, only those that are `kept` where that is known.
    ///
    /// Without `kept`, the columns hold the records outside the window too.
    pub(super) fn read(
        plan: &DecodePlan,
        top_level: Keys<'_>,
        slice: &Slice,
        page: &Page,
        kept: Option<&[Verdict]>,
        memory: &mut SliceMemory,
    ) -> Result<Self, Error> {
        let expected_rows = page.records.len();
        let mut records = Self {
            root: ObjectNode::records(expected_rows),
            rows: 0,
            parents: Vec::new(),
            verdicts: Vec::new(),
            keys: Vec::new(),
        };
        let mut required = required(plan, top_level.hints, slice);
        let cursor_path = match plan.cursor.as_ref().map(|cursor| &cursor.path) {
            Some(CursorPath::Keys(keys)) => keys.as_slice(),
            Some(CursorPath::Selector(_)) | None => &[],
        };
        let cursor = plan.cursor.as_ref().filter(|_| kept.is_none());
        let mut judge = cursor.map(|column| Judge::new(column, slice));
        let keys = own_keys(plan, slice);
        let text = simdutf8::basic::from_utf8(&page.body).ok();
        let mut buffer = String::new();
        for (record, range) in page.records.iter().enumerate() {
            if kept.is_some_and(|kept| kept[record] != Verdict::Kept) {
                continue;
            }
            let data = page
                .body
                .get(range.clone())
                .ok_or(Error::OutsideBody { record })?;
            let mut walk = match text.and_then(|text| text.get(range.clone())) {
                Some(text) => Walk::with_buffer(text, cursor_path, std::mem::take(&mut buffer)),
                // Its error tells where it stops being text.
                None => Walk::new(data, cursor_path),
            };
            let row = records.rows;
            let read = match walk.json.peek() {
                Ok(Peek::Object) => records.root.read_record(&mut walk, row, top_level),
                _ => records
                    .root
                    .read_as_field(&mut walk, VALUE_KEY, row, top_level),
            };
            read.and_then(|()| Ok(walk.json.finish()?))
                .map_err(|fault| fault.into_error(record, data))?;
            records.rows += 1;
            let mut found = walk.cursor.take();
            buffer = walk.json.into_buffer();
            if found.is_none() && judge.is_some() && !cursor_path.is_empty() {
                // It may lie in what has no columns of its own: a map, or an object that is kept as JSON text.
                found = find(data, cursor_path).map_err(|fault| fault.into_error(record, data))?;
            }
            if let Some(judge) = &mut judge {
                let cursor = found.clone();
                let verdict = judge.judge(data, cursor, record, memory)?;
                records.verdicts.push(verdict);
                if verdict != Verdict::Kept {
                    continue;
                }
            }
            for column in &mut required {
                column.check(&records.root, row, record, data)?;
            }
            if kept.is_none() && !keys.is_empty() {
                let mut content =
                    key_content(data, &keys).map_err(|fault| fault.into_error(record, data))?;
                // A record that came again with another cursor was changed meanwhile: it is another version.
                let version = found.and_then(|range| data.get(range));
                content.extend(version.map(|json| String::from_utf8_lossy(json).into_owned()));
                if judge.is_none() {
                    records.verdicts.push(Verdict::Kept);
                }
                let key = hash(slice, &content.join("\n"));
                records.keys.resize(record, None);
                records.keys.push(Some(key));
                if !memory.keys.insert(key)
                    && let Some(verdict) = records.verdicts.last_mut()
                {
                    *verdict = Verdict::Duplicate;
                    continue;
                }
            }
            records
                .parents
                .extend(parent_fields(&plan.parent_fields, slice, record, data)?);
        }
        if let Some(judge) = judge {
            let data = |record: usize| page.body.get(page.records.get(record)?.clone());
            judge.finish(data, memory)?;
        }
        Ok(records)
    }

    /// Records of which this became.
    pub(super) fn count(&self, verdict: Verdict) -> u64 {
        let counted = self.verdicts.iter().filter(|one| **one == verdict);
        u64::try_from(counted.count()).unwrap_or(u64::MAX)
    }

    /// Whether some records are left out.
    pub(super) fn leaves_out(&self) -> bool {
        self.verdicts
            .iter()
            .any(|verdict| *verdict != Verdict::Kept)
    }
}

/// The fields of the primary key by which records that come twice are told; empty where all are kept.
fn own_keys(plan: &DecodePlan, slice: &Slice) -> Vec<String> {
    let cursor = plan.cursor.as_ref().map(|cursor| &cursor.path);
    // A version is told from another by its cursor, which a walk finds only behind keys.
    if !plan.drops_duplicates || matches!(cursor, Some(CursorPath::Selector(_))) {
        return Vec::new();
    }
    let copied: Vec<String> = constants(slice).into_iter().map(|(key, _)| key).collect();
    let keys = plan.primary_key.iter().cloned();
    keys.filter(|key| !copied.contains(key)).collect()
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
