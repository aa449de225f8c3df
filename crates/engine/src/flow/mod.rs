//! The plain data that passes between the stages.

mod event;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use event::{Event, Exchange, Observer};

use crate::cursor::CursorValue;
use crate::json::Reader;

/// The unit of work and of resuming: one time window × one partition × one parent record of a resource.
///
/// A slice is independent of every other slice and idempotent: reading it again gives the rows of the same
/// part of the API. It holds all that a worker needs beside the plan, and serialises to about a kilobyte.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Name of the resource that is read.
    pub resource: String,
    /// What the slice uses of the records that it depends on: one entry for each resource, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<ParentRecord>,
    /// One value for each key of `for_each`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partition: BTreeMap<String, Value>,
    /// The window of time, where the resource is read in windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The range of cursor values, where the resource is followed from the last value on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<CursorRange>,
}

impl Slice {
    /// The slice's name within its resource: stable from run to run, readable, free of secrets.
    ///
    /// Parent records come first, by the values that the requests name. A long batch of them is shortened and told apart
    /// by a hash. A window is named by its start alone, since the end of the newest window moves with the clock.
    /// The only slice of an undivided resource has the name `all`.
    pub fn id(&self) -> String {
        self.id_with(|_, parent| &parent.resource)
    }

    /// What stands for [`Self::id`] where many slices must be remembered. It stays the same when a parent gets another name.
    pub fn hash(&self) -> SliceHash {
        let places: Vec<String> = (0..self.parents.len())
            .map(|place| place.to_string())
            .collect();
        let id = self.id_with(|place, _| &places[place]);
        SliceHash(xxhash_rust::xxh3::xxh3_128(id.as_bytes()))
    }

    /// What [`Self::part`] tells apart, whatever the parents are called.
    pub(crate) fn nameless_part(&self) -> String {
        let places: Vec<String> = (0..self.parents.len())
            .map(|place| place.to_string())
            .collect();
        self.parts(|place, _| &places[place])
    }

    /// The name of the slice's parent record and partition, whatever its window; `all` where there are none.
    pub fn part(&self) -> String {
        let part = self.parts(|_, parent| &parent.resource);
        if part.is_empty() {
            "all".to_owned()
        } else {
            part
        }
    }

    fn id_with<'n>(&'n self, parent_name: impl Fn(usize, &'n ParentRecord) -> &'n str) -> String {
        let mut id = self.parts(parent_name);
        if let Some(window) = &self.window {
            push(&mut id, "from", &window.start.to_string());
        }
        if id.is_empty() { "all".to_owned() } else { id }
    }

    fn parts<'n>(&'n self, parent_name: impl Fn(usize, &'n ParentRecord) -> &'n str) -> String {
        let mut id = String::new();
        for (place, parent) in self.parents.iter().enumerate() {
            let name = parent_name(place, parent);
            for (path, value) in &parent.key {
                let value = match value {
                    Value::Array(values) if parent.batch => batch_name(values),
                    value => value.to_string(),
                };
                push(&mut id, &format!("{name}.{path}"), &value);
            }
            if let Some(twin) = &parent.twin {
                push(&mut id, &format!("{name} twin"), twin);
            }
        }
        for (key, value) in &self.partition {
            push(&mut id, key, &value.to_string());
        }
        id
    }
}

fn push(id: &mut String, key: &str, value: &str) {
    if !id.is_empty() {
        id.push(' ');
    }
    write!(id, "{key}={value}").expect("writing to a string does not fail");
}

/// Values of a batch that a slice's name holds; longer batches are shortened.
const BATCH_VALUES_IN_NAME: usize = 8;

/// A batch's values within the name of its slice.
fn batch_name(values: &[Value]) -> String {
    let text = |values: &[Value]| {
        let texts: Vec<String> = values.iter().map(Value::to_string).collect();
        texts.join(",")
    };
    if values.len() <= BATCH_VALUES_IN_NAME {
        return format!("[{}]", text(values));
    }
    let (shown, rest) = values.split_at(BATCH_VALUES_IN_NAME / 2);
    let hash = xxhash_rust::xxh3::xxh3_64(text(rest).as_bytes());
    format!("[{},… {} more, {hash:016x}]", text(shown), rest.len())
}

/// A half-open range of cursor values: `start <= cursor < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First instant inside the window.
    pub start: Timestamp,
    /// First instant behind the window.
    pub end: Timestamp,
}

/// What a slice uses of a record of another resource, or of a batch of its records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParentRecord {
    /// Name of the other resource.
    pub resource: String,
    /// Values by the path that the request template names (`id`, `author.id`); they name the slice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub key: BTreeMap<String, Value>,
    /// The JSON text of each field of `include_from_parent`, by the name of its column; it is copied into each record.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub included: BTreeMap<String, String>,
    /// The JSON text of each field that resources further down use, by its path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carried: BTreeMap<String, String>,
    /// Tells the record apart from an earlier one with the same `key` that gives its rows other fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
    /// The values of `key` are lists with one element for each record of a batch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batch: bool,
}

/// Where a slice of a followed resource starts and ends. The plan says whether the edges belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorRange {
    /// The value that reading starts at; `None`: all from the first record on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<CursorValue>,
    /// The value that reading ends at; `None`: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<CursorValue>,
    /// Hashes of the records at the start that earlier runs have loaded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub loaded: BTreeSet<String>,
}

/// The fields of one record that other resources use: the JSON text of each that the record has, by its path.
pub type ParentFields = BTreeMap<String, String>;

/// How far a resource was read: kept in the commit log beside the rows that it covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How far the whole resource was read.
    #[serde(flatten)]
    pub whole: Reach,
    /// How far each parent record and partition was read, by name, where that is kept apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Reach>,
    /// How the resource is read, as text that changes where `whole` and `parts` mean something else: the grid on which
    /// windows lie, or the cursor that is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<String>,
    /// Finished slices of a resource without a cursor whose load has not come to its end: the next run goes on with the
    /// others, and only the one after that starts anew.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub open: BTreeSet<SliceHash>,
}

/// Stands for the name of a slice, where many must be remembered; written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceHash(u128);

impl Serialize for SliceHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for SliceHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        u128::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// How far a resource, or a part of it, was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Everything before it has been read; `None` before the first finished window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
    /// Finished slices that a later run would otherwise plan again, by name, with the end of their window.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub finished: BTreeMap<String, Timestamp>,
    /// Windows that end by then are never read again, whatever the look-back: the rows of an append's settled windows
    /// lie among others and can't be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Timestamp>,
    /// The last value of a cursor that is followed, or the newest time in windows; `None` until a record had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_value: Option<CursorValue>,
    /// Hashes of the records that have the last value.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub loaded: BTreeSet<String>,
}

impl Reach {
    /// Where reading goes on: the watermark of windows, whatever the newest record in them is, or else the last value.
    pub fn cursor(&self) -> Option<String> {
        let watermark = self.watermark.map(|watermark| watermark.to_string());
        watermark.or_else(|| self.last_value.as_ref().map(ToString::to_string))
    }
}

/// Size of the largest page that is decoded, with what its rows copy from their parents. In bytes.
pub const MAXIMUM_PAGE_BYTES: usize = 256 << 20;

/// One answer of the API: a whole JSON body, and where its records lie in it.
#[derive(Clone, Debug)]
pub struct Page {
    /// Position within the slice, from 1.
    pub number: u64,
    /// The body as it came, decompressed: valid UTF-8, one whole JSON document.
    pub body: Bytes,
    /// The byte range of each selected record in `body`, in document order.
    pub records: Vec<Range<usize>>,
    /// When the answer had arrived.
    pub fetched_at: Timestamp,
}

/// Reads records while the body around them is checked, so that they are parsed once.
///
/// Only who made the reader knows what it keeps.
pub trait RecordReader: Send {
    /// Reads the record that the parser stands at, and tells where it ends; `None` where it can't be read. Then nothing more
    /// is asked of the reader, and what it has read is of no use.
    fn read(&mut self, json: &Reader<'_>) -> Option<usize>;

    /// What was read, for the one who made the reader.
    fn into_read(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// Makes a reader for each page.
pub type RecordReaders = Arc<dyn Fn() -> Box<dyn RecordReader> + Send + Sync>;

/// A page on its way from who fetched it to who decodes it.
pub struct FetchedPage {
    /// The page.
    pub page: Page,
    /// The reader that has read exactly its records, where there is one.
    pub reader: Option<Box<dyn RecordReader>>,
    /// How many records of the API's page are in front of these: a large page comes in parts.
    pub first_record: u64,
    /// The page ends with this part.
    pub is_end: bool,
    /// Held as long as the page is in memory.
    pub memory: Option<Arc<PageMemory>>,
}

impl FetchedPage {
    /// The page in parts of some records each; as a whole, where they are read already.
    pub(crate) fn parts(self, records: usize) -> impl Iterator<Item = Self> {
        let Self {
            page,
            mut reader,
            first_record,
            is_end,
            memory,
        } = self;
        let records = match &reader {
            Some(_) => page.records.len().max(1),
            None => records,
        };
        page.parts(records).map(move |(first, page)| Self {
            page,
            reader: reader.take(),
            first_record: first_record + u64::try_from(first).unwrap_or(u64::MAX),
            is_end,
            memory: memory.clone(),
        })
    }
}

/// A share of the memory that all pages may take together.
pub type PageMemory = tokio::sync::OwnedSemaphorePermit;

impl Page {
    /// The page in parts of some records each, with the position of the first one in the page.
    pub(crate) fn parts(self, records: usize) -> impl Iterator<Item = (usize, Self)> {
        let parts = self.records.len().div_ceil(records).max(1);
        (0..parts).map(move |part| {
            let first = part * records;
            let ranges = self.records.iter().skip(first).take(records);
            let (start, end) = match parts {
                1 => (Some(0), None),
                _ => (
                    ranges.clone().map(|range| range.start).min(),
                    ranges.clone().map(|range| range.end).max(),
                ),
            };
            let end = end.unwrap_or(usize::MAX).min(self.body.len());
            let start = start.unwrap_or(0).min(end);
            let page = Self {
                number: self.number,
                body: self.body.slice(start..end),
                records: ranges
                    .map(|range| range.start - start..range.end - start)
                    .collect(),
                fetched_at: self.fetched_at,
            };
            (first, page)
        })
    }

    /// A page whose records stand in a list, with some white space between them.
    #[cfg(test)]
    pub(crate) fn of_records(records: &[impl AsRef<str>]) -> Self {
        let mut body = String::from("[ ");
        let mut ranges = Vec::new();
        for record in records {
            let record = record.as_ref();
            ranges.push(body.len()..body.len() + record.len());
            body.push_str(record);
            body.push_str(" , ");
        }
        body.push(']');
        Self {
            number: 1,
            body: body.into(),
            records: ranges,
            fetched_at: Timestamp::UNIX_EPOCH,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn batch(count: u64) -> String {
        let ids: Vec<Value> = (1..=count).map(Value::from).collect();
        let parent = ParentRecord {
            resource: "users".to_owned(),
            key: [("id".to_owned(), json!(ids))].into(),
            batch: true,
            ..ParentRecord::default()
        };
        let slice = Slice {
            parents: vec![parent],
            partition: [("channel".to_owned(), json!("phone"))].into(),
            ..Slice::default()
        };
        slice.id()
    }

    #[test]
    fn a_slice_is_named_by_what_it_depends_on() {
        assert_eq!(Slice::default().id(), "all");
        assert_eq!(batch(3), r#"users.id=[1,2,3] channel="phone""#);
        let long = batch(100);
        assert!(long.starts_with("users.id=[1,2,3,4,… 96 more, "), "{long}");
        assert_ne!(long, batch(101));
    }

    #[test]
    fn what_stands_for_a_slice_does_not_depend_on_the_names_of_parents() {
        let slice = |resource: &str, id: u64| {
            let parent = ParentRecord {
                resource: resource.to_owned(),
                key: [("id".to_owned(), json!(id))].into(),
                ..ParentRecord::default()
            };
            Slice {
                parents: vec![parent],
                ..Slice::default()
            }
        };
        assert_eq!(slice("users", 1).hash(), slice("people", 1).hash());
        assert_ne!(slice("users", 1).hash(), slice("users", 2).hash());
    }
}
