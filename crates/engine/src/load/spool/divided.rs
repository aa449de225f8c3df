//! Rows of a table apart from those of its child tables, once the schema of a commit is settled.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::batch_file::LaidOutBatch;
use super::gathering::{Gathering, SpooledRows};
use super::{SHARED_MEMORY_BYTES, Target};
use crate::load::Error;
use crate::schema::{TableSchema, conform_with_children};

/// The rows that a commit brings to one table.
#[derive(Debug)]
pub(in crate::load) struct TableRows {
    pub(in crate::load) target: Target,
    /// Settled.
    pub(in crate::load) schema: Arc<TableSchema>,
    /// In slice order.
    pub(in crate::load) parts: Vec<SpooledRows>,
}

/// Puts the elements of lists into tables of their own: those of `rows` come first, each other one before those below it.
///
/// Every row is read once, and none where there are no such lists. With `kept`, one value for each row, the others are left out.
pub(in crate::load) fn divide(
    rows: TableRows,
    kept: Option<Vec<bool>>,
) -> Result<Vec<TableRows>, Error> {
    if !rows.schema.has_child_tables() && kept.is_none() {
        return Ok(vec![rows]);
    }
    let TableRows {
        target,
        schema,
        parts,
    } = rows;
    let child_tables = schema.child_tables();
    let settings = Arc::new(target.settings.of_child_tables());
    let children = child_tables.into_iter().map(|(name, schema)| {
        let target = Target {
            table: child_table_name(&target.table, name),
            folder: Arc::clone(&target.folder),
            settings: Arc::clone(&settings),
            committed: None,
        };
        (target, Arc::new(schema))
    });
    let tables: Vec<_> = std::iter::once((target.clone(), Arc::clone(&schema)))
        .chain(children)
        .collect();
    let mut divided = Divided {
        memory_limit: SHARED_MEMORY_BYTES / tables.len(),
        slice: None,
        tables: tables.into_iter().map(OneTable::new).collect(),
    };
    let mut kept = kept.map(Vec::into_iter);
    for part in parts {
        divided.begin(part.slice.clone())?;
        if kept.is_none() && part.are_files_of(&schema) {
            // They are encoded as the table's own layout says, which they could not be if they held lists.
            divided.take_files(part)?;
            continue;
        }
        part.read(&mut |new| {
            let batch = match &mut kept {
                Some(kept) => keep(&new.batch, kept, &target.table)?,
                None => new.batch,
            };
            let conformed = conform_with_children(&batch, &new.schema, &schema);
            let (own, children) = conformed.map_err(|source| Error::Conform {
                table: target.table.clone(),
                source,
            })?;
            divided.write(std::iter::once(own).chain(children))
        })?;
    }
    divided.finish()
}

/// The name of a child table, by that of its root and its own behind it.
pub(in crate::load) fn child_table_name(root: &str, name: &str) -> String {
    format!("{root}__{name}")
}

fn keep(
    batch: &RecordBatch,
    kept: &mut impl Iterator<Item = bool>,
    table: &str,
) -> Result<RecordBatch, Error> {
    let kept: BooleanArray = kept.take(batch.num_rows()).map(Some).collect();
    filter_record_batch(batch, &kept).map_err(Error::rows("filter", table))
}

/// The tables while rows are being divided.
struct Divided {
    /// Of each table, in bytes.
    memory_limit: usize,
    /// The slice whose rows come now, where they are kept apart.
    slice: Option<String>,
    tables: Vec<OneTable>,
}

struct OneTable {
    rows: TableRows,
    /// Rows that are no part yet.
    newest: Option<Gathering>,
}

impl OneTable {
    fn new((target, schema): (Target, Arc<TableSchema>)) -> Self {
        Self {
            rows: TableRows {
                target,
                schema,
                parts: Vec::new(),
            },
            newest: None,
        }
    }

    fn write(&mut self, batch: RecordBatch, memory_limit: usize) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let target = &self.rows.target;
        let gathering = self
            .newest
            .get_or_insert_with(|| Gathering::new(target, memory_limit));
        gathering.write(LaidOutBatch {
            batch,
            schema: Arc::clone(&self.rows.schema),
        })
    }

    /// Makes the newest rows a part.
    fn close(&mut self, slice: Option<&String>) -> Result<(), Error> {
        let Some(mut gathering) = self.newest.take() else {
            return Ok(());
        };
        if slice.is_some() {
            // There may be any number of slices.
            gathering.spill()?;
        }
        if let Some(mut rows) = gathering.take()? {
            rows.slice = slice.cloned();
            self.rows.parts.push(rows);
        }
        Ok(())
    }
}

impl Divided {
    fn begin(&mut self, slice: Option<String>) -> Result<(), Error> {
        if self.slice != slice {
            self.close()?;
            self.slice = slice;
        }
        Ok(())
    }

    fn write(&mut self, batches: impl Iterator<Item = RecordBatch>) -> Result<(), Error> {
        let mut tables = self.tables.iter_mut().zip(batches);
        tables.try_for_each(|(table, batch)| table.write(batch, self.memory_limit))
    }

    fn take_files(&mut self, part: SpooledRows) -> Result<(), Error> {
        self.close()?;
        if let Some(own) = self.tables.first_mut() {
            own.rows.parts.push(part);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let slice = self.slice.as_ref();
        self.tables
            .iter_mut()
            .try_for_each(|table| table.close(slice))
    }

    fn finish(mut self) -> Result<Vec<TableRows>, Error> {
        self.close()?;
        Ok(self.tables.into_iter().map(|table| table.rows).collect())
    }
}
