//! The keys of new rows, and what each existing row means for them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use xxhash_rust::xxh3::xxh3_128;

use crate::schema::TableSchema;

/// Columns that differ each time a row is read; they say nothing about its content.
const LOAD_COLUMNS: [&str; 2] = ["_load_id", "_extracted_at"];

/// The new rows of a merge by the hash of their key; the last one read wins.
///
/// Rows are told apart by 128-bit hashes: with a billion keys, the chance of any two meeting is below 10⁻²⁰.
#[derive(Debug)]
pub(super) struct KeyIndex {
    key: Columns,
    content: Columns,
    first_key: Columns,
    rows: HashMap<u128, NewRow>,
    seen: usize,
    duplicates: u64,
    range: KeyRange,
    /// Where child tables refer to the rows: position of the column of ids.
    row_id: Option<usize>,
    /// Hashes of the ids of all new rows, and of the existing ones that they take the place of.
    read_anew: ReadAnew,
    /// In a child table.
    owners: Option<Owners>,
    removed: u64,
}

/// Hashes of the ids of records that a load has read anew.
pub(super) type ReadAnew = HashSet<u128>;

/// What becomes of existing rows of a child table: where their record was read anew, only its new elements stay.
#[derive(Debug)]
struct Owners {
    /// Position of the column of the records' ids.
    position: usize,
    read_anew: Arc<ReadAnew>,
}

impl Owners {
    /// For each row, whether its record was read anew.
    fn concern(&self, batch: &RecordBatch) -> Vec<bool> {
        let ids = batch.column(self.position).as_string::<i32>();
        let concerns = |id: Option<&str>| id.is_some_and(|id| self.read_anew.contains(&hash(id)));
        ids.iter().map(concerns).collect()
    }
}

fn hash(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// Some columns of the settled layout, and how their values become bytes.
#[derive(Debug)]
struct Columns {
    positions: Vec<usize>,
    converter: RowConverter,
    layout: SchemaRef,
}

#[derive(Clone, Copy, Debug)]
struct NewRow {
    /// Position among all new rows.
    position: usize,
    content: u128,
    fate: Fate,
}

/// What the existing rows make of a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its key is new.
    Added,
    /// It takes the place of a row with other content.
    Updated,
    /// The table holds the same row: the new one is superfluous.
    Unchanged,
}

/// Least and greatest value of the first key column, as comparable bytes.
#[derive(Debug)]
enum KeyRange {
    Empty,
    Between(Vec<u8>, Vec<u8>),
    /// Some row has its key in a variant column: any file may hold it.
    Unknown,
}

/// How a merge ended for the new rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MergeCounts {
    pub(super) added: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    pub(super) duplicates: u64,
    /// Existing rows that no new one takes the place of.
    pub(super) removed: u64,
}

/// Positions of the key's columns, their variants included; `Err` names a key that no column was made of.
///
/// A key is named as the records spell it. Its column may have another name, where keys differ in case alone.
pub(super) fn key_positions(schema: &TableSchema, keys: &[String]) -> Result<Vec<usize>, String> {
    let layout = schema.layout();
    let mut positions = Vec::new();
    for key in keys {
        let of_key = |from_parent: bool| {
            let columns = layout.iter().enumerate();
            let of_key = columns.filter(move |(_, column)| {
                column.source.key == *key
                    && column.source.within.is_empty()
                    && column.source.from_parent == from_parent
            });
            // The plain column comes first: it has the useful statistics.
            of_key.map(|(position, _)| position)
        };
        let before = positions.len();
        positions.extend(of_key(true));
        if positions.len() == before {
            positions.extend(of_key(false));
        }
        if positions.len() == before {
            return Err(key.clone());
        }
    }
    Ok(positions)
}

impl KeyIndex {
    /// An index without rows, for rows of this layout.
    pub(super) fn new(layout: &SchemaRef, key_positions: Vec<usize>) -> Result<Self, ArrowError> {
        let is_content = |position: &usize| {
            let name = layout.field(*position).name().as_str();
            key_positions.contains(position) || !LOAD_COLUMNS.contains(&name)
        };
        let content = (0..layout.fields().len()).filter(is_content).collect();
        let first = key_positions.first().copied().into_iter().collect();
        Ok(Self {
            key: Columns::new(layout, key_positions)?,
            content: Columns::new(layout, content)?,
            first_key: Columns::new(layout, first)?,
            rows: HashMap::new(),
            seen: 0,
            duplicates: 0,
            range: KeyRange::Empty,
            row_id: None,
            read_anew: ReadAnew::new(),
            owners: None,
            removed: 0,
        })
    }

    /// Notes the ids of the rows, which have their column at a position.
    #[must_use]
    pub(super) fn noting_ids(self, row_id: Option<usize>) -> Self {
        Self { row_id, ..self }
    }

    /// Takes existing rows for those of a child table: each goes whose record was read anew and that is not among the new
    /// ones. The ids of the records have their column at a position.
    #[must_use]
    pub(super) fn owned(self, position: usize, read_anew: Arc<ReadAnew>) -> Self {
        let owners = Owners {
            position,
            read_anew,
        };
        Self {
            owners: Some(owners),
            ..self
        }
    }

    /// Hashes of the ids of the records that were read anew.
    pub(super) fn into_read_anew(self) -> ReadAnew {
        self.read_anew
    }

    /// Which new rows are the last with their key, by position.
    pub(super) fn newest(&self) -> Vec<bool> {
        let mut newest = vec![false; self.seen];
        for row in self.rows.values() {
            newest[row.position] = true;
        }
        newest
    }

    /// Adds new rows, in the order in which they were read.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let keys = self.key.rows(batch)?;
        let contents = self.content.rows(batch)?;
        for (key, content) in keys.iter().zip(contents.iter()) {
            let row = NewRow {
                position: self.seen,
                content: xxh3_128(content.data()),
                fate: Fate::Added,
            };
            self.seen += 1;
            match self.rows.entry(xxh3_128(key.data())) {
                Entry::Occupied(mut earlier) => {
                    self.duplicates += 1;
                    earlier.insert(row);
                }
                Entry::Vacant(place) => {
                    place.insert(row);
                }
            }
        }
        if let Some(position) = self.row_id {
            let ids = batch.column(position).as_string::<i32>();
            self.read_anew.extend(ids.iter().flatten().map(hash));
        }
        self.widen_range(batch)
    }

    /// Which of some existing rows stay in the table.
    pub(super) fn keep(&mut self, batch: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let keys = self.key.rows(batch)?;
        let contents = self.content.rows(batch)?;
        let concerned = self.owners.as_ref().map(|owners| owners.concern(batch));
        let ids = self.row_id.map(|at| batch.column(at).as_string::<i32>());
        let rows = keys.iter().zip(contents.iter()).enumerate();
        let keep = rows.map(|(row, (key, content))| {
            let Some(new) = self.rows.get_mut(&xxh3_128(key.data())) else {
                let goes = concerned.as_ref().is_some_and(|concerned| concerned[row]);
                self.removed += u64::from(goes);
                return !goes;
            };
            // Of several equal rows, which only an earlier append can have left, one stays.
            let same = new.fate != Fate::Unchanged && new.content == xxh3_128(content.data());
            if same {
                new.fate = Fate::Unchanged;
            } else if new.fate == Fate::Added {
                new.fate = Fate::Updated;
            }
            if let Some(ids) = ids.filter(|ids| !same && ids.is_valid(row)) {
                self.read_anew.insert(hash(ids.value(row)));
            }
            same
        });
        Ok(keep.map(Some).collect())
    }

    /// Whether the file of this footer may hold a row with one of the keys.
    pub(super) fn may_be_in(&self, footer: &ParquetMetaData) -> Result<bool, ParquetError> {
        if let Some(owners) = &self.owners {
            // Ids are in no order.
            return Ok(!owners.read_anew.is_empty());
        }
        let (least, greatest) = match &self.range {
            KeyRange::Empty => return Ok(false),
            KeyRange::Unknown => return Ok(true),
            KeyRange::Between(least, greatest) => (least, greatest),
        };
        let file = footer.file_metadata();
        let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
        let Some((name, data_type)) = self.first_key.name_and_type() else {
            return Ok(true);
        };
        let comparable = schema
            .field_with_name(name)
            .is_ok_and(|f| f.data_type() == data_type);
        if !comparable {
            return Ok(true);
        }
        let statistics = StatisticsConverter::try_new(name, &schema, file.schema_descr())?;
        let minima = statistics.row_group_mins(footer.row_groups())?;
        let maxima = statistics.row_group_maxes(footer.row_groups())?;
        let unknown = minima.null_count() > 0 || maxima.null_count() > 0;
        if unknown || minima.data_type() != data_type {
            return Ok(true);
        }
        let minima = self.first_key.converter.convert_columns(&[minima])?;
        let maxima = self.first_key.converter.convert_columns(&[maxima])?;
        let mut groups = minima.iter().zip(maxima.iter());
        Ok(groups.any(|(min, max)| min.data() <= &greatest[..] && max.data() >= &least[..]))
    }

    /// Which new rows are written, by position.
    pub(super) fn survivors(&self) -> Vec<bool> {
        let mut survives = vec![false; self.seen];
        for row in self.rows.values() {
            survives[row.position] = row.fate != Fate::Unchanged;
        }
        survives
    }

    /// How many new rows had which fate.
    pub(super) fn counts(&self) -> MergeCounts {
        let mut counts = MergeCounts {
            duplicates: self.duplicates,
            removed: self.removed,
            ..MergeCounts::default()
        };
        for row in self.rows.values() {
            match row.fate {
                Fate::Added => counts.added += 1,
                Fate::Updated => counts.updated += 1,
                Fate::Unchanged => counts.unchanged += 1,
            }
        }
        counts
    }

    fn widen_range(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let values = self.first_key.rows(batch)?;
        let (Some(least), Some(greatest)) = (values.iter().min(), values.iter().max()) else {
            return Ok(());
        };
        let in_variant = self
            .first_key
            .arrays(batch)
            .iter()
            .any(|a| a.null_count() > 0);
        let (least, greatest) = (least.data().to_vec(), greatest.data().to_vec());
        let before = std::mem::replace(&mut self.range, KeyRange::Unknown);
        self.range = match before {
            _ if in_variant => KeyRange::Unknown,
            KeyRange::Unknown => KeyRange::Unknown,
            KeyRange::Empty => KeyRange::Between(least, greatest),
            KeyRange::Between(a, b) => KeyRange::Between(a.min(least), b.max(greatest)),
        };
        Ok(())
    }
}

impl Columns {
    fn new(layout: &SchemaRef, positions: Vec<usize>) -> Result<Self, ArrowError> {
        let field = |position: &usize| SortField::new(layout.field(*position).data_type().clone());
        let converter = RowConverter::new(positions.iter().map(field).collect())?;
        Ok(Self {
            positions,
            converter,
            layout: SchemaRef::clone(layout),
        })
    }

    fn name_and_type(&self) -> Option<(&str, &DataType)> {
        let field = self.layout.field(*self.positions.first()?);
        Some((field.name(), field.data_type()))
    }

    fn arrays(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        let array = |position: &usize| ArrayRef::clone(batch.column(*position));
        self.positions.iter().map(array).collect()
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        self.converter.convert_columns(&self.arrays(batch))
    }
}
