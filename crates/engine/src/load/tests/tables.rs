//! How rows join a table.

use super::WriteDisposition::{Append, Merge, Replace, Skip};
use super::*;

#[tokio::test]
async fn append_keeps_earlier_rows() {
    for place in places() {
        let lake = &place.destination;
        load(lake, "a", Append, vec![people(&[(1, "ann")])]).await;
        let report = load(lake, "b", Append, vec![people(&[(1, "ann"), (2, "bob")])]).await;
        assert_eq!(
            (report.rows_added, report.files_added, report.files_removed),
            (2, 1, 0)
        );
        check_rows(lake, &["1 ann", "1 ann", "2 bob"]).await;
        let files = objects(lake, ".parquet").await;
        assert_eq!(
            files,
            ["people/a-000001.parquet", "people/b-000001.parquet"]
        );
    }
}

#[tokio::test]
async fn replace_takes_earlier_rows_away_even_without_new_ones() {
    for place in places() {
        let lake = &place.destination;
        load(lake, "a", Append, vec![people(&[(1, "ann")])]).await;
        load(lake, "b", Replace, vec![people(&[(2, "bob")])]).await;
        check_rows(lake, &["2 bob"]).await;
        let report = load(lake, "c", Replace, vec![]).await;
        assert_eq!((report.rows_added, report.files_removed), (0, 1));
        check_rows(lake, &[]).await;
        let schema = State::read(lake).await.unwrap().tables["people"]
            .schema
            .clone();
        assert_eq!(
            schema.unwrap().column_names(),
            ["id", "name", "_load_id", "_extracted_at"]
        );
    }
}

#[tokio::test]
async fn skip_keeps_progress_alone() {
    let place = memory();
    let lake = &place.destination;
    let mut run = open(lake, "a").await;
    let mut skipped = part(sealed(&run, vec![]), Skip);
    skipped.progress.whole.watermark = Some(now());
    run.commit(vec![skipped], now(), true).await.unwrap();
    let table = &State::read(lake).await.unwrap().tables["people"];
    assert_eq!(
        (table.files.len(), table.progress.whole.watermark),
        (0, Some(now()))
    );
}

#[tokio::test]
async fn merge_inserts_updates_and_leaves_the_rest() {
    for place in places() {
        let lake = &place.destination;
        load(
            lake,
            "a",
            Merge,
            vec![people(&[(1, "ann"), (2, "bob"), (3, "cid")])],
        )
        .await;
        let new = loaded_people("b", &[(2, "bea"), (3, "cid"), (4, "dan")]);
        let report = load(lake, "b", Merge, vec![new]).await;
        assert_eq!(
            (
                report.rows_added,
                report.rows_updated,
                report.rows_unchanged
            ),
            (1, 1, 1)
        );
        check_rows(lake, &["1 ann", "3 cid", "2 bea", "4 dan"]).await;
    }
}

#[tokio::test]
async fn merge_of_the_same_rows_changes_nothing() {
    for place in places() {
        let lake = &place.destination;
        load(lake, "a", Merge, vec![people(&[(1, "ann"), (2, "bob")])]).await;
        let again = loaded_people("b", &[(2, "bob"), (1, "ann")]);
        let report = load(lake, "b", Merge, vec![again]).await;
        let expected = TableReport {
            rows_unchanged: 2,
            ..TableReport::default()
        };
        assert_eq!(report, expected);
        check_rows(lake, &["1 ann", "2 bob"]).await;
        assert_eq!(objects(lake, ".parquet").await, ["people/a-000001.parquet"]);
    }
}

#[tokio::test]
async fn merge_keeps_the_last_of_several_rows_in_slice_order() {
    for place in places() {
        let mut lake = open(&place.destination, "a").await;
        let spool = lake.spool("people", settings()).unwrap();
        let mut writers = [0, 1, 2].map(|order| spool.begin(order, None));
        for (writer, name) in writers.iter_mut().zip(["first", "second", "third"]) {
            let (batch, schema) = people(&[(1, name), (1, name)]);
            writer.write(batch, &schema).unwrap();
        }
        for writer in writers.into_iter().rev() {
            writer.finish().unwrap();
        }
        let parts = vec![part(spool.seal().unwrap(), Merge)];
        let report = lake.commit(parts, now(), true).await.unwrap();
        let report = &report.tables["people"];
        assert_eq!((report.rows_added, report.duplicates_dropped), (1, 5));
        check_rows(&place.destination, &["1 third"]).await;
    }
}

#[tokio::test]
async fn merge_reaches_rows_of_an_older_schema() {
    for place in places() {
        let lake = &place.destination;
        load(lake, "a", Merge, vec![people(&[(1, "ann"), (2, "bob")])]).await;
        let columns = vec![
            ("id", floats([2.0, 3.5])),
            ("name", texts(["bob", "eve"])),
            ("age", ints([7, 9])),
        ];
        let wider = loaded("b", columns);
        let report = load(lake, "b", Merge, vec![wider]).await;
        assert_eq!((report.rows_added, report.rows_updated), (1, 1));
        assert_eq!(report.new_columns, ["age"]);
        check_rows(lake, &["1.0 ann -", "2.0 bob 7", "3.5 eve 9"]).await;
        let same = loaded("c", vec![("id", floats([1.0])), ("name", texts(["ann"]))]);
        let report = load(lake, "c", Merge, vec![same]).await;
        assert_eq!((report.rows_unchanged, report.files_added), (1, 0));
    }
}

#[tokio::test]
async fn merge_leaves_files_alone_that_cannot_hold_a_key() {
    for place in places() {
        let lake = &place.destination;
        load(lake, "a", Merge, vec![people(&[(1, "ann"), (5, "eve")])]).await;
        load(lake, "b", Merge, vec![people(&[(6, "fay"), (9, "ida")])]).await;
        // A file that is opened in vain would be an error.
        let path = "people/a-000001.parquet";
        let content = lake.read(path).await.unwrap().unwrap();
        let mut damaged = content.to_vec();
        damaged[4..40].fill(0xff);
        lake.write(path, damaged).await.unwrap();
        let report = load(lake, "c", Merge, vec![people(&[(7, "gil"), (9, "ina")])]).await;
        assert_eq!((report.rows_added, report.rows_updated), (1, 1));
        lake.write(path, content.to_vec()).await.unwrap();
        check_rows(lake, &["1 ann", "5 eve", "6 fay", "7 gil", "9 ina"]).await;
    }
}

#[tokio::test]
async fn merge_tells_keys_of_different_kinds_apart() {
    let place = memory();
    let lake = &place.destination;
    let mixed = || {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, None]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1), Some(2)]));
        rows(vec![("id", texts), ("id__v_number", numbers)])
    };
    let report = load(lake, "a", Merge, vec![mixed()]).await;
    assert_eq!((report.rows_added, report.duplicates_dropped), (3, 0));
    let report = load(lake, "b", Merge, vec![mixed()]).await;
    assert_eq!(report.rows_unchanged, 3);
}

#[tokio::test]
async fn merge_needs_its_key() {
    let place = memory();
    let mut lake = open(&place.destination, "a").await;
    let keyless = loaded("a", vec![("name", texts(["ann"]))]);
    let commit = part(sealed(&lake, vec![vec![keyless]]), Merge);
    let error = lake.commit(vec![commit], now(), true).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "merge into `people`: no record has the key column `id`"
    );
    let commit = part(sealed(&lake, vec![vec![people(&[(1, "ann")])]]), Merge);
    lake.commit(vec![commit], now(), true).await.unwrap();
    check_rows(&place.destination, &["1 ann"]).await;
}

#[tokio::test]
async fn an_append_of_a_slice_kept_apart_takes_the_place_of_its_earlier_rows() {
    for place in places() {
        let lake = &place.destination;
        append_apart(lake, "a", &[("mon", &[1]), ("tue", &[2, 3]), ("wed", &[4])]).await;
        append_apart(lake, "b", &[("tue", &[2]), ("wed", &[]), ("thu", &[5])]).await;
        check_rows(lake, &["1 x", "2 x", "5 x"]).await;
        let state = State::read(lake).await.unwrap();
        let slices: Vec<_> = state.tables["people"]
            .files
            .iter()
            .map(|file| file.slice.as_deref())
            .collect();
        assert_eq!(slices, [Some("mon"), Some("tue"), Some("thu")]);
    }
}

async fn append_apart(destination: &Destination, load_id: &str, slices: &[(&str, &[i64])]) {
    let mut lake = open(destination, load_id).await;
    let spool = lake.spool("people", settings()).unwrap();
    for (order, (slice, ids)) in (0..).zip(slices) {
        let mut writer = spool.begin(order, Some((*slice).to_owned()));
        let rows: Vec<_> = ids.iter().map(|id| (*id, "x")).collect();
        let (batch, schema) = people(&rows);
        writer.write(batch, &schema).unwrap();
        writer.finish().unwrap();
    }
    let parts = vec![part(spool.seal().unwrap(), Append)];
    lake.commit(parts, now(), true).await.unwrap();
}

#[tokio::test]
async fn schema_growth_within_a_load_gives_files_of_one_schema() {
    for place in places() {
        let mut lake = open(&place.destination, "a").await;
        let settings = SpoolSettings {
            file_size_bytes: 1,
            ..settings()
        };
        let spool = lake.spool("people", settings).unwrap();
        let mut slice = spool.begin(0, None);
        let growing = [
            rows(vec![("id", ints([1]))]),
            rows(vec![("id", floats([2.5]))]),
            rows(vec![("id", ints([3])), ("name", texts(["cid"]))]),
        ];
        for (batch, schema) in growing {
            slice.write(batch, &schema).unwrap();
        }
        slice.finish().unwrap();
        let commit = part(spool.seal().unwrap(), Append);
        lake.commit(vec![commit], now(), true).await.unwrap();
        let table = &lake.state().tables["people"];
        assert_eq!((table.schemas.len(), table.schema_version), (1, 1));
        assert!(table.files.iter().all(|file| file.schema_version == 1));
        check_rows(&place.destination, &["1.0 -", "2.5 -", "3.0 cid"]).await;
    }
}

#[tokio::test]
async fn declared_columns_of_a_table_without_rows_are_remembered() {
    let place = memory();
    let lake = &place.destination;
    let report = load(lake, "a", Append, vec![people(&[])]).await;
    assert_eq!((report.files_added, report.new_columns.len()), (0, 4));
    let table = &State::read(lake).await.unwrap().tables["people"];
    assert!(table.schema.is_some());
    let report = load(lake, "b", Append, vec![people(&[])]).await;
    assert_eq!(report.new_columns, Vec::<String>::new());
}

#[tokio::test]
async fn many_tiny_slices_make_one_file() {
    for place in places() {
        let mut lake = open(&place.destination, "a").await;
        let slices = (0..10_000).map(|id| vec![people(&[(id, "x")])]).collect();
        let commit = part(sealed(&lake, slices), Append);
        lake.commit(vec![commit], now(), true).await.unwrap();
        let state = State::read(&place.destination).await.unwrap();
        assert_eq!(state.tables["people"].files.len(), 1);
        let found = rows_in(&place.destination, &state).await;
        assert!(
            found
                .into_iter()
                .eq((0..10_000).map(|id| format!("{id} x")))
        );
    }
}

#[tokio::test]
async fn a_slice_larger_than_a_file_makes_several() {
    for place in places() {
        let mut lake = open(&place.destination, "a").await;
        let settings = SpoolSettings {
            file_size_bytes: 10_000,
            ..settings()
        };
        let spool = lake.spool("people", settings).unwrap();
        let ids = || (0..20_000_i64).map(|id| (id * id).wrapping_mul(0x5851_f42d_4c95_7f2d));
        let (batch, schema) = rows(vec![("id", ints(ids()))]);
        let mut slice = spool.begin(0, None);
        slice.write(batch, &schema).unwrap();
        slice.finish().unwrap();
        let commit = part(spool.seal().unwrap(), Append);
        lake.commit(vec![commit], now(), true).await.unwrap();
        let state = State::read(&place.destination).await.unwrap();
        let files = &state.tables["people"].files;
        assert!(files.len() > 5, "{}", files.len());
        assert!(files.iter().all(|file| file.bytes < 40_000), "{files:?}");
        let expected: Vec<String> = ids().map(|id| id.to_string()).collect();
        assert_eq!(rows_in(&place.destination, &state).await, expected);
    }
}
