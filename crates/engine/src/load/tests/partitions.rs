//! Tables whose files lie in folders.

use arrow::array::{Array, Int64Array};

use super::*;
use crate::plan::{DatePart, PartitionField};

fn by(column: &str, part: Option<DatePart>) -> PartitionField {
    PartitionField {
        column: column.to_owned(),
        part,
    }
}

fn divided(partition_by: Vec<PartitionField>) -> SpoolSettings {
    SpoolSettings {
        partition_by,
        ..settings()
    }
}

/// Rows of `id` and `channel`.
fn calls(rows_of: &[(i64, &str)]) -> Rows {
    rows(vec![
        ("id", ints(rows_of.iter().map(|row| row.0))),
        ("channel", texts(rows_of.iter().map(|row| row.1))),
    ])
}

/// The folder of each file and its rows, in the order of the log.
async fn folders(destination: &Destination) -> Vec<(String, Vec<String>)> {
    let state = State::read(destination).await.unwrap();
    check_tidy(destination, &state).await;
    let mut found = Vec::new();
    for file in &state.tables["people"].files {
        let (folder, name) = file.path.rsplit_once('/').unwrap();
        assert!(name.ends_with(".parquet") && !name.contains('='));
        let mut alone = state.clone();
        alone.tables.get_mut("people").unwrap().files = vec![file.clone()];
        let rows = rows_in(destination, &alone).await;
        let folder = folder
            .strip_prefix("people")
            .unwrap()
            .trim_start_matches('/');
        found.push((folder.to_owned(), rows));
    }
    found
}

async fn check_folders(destination: &Destination, expected: &[(&str, &[&str])]) {
    let expected: Vec<(String, Vec<String>)> = expected
        .iter()
        .map(|(folder, rows)| {
            let rows = rows.iter().map(|row| (*row).to_owned()).collect();
            ((*folder).to_owned(), rows)
        })
        .collect();
    assert_eq!(folders(destination).await, expected);
}

#[tokio::test]
async fn rows_go_to_the_folder_of_their_value() {
    for Place { destination, .. } in &places() {
        let rows = calls(&[(1, "phone"), (2, "a/b: 5%"), (3, "phone"), (4, "")]);
        let settings = divided(vec![by("channel", None)]);
        load_with(
            destination,
            "a",
            settings,
            WriteDisposition::Append,
            vec![rows],
        )
        .await
        .unwrap();
        check_folders(
            destination,
            &[
                ("channel=", &["4 "]),
                ("channel=a%2Fb%3A 5%25", &["2 a/b: 5%"]),
                ("channel=phone", &["1 phone", "3 phone"]),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn a_replaced_table_leaves_nothing_in_its_folders() {
    for Place { destination, .. } in &places() {
        for (load_id, channel) in [("a", "phone"), ("b", "chat")] {
            let settings = divided(vec![by("channel", None)]);
            let rows = vec![calls(&[(1, channel)])];
            load_with(
                destination,
                load_id,
                settings,
                WriteDisposition::Replace,
                rows,
            )
            .await
            .unwrap();
        }
        check_folders(destination, &[("channel=chat", &["1 chat"])]).await;
    }
}

#[tokio::test]
async fn a_merged_row_may_move_to_another_folder() {
    for Place { destination, .. } in &places() {
        let settings = || divided(vec![by("channel", None)]);
        let merge = WriteDisposition::Merge;
        let first = vec![calls(&[(1, "phone"), (2, "phone"), (3, "chat")])];
        load_with(destination, "a", settings(), merge, first)
            .await
            .unwrap();
        let second = vec![calls(&[(2, "chat"), (3, "chat")])];
        let report = load_with(destination, "b", settings(), merge, second)
            .await
            .unwrap();
        assert_eq!((report.rows_updated, report.rows_unchanged), (1, 1));
        check_folders(
            destination,
            &[
                ("channel=chat", &["3 chat"]),
                ("channel=phone", &["1 phone"]),
                ("channel=chat", &["2 chat"]),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn another_layout_concerns_new_files_alone() {
    let place = local();
    let destination = &place.destination;
    let merge = WriteDisposition::Merge;
    let load = async |load_id: &str, partition_by, rows: &[(i64, &str)]| {
        load_with(
            destination,
            load_id,
            divided(partition_by),
            merge,
            vec![calls(rows)],
        )
        .await
        .unwrap();
    };
    load("a", vec![], &[(1, "phone"), (2, "chat")]).await;
    load("b", vec![by("channel", None)], &[(3, "chat")]).await;
    load("c", vec![by("id", None)], &[(4, "chat")]).await;
    check_folders(
        destination,
        &[
            ("", &["1 phone", "2 chat"]),
            ("channel=chat", &["3 chat"]),
            ("id=4", &["4 chat"]),
        ],
    )
    .await;
    // What is rewritten is laid out anew.
    load("d", vec![by("channel", None)], &[(2, "phone")]).await;
    check_folders(
        destination,
        &[
            ("channel=chat", &["3 chat"]),
            ("id=4", &["4 chat"]),
            ("channel=phone", &["1 phone"]),
            ("channel=phone", &["2 phone"]),
        ],
    )
    .await;
}

/// Rows that were read at these instants.
fn at(instants: &[i64]) -> Rows {
    let instants = TimestampMicrosecondArray::from(instants.to_vec()).with_timezone("UTC");
    rows(vec![
        ("id", ints((1..).take(instants.len()))),
        (
            "_load_id",
            texts(std::iter::repeat_n("some", instants.len())),
        ),
        ("_extracted_at", Arc::new(instants)),
    ])
}

#[tokio::test]
async fn parts_of_a_time_are_in_utc() {
    let day = 86_400_000_000;
    let check = async |part, expected: &[(&str, &[&str])]| {
        let place = local();
        let rows = vec![at(&[0, day - 1, day, 40 * day])];
        let settings = divided(vec![by("_extracted_at", Some(part))]);
        load_with(
            &place.destination,
            "a",
            settings,
            WriteDisposition::Append,
            rows,
        )
        .await
        .unwrap();
        check_folders(&place.destination, expected).await;
    };
    check(
        DatePart::Day,
        &[
            ("_extracted_at_day=1970-01-01", &["1", "2"]),
            ("_extracted_at_day=1970-01-02", &["3"]),
            ("_extracted_at_day=1970-02-10", &["4"]),
        ],
    )
    .await;
    check(
        DatePart::Month,
        &[
            ("_extracted_at_month=1970-01", &["1", "2", "3"]),
            ("_extracted_at_month=1970-02", &["4"]),
        ],
    )
    .await;
    check(
        DatePart::Year,
        &[("_extracted_at_year=1970", &["1", "2", "3", "4"])],
    )
    .await;
    check(
        DatePart::Hour,
        &[
            ("_extracted_at_hour=1970-01-01-00", &["1"]),
            ("_extracted_at_hour=1970-01-01-23", &["2"]),
            ("_extracted_at_hour=1970-01-02-00", &["3"]),
            ("_extracted_at_hour=1970-02-10-00", &["4"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_widened_column_keeps_its_folders() {
    let place = local();
    let settings = || divided(vec![by("level", None)]);
    let append = WriteDisposition::Append;
    let whole = vec![rows(vec![("id", ints([1, 2])), ("level", ints([7, 8]))])];
    load_with(&place.destination, "a", settings(), append, whole)
        .await
        .unwrap();
    let fractions = vec![rows(vec![
        ("id", ints([3, 4])),
        ("level", floats([7.0, 7.5])),
    ])];
    load_with(&place.destination, "b", settings(), append, fractions)
        .await
        .unwrap();
    check_folders(
        &place.destination,
        &[
            ("level=7", &["1 7.0"]),
            ("level=8", &["2 8.0"]),
            ("level=7", &["3 7.0"]),
            ("level=7.5", &["4 7.5"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_value_in_a_variant_column_has_the_folder_of_null() {
    let place = local();
    let settings = || divided(vec![by("level", None)]);
    let append = WriteDisposition::Append;
    let numbers = vec![rows(vec![("id", ints([1])), ("level", ints([7]))])];
    load_with(&place.destination, "a", settings(), append, numbers)
        .await
        .unwrap();
    let words = vec![rows(vec![("id", ints([2])), ("level", texts(["high"]))])];
    load_with(&place.destination, "b", settings(), append, words)
        .await
        .unwrap();
    check_folders(
        &place.destination,
        &[
            ("level=7", &["1 7 -"]),
            ("level=__HIVE_DEFAULT_PARTITION__", &["2 - high"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_can_not_be_divided_is_told_and_nothing_is_committed() {
    let check = async |field, expected: &str| {
        let place = local();
        let loaded = load_with(
            &place.destination,
            "a",
            divided(vec![field]),
            WriteDisposition::Append,
            vec![calls(&[(1, "phone")])],
        )
        .await;
        assert_eq!(loaded.unwrap_err().to_string(), expected);
        assert_eq!(
            objects(&place.destination, ".json").await,
            Vec::<String>::new()
        );
        assert_eq!(
            objects(&place.destination, ".parquet").await,
            Vec::<String>::new()
        );
    };
    check(
        by("chanel", None),
        "divide `people` by `chanel` (`partition_by`): no record has it; the columns are `id`, `channel`",
    )
    .await;
    check(
        by("caller.country", None),
        "divide `people` by `caller.country` (`partition_by`): no record has it; what lies in an object has a column where \
         `nested: flatten` makes one, such as `caller__country`",
    )
    .await;
    check(
        by("channel", Some(DatePart::Day)),
        "divide `people` by `channel` (`partition_by`): it holds texts, which have no day; declare it as `timestamp`, with \
         its `format`, under `columns`",
    )
    .await;
    let long = "x".repeat(300);
    let place = local();
    let loaded = load_with(
        &place.destination,
        "a",
        divided(vec![by("channel", None)]),
        WriteDisposition::Append,
        vec![calls(&[(1, &long)])],
    )
    .await;
    assert_eq!(
        loaded.unwrap_err().to_string(),
        "divide `people` by `channel` (`partition_by`): the folder of one of its values would have a name of 308 bytes, and \
         255 are possible"
    );
}

/// Rows of so many partitions, one after the other and again, with some weight each.
fn interleaved(partitions: i64, ids: std::ops::Range<i64>) -> Rows {
    let weight = |id: i64| format!("{id:0200}");
    let weights: Vec<String> = ids.clone().map(weight).collect();
    rows(vec![
        ("id", ints(ids.clone())),
        ("channel", ints(ids.map(|id| id % partitions))),
        ("weight", texts(weights.iter().map(String::as_str))),
    ])
}

#[tokio::test]
async fn a_thousand_folders_get_one_file_each() {
    for encode_from_bytes in [0, u64::MAX] {
        let place = local();
        let settings = SpoolSettings {
            encode_from_bytes,
            ..divided(vec![by("channel", None)])
        };
        // About 50 MB, which is more than what waits in memory.
        let batches = (0..20).map(|page| interleaved(1000, page * 10_000..(page + 1) * 10_000));
        let report = load_with(
            &place.destination,
            "a",
            settings,
            WriteDisposition::Append,
            batches.collect(),
        )
        .await
        .unwrap();
        assert_eq!((report.rows_added, report.files_added), (200_000, 1000));
        let state = State::read(&place.destination).await.unwrap();
        check_tidy(&place.destination, &state).await;
        for file in &state.tables["people"].files {
            let path = place.destination.local_path(&file.path).unwrap();
            let reader =
                ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap());
            let mut ids: Vec<i64> = Vec::new();
            for batch in reader.unwrap().build().unwrap() {
                let batch = batch.unwrap();
                let column = batch
                    .column(0)
                    .as_any()
                    .downcast_ref::<Int64Array>()
                    .unwrap();
                ids.extend(column.values());
            }
            let partition: i64 = file.path.split(['=', '/']).nth(2).unwrap().parse().unwrap();
            let expected: Vec<i64> = (0..200).map(|turn| turn * 1000 + partition).collect();
            assert_eq!(ids, expected, "all rows of the folder, in order");
        }
    }
}
