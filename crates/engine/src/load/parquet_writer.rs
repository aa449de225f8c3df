//! A row of Parquet files of one schema, closed by size.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;

use super::Error;
use super::encodings::properties_for;
use super::memory_share::MemoryShare;
use super::parquet_properties::FileFormat;
use super::row_order::RowOrder;
use super::sorting_metadata::declare_sorted;
use super::spool::Target;
use super::temporary_file::TemporaryFile;
use crate::plan::MemoryPlan;
use crate::schema::TableSchema;

/// Rows that are encoded between two looks at the file's size, as their size in memory. In bytes.
///
/// Smaller batches are put together first: each write has its price for each column.
const CHUNK_BYTES: usize = 1 << 20;

/// The same for each column at least, so that a write is about many of its values. In bytes.
const COLUMN_CHUNK_BYTES: usize = 4 << 10;

/// Encoded size of a row group before it may be ended early, in bytes.
const SMALLEST_ROW_GROUP: usize = 4 << 20;

/// A closed file that waits to be staged.
#[derive(Clone, Debug)]
pub(super) struct WrittenFile {
    pub(super) path: PathBuf,
    /// The folder in the table's where it belongs, such as `channel=phone`; empty for the table's own.
    pub(super) folder: String,
    /// At least 1.
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The slice that fills the file alone.
    pub(super) slice: Option<String>,
    /// See [`AddedFile::in_place_of`](super::commit_log::AddedFile::in_place_of).
    pub(super) in_place_of: Option<String>,
}

/// Writes rows to Parquet files that are closed when they are large enough. Without rows there is no file.
///
/// Dropped without a last [`close`](Self::close) it removes what it wrote.
#[derive(Debug)]
pub(super) struct ParquetWriter {
    target: Target,
    folder: String,
    format: FileFormat,
    layout: SchemaRef,
    /// Columns of the files, those in structs and lists included.
    columns: usize,
    pending: Vec<RecordBatch>,
    pending_bytes: usize,
    open: Option<OpenFile>,
    /// Closed files that were not given away yet.
    files: Vec<(TemporaryFile, WrittenFile)>,
}

#[derive(Debug)]
struct OpenFile {
    path: TemporaryFile,
    writer: ArrowWriter<File>,
    /// What the row group takes that is being encoded, among those of all files.
    share: MemoryShare,
    order: RowOrder,
    rows: u64,
}

impl ParquetWriter {
    /// Begins files of one folder.
    pub(super) fn new(
        target: &Target,
        settled: &TableSchema,
        folder: String,
    ) -> Result<Self, Error> {
        let format = FileFormat::new(&target.settings, settled)
            .map_err(Error::parquet("set up", Path::new(&target.table)))?;
        let layout = settled.arrow_schema();
        Ok(Self {
            target: target.clone(),
            folder,
            format,
            columns: layout.flattened_fields().len(),
            layout,
            pending: Vec::new(),
            pending_bytes: 0,
            open: None,
            files: Vec::new(),
        })
    }

    /// Appends rows of the writer's layout.
    pub(super) fn write(&mut self, batch: RecordBatch) -> Result<(), Error> {
        if batch.num_rows() > 0 {
            self.pending_bytes += batch.get_array_memory_size();
            self.pending.push(batch);
        }
        if self.pending_bytes >= self.chunk_bytes() {
            self.encode_pending()?;
        }
        Ok(())
    }

    /// Closes the file and gives away all files; the next row begins a new one.
    pub(super) fn close(&mut self) -> Result<Vec<WrittenFile>, Error> {
        self.encode_pending()?;
        self.close_file()?;
        let files = std::mem::take(&mut self.files).into_iter();
        let given_away = files.map(|(guard, file)| WrittenFile {
            path: guard.keep(),
            ..file
        });
        Ok(given_away.collect())
    }

    fn encode_pending(&mut self) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        if pending.is_empty() {
            return Ok(());
        }
        let batch = concat_batches(&self.layout, &pending)
            .map_err(Error::rows("put together", &self.target.table))?;
        let row_bytes = batch.get_array_memory_size().div_ceil(batch.num_rows());
        let chunk_rows = (self.chunk_bytes() / row_bytes.max(1)).max(1);
        for begin in (0..batch.num_rows()).step_by(chunk_rows) {
            let rows = chunk_rows.min(batch.num_rows() - begin);
            self.encode(&batch.slice(begin, rows))?;
        }
        Ok(())
    }

    fn encode(&mut self, chunk: &RecordBatch) -> Result<(), Error> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(OpenFile::create(&self.target, &self.format, chunk)?),
        };
        let written = open.writer.write(chunk);
        written.map_err(Error::parquet("write", open.path.path()))?;
        let watched = open.order.watch(chunk);
        watched.map_err(Error::rows("compare", &self.target.table))?;
        open.rows += chunk.num_rows() as u64;
        open.bound_row_group(self.target.settings.memory)?;
        let bytes = open.writer.bytes_written() + open.writer.in_progress_size();
        if bytes as u64 >= self.target.settings.file_size_bytes {
            self.close_file()?;
        }
        Ok(())
    }

    fn close_file(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let OpenFile {
            path,
            writer,
            share: _share,
            order,
            rows,
        } = open;
        let local = path.path();
        let footer = writer.close().map_err(Error::parquet("close", local))?;
        if let Some(order) = order.declared(footer.file_metadata().schema_descr()) {
            declare_sorted(local, footer, &order).map_err(Error::parquet("close", local))?;
        }
        let metadata = fs::metadata(local).map_err(Error::local_file("measure", local))?;
        let file = WrittenFile {
            path: local.to_owned(),
            folder: self.folder.clone(),
            rows,
            bytes: metadata.len(),
            slice: None,
            in_place_of: None,
        };
        self.files.push((path, file));
        Ok(())
    }

    fn chunk_bytes(&self) -> usize {
        let file_size = self.target.settings.file_size_bytes;
        let columns = self.columns.saturating_mul(COLUMN_CHUNK_BYTES);
        CHUNK_BYTES
            .max(columns)
            .min(usize::try_from(file_size).unwrap_or(usize::MAX))
    }
}

impl OpenFile {
    /// Ends the row group where all that are being encoded take too much.
    fn bound_row_group(&mut self, memory: MemoryPlan) -> Result<(), Error> {
        let own = self.writer.in_progress_size();
        if self.share.take(own) > memory.row_groups_bytes() as u64 && own >= SMALLEST_ROW_GROUP {
            let ended = self.writer.flush();
            ended.map_err(Error::parquet("write", self.path.path()))?;
            self.share.take(self.writer.in_progress_size());
        }
        Ok(())
    }

    /// Begins a file for these rows and others.
    fn create(target: &Target, format: &FileFormat, first: &RecordBatch) -> Result<Self, Error> {
        let layout = first.schema_ref();
        let properties = properties_for(&format.properties, first);
        let path = target.new_file("parquet")?;
        let file = File::create_new(&path).map_err(Error::local_file("create", &path))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(layout), Some(properties))
            .map_err(Error::parquet("begin", &path))?;
        let order =
            RowOrder::new(layout, &format.orders).map_err(Error::rows("compare", &target.table))?;
        Ok(Self {
            path: TemporaryFile::new(path),
            writer,
            share: target.folder.row_groups.share(),
            order,
            rows: 0,
        })
    }
}
