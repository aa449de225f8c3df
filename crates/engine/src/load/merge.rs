//! Rows that take the place of earlier ones with the same key.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::destination::off_the_async_threads;
use super::key_index::{KeyIndex, MergeCounts, key_positions};
use super::parquet_writer::WrittenFile;
use super::spool::{SpooledRows, Target};
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
}

/// Merges new rows, in the order in which they were read, into a table.
///
/// A row that the table holds with the same content is not written again, and its file stays as it is: reading the
/// same rows again changes nothing.
pub(super) async fn merge(
    destination: &Destination,
    target: &Target,
    before: &TableState,
    parts: Vec<SpooledRows>,
    settled: &Arc<TableSchema>,
) -> Result<Merged, Error> {
    let merge = Merge {
        target: target.clone(),
        settled: Arc::clone(settled),
        parts,
    };
    let (merge, mut index) = off_the_async_threads(move || merge.index()).await?;
    let merge = Arc::new(merge);
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
        let copy = local_copy(destination, &old.path, &target.folder).await?;
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
    files.extend(off_the_async_threads(move || merge.write_new(&index)).await?);
    Ok(Merged {
        files,
        remove,
        counts,
    })
}

/// What stays the same during a merge.
struct Merge {
    target: Target,
    settled: Arc<TableSchema>,
    parts: Vec<SpooledRows>,
}

impl Merge {
    fn index(self) -> Result<(Self, KeyIndex), Error> {
        let Target {
            table, settings, ..
        } = &self.target;
        let primary_key = &settings.primary_key;
        if primary_key.is_empty() {
            return Err(Error::KeyMissing {
                table: table.clone(),
            });
        }
        let layout = self.settled.arrow_schema();
        let positions = key_positions(&self.settled, primary_key).map_err(|column| {
            Error::KeyColumnMissing {
                table: table.clone(),
                column,
            }
        })?;
        let mut index = KeyIndex::new(&layout, positions).map_err(Error::rows("compare", table))?;
        self.read_new(|batch| index.add(&batch).map_err(Error::rows("compare", table)))?;
        Ok((self, index))
    }

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
        self.read_new(|batch| {
            let (these, behind) = rest.split_at(batch.num_rows());
            rest = behind;
            let keep = BooleanArray::from(these.to_vec());
            let kept = filter_record_batch(&batch, &keep).map_err(Error::rows("filter", table))?;
            writer.write(kept)
        })?;
        writer.close()
    }

    /// Hands all new rows to `each`, in order and settled.
    fn read_new(
        &self,
        mut each: impl FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let table = &self.target.table;
        self.parts.iter().try_for_each(|part| {
            part.read(&mut |new| each(lay_out(table, &new.batch, &new.schema, &self.settled)?))
        })
    }
}

fn schema_of(table: &TableState, file: &DataFile) -> Result<TableSchema, Error> {
    let schema = table.schemas.get(&file.schema_version).cloned();
    schema.ok_or_else(|| Error::FileMissing {
        path: format!("schema version {} of {}", file.schema_version, file.path),
    })
}
