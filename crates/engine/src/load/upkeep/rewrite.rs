//! Rows of a table's files on their way to files that take their place.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;

use super::UpkeepSettings;
use crate::load::commit_log::TableChange;
use crate::load::destination::off_the_async_threads;
use crate::load::parquet_writer::{ParquetWriter, WrittenFile};
use crate::load::prepare::Prepared;
use crate::load::spool::{SpoolFolder, Target};
use crate::load::stored_file::{local_copy, read_footer, read_rows};
use crate::load::{DataFile, Destination, Error, State, TableReport, TableState};

/// One table whose files are written again.
pub(super) struct Rewriting<'a> {
    pub(super) destination: &'a Destination,
    pub(super) folder: &'a Arc<SpoolFolder>,
    pub(super) state: &'a State,
    pub(super) settings: &'a UpkeepSettings,
    pub(super) name: &'a str,
    pub(super) table: &'a TableState,
}

/// A file, and which of its rows stay, one value for each; `None`: all.
pub(super) type Source<'f> = (&'f DataFile, Option<Vec<BooleanBuffer>>);

impl Rewriting<'_> {
    /// Writes the rows of some files of one folder, in their order and in the table's current schema, to new files that
    /// take the place of the first. Without rows there is no file.
    pub(super) async fn rewrite(
        &self,
        sources: Vec<Source<'_>>,
    ) -> Result<Vec<WrittenFile>, Error> {
        let (Some((first, _)), Some(settled)) = (sources.first(), &self.table.schema) else {
            return Ok(Vec::new());
        };
        let first = (*first).clone();
        let settled = Arc::new(settled.clone());
        let footer = read_footer(self.destination, &first).await?;
        let target = Target {
            table: self.name.to_owned(),
            folder: Arc::clone(self.folder),
            settings: Arc::new(self.settings.for_table(self.name, self.state, &footer)),
            committed: None,
        };
        let folder = folder_in_table(self.name, &first.path).to_owned();
        let mut writer = ParquetWriter::new(&target, &settled, folder)?;
        for (file, keep) in sources {
            let copy = local_copy(self.destination, &file.path, self.folder).await?;
            let from = self.table.schema_of(file)?.clone();
            let (name, settled) = (self.name.to_owned(), Arc::clone(&settled));
            let file = file.clone();
            writer = off_the_async_threads(move || {
                let mut keep = keep.as_ref().map(|keep| keep.iter().flatten());
                let mut rows = 0;
                read_rows(&name, copy.path(), &from, &settled, |batch| {
                    rows += batch.num_rows() as u64;
                    let kept = match &mut keep {
                        Some(keep) => kept_rows(&name, &batch, keep)?,
                        None => batch,
                    };
                    writer.write(kept)
                })?;
                check_rows(&file, rows)?;
                Ok::<_, Error>(writer)
            })
            .await?;
        }
        let written = off_the_async_threads(move || writer.close()).await?;
        let in_place = written.into_iter().map(|written| WrittenFile {
            slice: first.slice.clone(),
            in_place_of: Some(first.path.clone()),
            ..written
        });
        Ok(in_place.collect())
    }

    /// The table's part of a commit.
    pub(super) fn prepared(
        &self,
        files: Vec<WrittenFile>,
        remove: BTreeSet<String>,
        rows_removed: u64,
    ) -> Prepared {
        Prepared {
            table: self.name.to_owned(),
            change: TableChange {
                remove,
                ..TableChange::default()
            },
            files,
            schema_version: self.table.schema_version,
            report: TableReport {
                rows_removed,
                ..TableReport::default()
            },
            ..Prepared::default()
        }
    }
}

/// A file that doesn't hold what the log says is left alone.
pub(super) fn check_rows(file: &DataFile, rows: u64) -> Result<(), Error> {
    if rows == file.rows {
        return Ok(());
    }
    Err(Error::RowsDiffer {
        path: file.path.clone(),
        rows,
        expected: file.rows,
    })
}

/// The folder of a file in the table's folder: empty, or as `partition_by` made it.
pub(super) fn folder_in_table<'p>(table: &str, path: &'p str) -> &'p str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let inner = folder.strip_prefix(table).unwrap_or_default();
    inner.strip_prefix('/').unwrap_or_default()
}

/// The rows of a batch for which the next values say so.
fn kept_rows(
    table: &str,
    batch: &RecordBatch,
    keep: &mut dyn Iterator<Item = bool>,
) -> Result<RecordBatch, Error> {
    let keep: Vec<bool> = keep.take(batch.num_rows()).collect();
    filter_record_batch(batch, &BooleanArray::from(keep)).map_err(Error::rows("filter", table))
}
