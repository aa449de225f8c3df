//! Rows of a large slice, encoded for readers as they come.
//!
//! The final schema of a commit is known only when all its rows are. What is known so far is mostly that already: files
//! that are laid out as the final schema says are taken as they are. The others are read again, so that rows are only
//! encoded early where every one of them can be given back as it was decoded.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Target;
use super::batch_file::LaidOutBatch;
use crate::load::Error;
use crate::load::parquet_writer::WrittenFile;
use crate::load::stored_file::lay_out;
use crate::load::table_writer::TableWriter;
use crate::load::temporary_file::TemporaryFile;
use crate::schema::TableSchema;

/// Encodes rows under the schema that is known so far.
#[derive(Debug)]
pub(super) struct Encoder {
    target: Target,
    writer: TableWriter,
    layout: Layout,
    /// The newest schema whose columns lie in its rows as they do in the files, and the files' Arrow schema.
    alike: Option<(Arc<TableSchema>, SchemaRef)>,
    rows: u64,
}

/// How the rows of encoded files lie there.
#[derive(Clone, Debug)]
struct Layout {
    /// What is known of the rows; not settled.
    known: Arc<TableSchema>,
    /// What the files have.
    settled: Arc<TableSchema>,
    /// Where in the files the columns of `known` are.
    places: Vec<usize>,
}

/// Closed files of encoded rows. Those that are not taken are removed with this value.
#[derive(Debug)]
pub(in crate::load) struct EncodedFiles {
    table: String,
    files: Vec<(TemporaryFile, WrittenFile)>,
    layout: Layout,
}

impl Layout {
    /// `None` where a row could not be given back as it was decoded.
    fn of(known: &Arc<TableSchema>, committed: Option<&TableSchema>) -> Option<Self> {
        let settled = known.settle(committed);
        let places = known.places_in(&settled)?;
        Some(Self {
            known: Arc::clone(known),
            settled: Arc::new(settled),
            places,
        })
    }
}

impl Encoder {
    /// Begins files for rows of which this is known; `None` where they have to stay batches.
    pub(super) fn begin(target: &Target, known: &Arc<TableSchema>) -> Result<Option<Self>, Error> {
        let Some(layout) = Layout::of(known, target.committed.as_deref()) else {
            return Ok(None);
        };
        let writer = match TableWriter::new(target, &layout.settled) {
            Ok(writer) => writer,
            // The records to come may have the column; if not, the commit says so.
            Err(Error::Partition { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            target: target.clone(),
            writer,
            layout,
            alike: None,
            rows: 0,
        }))
    }

    /// Whether the files stay as they are now that this is known.
    pub(super) fn goes_on(&mut self, known: &Arc<TableSchema>) -> bool {
        if Arc::ptr_eq(known, &self.layout.known) {
            return true;
        }
        let Some(layout) = Layout::of(known, self.target.committed.as_deref()) else {
            return false;
        };
        let same = layout.settled.has_layout_of(&self.layout.settled)
            && layout.places == self.layout.places;
        if same {
            self.layout = layout;
        }
        same
    }

    /// Appends rows whose schema is part of what is known.
    pub(super) fn write(&mut self, rows: &LaidOutBatch) -> Result<(), Error> {
        self.rows += rows.batch.num_rows() as u64;
        let laid_out = self.lay_out(rows)?;
        self.writer.write(laid_out)
    }

    /// Brings rows into the layout of the files. Rows of one schema lie alike, so that it is looked at once.
    fn lay_out(&mut self, rows: &LaidOutBatch) -> Result<RecordBatch, Error> {
        let table = &self.target.table;
        if let Some((schema, arrow_schema)) = &self.alike
            && Arc::ptr_eq(schema, &rows.schema)
        {
            let columns = rows.batch.columns().to_vec();
            let options = RecordBatchOptions::new().with_row_count(Some(rows.batch.num_rows()));
            let arrow_schema = Arc::clone(arrow_schema);
            return RecordBatch::try_new_with_options(arrow_schema, columns, &options)
                .map_err(Error::rows("lay out", table));
        }
        let laid_out = lay_out(table, &rows.batch, &rows.schema, &self.layout.settled)?;
        let (before, behind) = (rows.batch.columns(), laid_out.columns());
        let mut pairs = before.iter().zip(behind);
        let are_alike =
            before.len() == behind.len() && pairs.all(|(one, other)| Arc::ptr_eq(one, other));
        self.alike = are_alike.then(|| (Arc::clone(&rows.schema), laid_out.schema()));
        Ok(laid_out)
    }

    /// Closes the files; also gives the count of their rows.
    pub(super) fn close(mut self) -> Result<(EncodedFiles, u64), Error> {
        let files = self.writer.close()?.into_iter();
        let files = EncodedFiles {
            files: files
                .map(|file| (TemporaryFile::new(file.path.clone()), file))
                .collect(),
            table: self.target.table,
            layout: self.layout,
        };
        Ok((files, self.rows))
    }
}

impl EncodedFiles {
    /// Whether the files are laid out as a commit's schema says.
    pub(in crate::load) fn are_final(&self, settled: &TableSchema) -> bool {
        settled.has_layout_of(&self.layout.settled)
    }

    /// Gives the files away.
    pub(in crate::load) fn take(self) -> Vec<WrittenFile> {
        let taken = self.files.into_iter().map(|(guard, file)| {
            drop(guard.keep());
            file
        });
        taken.collect()
    }

    /// Hands every batch to `each`, in order and as it was decoded.
    pub(super) fn read(
        &self,
        each: &mut dyn FnMut(LaidOutBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.files
            .iter()
            .try_for_each(|(_, file)| self.read_file(&file.path, each))
    }

    fn read_file(
        &self,
        path: &Path,
        each: &mut dyn FnMut(LaidOutBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let file = std::fs::File::open(path).map_err(Error::local_file("open", path))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(ParquetRecordBatchReaderBuilder::build)
            .map_err(Error::parquet("open", path))?;
        let layout = self.layout.known.arrow_schema();
        for batch in reader {
            let batch = batch
                .and_then(|batch| batch.project(&self.layout.places))
                .and_then(|batch| {
                    RecordBatch::try_new(Arc::clone(&layout), batch.columns().to_vec())
                })
                .map_err(Error::rows("read", &self.table))?;
            let schema = Arc::clone(&self.layout.known);
            each(LaidOutBatch { batch, schema })?;
        }
        Ok(())
    }
}
