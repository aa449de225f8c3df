//! What `load` promises, on local disk and in an object store.

mod child_tables;
mod commits;
mod durability;
mod failing_store;
mod files;
mod long_logs;
mod merges;
mod partitions;
mod recovery;
mod rejected;
mod runs;
mod tables;
mod upkeep;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::stored_file::lay_out;
use super::*;
use crate::flow::Progress;
use crate::plan::{Compression, MemoryPlan, MergePlan, WriteDisposition};
use crate::schema::TableSchema;

/// A destination, and what keeps it alive.
struct Place {
    destination: Destination,
    _folder: Option<TempDir>,
}

/// One destination of each kind.
fn places() -> [Place; 2] {
    [local(), memory()]
}

fn local() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place {
        destination: Destination::open(folder.path().to_str().unwrap()).unwrap(),
        _folder: Some(folder),
    }
}

fn memory() -> Place {
    Place {
        destination: Destination::open("memory://lake").unwrap(),
        _folder: None,
    }
}

const SETTINGS: SpoolSettings = SpoolSettings {
    compression: Compression::Zstd(1),
    row_group_bytes: 32 << 20,
    file_size_bytes: 128 << 20,
    encode_from_bytes: u64::MAX,
    primary_key: Vec::new(),
    merge: MergePlan::UPSERT,
    load_start: 0,
    cursor: None,
    partition_by: Vec::new(),
    memory: MemoryPlan::DEFAULT,
};

fn settings() -> SpoolSettings {
    SpoolSettings {
        primary_key: vec!["id".to_owned()],
        ..SETTINGS
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// Rows as the decoder would hand them over.
type Rows = (RecordBatch, TableSchema);

fn rows(columns: Vec<(&str, ArrayRef)>) -> Rows {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let schema = TableSchema::of(&batch.schema());
    let batch = RecordBatch::try_new(schema.arrow_schema(), batch.columns().to_vec()).unwrap();
    (batch, schema)
}

/// Rows that end in the columns that differ each time a row is read.
fn loaded(load_id: &str, mut columns: Vec<(&str, ArrayRef)>) -> Rows {
    let count = columns[0].1.len();
    let seconds = i64::from(load_id.as_bytes()[0]);
    let instants = TimestampMicrosecondArray::from_value(seconds * 1_000_000, count);
    columns.push(("_load_id", texts(std::iter::repeat_n(load_id, count))));
    columns.push(("_extracted_at", Arc::new(instants.with_timezone("UTC"))));
    rows(columns)
}

/// Rows of `id` and `name`.
fn people(rows_of: &[(i64, &str)]) -> Rows {
    loaded_people("some", rows_of)
}

fn loaded_people(load_id: &str, rows_of: &[(i64, &str)]) -> Rows {
    let ids = ints(rows_of.iter().map(|row| row.0));
    let names = texts(rows_of.iter().map(|row| row.1));
    loaded(load_id, vec![("id", ids), ("name", names)])
}

fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

async fn open(destination: &Destination, load_id: &str) -> Lake {
    Lake::open(
        destination.clone(),
        &Owner::new("test", "api"),
        load_id,
        now(),
    )
    .await
    .unwrap()
}

/// Seals slices that were written one after the other.
fn sealed(lake: &Lake, slices: Vec<Vec<Rows>>) -> SealedSpool {
    sealed_with(lake, settings(), slices)
}

fn sealed_with(lake: &Lake, settings: SpoolSettings, slices: Vec<Vec<Rows>>) -> SealedSpool {
    let spool = lake.spool("people", settings).unwrap();
    for (order, batches) in (0..).zip(slices) {
        let mut slice = spool.begin(order, None);
        for (batch, schema) in batches {
            slice.write(batch, &schema).unwrap();
        }
        slice.finish().unwrap();
    }
    spool.seal().unwrap()
}

fn part(sealed: SealedSpool, write_disposition: WriteDisposition) -> TableCommit {
    TableCommit {
        table: "people".to_owned(),
        sealed,
        write_disposition,
        basis: None,
        progress: Progress::default(),
        discards: Discards::default(),
        replaced: Replaced::Nothing,
    }
}

/// One whole load of one slice.
async fn load(
    destination: &Destination,
    load_id: &str,
    write_disposition: WriteDisposition,
    batches: Vec<Rows>,
) -> TableReport {
    load_with(destination, load_id, settings(), write_disposition, batches)
        .await
        .unwrap()
}

async fn load_with(
    destination: &Destination,
    load_id: &str,
    settings: SpoolSettings,
    write_disposition: WriteDisposition,
    batches: Vec<Rows>,
) -> Result<TableReport, Error> {
    let mut lake = open(destination, load_id).await;
    let sealed = sealed_with(&lake, settings, vec![batches]);
    let parts = vec![part(sealed, write_disposition)];
    let committed = lake.commit(parts, now(), true).await;
    if committed.is_err() {
        lake.abandon().await?;
    }
    Ok(committed?.tables.remove("people").unwrap())
}

/// Checks the table's rows, in order, and that nothing lies about.
async fn check_rows(destination: &Destination, expected: &[&str]) {
    let state = State::read(destination).await.unwrap();
    assert_eq!(rows_in(destination, &state).await, expected);
    check_tidy(destination, &state).await;
}

async fn rows_in(destination: &Destination, state: &State) -> Vec<String> {
    let mut found = Vec::new();
    let Some(table) = state.tables.get("people") else {
        return found;
    };
    for file in &table.files {
        let content = destination.read(&file.path).await.unwrap().unwrap();
        assert_eq!(content.len() as u64, file.bytes);
        let builder = ParquetRecordBatchReaderBuilder::try_new(content).unwrap();
        let before = found.len();
        for batch in builder.build().unwrap() {
            let from = &table.schemas[&file.schema_version];
            let to = table.schema.as_ref().unwrap();
            let batch = lay_out("people", &batch.unwrap(), from, to).unwrap();
            found.extend(texts_of(&batch));
        }
        assert_eq!((found.len() - before) as u64, file.rows);
    }
    found
}

fn texts_of(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::new().with_null("-");
    let schema = batch.schema();
    let arrays: Vec<ArrayRef> = (0..batch.num_columns())
        .filter(|column| !schema.field(*column).name().starts_with('_'))
        .map(|column| match batch.column(column).data_type() {
            // The zone is UTC always.
            DataType::Timestamp(unit, _) => {
                cast(batch.column(column), &DataType::Timestamp(*unit, None)).unwrap()
            }
            _ => ArrayRef::clone(batch.column(column)),
        })
        .collect();
    let columns: Vec<_> = arrays
        .iter()
        .map(|array| ArrayFormatter::try_new(array, &options).unwrap())
        .collect();
    let row = |row: usize| {
        let values: Vec<String> = columns
            .iter()
            .map(|column| column.value(row).to_string())
            .collect();
        values.join(" ")
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Every file belongs to the table, and nothing waits in staging.
async fn check_tidy(destination: &Destination, state: &State) {
    let expected = state.tables.values().flat_map(|table| &table.files);
    let mut expected: Vec<String> = expected.map(|file| file.path.clone()).collect();
    expected.sort();
    assert_eq!(objects(destination, ".parquet").await, expected);
    assert_eq!(
        objects(destination, "")
            .await
            .iter()
            .find(|path| path.contains("staging")),
        None
    );
}

/// Paths that end so, relative to the destination.
async fn objects(destination: &Destination, end: &str) -> Vec<String> {
    let root = destination.object("");
    let listed: Vec<_> = destination
        .store
        .list(Some(&root))
        .try_collect()
        .await
        .unwrap();
    let mut paths: Vec<String> = listed
        .into_iter()
        .map(|object| {
            object
                .location
                .prefix_match(&root)
                .unwrap()
                .map(|part| part.as_ref().to_owned())
                .collect::<Vec<_>>()
                .join("/")
        })
        .filter(|path| path.ends_with(end))
        .collect();
    paths.sort();
    paths
}
