//! Existing rows that a load concerns though it holds no row with their key.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::file::metadata::ParquetMetaData;
use xxhash_rust::xxh3::xxh3_128;

use super::columns::Columns;
use super::key_probe::KeyProbe;
use super::{DataFile, Destination, Error};

/// Ids of records that are kept to look files up by; with more of them, all files may hold some.
const MOST_IDS: usize = 4096;

/// The records that a load has read anew, by their ids, for the tables of their lists.
#[derive(Debug, Default)]
pub(super) struct ReadAnew {
    hashes: HashSet<u128>,
    /// Those that are deleted: elements of their lists go, and new ones don't come.
    deleted: HashSet<u128>,
    /// The ids themselves, while they are few enough.
    few: Vec<String>,
}

impl ReadAnew {
    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub(super) fn add(&mut self, id: &str) {
        if self.hashes.insert(hash(id)) && self.few.len() <= MOST_IDS {
            self.few.push(id.to_owned());
        }
    }

    pub(super) fn add_deleted(&mut self, id: &str) {
        self.add(id);
        self.deleted.insert(hash(id));
    }

    /// For each of these ids, whether its record was read anew.
    fn holds(&self, ids: &ArrayRef) -> Vec<bool> {
        held(&self.hashes, ids)
    }

    /// For each of these ids, whether its record is deleted.
    pub(super) fn deletes(&self, ids: &ArrayRef) -> Vec<bool> {
        held(&self.deleted, ids)
    }
}

fn held(hashes: &HashSet<u128>, ids: &ArrayRef) -> Vec<bool> {
    let ids = ids.as_string::<i32>().iter();
    ids.map(|id| id.is_some_and(|id| hashes.contains(&hash(id))))
        .collect()
}

fn hash(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// Which existing rows a load concerns though it holds no row with their key.
#[derive(Debug)]
pub(super) enum AbsentRows {
    None,
    All,
    /// Those that agree in these columns with a row of the load.
    InGroups(Groups),
    /// Elements of lists in records that were read anew.
    ElementsOf(Elements),
}

#[derive(Debug)]
pub(super) struct Groups {
    columns: Columns,
    present: HashSet<u128>,
    probe: KeyProbe,
}

#[derive(Debug)]
pub(super) struct Elements {
    /// Position of the column of the records' ids.
    position: usize,
    records: Arc<ReadAnew>,
    /// `None` where there are too many.
    probe: Option<KeyProbe>,
}

impl AbsentRows {
    /// Groups by the columns at these positions: for each key column those of all its kinds, the plain one first.
    pub(super) fn in_groups(layout: &SchemaRef, keys: &[Vec<usize>]) -> Result<Self, ArrowError> {
        Ok(Self::InGroups(Groups {
            columns: Columns::new(layout, keys.concat())?,
            present: HashSet::new(),
            probe: KeyProbe::new(layout, keys)?,
        }))
    }

    /// Elements of lists in these records, which have the column of their ids at a position.
    pub(super) fn elements_of(
        layout: &SchemaRef,
        position: usize,
        records: Arc<ReadAnew>,
    ) -> Result<Self, ArrowError> {
        let probe = if records.few.len() <= MOST_IDS {
            let mut probe = KeyProbe::new(layout, &[vec![position]])?;
            let ids = StringArray::from_iter_values(&records.few);
            probe.add_arrays(vec![Arc::new(ids)])?;
            Some(probe)
        } else {
            None
        };
        Ok(Self::ElementsOf(Elements {
            position,
            records,
            probe,
        }))
    }

    /// Takes note of new rows.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let Self::InGroups(groups) = self else {
            return Ok(());
        };
        let rows = groups.columns.rows(batch)?;
        let hashes = rows.iter().map(|row| xxh3_128(row.data()));
        groups.present.extend(hashes);
        groups.probe.add(batch)
    }

    /// For each existing row, whether it goes if the load has no row with its key.
    pub(super) fn concern(&self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        Ok(match self {
            Self::None => vec![false; batch.num_rows()].into(),
            Self::All => vec![true; batch.num_rows()].into(),
            Self::InGroups(groups) => {
                let rows = groups.columns.rows(batch)?;
                let is_present = |row: &[u8]| groups.present.contains(&xxh3_128(row));
                let present = rows.iter().map(|row| Some(is_present(row.data())));
                present.collect()
            }
            Self::ElementsOf(elements) => {
                let ids = batch.column(elements.position);
                elements.records.holds(ids).into()
            }
        })
    }

    /// For each new row, whether it is an element of a record that is deleted.
    pub(super) fn deletes(&self, batch: &RecordBatch) -> Option<Vec<bool>> {
        match self {
            Self::ElementsOf(elements) => {
                Some(elements.records.deletes(batch.column(elements.position)))
            }
            _ => None,
        }
    }

    /// Whether a file may hold such a row.
    pub(super) async fn may_be_in(
        &self,
        destination: &Destination,
        file: &DataFile,
        footer: &ParquetMetaData,
    ) -> Result<bool, Error> {
        match self {
            Self::None => Ok(false),
            Self::All => Ok(true),
            Self::InGroups(groups) => groups.probe.may_be_in(destination, file, footer).await,
            Self::ElementsOf(Elements { probe, .. }) => match probe {
                Some(probe) => probe.may_be_in(destination, file, footer).await,
                None => Ok(true),
            },
        }
    }
}
