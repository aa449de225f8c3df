//! The records of a page, read one after the other.

use std::ops::Range;

use super::Error;
use super::constants;
use super::cursor::{Judge, Verdict, key_content};
use super::memory::{SliceMemory, hash};
use super::object::{Keys, ObjectNode};
use super::parents::parent_fields;
use super::reading::{ReadRecords, RecordColumns, cursor_path};
use super::walk::{Walk, find};
use crate::flow::{Page, ParentFields, Slice};
use crate::plan::{CursorPath, DecodePlan};

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
    /// Reads and judges all records of a page. What was read `early` is not read again.
    ///
    /// The columns hold the records that are left out too.
    pub(super) fn read(
        plan: &DecodePlan,
        top_level: Keys<'_>,
        slice: &Slice,
        page: &Page,
        early: Option<ReadRecords>,
        memory: &mut SliceMemory,
    ) -> Result<Self, Error> {
        let read = match early {
            Some(early) => early,
            None => read_columns(plan, top_level, slice, page, None)?,
        };
        let mut verdicts = Vec::new();
        let mut all_keys = Vec::new();
        let mut parents = Vec::new();
        let cursor = plan.cursor.as_ref();
        let mut judge = cursor.map(|column| Judge::new(column, slice));
        let cursor_path = cursor_path(plan);
        let keys = own_keys(plan, slice);
        for (record, (range, noticed)) in page.records.iter().zip(&read.noticed).enumerate() {
            let data = record_data(page, record, range)?;
            let mut cursor = noticed.cursor.clone();
            if cursor.is_none() && judge.is_some() && !cursor_path.is_empty() {
                // It may lie in what has no columns of its own: a map, or an object that is kept as JSON text.
                cursor = find(data, cursor_path).map_err(|fault| fault.into_error(record, data))?;
            }
            if let Some(judge) = &mut judge {
                let verdict = judge.judge(data, cursor.clone(), record, memory)?;
                verdicts.push(verdict);
                if verdict != Verdict::Kept {
                    continue;
                }
            }
            read.columns.check(noticed, record, data)?;
            if !keys.is_empty() {
                let mut content =
                    key_content(data, &keys).map_err(|fault| fault.into_error(record, data))?;
                // A record that came again with another cursor was changed meanwhile: it is another version.
                let version = cursor.and_then(|range| data.get(range));
                content.extend(version.map(|json| String::from_utf8_lossy(json).into_owned()));
                if judge.is_none() {
                    verdicts.push(Verdict::Kept);
                }
                let key = hash(slice, &content.join("\n"));
                all_keys.resize(record, None);
                all_keys.push(Some(key));
                if !memory.keys.insert(key)
                    && let Some(verdict) = verdicts.last_mut()
                {
                    *verdict = Verdict::Duplicate;
                    continue;
                }
            }
            parents.extend(parent_fields(&plan.parent_fields, slice, record, data)?);
        }
        if let Some(judge) = judge {
            let data = |record: usize| page.body.get(page.records.get(record)?.clone());
            judge.finish(data, memory)?;
        }
        Ok(Self {
            root: read.columns.root,
            rows: read.columns.rows,
            parents,
            verdicts,
            keys: all_keys,
        })
    }

    /// Reads the records of a page that are kept, where it is known what becomes of each.
    pub(super) fn read_kept(
        plan: &DecodePlan,
        top_level: Keys<'_>,
        slice: &Slice,
        page: &Page,
        verdicts: &[Verdict],
    ) -> Result<Self, Error> {
        let ReadRecords { columns, noticed } =
            read_columns(plan, top_level, slice, page, Some(verdicts))?;
        let kept = page.records.iter().enumerate();
        let kept = kept.filter(|(record, _)| verdicts.get(*record) == Some(&Verdict::Kept));
        let mut parents = Vec::new();
        for ((record, range), noticed) in kept.zip(&noticed) {
            let data = record_data(page, record, range)?;
            columns.check(noticed, record, data)?;
            parents.extend(parent_fields(&plan.parent_fields, slice, record, data)?);
        }
        Ok(Self {
            root: columns.root,
            rows: columns.rows,
            parents,
            verdicts: Vec::new(),
            keys: Vec::new(),
        })
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

/// Reads the records of a page, or those that are kept of them.
fn read_columns(
    plan: &DecodePlan,
    top_level: Keys<'_>,
    slice: &Slice,
    page: &Page,
    verdicts: Option<&[Verdict]>,
) -> Result<ReadRecords, Error> {
    let mut columns = RecordColumns::new(plan, top_level, slice, page.records.len());
    let mut all = Vec::with_capacity(page.records.len());
    let cursor_path = cursor_path(plan);
    let text = simdutf8::basic::from_utf8(&page.body).ok();
    let mut buffer = String::new();
    for (record, range) in page.records.iter().enumerate() {
        if verdicts.is_some_and(|verdicts| verdicts.get(record) != Some(&Verdict::Kept)) {
            continue;
        }
        let data = record_data(page, record, range)?;
        let mut walk = match text.and_then(|text| text.get(range.clone())) {
            Some(text) => Walk::with_buffer(text, cursor_path, std::mem::take(&mut buffer)),
            // Its error tells where it stops being text.
            None => Walk::new(data, cursor_path),
        };
        let noticed = columns.read(&mut walk, top_level).and_then(|noticed| {
            walk.json.finish()?;
            Ok(noticed)
        });
        all.push(noticed.map_err(|fault| fault.into_error(record, data))?);
        buffer = walk.json.into_buffer();
    }
    Ok(ReadRecords {
        columns,
        noticed: all,
    })
}

fn record_data<'p>(page: &'p Page, record: usize, range: &Range<usize>) -> Result<&'p [u8], Error> {
    let data = page.body.get(range.clone());
    data.ok_or(Error::OutsideBody { record })
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
