//! What a schema contract discards, on its way to a commit: lines of JSON, in files beside those of the tables.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Error;
use super::spool::SpoolFolder;

/// Lines of a slice that are kept in memory; beyond it they go to a file. In bytes.
const SLICE_MEMORY_BYTES: usize = 1 << 20;

/// A record or a value that was discarded, as it is written.
#[derive(Debug, Serialize)]
pub struct RejectedLine<'a> {
    /// Id of the load that discarded it.
    pub load_id: &'a str,
    /// Name of the resource.
    pub resource: &'a str,
    /// Name of the slice.
    pub slice: &'a str,
    /// Position of the page in the slice, from 1.
    pub page: u64,
    /// Position of the record in the page, from 0.
    pub record: usize,
    /// `row` or `value`.
    pub discarded: &'static str,
    /// Path from the record to the key that broke the contract; null where the table did.
    pub column: Option<&'a str>,
    /// What is wrong.
    pub reason: &'a str,
    /// Fields that a discarded record would have had from its parents, by the names of their columns.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub from_parent: &'a BTreeMap<&'a str, &'a RawValue>,
    /// The record or the value.
    pub value: &'a RawValue,
}

/// What was discarded of one table and is not committed yet. Clones are the same spool.
#[derive(Clone, Debug)]
pub struct RejectedSpool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    table: String,
    /// Where the file will lie, relative to the destination.
    target: String,
    folder: Arc<SpoolFolder>,
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    file: Option<(PathBuf, File)>,
    count: u64,
    /// A write failed half way.
    broken: bool,
}

/// Writes what is discarded of one slice. Dropped without [`RejectedWriter::finish`], its lines vanish.
#[derive(Debug)]
pub struct RejectedWriter {
    spool: RejectedSpool,
    pending: Vec<u8>,
    /// Earlier lines; it has no name, and goes with this value.
    file: Option<File>,
    count: u64,
}

/// A file of lines that waits to be staged.
#[derive(Debug)]
pub struct SealedRejected {
    pub(super) path: PathBuf,
    /// The folder that it will lie in, relative to the destination.
    pub(super) target: String,
    pub(super) lines: u64,
    pub(super) bytes: u64,
}

/// A file of discarded records and values that a commit adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RejectedFile {
    /// Where it waits until it is published, relative to the destination.
    pub(super) staged: String,
    /// Path relative to the destination.
    pub(super) path: String,
    /// Records and values in it; at least 1.
    pub(super) lines: u64,
    /// Size in bytes.
    pub(super) bytes: u64,
}

impl RejectedSpool {
    /// A spool for a table's files, which will lie in a folder of that name below `target`.
    pub(super) fn new(table: &str, target: &str, folder: Arc<SpoolFolder>) -> Self {
        Self {
            shared: Arc::new(Shared {
                table: table.to_owned(),
                target: format!("{target}/{table}"),
                folder,
                lines: Mutex::default(),
            }),
        }
    }

    /// Begins a slice.
    pub fn begin(&self) -> RejectedWriter {
        RejectedWriter {
            spool: self.clone(),
            pending: Vec::new(),
            file: None,
            count: 0,
        }
    }

    /// Takes the lines of all finished slices; `None` where there are none.
    pub fn seal(&self) -> Result<Option<SealedRejected>, Error> {
        let lines = std::mem::take(&mut *self.shared.lines());
        if lines.broken {
            return Err(self.shared.broken());
        }
        let Some((path, file)) = lines.file else {
            return Ok(None);
        };
        let metadata = file.metadata().map_err(Error::local_file("read", &path))?;
        Ok(Some(SealedRejected {
            bytes: metadata.len(),
            path,
            target: self.shared.target.clone(),
            lines: lines.count,
        }))
    }
}

impl Shared {
    fn lines(&self) -> std::sync::MutexGuard<'_, Lines> {
        // A panic under the lock leaves `broken` set, which says all that poisoning would.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self) -> Error {
        Error::SpoolBroken {
            table: self.table.clone(),
        }
    }
}

impl RejectedWriter {
    /// Adds a line. Blocks: may write a local file.
    pub fn write(&mut self, line: &RejectedLine<'_>) -> Result<(), Error> {
        serde_json::to_writer(&mut self.pending, line)
            .expect("a line has string keys and plain values only");
        self.pending.push(b'\n');
        self.count += 1;
        if self.pending.len() < SLICE_MEMORY_BYTES {
            return Ok(());
        }
        let folder = self.spool.shared.folder.path()?;
        let spilled = match self.file.take() {
            Some(file) => Ok(file),
            None => tempfile::tempfile_in(folder),
        };
        let written = spilled.and_then(|mut file| {
            file.write_all(&self.pending)?;
            Ok(file)
        });
        self.file = Some(written.map_err(Error::local_file("write a file in", folder))?);
        self.pending.clear();
        Ok(())
    }

    /// Hands the lines over to the spool. Blocks, as `write` does.
    pub fn finish(self) -> Result<(), Error> {
        if self.count == 0 {
            return Ok(());
        }
        let shared = &self.spool.shared;
        let mut lines = shared.lines();
        if lines.broken {
            return Err(shared.broken());
        }
        // Stays set if this fails or panics.
        lines.broken = true;
        let (path, mut file) = if let Some(open) = lines.file.take() {
            open
        } else {
            let path = shared.folder.new_file(&shared.table, "jsonl")?;
            let file = File::create_new(&path).map_err(Error::local_file("create", &path))?;
            (path, file)
        };
        let appended = append(self.file, &self.pending, &mut file);
        appended.map_err(Error::local_file("write", &path))?;
        lines.file = Some((path, file));
        lines.count += self.count;
        lines.broken = false;
        Ok(())
    }
}

fn append(spilled: Option<File>, pending: &[u8], to: &mut File) -> io::Result<()> {
    if let Some(mut spilled) = spilled {
        spilled.rewind()?;
        io::copy(&mut spilled, to)?;
    }
    to.write_all(pending)
}
