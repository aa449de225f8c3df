//! Splitting a large body into its envelope and the parts of its records.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use super::source::{self, Progress, Text, Unreadable};
use super::{BodyFile, Part, Parts};
use crate::json::{Problem, Reader};
use crate::plan::selector::{BodyError, DEPTH_LIMIT, RecordsPath};

const NO_LIST: &str = "where its records should be is no list: name a list in `data_selector`, or the members of an object with `.*`";

/// What is known of a large page.
#[derive(Clone, Debug)]
pub(in crate::extract) struct Envelope {
    /// The body with the last record alone in the place of all.
    pub(in crate::extract) body: Bytes,
    /// Where the last record lies in `body`; `None` where there is none.
    pub(in crate::extract) last_record: Option<Range<usize>>,
    /// How many records there are.
    pub(in crate::extract) records: u64,
    /// Nothing is where the records should be.
    pub(in crate::extract) missing: bool,
    /// A hash of all records.
    pub(in crate::extract) hash: u128,
    /// The records.
    pub(in crate::extract) parts: Parts,
}

/// Splits a body; each part has about so many bytes, and a value that is held in memory is no longer than `longest`.
pub(in crate::extract) fn split(
    body: &BodyFile,
    path: &RecordsPath,
    part_bytes: usize,
    longest: u64,
) -> Result<Envelope, Unreadable> {
    let failed = |error: std::io::Error| {
        let reason = format!("the temporary file of its records can't be written: {error}");
        Unreadable::Body(BodyError::Unusable { reason })
    };
    let mut splitting = Splitting {
        envelope: Vec::new(),
        last_record: None,
        last: None,
        records: 0,
        reached: false,
        hash: Xxh3::new(),
        list: Vec::with_capacity(part_bytes),
        listed: 0,
        part_bytes,
        file: BufWriter::new(tempfile::tempfile().map_err(failed)?),
        written: 0,
        parts: Vec::new(),
    };
    source::read(body, longest, |json, progress| {
        let descend = Descend {
            keys: &path.keys,
            members: path.members,
            splitting: &mut splitting,
            progress,
        };
        descend.deserialize(json)
    })?;
    let envelope = splitting.finish().map_err(failed)?;
    let last = envelope
        .last_record
        .clone()
        .and_then(|last| envelope.body.get(last));
    if path.members && envelope.records == 1 && last.is_some_and(|last| last.starts_with(b"[")) {
        // What a selector means where a list is its only match depends on there being no other.
        let reason = "its only record is a list: name the list in `data_selector`".to_owned();
        return Err(Unreadable::InParts(reason));
    }
    Ok(envelope)
}

/// A body of which a part is read.
struct Splitting {
    envelope: Vec<u8>,
    last_record: Option<Range<usize>>,
    last: Option<Box<RawValue>>,
    records: u64,
    /// The place of the records was there.
    reached: bool,
    hash: Xxh3,
    /// The part that is gathered: a list without its end.
    list: Vec<u8>,
    /// Records in it.
    listed: u64,
    part_bytes: usize,
    file: BufWriter<File>,
    written: u64,
    parts: Vec<Part>,
}

impl Splitting {
    fn record(&mut self, record: Box<RawValue>) -> std::io::Result<()> {
        let text = record.get().as_bytes();
        self.hash.update(text);
        self.hash.update(b"\n");
        self.list.push(if self.listed == 0 { b'[' } else { b',' });
        self.list.extend_from_slice(text);
        self.listed += 1;
        self.records += 1;
        self.last = Some(record);
        if self.list.len() >= self.part_bytes {
            self.close_part()?;
        }
        Ok(())
    }

    fn close_part(&mut self) -> std::io::Result<()> {
        if self.listed == 0 {
            return Ok(());
        }
        self.list.push(b']');
        self.file.write_all(&self.list)?;
        self.parts.push(Part {
            start: self.written,
            length: self.list.len(),
            records: self.listed,
        });
        self.written += self.list.len() as u64;
        self.list.clear();
        self.listed = 0;
        Ok(())
    }

    /// Puts the last record into the envelope, in the place of all.
    fn close_records(&mut self, open: u8, key: &str, close: u8) {
        self.envelope.push(open);
        if let Some(last) = self.last.take() {
            self.envelope.extend_from_slice(key.as_bytes());
            let start = self.envelope.len();
            self.envelope.extend_from_slice(last.get().as_bytes());
            self.last_record = Some(start..self.envelope.len());
        }
        self.envelope.push(close);
    }

    fn finish(mut self) -> std::io::Result<Envelope> {
        self.close_part()?;
        let file = self
            .file
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        Ok(Envelope {
            body: self.envelope.into(),
            last_record: self.last_record,
            records: self.records,
            missing: !self.reached,
            hash: self.hash.digest128(),
            parts: Parts {
                file: Arc::new(file),
                parts: self.parts,
            },
        })
    }
}

/// Reads the value behind the first of some keys: the records, where there are none.
struct Descend<'a> {
    keys: &'a [String],
    /// The records are the members of an object, or the elements of a list; else only the latter.
    members: bool,
    splitting: &'a mut Splitting,
    progress: &'a Progress,
}

impl<'de> DeserializeSeed<'de> for Descend<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Descend<'_> {
    fn record<E: Error>(&mut self, record: Box<RawValue>) -> Result<(), E> {
        check(record.get()).map_err(E::custom)?;
        self.splitting.record(record).map_err(E::custom)
    }

    /// A value that holds no records.
    fn other<E: Error>(self, text: &str) -> Result<(), E> {
        if self.keys.is_empty() && text != "null" {
            return Err(E::custom(NO_LIST));
        }
        self.splitting.envelope.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl<'de> Visitor<'de> for Descend<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let are_records = self.keys.is_empty();
        let progress = self.progress;
        while let Some(element) = list.next_element_seed(Text(progress))? {
            if are_records {
                self.record(element)?;
            }
        }
        self.splitting.reached |= are_records;
        self.splitting.close_records(b'[', "", b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        if self.keys.is_empty() {
            if !self.members {
                return Err(A::Error::custom(NO_LIST));
            }
            while let Some(name) = object.next_key::<String>()? {
                self.splitting.hash.update(name.as_bytes());
                let record = object.next_value_seed(Text(self.progress))?;
                self.record(record)?;
            }
            self.splitting.reached = true;
            self.splitting.close_records(b'{', "\"\":", b'}');
            return Ok(());
        }
        self.splitting.envelope.push(b'{');
        let mut is_first = true;
        let mut found = false;
        while let Some(key) = object.next_key::<String>()? {
            if !is_first {
                self.splitting.envelope.push(b',');
            }
            is_first = false;
            let quoted = serde_json::to_string(&key).map_err(A::Error::custom)?;
            self.splitting.envelope.extend_from_slice(quoted.as_bytes());
            self.splitting.envelope.push(b':');
            if Some(&key) != self.keys.first() {
                let value = object.next_value_seed(Text(self.progress))?;
                let envelope = &mut self.splitting.envelope;
                envelope.extend_from_slice(value.get().as_bytes());
                self.progress.check(envelope.len())?;
                continue;
            }
            if found {
                return Err(A::Error::custom(format!("the key `{key}` comes twice")));
            }
            found = true;
            object.next_value_seed(Descend {
                keys: self.keys.get(1..).unwrap_or_default(),
                members: self.members,
                splitting: &mut *self.splitting,
                progress: self.progress,
            })?;
        }
        self.splitting.envelope.push(b'}');
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.splitting.reached |= self.keys.is_empty();
        self.other("null")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.other(if value { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.other(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.other(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.other(&value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let quoted = serde_json::to_string(value).map_err(E::custom)?;
        self.other(&quoted)
    }
}

/// Checks a record as strictly as those that are in memory.
fn check(record: &str) -> Result<(), String> {
    let mut json = Reader::new(record);
    let whole = json
        .peek()
        .and_then(|peek| json.skip(peek, DEPTH_LIMIT))
        .and_then(|()| json.finish());
    whole.map_err(|error| match error.problem {
        Problem::Malformed(reason) => format!("a record in it is no JSON: {reason}"),
        Problem::TooDeep => "a record in it nests lists and objects too deep".to_owned(),
    })
}
