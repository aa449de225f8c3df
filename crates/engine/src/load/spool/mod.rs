//! Rows on their way to a commit: written side by side, put together in slice order.

mod batch_file;
mod divided;
mod encoder;
mod folder;
mod gathering;
mod slice;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) use divided::{TableRows, child_table_name, divide};
pub(super) use folder::{SPOOL_PREFIX, SpoolFolder};
pub(super) use gathering::SpooledRows;
pub use slice::SliceWriter;

use super::Error;
use super::causes::Notes;
use crate::plan::{
    Compression, CursorPath, DestinationPlan, MemoryPlan, MergePlan, PartitionField, ResourcePlan,
    WriteDisposition,
};
use crate::schema::{ROW_ID, TableSchema};
pub(super) use batch_file::LaidOutBatch;
use gathering::Gathering;
use slice::FinishedSlice;

/// Rows of a slice that are kept in memory; beyond it they go to a file. In bytes.
///
/// Large enough that tiny slices need no file, small enough for dozens of slices side by side.
const SLICE_MEMORY_BYTES: usize = 4 << 20;

/// Rows of finished slices that wait in memory for an earlier slice; beyond it they go to files. In bytes.
const WAITING_MEMORY_BYTES: usize = 32 << 20;

/// Rows of small slices that are kept in memory until the commit; beyond it they go to a file. In bytes.
const SHARED_MEMORY_BYTES: usize = 8 << 20;

/// See [`SpoolSettings::encode_from_bytes`]: enough for a file of a few megabytes.
const ENCODE_FROM_BYTES: u64 = 32 << 20;

/// How the files of a table are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
    /// Compression of the Parquet pages.
    pub compression: Compression,
    /// Encoded size at which a row group ends, in bytes.
    pub row_group_bytes: u64,
    /// Size at which a file is closed and the next one begun, in bytes.
    pub file_size_bytes: u64,
    /// Size in memory from which on the rows of a slice are encoded as they come, in bytes; below it they wait for the
    /// commit, where small slices share a file.
    pub encode_from_bytes: u64,
    /// Source names of the key's columns; needed for a merge, and readers look rows up by it.
    pub primary_key: Vec<String>,
    /// Which rows a merge takes away and which it adds.
    pub merge: MergePlan,
    /// When the load began, in microseconds since 1970 in UTC: then the versions that it writes begin.
    pub load_start: i64,
    /// Source name of the cursor's column.
    pub cursor: Option<String>,
    /// What divides the files into folders, the outermost first.
    pub partition_by: Vec<PartitionField>,
    /// How much memory the rows of all tables may take.
    pub memory: MemoryPlan,
}

impl SpoolSettings {
    /// The settings of a resource's table.
    pub fn new(
        destination: &DestinationPlan,
        resource: &ResourcePlan,
        load_start: jiff::Timestamp,
    ) -> Self {
        let cursor = resource.decode.cursor.as_ref();
        Self {
            compression: destination.compression,
            row_group_bytes: destination.row_group_bytes,
            file_size_bytes: destination.file_size_bytes,
            encode_from_bytes: match resource.write_disposition {
                // A merge reads the rows more than once.
                WriteDisposition::Merge => u64::MAX,
                // There are no others to share a file with.
                _ if resource.is_one_slice() => SLICE_MEMORY_BYTES as u64,
                _ => ENCODE_FROM_BYTES,
            },
            primary_key: resource.primary_key.clone(),
            merge: resource.merge.clone(),
            load_start: load_start.as_microsecond(),
            cursor: cursor.and_then(|cursor| match &cursor.path {
                CursorPath::Keys(keys) => keys.first().filter(|_| keys.len() == 1).cloned(),
                CursorPath::Selector(_) => None,
            }),
            partition_by: resource.partition_by.clone(),
            memory: destination.memory,
        }
    }

    /// The settings of the tables of the lists in its rows: their key is the id, and what divides the rows is not theirs.
    pub(super) fn of_child_tables(&self) -> Self {
        Self {
            primary_key: vec![ROW_ID.to_owned()],
            merge: MergePlan::UPSERT,
            cursor: None,
            partition_by: Vec::new(),
            ..self.clone()
        }
    }
}

/// The rows of one table that are not committed yet.
///
/// Slices are written side by side, each by its own [`SliceWriter`]; the order that was given to
/// [`TableSpool::begin`] alone decides where a slice's rows end up. Clones are the same spool.
#[derive(Clone, Debug)]
pub struct TableSpool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: Target,
    sequence: Mutex<Sequence>,
}

/// Where a table's files are written, and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) table: String,
    pub(super) folder: Arc<SpoolFolder>,
    pub(super) settings: Arc<SpoolSettings>,
    /// The table's schema before the load; `None` where it has none.
    pub(super) committed: Option<Arc<TableSchema>>,
}

impl Target {
    /// A local path that no file has yet.
    pub(super) fn new_file(&self, extension: &str) -> Result<PathBuf, Error> {
        self.folder.new_file(&self.table, extension)
    }
}

/// The slices in their order.
#[derive(Debug)]
struct Sequence {
    /// First order that is neither finished nor dropped.
    next: u64,
    /// Ended slices that an earlier one holds up; `None` for dropped ones.
    waiting: BTreeMap<u64, Option<FinishedSlice>>,
    waiting_bytes: usize,
    /// The rows of small slices.
    shared: Gathering,
    gathered: Gathered,
    /// Of all slices, those of earlier seals too.
    notes: Notes,
    /// A write failed half way: what is gathered is not whole.
    broken: bool,
}

/// What the next seal takes, apart from the rows of the newest small slices.
#[derive(Debug, Default)]
struct Gathered {
    parts: Vec<SpooledRows>,
    schema: Option<TableSchema>,
    apart: Vec<String>,
    finished: BTreeSet<u64>,
    bytes: u64,
}

/// The rows of slices that are finished in an unbroken row. Dropped without a commit they are gone.
#[derive(Debug)]
pub struct SealedSpool {
    pub(super) target: Target,
    /// In slice order.
    pub(super) parts: Vec<SpooledRows>,
    /// What is known of all rows; `None` if no slice wrote a batch.
    pub(super) schema: Option<TableSchema>,
    /// The slices that were kept apart, those without rows too.
    pub(super) apart: Vec<String>,
    /// What the rows change of the table's schema.
    pub(super) notes: Notes,
    finished: BTreeSet<u64>,
}

impl SealedSpool {
    /// The slices in it, by the order given to [`TableSpool::begin`]. Slices that were dropped are not among them.
    pub fn finished(&self) -> &BTreeSet<u64> {
        &self.finished
    }

    /// Rows of all slices.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }
}

impl TableSpool {
    pub(super) fn new(target: Target) -> Self {
        let shared = Gathering::new(&target, SHARED_MEMORY_BYTES);
        let sequence = Mutex::new(Sequence {
            next: 0,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            shared,
            gathered: Gathered::default(),
            notes: Notes::default(),
            broken: false,
        });
        Self {
            shared: Arc::new(Shared { target, sequence }),
        }
    }

    /// Begins the slice at a place in slice order: 0, 1, 2 and so on, each exactly once.
    ///
    /// With `apart`, the slice's id, its rows are kept in files of their own, so that reading the slice again in an
    /// append takes the place of these rows.
    pub fn begin(&self, order: u64, apart: Option<String>) -> SliceWriter {
        SliceWriter::new(self.clone(), order, apart)
    }

    /// Takes all slices that are finished in an unbroken row; the others stay. Blocks.
    pub fn seal(&self) -> Result<SealedSpool, Error> {
        let mut sequence = self.sequence()?;
        sequence.broken = true;
        sequence.close_shared()?;
        sequence.broken = false;
        let gathered = std::mem::take(&mut sequence.gathered);
        Ok(SealedSpool {
            target: self.shared.target.clone(),
            parts: gathered.parts,
            schema: gathered.schema,
            apart: gathered.apart,
            notes: sequence.notes.clone(),
            finished: gathered.finished,
        })
    }

    /// The first place whose slice has not ended: a seal takes those before it.
    pub fn unbroken(&self) -> u64 {
        self.lock().next
    }

    /// How much a seal would take now: the size of its rows in memory, in bytes.
    pub fn sealable_bytes(&self) -> u64 {
        self.lock().gathered.bytes
    }

    /// Whether a seal would take any slice now, be it one without rows.
    pub fn is_sealable(&self) -> bool {
        !self.lock().gathered.finished.is_empty()
    }

    /// The names of the child tables that the lists of finished slices, and those of earlier loads, have become.
    pub fn child_tables(&self) -> Vec<String> {
        let Target {
            table, committed, ..
        } = &self.shared.target;
        let known = self.lock().gathered.schema.clone();
        let settled = known.map(|known| known.settle(committed.as_deref()));
        let settled = settled.iter().flat_map(TableSchema::child_tables);
        settled
            .map(|(name, _)| child_table_name(table, name))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Sequence> {
        // A panic under the lock leaves `broken` set, which says all that poisoning would.
        self.shared
            .sequence
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn sequence(&self) -> Result<MutexGuard<'_, Sequence>, Error> {
        let sequence = self.lock();
        if sequence.broken {
            return Err(Error::SpoolBroken {
                table: self.shared.target.table.clone(),
            });
        }
        Ok(sequence)
    }

    /// What is known of all records of the slices that come before those that have not ended.
    fn seen(&self) -> Arc<TableSchema> {
        Arc::clone(&self.lock().notes.seen)
    }

    /// Whether rows of this size would have to wait although there is no room for them.
    fn must_spill(&self, order: u64, bytes: usize) -> Result<bool, Error> {
        let sequence = self.sequence()?;
        Ok(order != sequence.next && sequence.waiting_bytes + bytes > WAITING_MEMORY_BYTES)
    }

    /// Takes a slice that is finished, or dropped (`None`), and all that it held up.
    fn end(&self, order: u64, slice: Option<FinishedSlice>) -> Result<(), Error> {
        let mut sequence = self.sequence()?;
        sequence.waiting_bytes += waiting_bytes(slice.as_ref());
        sequence.waiting.insert(order, slice);
        // Stays set if this fails or panics: the rows of slices that count as finished would be missing.
        sequence.broken = true;
        loop {
            let next = sequence.next;
            let Some(slice) = sequence.waiting.remove(&next) else {
                break;
            };
            sequence.waiting_bytes -= waiting_bytes(slice.as_ref());
            if let Some(slice) = slice {
                sequence.take(slice)?;
                sequence.gathered.finished.insert(next);
            }
            sequence.next += 1;
        }
        sequence.broken = false;
        Ok(())
    }
}

impl Sequence {
    fn take(&mut self, slice: FinishedSlice) -> Result<(), Error> {
        for batch in slice.batches {
            self.shared.write(batch)?;
        }
        if !slice.parts.is_empty() {
            // What small slices before it wrote stays in front of it.
            self.close_shared()?;
            self.gathered.parts.extend(slice.parts);
        }
        self.gathered.apart.extend(slice.apart);
        self.gathered.bytes += slice.bytes;
        self.notes.add(slice.notes);
        self.gathered.schema = match (self.gathered.schema.take(), slice.schema) {
            (Some(known), Some(new)) => Some(if known == *new {
                known
            } else {
                known.join(&new)
            }),
            (None, Some(new)) => Some((*new).clone()),
            (known, None) => known,
        };
        Ok(())
    }

    fn close_shared(&mut self) -> Result<(), Error> {
        let rows = self.shared.take()?;
        self.gathered.parts.extend(rows);
        Ok(())
    }
}

fn waiting_bytes(slice: Option<&FinishedSlice>) -> usize {
    let batches = slice.into_iter().flat_map(|slice| &slice.batches);
    batches.map(LaidOutBatch::bytes).sum()
}
