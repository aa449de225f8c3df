//! Rows that take the place of earlier ones with the same key.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use parquet::file::metadata::ParquetMetaData;

use super::absent_rows::ReadAnew;
use super::destination::off_the_async_threads;
use super::key_index::MergeCounts;
use super::merge_keys::MergeKeys;
use super::parquet_writer::WrittenFile;
use super::rewrite::rewrite;
use super::spool::TableRows;
use super::stored_file::{lay_out, local_copy, read_footer, read_rows};
use super::table_writer::TableWriter;
use super::{Destination, Error, TableState};
use crate::schema::TableSchema;

/// What a merge adds to the table and takes from it.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) files: Vec<WrittenFile>,
    pub(super) remove: BTreeSet<String>,
    pub(super) counts: MergeCounts,
    /// The records that were read anew, for the child tables.
    pub(super) read_anew: ReadAnew,
}

/// Which rows count, of those with the same key; one value for each row.
pub(super) fn counting(rows: &TableRows) -> Result<Vec<bool>, Error> {
    let mut keys = MergeKeys::new(rows, None)?;
    read_new(rows, |batch| keys.add(&rows.target.table, &batch))?;
    Ok(keys.index.counting())
}

/// Which rows have keys that the table doesn't hold, of several with one key the first; one value for each row.
pub(super) async fn not_yet_there(
    destination: &Destination,
    before: &TableState,
    rows: TableRows,
) -> Result<(TableRows, Vec<bool>, MergeCounts), Error> {
    let (rows, mut keys) = off_the_async_threads(move || {
        let mut keys = MergeKeys::new(&rows, None)?;
        read_new(&rows, |batch| keys.add(&rows.target.table, &batch))?;
        Ok::<_, Error>((rows, keys))
    })
    .await?;
    let rows = Arc::new(rows);
    for old in &before.files {
        let footer = read_footer(destination, old).await?;
        if !keys.may_be_in(destination, old, &footer).await? {
            continue;
        }
        let copy = local_copy(destination, &old.path, &rows.target.folder).await?;
        let schema = before.schema_of(old)?.clone();
        let rows = Arc::clone(&rows);
        keys = off_the_async_threads(move || {
            let table = &rows.target.table;
            read_rows(table, copy.path(), &schema, &rows.schema, |batch| {
                let left_out = keys.index.leave_out(&batch);
                left_out.map_err(Error::rows("compare", table))
            })?;
            Ok::<_, Error>(keys)
        })
        .await?;
    }
    let rows = Arc::into_inner(rows).expect("the work that shared the rows has ended");
    Ok((rows, keys.index.survivors(), keys.index.counts()))
}

/// Merges new rows, in the order in which they were read, into a table.
///
/// A row that the table holds with the same content is not written again, and its file stays as it is: reading the
/// same rows again changes nothing. In a child table, all other rows that are elements of these records go.
pub(super) async fn merge(
    destination: &Destination,
    before: &TableState,
    rows: TableRows,
    elements_of: Option<Arc<ReadAnew>>,
) -> Result<Merged, Error> {
    let rows = Arc::new(rows);
    let indexed = Arc::clone(&rows);
    let mut keys = off_the_async_threads(move || {
        let mut keys = MergeKeys::new(&indexed, elements_of)?;
        read_new(&indexed, |batch| keys.add(&indexed.target.table, &batch))?;
        Ok::<_, Error>(keys)
    })
    .await?;
    let mut files = Vec::new();
    let mut remove = BTreeSet::new();
    for old in &before.files {
        let footer: ParquetMetaData = read_footer(destination, old).await?;
        if !keys.may_be_in(destination, old, &footer).await? {
            continue;
        }
        let copy = local_copy(destination, &old.path, &rows.target.folder).await?;
        let schema = before.schema_of(old)?.clone();
        let rows = Arc::clone(&rows);
        let kept;
        (keys, kept) = off_the_async_threads(move || {
            let kept = rewrite_old(&mut keys, &rows, copy.path(), &schema)?;
            Ok::<_, Error>((keys, kept))
        })
        .await?;
        if let Some(kept) = kept {
            files.extend(kept);
            remove.insert(old.path.clone());
        }
    }
    let counts = keys.index.counts();
    let (new, read_anew) = off_the_async_threads(move || {
        let new = write_new(&keys, &rows)?;
        Ok::<_, Error>((new, keys.index.into_read_anew()))
    })
    .await?;
    files.extend(new);
    Ok(Merged {
        files,
        remove,
        counts,
        read_anew,
    })
}

/// Hands all new rows to `each`, in order and settled.
fn read_new(
    rows: &TableRows,
    mut each: impl FnMut(RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    rows.parts.iter().try_for_each(|part| {
        part.read(&mut |new| {
            each(lay_out(
                &rows.target.table,
                &new.batch,
                &new.schema,
                &rows.schema,
            )?)
        })
    })
}

/// The rows of an existing file that stay, in new files; `None` if all of them stay as they are.
fn rewrite_old(
    keys: &mut MergeKeys,
    rows: &TableRows,
    path: &std::path::Path,
    schema: &TableSchema,
) -> Result<Option<Vec<WrittenFile>>, Error> {
    let table = &rows.target.table;
    let mut keep = Vec::new();
    read_rows(table, path, schema, &rows.schema, |batch| {
        keep.push(keys.keep(table, &batch)?);
        Ok(())
    })?;
    if keep.iter().all(|batch| batch.false_count() == 0) {
        return Ok(None);
    }
    let mut keep = keep.into_iter();
    let change = |batch: RecordBatch| {
        let keep = keep.next().expect("the same file gives the same batches");
        let kept = match &keys.versions {
            Some(versions) => versions.end(&batch, &keep),
            None => filter_record_batch(&batch, &keep),
        };
        kept.map_err(Error::rows("filter", table))
    };
    rewrite(&rows.target, &rows.schema, path, schema, change).map(Some)
}

/// The new rows that are needed.
fn write_new(keys: &MergeKeys, rows: &TableRows) -> Result<Vec<WrittenFile>, Error> {
    let table = &rows.target.table;
    let mut writer = TableWriter::new(&rows.target, &rows.schema)?;
    let survives = keys.index.survivors();
    let mut rest = &survives[..];
    read_new(rows, |batch| {
        let (these, behind) = rest.split_at(batch.num_rows());
        rest = behind;
        let keep = BooleanArray::from(these.to_vec());
        let kept = filter_record_batch(&batch, &keep).and_then(|kept| match &keys.versions {
            Some(versions) => versions.begin(&kept),
            None => Ok(kept),
        });
        writer.write(kept.map_err(Error::rows("filter", table))?)
    })?;
    writer.close()
}
