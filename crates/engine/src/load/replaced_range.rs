//! Rows that leave an append's table, since the range of time in which they lie is read again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::Timestamp;

use super::destination::off_the_async_threads;
use super::parquet_writer::WrittenFile;
use super::spool::Target;
use super::stored_file::{LocalCopy, local_copy, read_rows};
use super::table_writer::TableWriter;
use super::{DataFile, Destination, Error, TableState};
use crate::plan::CursorFormat;
use crate::schema::TableSchema;

/// The rows of an append's table whose cursor lies in a range of time.
#[derive(Clone, Debug)]
pub struct ReplacedRange {
    /// The key of the cursor in the records.
    pub column: String,
    /// How its times are written, the first that fits.
    pub formats: Vec<CursorFormat>,
    /// The first instant in the range.
    pub start: Timestamp,
    /// The first instant behind it.
    pub end: Timestamp,
}

/// What of a table stays, and what leaves.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// New files with the rows that stay of files that leave.
    pub(super) files: Vec<WrittenFile>,
    /// Paths of the files that leave.
    pub(super) remove: Vec<String>,
    pub(super) rows_removed: u64,
}

impl ReplacedRange {
    /// Takes the rows of the range out of the files of a table.
    pub(super) async fn take_out<'f>(
        &self,
        destination: &Destination,
        before: &TableState,
        files: impl Iterator<Item = &'f DataFile>,
        target: &Target,
        settled: &Arc<TableSchema>,
    ) -> Result<Rest, Error> {
        let mut rest = Rest::default();
        for file in files {
            let copy = local_copy(destination, &file.path, &target.folder).await?;
            let schema = before.schema_of(file)?.clone();
            let rewrite = Rewrite {
                range: self.clone(),
                target: target.clone(),
                settled: Arc::clone(settled),
                slice: file.slice.clone(),
            };
            let kept = off_the_async_threads(move || rewrite.file(&copy, &schema)).await?;
            if let Some(kept) = kept {
                let rows: u64 = kept.iter().map(|file| file.rows).sum();
                rest.rows_removed += file.rows.saturating_sub(rows);
                rest.remove.push(file.path.clone());
                rest.files.extend(kept);
            }
        }
        Ok(rest)
    }

    /// Which rows stay.
    fn stays(
        &self,
        batch: &RecordBatch,
        layout: &TableSchema,
        table: &str,
    ) -> Result<BooleanArray, Error> {
        let columns = layout.layout();
        let mut columns = columns.iter().zip(batch.columns());
        let columns: Vec<&ArrayRef> = columns
            .by_ref()
            .filter(|(column, _)| {
                column.source.key == self.column && column.source.within.is_empty()
            })
            .map(|(_, values)| values)
            .collect();
        let failed = || Error::rows("read the cursor of", table);
        let mut stays = Vec::with_capacity(batch.num_rows());
        let times: Vec<Vec<Option<Timestamp>>> = columns
            .iter()
            .map(|values| self.instants(values))
            .collect::<Result<_, _>>()
            .map_err(failed())?;
        for row in 0..batch.num_rows() {
            let time = times.iter().find_map(|column| column[row]);
            let Some(time) = time else {
                return Err(Error::NoCursorInRow {
                    table: table.to_owned(),
                    column: self.column.clone(),
                });
            };
            stays.push(time < self.start || time >= self.end);
        }
        Ok(stays.into())
    }

    /// The times that values tell; `None` where there is no value, or none that is a time.
    fn instants(
        &self,
        values: &ArrayRef,
    ) -> Result<Vec<Option<Timestamp>>, arrow::error::ArrowError> {
        let rows = 0..values.len();
        if let DataType::Timestamp(unit, _) = values.data_type() {
            let is_fine = *unit == TimeUnit::Nanosecond;
            let time = |row: usize| {
                if is_fine {
                    let values = values.as_primitive::<TimestampNanosecondType>();
                    Timestamp::from_nanosecond(values.value(row).into()).ok()
                } else {
                    let values = values.as_primitive::<TimestampMicrosecondType>();
                    Timestamp::from_microsecond(values.value(row)).ok()
                }
            };
            let time = |row| values.is_valid(row).then(|| time(row)).flatten();
            return Ok(rows.map(time).collect());
        }
        let options = FormatOptions::default();
        let text = ArrayFormatter::try_new(values, &options)?;
        let is_number = values.data_type().is_numeric();
        let time = |row: usize| {
            if values.is_null(row) {
                return None;
            }
            let text = text.value(row).to_string();
            let json = if is_number {
                text
            } else {
                serde_json::Value::from(text).to_string()
            };
            let mut formats = self.formats.iter();
            formats.find_map(|format| format.read(json.as_bytes()))
        };
        Ok(rows.map(time).collect())
    }
}

/// One file that is read, and written anew if rows of it leave.
struct Rewrite {
    range: ReplacedRange,
    target: Target,
    settled: Arc<TableSchema>,
    slice: Option<String>,
}

impl Rewrite {
    /// The rows that stay, in new files; `None` if all of them stay where they are.
    fn file(
        &self,
        copy: &LocalCopy,
        schema: &TableSchema,
    ) -> Result<Option<Vec<WrittenFile>>, Error> {
        let table = &self.target.table;
        let mut keep = Vec::new();
        read_rows(table, copy.path(), schema, &self.settled, |batch| {
            keep.push(self.range.stays(&batch, &self.settled, table)?);
            Ok(())
        })?;
        if keep.iter().all(|batch| batch.false_count() == 0) {
            return Ok(None);
        }
        let mut writer = TableWriter::new(&self.target, &self.settled)?;
        let mut keep = keep.into_iter();
        read_rows(table, copy.path(), schema, &self.settled, |batch| {
            let keep = keep.next().expect("the same file gives the same batches");
            let kept = filter_record_batch(&batch, &keep).map_err(Error::rows("filter", table))?;
            writer.write(kept)
        })?;
        let files = writer.close()?.into_iter().map(|file| WrittenFile {
            slice: self.slice.clone(),
            ..file
        });
        Ok(Some(files.collect()))
    }
}
