//! Bodies that are too large to be held in memory: they are kept on disk and read in parts.
//!
//! What stands around the records is small, and goes the way of every page, with the last record alone in their place.

mod arriving;
mod outline;
mod source;
mod split;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;

pub(super) use arriving::Arriving;
pub(super) use outline::outline;
pub(super) use source::Unreadable;
pub(super) use split::{Envelope, split};

/// What some servers put in front of UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A whole body on disk. It has no name there, and is gone with this value, also after a kill.
#[derive(Debug)]
pub(super) struct BodyFile {
    file: File,
    /// Size in bytes.
    pub(super) bytes: u64,
}

/// The records of a large body, in parts that are each a JSON list.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    file: Arc<File>,
    parts: Vec<Part>,
}

/// Where a part lies.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// In bytes.
    start: u64,
    /// In bytes.
    length: usize,
    records: u64,
}

impl BodyFile {
    /// The whole body.
    pub(super) fn load(&self) -> io::Result<Bytes> {
        let mut body = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        self.open()?.read_to_end(&mut body)?;
        Ok(body.into())
    }

    /// The body from its beginning, behind a byte order mark.
    fn open(&self) -> io::Result<&File> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut start = Vec::new();
        file.take(BYTE_ORDER_MARK.len() as u64)
            .read_to_end(&mut start)?;
        if start != BYTE_ORDER_MARK {
            file.seek(SeekFrom::Start(0))?;
        }
        Ok(file)
    }
}

impl Parts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Size of the largest, in bytes.
    pub(super) fn largest(&self) -> usize {
        self.parts.iter().map(|part| part.length).max().unwrap_or(0)
    }

    /// How many records are in front of a part.
    pub(super) fn records_before(&self, part: usize) -> u64 {
        self.parts.iter().take(part).map(|part| part.records).sum()
    }

    /// The JSON list of a part's records. Blocks.
    pub(super) fn read(&self, part: usize) -> io::Result<Bytes> {
        let Some(part) = self.parts.get(part) else {
            return Ok(Bytes::from_static(b"[]"));
        };
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(part.start))?;
        let mut list = vec![0; part.length];
        file.read_exact(&mut list)?;
        Ok(list.into())
    }
}
