//! The text of a large body, value by value.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _};
use serde_json::de::IoRead;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::BodyFile;
use crate::plan::selector::BodyError;

/// Size of what is read from disk at once, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Reads a body, and fails where a value that is to be held in memory is too long.
pub(super) struct Source<'f> {
    file: BufReader<&'f std::fs::File>,
    progress: Progress,
}

/// How far a body has been read, and how far it may be.
#[derive(Clone)]
pub(super) struct Progress {
    /// In bytes.
    read: Rc<Cell<u64>>,
    /// In bytes from the body's beginning.
    limit: Rc<Cell<u64>>,
    longest: u64,
}

impl Progress {
    /// Fails where so many bytes are too long to be held in memory.
    pub(super) fn check<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        if bytes as u64 <= self.longest {
            return Ok(());
        }
        Err(E::custom(TooLong(self.longest)))
    }
}

/// The JSON text of a value that is held in memory.
pub(super) struct Text<'a>(pub(super) &'a Progress);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = Box<RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let Progress {
            read,
            limit,
            longest,
        } = self.0;
        limit.set(read.get().saturating_add(*longest));
        let value = Box::<RawValue>::deserialize(deserializer);
        limit.set(u64::MAX);
        value
    }
}

struct TooLong(u64);

impl fmt::Display for TooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a value in it is longer than {} bytes", self.0)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.progress.read.get();
        if read >= self.progress.limit.get() {
            return Err(io::Error::other(TooLong(self.progress.longest).to_string()));
        }
        let count = self.file.read(buffer)?;
        self.progress.read.set(read + count as u64);
        Ok(count)
    }
}

/// Why a body can't be read from disk.
#[derive(Debug)]
pub(in crate::extract) enum Unreadable {
    /// It is no JSON.
    Body(BodyError),
    /// It has to be in memory as a whole, for this reason.
    InParts(String),
}

/// The parser of a body.
pub(super) type Json<'f> = serde_json::Deserializer<IoRead<Source<'f>>>;

/// Reads a whole body with a visitor; values in memory may be as `longest` says, in bytes.
pub(super) fn read<T>(
    body: &BodyFile,
    longest: u64,
    visit: impl FnOnce(&mut Json<'_>, &Progress) -> serde_json::Result<T>,
) -> Result<T, Unreadable> {
    let progress = Progress {
        read: Rc::default(),
        limit: Rc::new(Cell::new(u64::MAX)),
        longest,
    };
    let failed = |error: serde_json::Error| {
        let text = error.to_string();
        // The place is told in bytes, as everywhere.
        let reason = text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        let offset = usize::try_from(progress.read.get()).unwrap_or(usize::MAX);
        match error.classify() {
            Category::Syntax | Category::Eof => {
                Unreadable::Body(BodyError::Malformed { offset, reason })
            }
            Category::Io | Category::Data => Unreadable::InParts(reason),
        }
    };
    let file = body
        .open()
        .map_err(|error| failed(serde_json::Error::custom(error)))?;
    let source = Source {
        file: BufReader::with_capacity(BUFFER_BYTES, file),
        progress: progress.clone(),
    };
    let mut deserializer = Json::from_reader(source);
    let result = visit(&mut deserializer, &progress).map_err(failed)?;
    deserializer.end().map_err(failed)?;
    Ok(result)
}
