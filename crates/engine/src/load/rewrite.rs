//! Writing the rows of a table's file anew.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Error;
use super::parquet_writer::WrittenFile;
use super::spool::Target;
use super::stored_file::read_rows;
use super::table_writer::TableWriter;
use crate::schema::TableSchema;

/// Writes what `change` makes of a file's rows to new files, in order, laid out and divided into folders as the table is now.
///
/// `change` gets the rows batch by batch, as they are laid out in `settled`; the file itself, a local copy written in
/// `schema`, stays as it is.
pub(super) fn rewrite(
    target: &Target,
    settled: &Arc<TableSchema>,
    path: &Path,
    schema: &TableSchema,
    mut change: impl FnMut(RecordBatch) -> Result<RecordBatch, Error>,
) -> Result<Vec<WrittenFile>, Error> {
    let mut writer = TableWriter::new(target, settled)?;
    read_rows(&target.table, path, schema, settled, |batch| {
        writer.write(change(batch)?)
    })?;
    writer.close()
}
