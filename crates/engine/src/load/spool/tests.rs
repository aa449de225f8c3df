use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::*;
use crate::plan::{Compression, MemoryPlan, MergePlan};

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

fn spool(folder: &tempfile::TempDir, settings: SpoolSettings) -> TableSpool {
    TableSpool::new(Target {
        table: "events".to_owned(),
        committed: None,
        folder: Arc::new(SpoolFolder::new(Some(folder.path().to_owned()), "load")),
        settings: Arc::new(settings),
    })
}

fn batch(ids: impl IntoIterator<Item = i64>) -> (RecordBatch, TableSchema) {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    laid_out(vec![("id", ids)])
}

fn laid_out(columns: Vec<(&str, ArrayRef)>) -> (RecordBatch, TableSchema) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let schema = TableSchema::of(&batch.schema());
    let batch = RecordBatch::try_new(schema.arrow_schema(), batch.columns().to_vec()).unwrap();
    (batch, schema)
}

fn write(
    spool: &TableSpool,
    order: u64,
    (batch, schema): (RecordBatch, TableSchema),
) -> SliceWriter {
    let mut slice = spool.begin(order, None);
    slice.write(batch, &schema).unwrap();
    slice
}

fn ids(sealed: &SealedSpool) -> Vec<i64> {
    let mut ids = Vec::new();
    for part in &sealed.parts {
        part.read(&mut |new| {
            let layout = new.batch.schema();
            let expected = new.schema.arrow_schema();
            assert_eq!(layout.fields(), expected.fields());
            let column = new.batch.column_by_name("id").unwrap();
            ids.extend(
                column
                    .as_any()
                    .downcast_ref::<Int64Array>()
                    .unwrap()
                    .values(),
            );
            Ok(())
        })
        .unwrap();
    }
    ids
}

fn files_in(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(folder.path()).unwrap().count()
}

#[test]
fn slices_that_finish_in_any_order_give_slice_order() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    let slices = [0, 1, 2, 3].map(|order| write(&spool, order, batch([order.cast_signed()])));
    let [a, b, c, d] = slices;
    for slice in [c, a, d, b] {
        slice.finish().unwrap();
    }
    assert_eq!(ids(&spool.seal().unwrap()), [0, 1, 2, 3]);
}

#[test]
fn tiny_slices_stay_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    for order in 0..1000 {
        let slice = write(&spool, order, batch([order.cast_signed()]));
        slice.finish().unwrap();
    }
    assert_eq!(files_in(&folder), 0);
    let sealed = spool.seal().unwrap();
    assert_eq!(
        (
            Vec::from_iter(sealed.finished().clone()),
            sealed.rows(),
            sealed.parts.len()
        ),
        ((0..1000).collect(), 1000, 1)
    );
    assert!(ids(&sealed).is_sorted());
}

#[test]
fn a_large_slice_goes_to_a_file_and_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    let many = 600_000;
    write(&spool, 0, batch([-1])).finish().unwrap();
    let mut slice = spool.begin(1, None);
    for begin in [0, many, 2 * many] {
        let (batch, schema) = batch(begin..begin + many);
        slice.write(batch, &schema).unwrap();
    }
    slice.finish().unwrap();
    write(&spool, 2, batch([-2])).finish().unwrap();
    assert_eq!(files_in(&folder), 1);
    let sealed = spool.seal().unwrap();
    let mut expected = vec![-1];
    expected.extend(0..3 * many);
    expected.push(-2);
    assert_eq!(ids(&sealed), expected);
    drop(sealed);
    assert_eq!(files_in(&folder), 0);
}

#[test]
fn a_dropped_slice_leaves_nothing_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    let dropped = write(&spool, 0, batch(0..600_000));
    assert_eq!(files_in(&folder), 1);
    write(&spool, 1, batch([2])).finish().unwrap();
    assert!(spool.seal().unwrap().finished().is_empty());
    drop(dropped);
    assert_eq!(files_in(&folder), 0);
    let sealed = spool.seal().unwrap();
    assert_eq!(ids(&sealed), vec![2]);
    assert_eq!(Vec::from_iter(sealed.finished().clone()), [1]);
    assert_eq!(sealed.schema.unwrap().column_names(), ["id"]);
}

#[test]
fn every_batch_keeps_the_schema_that_it_came_with() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    let named = |id: i64| {
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(["x"]));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![id]));
        laid_out(vec![("name", names), ("id", ids)])
    };
    let mut slice = spool.begin(0, None);
    for (batch, schema) in [
        named(0),
        batch(1..600_001),
        batch([600_001]),
        named(600_002),
    ] {
        slice.write(batch, &schema).unwrap();
    }
    slice.finish().unwrap();
    assert_eq!(files_in(&folder), 1);
    let sealed = spool.seal().unwrap();
    assert_eq!(ids(&sealed), (0..600_003).collect::<Vec<_>>());
    assert_eq!(sealed.schema.unwrap().column_names(), ["name", "id"]);
}

#[test]
fn finished_slices_wait_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    let first = spool.begin(0, None);
    let rows_of_two_mebibytes = || batch(0..(2 << 20) / 8);
    for order in 1..=20 {
        write(&spool, order, rows_of_two_mebibytes())
            .finish()
            .unwrap();
        assert!(spool.lock().waiting_bytes <= WAITING_MEMORY_BYTES);
    }
    assert!(
        (4..=5).contains(&files_in(&folder)),
        "{}",
        files_in(&folder)
    );
    assert_eq!(spool.sealable_bytes(), 0);
    first.finish().unwrap();
    assert!(spool.sealable_bytes() >= 40 << 20);
    assert_eq!(spool.seal().unwrap().rows(), 20 * (2 << 20) / 8);
    assert_eq!(spool.sealable_bytes(), 0);
}

#[test]
fn a_spool_is_not_sealed_after_a_failed_write() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    let path = folder.path().to_owned();
    folder.close().unwrap();
    // A file where the folder should be.
    std::fs::write(&path, "").unwrap();
    // One slice fits into memory; together they need the folder.
    let results = [0, 1, 2].map(|order| write(&spool, order, batch(0..500_000)).finish());
    std::fs::remove_file(path).unwrap();
    let [first, second, third] = results;
    assert!(first.is_ok() && second.is_ok());
    assert!(matches!(third, Err(Error::LocalFile { .. })), "{third:?}");
    let error = spool.seal().unwrap_err();
    assert_eq!(
        error.to_string(),
        "go on with the spool of `events` after a failed write"
    );
}

#[test]
fn a_slice_with_a_failed_write_cannot_be_finished() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, SETTINGS);
    let path = folder.path().to_owned();
    folder.close().unwrap();
    std::fs::write(&path, "").unwrap();
    let mut slice = spool.begin(0, None);
    let (batch, schema) = batch(0..600_000);
    let written = slice.write(batch, &schema);
    std::fs::remove_file(path).unwrap();
    assert!(
        matches!(written, Err(Error::LocalFile { .. })),
        "{written:?}"
    );
    assert!(slice.finish().is_err());
    assert_eq!(spool.seal().unwrap().rows(), 0);
}

/// How many of the rows' files are taken as they are by a commit with this schema.
fn final_files(sealed: SealedSpool, settled: &TableSchema) -> (usize, usize) {
    let (mut taken, mut left) = (0, 0);
    for part in sealed.parts {
        match part.into_files(settled) {
            Ok(files) => taken += files.len(),
            Err(_) => left += 1,
        }
    }
    (taken, left)
}

#[test]
fn a_large_slice_is_encoded_as_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = SpoolSettings {
        encode_from_bytes: 1 << 20,
        ..SETTINGS
    };
    let spool = spool(&folder, settings);
    write(&spool, 0, batch(0..10)).finish().unwrap();
    let mut slice = write(&spool, 1, batch(10..100_000));
    assert_eq!(files_in(&folder), 0, "below the bound nothing is encoded");
    for begin in [100_000, 200_000] {
        let (rows, schema) = batch(begin..begin + 100_000);
        slice.write(rows, &schema).unwrap();
    }
    assert_eq!(files_in(&folder), 1);
    slice.finish().unwrap();
    let sealed = spool.seal().unwrap();
    assert_eq!(ids(&sealed), (0..300_000).collect::<Vec<_>>());
    let settled = sealed.schema.clone().unwrap().settle(None);
    assert_eq!(final_files(sealed, &settled), (1, 1));
}

#[test]
fn a_layout_that_changes_begins_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = SpoolSettings {
        encode_from_bytes: 0,
        ..SETTINGS
    };
    let spool = spool(&folder, settings);
    let mut slice = write(&spool, 0, batch(0..10));
    let ids_of =
        |range: std::ops::Range<i64>| -> ArrayRef { Arc::new(Int64Array::from_iter_values(range)) };
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a"; 10]));
    let (rows, schema) = laid_out(vec![("id", ids_of(10..20)), ("name", names)]);
    slice.write(rows, &schema).unwrap();
    // A page that lacks a column fits into the layout that has it.
    let (rows, schema) = batch(20..30);
    slice.write(rows, &schema).unwrap();
    slice.finish().unwrap();
    let sealed = spool.seal().unwrap();
    assert_eq!(ids(&sealed), (0..30).collect::<Vec<_>>());
    let settled = sealed.schema.clone().unwrap().settle(None);
    assert_eq!(
        final_files(sealed, &settled),
        (1, 1),
        "the first file lacks a column"
    );
}

#[test]
fn an_encoded_slice_that_is_dropped_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = SpoolSettings {
        encode_from_bytes: 0,
        ..SETTINGS
    };
    let spool = spool(&folder, settings);
    let slice = write(&spool, 0, batch(0..500_000));
    assert_eq!(files_in(&folder), 1);
    drop(slice);
    assert_eq!(files_in(&folder), 0);
    assert_eq!(spool.seal().unwrap().rows(), 0);
    write(&spool, 1, batch(0..10)).finish().unwrap();
    drop(spool.seal().unwrap());
    assert_eq!(files_in(&folder), 0);
}
