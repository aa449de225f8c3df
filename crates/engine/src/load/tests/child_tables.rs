//! Tables of lists, in the same commit as the rows that the lists are in.

use parquet::file::metadata::ColumnChunkMetaData;

use super::*;
use crate::decode::{Decoder, SliceMemory};
use crate::flow::{Page, Slice, Window};
use crate::plan::{DecodePlan, PartitionField, RowIds};
use crate::schema::Form;

/// Rows of one page that holds these records.
fn decoded(load_id: &str, row_ids: RowIds, slice: &Slice, records: &[&str]) -> Rows {
    let plan = DecodePlan {
        nested: Form::Tables,
        table: "people".to_owned(),
        primary_key: vec!["id".to_owned()],
        row_ids,
        ..DecodePlan::default()
    };
    let mut body = String::new();
    let mut ranges = Vec::new();
    for record in records {
        ranges.push(body.len()..body.len() + record.len());
        body.push_str(record);
    }
    let page = Page {
        number: 1,
        body: body.into(),
        records: ranges,
        fetched_at: now(),
    };
    let decoder = Decoder::new(plan, load_id);
    let memory = &mut SliceMemory::default();
    let rows = decoder.decode(slice, &page, memory).unwrap();
    (rows.batch, rows.schema)
}

/// The rows of a table, in the order of their text.
pub(super) async fn texts_in(destination: &Destination, table: &str) -> Vec<String> {
    let mut state = State::read(destination).await.unwrap();
    let tables = state.tables.remove(table).into_iter();
    let tables = tables.map(|table| ("people".to_owned(), table)).collect();
    state.tables = tables;
    let mut rows = rows_in(destination, &state).await;
    rows.sort();
    rows
}

pub(super) async fn merged(
    destination: &Destination,
    load_id: &str,
    records: &[&str],
) -> CommitReport {
    let mut lake = open(destination, load_id).await;
    let rows = decoded(load_id, RowIds::Key, &Slice::default(), records);
    let parts = vec![part(
        sealed(&lake, vec![vec![rows]]),
        WriteDisposition::Merge,
    )];
    let report = lake.commit(parts, now(), true).await.unwrap();
    let state = State::read(destination).await.unwrap();
    check_tidy(destination, &state).await;
    report
}

#[tokio::test]
async fn a_merge_replaces_the_elements_of_the_records_that_come_again() {
    for Place { destination, .. } in &places() {
        let first = [
            r#"{"id":1,"l":[{"v":"a","m":[1,2]},{"v":"b"}]}"#,
            r#"{"id":2,"l":[{"v":"c","m":[3]}]}"#,
        ];
        let report = merged(destination, "1", &first).await;
        assert_eq!(report.tables["people__l"].rows_added, 3);
        assert_eq!(report.tables["people__l__m"].rows_added, 3);
        // The element's own columns stay as they are, and what lies in it doesn't.
        let report = merged(destination, "2", &[r#"{"id":1,"l":[{"v":"a","m":[4]}]}"#]).await;
        let (own, below) = (&report.tables["people__l"], &report.tables["people__l__m"]);
        assert_eq!(report.tables["people"].rows_unchanged, 1);
        assert_eq!((own.rows_unchanged, own.rows_removed), (1, 1));
        assert_eq!((below.rows_updated, below.rows_removed), (1, 1));
        assert_eq!(texts_in(destination, "people__l").await, ["a", "c"]);
        assert_eq!(texts_in(destination, "people__l__m").await, ["3", "4"]);
        merged(destination, "3", &[r#"{"id":2}"#]).await;
        assert_eq!(texts_in(destination, "people").await, ["1", "2"]);
        assert_eq!(texts_in(destination, "people__l").await, ["a"]);
        assert_eq!(texts_in(destination, "people__l__m").await, ["4"]);
    }
}

#[tokio::test]
async fn a_merge_takes_away_what_an_append_has_left() {
    let Place { destination, .. } = &memory();
    let mut lake = open(destination, "1").await;
    let record = r#"{"id":1,"l":["a","b"]}"#;
    let rows = decoded(
        "1",
        RowIds::PlaceInLoad,
        &Slice::default(),
        &[record, record],
    );
    let parts = vec![part(
        sealed(&lake, vec![vec![rows]]),
        WriteDisposition::Append,
    )];
    lake.commit(parts, now(), true).await.unwrap();
    assert_eq!(texts_in(destination, "people__l").await.len(), 4);
    merged(destination, "2", &[r#"{"id":1,"l":["c"]}"#]).await;
    assert_eq!(texts_in(destination, "people").await, ["1"]);
    assert_eq!(texts_in(destination, "people__l").await, ["c"]);
}

#[tokio::test]
async fn a_slice_that_is_kept_apart_takes_its_elements_back() {
    for Place { destination, .. } in &places() {
        let append = async |load_id: &str, slices: &[(&str, &[&str])]| {
            let mut lake = open(destination, load_id).await;
            let spool = lake.spool("people", SETTINGS).unwrap();
            for (order, (name, records)) in (0..).zip(slices) {
                let window = Window {
                    start: name.parse().unwrap(),
                    end: now(),
                };
                let slice = Slice {
                    window: Some(window),
                    ..Slice::default()
                };
                let (batch, schema) = decoded(load_id, RowIds::PlaceInLoad, &slice, records);
                let mut writer = spool.begin(order, Some(slice.id()));
                writer.write(batch, &schema).unwrap();
                writer.finish().unwrap();
            }
            let sealed = spool.seal().unwrap();
            let parts = vec![part(sealed, WriteDisposition::Append)];
            lake.commit(parts, now(), true).await.unwrap();
            let state = State::read(destination).await.unwrap();
            check_tidy(destination, &state).await;
        };
        let (one, two) = ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z");
        let first: &[&str] = &[r#"{"id":1,"l":["a","b"]}"#];
        append("1", &[(one, first), (two, &[r#"{"id":2,"l":["c"]}"#])]).await;
        let before = State::read(destination).await.unwrap().tables["people__l"]
            .files
            .clone();
        append("2", &[(two, &[r#"{"id":2,"l":["d","e"]}"#])]).await;
        assert_eq!(texts_in(destination, "people").await, ["1", "2"]);
        assert_eq!(
            texts_in(destination, "people__l").await,
            ["a", "b", "d", "e"]
        );
        let after = State::read(destination).await.unwrap().tables["people__l"]
            .files
            .clone();
        assert_eq!(after[0], before[0]);
        // Lists that are empty now leave nothing behind.
        append("3", &[(two, &[r#"{"id":2,"l":[]}"#])]).await;
        assert_eq!(texts_in(destination, "people__l").await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_table_of_that_name_in_the_same_commit_is_refused() {
    let Place { destination, .. } = &memory();
    let mut lake = open(destination, "1").await;
    let rows = decoded(
        "1",
        RowIds::Key,
        &Slice::default(),
        &[r#"{"id":1,"l":["a"]}"#],
    );
    let other = TableCommit {
        basis: None,
        table: "people__l".to_owned(),
        ..part(
            lake.spool("people__l", SETTINGS).unwrap().seal().unwrap(),
            WriteDisposition::Append,
        )
    };
    let parts = vec![
        part(sealed(&lake, vec![vec![rows]]), WriteDisposition::Merge),
        other,
    ];
    let refused = lake.commit(parts, now(), true).await.unwrap_err();
    assert!(matches!(refused, Error::TableTwice { .. }), "{refused}");
}

fn divided_by(column: &str) -> SpoolSettings {
    let field = PartitionField {
        column: column.to_owned(),
        part: None,
    };
    SpoolSettings {
        partition_by: vec![field],
        encode_from_bytes: 0,
        ..settings()
    }
}

#[tokio::test]
async fn only_the_table_of_the_records_is_divided() {
    for Place { destination, .. } in &places() {
        let mut files = Vec::new();
        for (load_id, write_disposition) in [
            ("1", WriteDisposition::Append),
            ("2", WriteDisposition::Merge),
        ] {
            let mut lake = open(destination, load_id).await;
            // Elements have a key of that name too.
            let records = [
                r#"{"id":1,"kind":"a","l":[{"kind":"x"},{"kind":"y"}]}"#,
                r#"{"id":2,"kind":"b","l":[{"kind":"x"}]}"#,
            ];
            let rows = decoded(load_id, RowIds::Key, &Slice::default(), &records);
            let sealed = sealed_with(&lake, divided_by("kind"), vec![vec![rows]]);
            let parts = vec![part(sealed, write_disposition)];
            lake.commit(parts, now(), true).await.unwrap();
            let state = State::read(destination).await.unwrap();
            check_tidy(destination, &state).await;
            files.push(objects(destination, ".parquet").await);
            assert_eq!(texts_in(destination, "people__l").await, ["x", "x", "y"]);
        }
        let folders: Vec<&str> = files[0]
            .iter()
            .map(|path| path.rsplit_once('/').unwrap().0)
            .collect();
        assert_eq!(folders, ["people/kind=a", "people/kind=b", "people__l"]);
        assert_eq!(files[1], files[0], "a merge of the same records");
    }
}

#[tokio::test]
async fn lists_that_are_tables_divide_nothing() {
    let Place { destination, .. } = &memory();
    let records = [r#"{"id":1,"l":["a"],"o":{"m":[1]}}"#];
    for column in ["l", "o"] {
        let rows = decoded("1", RowIds::Key, &Slice::default(), &records);
        let append = WriteDisposition::Append;
        let loaded = load_with(destination, "1", divided_by(column), append, vec![rows]).await;
        let refused = loaded.unwrap_err();
        assert!(matches!(refused, Error::Partition { .. }), "{refused}");
    }
}

#[tokio::test]
async fn rows_are_looked_up_by_key_in_the_table_and_by_id_below_it() {
    let Place { destination, .. } = &memory();
    merged(destination, "1", &[r#"{"id":1,"l":["a","b"]}"#]).await;
    let state = State::read(destination).await.unwrap();
    for (table, looked_up, unique) in [
        ("people", vec!["id"], vec!["_dlt_id", "id"]),
        (
            "people__l",
            vec!["_dlt_id", "_dlt_root_id"],
            vec!["_dlt_id"],
        ),
    ] {
        let path = &state.tables[table].files[0].path;
        let content = destination.read(path).await.unwrap().unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(content).unwrap();
        let columns = reader.metadata().row_group(0).columns().to_vec();
        let names = |is_of: &dyn Fn(&ColumnChunkMetaData) -> bool| {
            let columns = columns.iter().filter(|column| is_of(column));
            let mut names: Vec<String> = columns
                .map(|column| column.column_path().string())
                .collect();
            names.sort();
            names
        };
        let keys = names(&|column| column.bloom_filter_offset().is_some());
        assert_eq!(keys, looked_up, "{table}");
        let texts = names(&|column| column.dictionary_page_offset().is_none());
        assert_eq!(texts, unique, "{table}");
    }
}

#[tokio::test]
async fn a_merge_opens_the_files_of_its_records_elements_alone() {
    let Place { destination, .. } = &memory();
    merged(destination, "1", &[r#"{"id":1,"l":["a","b"]}"#]).await;
    merged(destination, "2", &[r#"{"id":2,"l":["c"]}"#]).await;
    let path = "people__l/1-000001.parquet";
    let content = destination.read(path).await.unwrap().unwrap();
    let mut damaged = content.to_vec();
    damaged[4..40].fill(0xff);
    destination.write(path, damaged).await.unwrap();
    merged(destination, "3", &[r#"{"id":2,"l":["d"]}"#]).await;
    destination.write(path, content.to_vec()).await.unwrap();
    assert_eq!(texts_in(destination, "people__l").await, ["a", "b", "d"]);
}
