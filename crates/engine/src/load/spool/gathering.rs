//! Batches in memory, until they are too many.

use super::Target;
use super::batch_file::{BatchFile, BatchFileWriter, LaidOutBatch};
use super::encoder::{EncodedFiles, Encoder};
use crate::load::Error;
use crate::load::memory_share::MemoryShare;
use crate::load::parquet_writer::WrittenFile;
use crate::schema::TableSchema;

/// Rows that go to a file before they have to, where those of all tables take too much, in bytes.
const SMALLEST_SPILL_BYTES: usize = 256 << 10;

/// Gathers batches in memory up to a bound, and beyond it in a file.
#[derive(Debug)]
pub(super) struct Gathering {
    target: Target,
    /// In bytes.
    memory_limit: usize,
    pending: Vec<LaidOutBatch>,
    pending_bytes: usize,
    /// What is pending, among the rows of all tables that wait.
    share: MemoryShare,
    file: Option<BatchFileWriter>,
    rows: u64,
    /// Size of all rows in memory, in bytes.
    bytes: u64,
}

/// Rows that were gathered, in order.
#[derive(Debug)]
pub(in crate::load) struct SpooledRows {
    batches: Batches,
    pub(in crate::load) rows: u64,
    /// The slice that they are kept apart for.
    pub(in crate::load) slice: Option<String>,
}

#[derive(Debug)]
enum Batches {
    InMemory(Vec<LaidOutBatch>),
    InFile(BatchFile),
    Encoded(EncodedFiles),
}

impl SpooledRows {
    /// Hands every batch to `each`, in order.
    pub(in crate::load) fn read(
        &self,
        each: &mut dyn FnMut(LaidOutBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &self.batches {
            Batches::InMemory(batches) => batches.iter().cloned().try_for_each(each),
            Batches::InFile(file) => file.read(each),
            Batches::Encoded(files) => files.read(each),
        }
    }

    /// Rows that an encoder has taken.
    pub(super) fn encoded(encoder: Encoder) -> Result<Self, Error> {
        let (files, rows) = encoder.close()?;
        Ok(Self {
            batches: Batches::Encoded(files),
            rows,
            slice: None,
        })
    }

    /// Whether the rows are in files that are encoded as a commit's schema says.
    pub(super) fn are_files_of(&self, settled: &TableSchema) -> bool {
        matches!(&self.batches, Batches::Encoded(files) if files.are_final(settled))
    }

    /// The files of the rows, if they are encoded as a commit's schema says; else the rows as they were.
    pub(in crate::load) fn into_files(
        self,
        settled: &TableSchema,
    ) -> Result<Vec<WrittenFile>, Self> {
        match self.batches {
            Batches::Encoded(files) if files.are_final(settled) => Ok(files
                .take()
                .into_iter()
                .map(|file| WrittenFile {
                    slice: self.slice.clone(),
                    ..file
                })
                .collect()),
            batches => Err(Self { batches, ..self }),
        }
    }
}

impl Gathering {
    pub(super) fn new(target: &Target, memory_limit: usize) -> Self {
        Self {
            target: target.clone(),
            memory_limit,
            pending: Vec::new(),
            pending_bytes: 0,
            share: target.folder.rows.share(),
            file: None,
            rows: 0,
            bytes: 0,
        }
    }

    pub(super) fn write(&mut self, batch: LaidOutBatch) -> Result<(), Error> {
        self.rows += batch.batch.num_rows() as u64;
        self.pending_bytes += batch.bytes();
        self.bytes += batch.bytes() as u64;
        self.pending.push(batch);
        let waiting = self.share.take(self.pending_bytes);
        let limit = self.target.settings.memory.rows_bytes() as u64;
        let is_worth_a_file = self.pending_bytes >= SMALLEST_SPILL_BYTES;
        if self.pending_bytes > self.memory_limit || waiting > limit && is_worth_a_file {
            self.spill()?;
        }
        Ok(())
    }

    /// Moves what is in memory to the file.
    pub(super) fn spill(&mut self) -> Result<(), Error> {
        for batch in self.take_pending() {
            let file = match &mut self.file {
                Some(file) => file,
                none => {
                    let path = self.target.new_file("arrow")?;
                    none.insert(BatchFileWriter::create(path, &batch)?)
                }
            };
            file.write(&batch)?;
        }
        Ok(())
    }

    /// Whether some rows are in a file already.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Size of all rows in memory, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Gives away the rows that are in memory.
    pub(super) fn take_pending(&mut self) -> Vec<LaidOutBatch> {
        self.pending_bytes = 0;
        self.share.take(0);
        std::mem::take(&mut self.pending)
    }

    /// Gives away all rows and begins anew; `None` if there are none.
    pub(super) fn take(&mut self) -> Result<Option<SpooledRows>, Error> {
        if self.has_file() {
            self.spill()?;
        }
        let batches = match self.file.take() {
            Some(file) => Batches::InFile(file.close()?),
            None => Batches::InMemory(self.take_pending()),
        };
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        Ok((rows > 0).then_some(SpooledRows {
            batches,
            rows,
            slice: None,
        }))
    }
}
