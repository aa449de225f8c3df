//! Rows that take the place of earlier ones with the same key.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::destination::off_the_async_threads;
use super::key_index::{KeyIndex, MergeCounts, ReadAnew, key_positions};
use super::parquet_writer::WrittenFile;
use super::spool::{SpooledRows, TableRows, Target};
use super::stored_file::{LocalCopy, lay_out, local_copy, read_footer, read_rows};
use super::table_writer::TableWriter;
use super::{DataFile, Destination, Error, TableState};
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

/// Which rows are the last with their key, one value for each row.
pub(super) fn newest(rows: &TableRows) -> Result<Vec<bool>, Error> {
    Ok(index(&rows.target, &rows.schema, &rows.parts, None)?.newest())
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
    let merge = Arc::new(Merge {
        target: rows.target,
        settled: rows.schema,
        parts: rows.parts,
    });
    let indexed = Arc::clone(&merge);
    let indexing = move || {
        index(
            &indexed.target,
            &indexed.settled,
            &indexed.parts,
            elements_of,
        )
    };
    let mut index = off_the_async_threads(indexing).await?;
    let mut files = Vec::new();
    let mut remove = BTreeSet::new();
    for old in &before.files {
        let footer = read_footer(destination, old).await?;
        let may_hold_keys = index.may_be_in(&footer).map_err(|source| Error::Parquet {
            action: "read the statistics of",
            path: old.path.clone(),
            source,
        })?;
        if !may_hold_keys {
            continue;
        }
        let copy = local_copy(destination, &old.path, &merge.target.folder).await?;
        let schema = schema_of(before, old)?;
        let merge = Arc::clone(&merge);
        let kept;
        (index, kept) =
            off_the_async_threads(move || merge.rewrite_old(index, &copy, &schema)).await?;
        if let Some(kept) = kept {
            files.extend(kept);
            remove.insert(old.path.clone());
        }
    }
    let counts = index.counts();
    let (new, read_anew) = off_the_async_threads(move || {
        let new = merge.write_new(&index)?;
        Ok::<_, Error>((new, index.into_read_anew()))
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

/// What stays the same during a merge.
struct Merge {
    target: Target,
    settled: Arc<TableSchema>,
    parts: Vec<SpooledRows>,
}

/// The new rows by their key.
fn index(
    target: &Target,
    settled: &TableSchema,
    parts: &[SpooledRows],
    elements_of: Option<Arc<ReadAnew>>,
) -> Result<KeyIndex, Error> {
    let Target {
        table, settings, ..
    } = target;
    let key = &settings.primary_key;
    if key.is_empty() {
        return Err(Error::KeyMissing {
            table: table.clone(),
        });
    }
    let positions = key_positions(settled, key).map_err(|column| Error::KeyColumnMissing {
        table: table.clone(),
        column,
    })?;
    let layout = settled.arrow_schema();
    let index = KeyIndex::new(&layout, positions).map_err(Error::rows("compare", table))?;
    let mut index = match (elements_of, settled.root_id()) {
        (Some(read_anew), Some(position)) => index.owned(position, read_anew),
        _ => index.noting_ids(settled.row_id()),
    };
    read_new(table, settled, parts, |batch| {
        index.add(&batch).map_err(Error::rows("compare", table))
    })?;
    Ok(index)
}

/// Hands all new rows to `each`, in order and settled.
fn read_new(
    table: &str,
    settled: &TableSchema,
    parts: &[SpooledRows],
    mut each: impl FnMut(RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    parts.iter().try_for_each(|part| {
        part.read(&mut |new| each(lay_out(table, &new.batch, &new.schema, settled)?))
    })
}

impl Merge {
    /// The rows of an existing file that stay, in new files; `None` if all of them stay where they are.
    fn rewrite_old(
        &self,
        mut index: KeyIndex,
        copy: &LocalCopy,
        schema: &TableSchema,
    ) -> Result<(KeyIndex, Option<Vec<WrittenFile>>), Error> {
        let table = &self.target.table;
        let mut keep = Vec::new();
        read_rows(table, copy.path(), schema, &self.settled, |batch| {
            keep.push(index.keep(&batch).map_err(Error::rows("compare", table))?);
            Ok(())
        })?;
        if keep.iter().all(|batch| batch.false_count() == 0) {
            return Ok((index, None));
        }
        let mut writer = TableWriter::new(&self.target, &self.settled)?;
        let mut keep = keep.into_iter();
        read_rows(table, copy.path(), schema, &self.settled, |batch| {
            let keep = keep.next().expect("the same file gives the same batches");
            let kept = filter_record_batch(&batch, &keep).map_err(Error::rows("filter", table))?;
            writer.write(kept)
        })?;
        Ok((index, Some(writer.close()?)))
    }

    /// The new rows that are needed.
    fn write_new(&self, index: &KeyIndex) -> Result<Vec<WrittenFile>, Error> {
        let table = &self.target.table;
        let mut writer = TableWriter::new(&self.target, &self.settled)?;
        let survives = index.survivors();
        let mut rest = &survives[..];
        read_new(table, &self.settled, &self.parts, |batch| {
            let (these, behind) = rest.split_at(batch.num_rows());
            rest = behind;
            let keep = BooleanArray::from(these.to_vec());
            let kept = filter_record_batch(&batch, &keep).map_err(Error::rows("filter", table))?;
            writer.write(kept)
        })?;
        writer.close()
    }
}

fn schema_of(table: &TableState, file: &DataFile) -> Result<TableSchema, Error> {
    let schema = table.schemas.get(&file.schema_version).cloned();
    schema.ok_or_else(|| Error::FileMissing {
        path: format!("schema version {} of {}", file.schema_version, file.path),
    })
}
