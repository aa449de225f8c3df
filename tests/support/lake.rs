//! Reading the tables that a run wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType, TimestampNanosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Every row of a table, as text by column; a null and a column that a file lacks are absent.
pub(crate) struct Rows {
    pub(crate) rows: Vec<BTreeMap<String, String>>,
    /// The type of each column, as the newest file has it.
    pub(crate) types: BTreeMap<String, DataType>,
}

impl Rows {
    pub(crate) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The distinct values of some columns together.
    pub(crate) fn distinct(&self, columns: &[&str]) -> u64 {
        let key = |row: &BTreeMap<String, String>| -> Vec<Option<String>> {
            columns
                .iter()
                .map(|column| row.get(*column).cloned())
                .collect()
        };
        self.rows.iter().map(key).collect::<BTreeSet<_>>().len() as u64
    }

    /// The rows by the text of their key columns, without the columns that tell of the load.
    pub(crate) fn by_key(&self, columns: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
        let entry = |row: &BTreeMap<String, String>| {
            let key: Vec<&str> = columns.iter().map(|column| row[*column].as_str()).collect();
            let mut row = row.clone();
            row.remove("_load_id");
            row.remove("_extracted_at");
            (key.join("|"), row)
        };
        self.rows.iter().map(entry).collect()
    }
}

/// The data files of a table, by name.
pub(crate) fn files(destination: &Path, table: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(destination.join(table)) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "parquet")
    });
    files.sort();
    files
}

/// All rows of a table.
pub(crate) fn rows(destination: &Path, table: &str) -> Rows {
    let mut all = Rows {
        rows: Vec::new(),
        types: BTreeMap::new(),
    };
    for path in files(destination, table) {
        let file = File::open(&path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        for batch in reader {
            let batch = batch.unwrap();
            let schema = batch.schema();
            for field in schema.fields() {
                all.types
                    .insert(field.name().clone(), field.data_type().clone());
            }
            for row in 0..batch.num_rows() {
                let cell = |(name, column): (&String, &ArrayRef)| {
                    column
                        .is_valid(row)
                        .then(|| (name.clone(), text(column, row)))
                };
                let names = schema.fields().iter().map(|field| field.name());
                all.rows
                    .push(names.zip(batch.columns()).filter_map(cell).collect());
            }
        }
    }
    all
}

fn text(column: &ArrayRef, row: usize) -> String {
    if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        let time = jiff::Timestamp::from_microsecond(times.value(row)).unwrap();
        return time.to_string();
    }
    if let Some(times) = column.as_primitive_opt::<TimestampNanosecondType>() {
        let time = jiff::Timestamp::from_nanosecond(times.value(row).into()).unwrap();
        return time.to_string();
    }
    let options = FormatOptions::default();
    ArrayFormatter::try_new(column, &options)
        .unwrap()
        .value(row)
        .to_string()
}
