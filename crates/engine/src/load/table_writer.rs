//! Rows of one layout on their way to the files of a table, divided into its folders.
//!
//! The folder of the first row is written as the rows come: in most slices it is that of all rows. Rows of other folders
//! wait, in memory up to a bound and beyond it in one local file, and are written folder by folder at the end. However
//! many folders there are, one Parquet file is open, and each folder gets as few files as if it were alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

use super::Error;
use super::parquet_writer::{ParquetWriter, WrittenFile};
use super::partitioning::Partitioning;
use super::spill::{Segment, SpillFile};
use super::spool::Target;
use crate::schema::TableSchema;

/// Rows that are divided at once, as their size in memory in bytes: enough that each folder gets more than a few.
const DIVIDE_BYTES: usize = 4 << 20;

/// Rows of other folders than the first that wait in memory, in bytes; beyond it they go to the local file.
const WAITING_BYTES: usize = 16 << 20;

/// Writes rows to the files of a table's folders. Without rows there is no file.
///
/// Dropped without a last [`close`](Self::close) it removes what it wrote.
#[derive(Debug)]
pub(super) struct TableWriter {
    target: Target,
    settled: Arc<TableSchema>,
    /// `None` where all files lie in the table's folder.
    partitioning: Option<Partitioning>,
    /// Rows that wait to be divided.
    undivided: Vec<RecordBatch>,
    undivided_bytes: usize,
    first: Option<Folder>,
    /// The rows of all other folders.
    others: BTreeMap<String, WaitingRows>,
    waiting_bytes: usize,
    spill: Option<SpillFile>,
}

/// A folder whose files are written as the rows come.
#[derive(Debug)]
struct Folder {
    name: String,
    writer: ParquetWriter,
}

#[derive(Debug, Default)]
struct WaitingRows {
    /// Those that came first.
    spilled: Vec<Segment>,
    in_memory: Vec<RecordBatch>,
}

impl TableWriter {
    /// # Errors
    /// `partition_by` names what the layout can't be divided by.
    pub(super) fn new(target: &Target, settled: &Arc<TableSchema>) -> Result<Self, Error> {
        let fields = &target.settings.partition_by;
        let partitioning = if fields.is_empty() {
            None
        } else {
            Some(Partitioning::new(&target.table, fields, settled)?)
        };
        Ok(Self {
            target: target.clone(),
            settled: Arc::clone(settled),
            partitioning,
            undivided: Vec::new(),
            undivided_bytes: 0,
            first: None,
            others: BTreeMap::new(),
            waiting_bytes: 0,
            spill: None,
        })
    }

    /// Appends rows of the writer's layout.
    pub(super) fn write(&mut self, batch: RecordBatch) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.partitioning.is_none() {
            return self.write_to(String::new(), batch);
        }
        self.undivided_bytes += batch.get_array_memory_size();
        self.undivided.push(batch);
        if self.undivided_bytes >= DIVIDE_BYTES {
            self.divide()?;
        }
        Ok(())
    }

    /// Closes all files and gives them away; the next row begins new ones.
    pub(super) fn close(&mut self) -> Result<Vec<WrittenFile>, Error> {
        self.divide()?;
        let mut files = match self.first.take() {
            Some(mut first) => first.writer.close()?,
            None => Vec::new(),
        };
        for (folder, rows) in std::mem::take(&mut self.others) {
            let mut writer = ParquetWriter::new(&self.target, &self.settled, folder)?;
            for segment in rows.spilled {
                if let Some(spill) = &mut self.spill {
                    spill.read(segment, &mut |batch| writer.write(batch))?;
                }
            }
            // Put together, they leave the memory that they shared with other folders.
            if let Some(rows) = self.put_together(&rows.in_memory)? {
                writer.write(rows)?;
            }
            files.extend(writer.close()?);
        }
        self.waiting_bytes = 0;
        self.spill = None;
        Ok(files)
    }

    fn divide(&mut self) -> Result<(), Error> {
        self.undivided_bytes = 0;
        let undivided = std::mem::take(&mut self.undivided);
        let (Some(partitioning), Some(rows)) = (&self.partitioning, self.put_together(&undivided)?)
        else {
            return Ok(());
        };
        drop(undivided);
        for (folder, rows) in partitioning.divide(&rows)? {
            self.write_to(folder, rows)?;
        }
        if self.waiting_bytes > WAITING_BYTES {
            self.spill_waiting()?;
        }
        Ok(())
    }

    fn write_to(&mut self, folder: String, rows: RecordBatch) -> Result<(), Error> {
        let first = match &mut self.first {
            Some(first) => first,
            none => none.insert(Folder {
                writer: ParquetWriter::new(&self.target, &self.settled, folder.clone())?,
                name: folder.clone(),
            }),
        };
        if first.name == folder {
            return first.writer.write(rows);
        }
        self.waiting_bytes += rows.get_array_memory_size();
        self.others.entry(folder).or_default().in_memory.push(rows);
        Ok(())
    }

    fn spill_waiting(&mut self) -> Result<(), Error> {
        let mut spill = match self.spill.take() {
            Some(spill) => spill,
            None => SpillFile::create(self.target.new_file("arrow")?)?,
        };
        for rows in self.others.values_mut() {
            let batches = std::mem::take(&mut rows.in_memory);
            let layout = batches.first().map(RecordBatch::schema);
            let Some(layout) = layout else {
                continue;
            };
            let together = concat_batches(&layout, &batches)
                .map_err(Error::rows("put together", &self.target.table))?;
            rows.spilled.push(spill.append(&together)?);
        }
        self.spill = Some(spill);
        self.waiting_bytes = 0;
        Ok(())
    }

    /// `None` for no rows.
    fn put_together(&self, batches: &[RecordBatch]) -> Result<Option<RecordBatch>, Error> {
        let Some(first) = batches.first() else {
            return Ok(None);
        };
        concat_batches(&first.schema(), batches)
            .map(Some)
            .map_err(Error::rows("put together", &self.target.table))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::load::SpoolSettings;
    use crate::load::spool::SpoolFolder;
    use crate::plan::{Compression, MemoryPlan, MergePlan, PartitionField};

    /// Rows that go to a thousand folders in turn.
    fn rows(ids: std::ops::Range<i64>) -> (RecordBatch, Arc<TableSchema>) {
        let texts = ids.clone().map(|id| format!("{id:0200}"));
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "folder",
                Arc::new(Int64Array::from_iter_values(ids.map(|id| id % 1000))),
            ),
            ("text", Arc::new(StringArray::from_iter_values(texts))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let schema = TableSchema::of(&batch.schema()).settle(None);
        let batch = RecordBatch::try_new(schema.arrow_schema(), batch.columns().to_vec()).unwrap();
        (batch, Arc::new(schema))
    }

    #[test]
    fn what_waits_in_memory_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let field = PartitionField {
            column: "folder".to_owned(),
            part: None,
        };
        let target = Target {
            table: "events".to_owned(),
            folder: Arc::new(SpoolFolder::new(Some(folder.path().to_owned()), "load")),
            committed: None,
            settings: Arc::new(SpoolSettings {
                compression: Compression::None,
                row_group_bytes: 32 << 20,
                file_size_bytes: 128 << 20,
                encode_from_bytes: 0,
                primary_key: Vec::new(),
                merge: MergePlan::UPSERT,
                load_start: 0,
                cursor: None,
                partition_by: vec![field],
                memory: MemoryPlan::DEFAULT,
            }),
        };
        let (_, schema) = rows(0..1);
        let mut writer = TableWriter::new(&target, &schema).unwrap();
        for page in 0..40 {
            writer
                .write(rows(page * 5000..(page + 1) * 5000).0)
                .unwrap();
            let held = writer.undivided_bytes + writer.waiting_bytes;
            assert!(held <= WAITING_BYTES + 2 * DIVIDE_BYTES, "{held} bytes");
        }
        assert!(writer.spill.is_some(), "40 MB are more than the bound");
        let files = writer.close().unwrap();
        assert_eq!(files.len(), 1000);
        assert!(files.iter().all(|file| file.rows == 200));
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1000, "nothing but the files");
    }
}
