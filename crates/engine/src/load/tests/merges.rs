//! What the strategies of a merge take from a table and add to it.

use arrow::array::BooleanArray;

use super::WriteDisposition::{Append, Merge};
use super::*;
use crate::plan::{AbsentRows, DedupColumn, MergeAction, VersionsPlan};

fn with(merge: MergePlan) -> SpoolSettings {
    SpoolSettings {
        merge,
        ..settings()
    }
}

async fn merged(
    lake: &Destination,
    load_id: &str,
    settings: SpoolSettings,
    batches: Vec<Rows>,
) -> TableReport {
    load_with(lake, load_id, settings, Merge, batches)
        .await
        .unwrap()
}

/// The rows of the table, sorted.
async fn sorted(lake: &Destination) -> Vec<String> {
    let state = State::read(lake).await.unwrap();
    let mut found = rows_in(lake, &state).await;
    check_tidy(lake, &state).await;
    found.sort();
    found
}

/// Makes a file unreadable but for its footer and its Bloom filters, so that opening it in vain is an error.
async fn damage(lake: &Destination, path: &str) -> Vec<u8> {
    let content = lake.read(path).await.unwrap().unwrap().to_vec();
    let mut damaged = content.clone();
    damaged[4..40].fill(0xff);
    lake.write(path, damaged).await.unwrap();
    content
}

fn marked(rows_of: &[(i64, &str, Option<bool>)]) -> Rows {
    let ids = ints(rows_of.iter().map(|row| row.0));
    let names = texts(rows_of.iter().map(|row| row.1));
    let marks: BooleanArray = rows_of.iter().map(|row| row.2).collect();
    loaded(
        "some",
        vec![("id", ids), ("name", names), ("deleted", Arc::new(marks))],
    )
}

#[tokio::test]
async fn a_marked_row_takes_its_key_away() {
    let deleting = || {
        with(MergePlan {
            hard_delete: Some("deleted".to_owned()),
            ..MergePlan::UPSERT
        })
    };
    for place in places() {
        let lake = &place.destination;
        let first = marked(&[
            (1, "ann", None),
            (2, "bob", Some(false)),
            (3, "cid", Some(true)),
        ]);
        let report = merged(lake, "a", deleting(), vec![first]).await;
        assert_eq!((report.rows_added, report.rows_removed), (2, 0));
        let second = marked(&[
            (1, "ann", Some(true)),
            (2, "bob", Some(true)),
            (2, "bea", None),
            (9, "ida", Some(true)),
        ]);
        let report = merged(lake, "b", deleting(), vec![second]).await;
        assert_eq!((report.rows_updated, report.rows_removed), (1, 1));
        assert_eq!(sorted(lake).await, ["2 bea -"]);
        // No record has the mark: none is deleted.
        let report = merged(lake, "c", deleting(), vec![people(&[(4, "dan")])]).await;
        assert_eq!(report.rows_added, 1);
    }
}

#[tokio::test]
async fn a_value_decides_which_of_several_rows_counts() {
    let by_name = |greatest| {
        with(MergePlan {
            dedup_sort: Some(DedupColumn {
                column: "name".to_owned(),
                greatest,
            }),
            ..MergePlan::UPSERT
        })
    };
    let rows = || {
        vec![
            people(&[(1, "b"), (1, "c")]),
            people(&[(1, "a"), (2, "z"), (2, "x")]),
        ]
    };
    for (greatest, expected) in [(true, ["1 c", "2 z"]), (false, ["1 a", "2 x"])] {
        let place = memory();
        let report = merged(&place.destination, "a", by_name(greatest), rows()).await;
        assert_eq!((report.rows_added, report.duplicates_dropped), (2, 3));
        assert_eq!(sorted(&place.destination).await, expected);
    }
}

#[tokio::test]
async fn groups_of_rows_are_replaced() {
    let by_name = || SpoolSettings {
        primary_key: Vec::new(),
        ..with(MergePlan {
            absent: AbsentRows::InGroups(vec!["name".to_owned()]),
            ..MergePlan::UPSERT
        })
    };
    for place in places() {
        let lake = &place.destination;
        let rows = people(&[(1, "mon"), (1, "mon"), (2, "mon"), (3, "tue")]);
        let report = merged(lake, "a", by_name(), vec![rows.clone()]).await;
        assert_eq!((report.rows_added, report.duplicates_dropped), (4, 0));
        // The same rows again change nothing.
        let report = merged(lake, "b", by_name(), vec![rows]).await;
        assert_eq!((report.rows_unchanged, report.files_added), (4, 0));
        let report = merged(
            lake,
            "c",
            by_name(),
            vec![people(&[(1, "mon"), (4, "wed")])],
        )
        .await;
        assert_eq!(
            (
                report.rows_added,
                report.rows_unchanged,
                report.rows_removed
            ),
            (1, 1, 2)
        );
        assert_eq!(sorted(lake).await, ["1 mon", "3 tue", "4 wed"]);
        // A third row that is the same as two others.
        let more = people(&[(1, "mon"), (1, "mon"), (1, "mon")]);
        let report = merged(lake, "d", by_name(), vec![more]).await;
        assert_eq!((report.rows_added, report.rows_unchanged), (2, 1));
        assert_eq!(
            sorted(lake).await,
            ["1 mon", "1 mon", "1 mon", "3 tue", "4 wed"]
        );
    }
}

#[tokio::test]
async fn rows_that_are_not_in_the_load_go() {
    let mirror = || {
        with(MergePlan {
            absent: AbsentRows::Concerned,
            ..MergePlan::UPSERT
        })
    };
    for place in places() {
        let lake = &place.destination;
        merged(lake, "a", mirror(), vec![people(&[(1, "ann"), (2, "bob")])]).await;
        let report = merged(lake, "b", mirror(), vec![people(&[(2, "bob"), (3, "cid")])]).await;
        assert_eq!((report.rows_added, report.rows_removed), (1, 1));
        assert_eq!(sorted(lake).await, ["2 bob", "3 cid"]);
        let report = merged(lake, "c", mirror(), vec![]).await;
        assert_eq!(report.rows_removed, 2);
        assert_eq!(sorted(lake).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn earlier_rows_stay_as_they_are() {
    let keeping = || {
        with(MergePlan {
            action: MergeAction::KeepEarlier,
            ..MergePlan::UPSERT
        })
    };
    for place in places() {
        let lake = &place.destination;
        let first = vec![people(&[(1, "ann"), (1, "amy"), (2, "bob")])];
        let report = merged(lake, "a", keeping(), first).await;
        assert_eq!((report.rows_added, report.duplicates_dropped), (2, 1));
        let second = vec![people(&[(2, "bea"), (3, "cid")])];
        let report = merged(lake, "b", keeping(), second).await;
        assert_eq!(
            (
                report.rows_added,
                report.rows_unchanged,
                report.files_removed
            ),
            (1, 1, 0)
        );
        assert_eq!(sorted(lake).await, ["1 ann", "2 bob", "3 cid"]);
    }
}

fn versions(load_start: i64, key: &[&str], absent: AbsentRows) -> SpoolSettings {
    SpoolSettings {
        load_start,
        primary_key: key.iter().map(|key| (*key).to_owned()).collect(),
        ..with(MergePlan {
            action: MergeAction::KeepVersions(VersionsPlan {
                valid_from: "since".to_owned(),
                valid_to: "until".to_owned(),
                active: None,
                boundary: None,
                row_version: None,
            }),
            absent,
            ..MergePlan::UPSERT
        })
    }
}

#[tokio::test]
async fn versions_are_kept() {
    for key in [&[][..], &["id"]] {
        for place in places() {
            let lake = &place.destination;
            let of_load = |second: i64| versions(second * 1_000_000, key, AbsentRows::Concerned);
            let first = vec![people(&[(1, "ann"), (2, "bob"), (2, "bob")])];
            let report = merged(lake, "a", of_load(1), first).await;
            assert_eq!((report.rows_added, report.duplicates_dropped), (2, 1));
            let second = people(&[(2, "bea"), (1, "ann")]);
            merged(lake, "b", of_load(2), vec![second.clone()]).await;
            let expected = [
                "1 ann 1970-01-01T00:00:01 -",
                "2 bea 1970-01-01T00:00:02 -",
                "2 bob 1970-01-01T00:00:01 1970-01-01T00:00:02",
            ];
            assert_eq!(sorted(lake).await, expected, "{key:?}");
            let report = merged(lake, "c", of_load(3), vec![second]).await;
            assert_eq!((report.rows_unchanged, report.files_added), (2, 0));
            let report = merged(lake, "d", of_load(4), vec![]).await;
            assert_eq!(report.rows_removed, 2);
            let expected = [
                "1 ann 1970-01-01T00:00:01 1970-01-01T00:00:04",
                "2 bea 1970-01-01T00:00:02 1970-01-01T00:00:04",
                "2 bob 1970-01-01T00:00:01 1970-01-01T00:00:02",
            ];
            assert_eq!(sorted(lake).await, expected, "{key:?}");
            // Files without a valid row are not opened.
            for path in objects(lake, ".parquet").await {
                damage(lake, &path).await;
            }
            let report = merged(lake, "e", of_load(5), vec![people(&[(1, "ann")])]).await;
            assert_eq!((report.rows_added, report.files_removed), (1, 0));
        }
    }
}

#[tokio::test]
async fn a_table_that_was_appended_to_gets_versions() {
    let place = memory();
    let lake = &place.destination;
    load(lake, "a", Append, vec![people(&[(1, "ann"), (2, "bob")])]).await;
    let settings = versions(7_000_000, &[], AbsentRows::Concerned);
    merged(lake, "b", settings, vec![people(&[(1, "ann")])]).await;
    let expected = ["1 ann - -", "2 bob - 1970-01-01T00:00:07"];
    assert_eq!(sorted(lake).await, expected);
}

#[tokio::test]
async fn a_file_between_two_keys_is_left_alone() {
    let place = memory();
    let lake = &place.destination;
    for (load_id, id) in [("a", 1), ("b", 5), ("c", 9)] {
        load(
            lake,
            load_id,
            Merge,
            vec![people(&[(id, "x"), (id + 1, "y")])],
        )
        .await;
    }
    damage(lake, "people/b-000001.parquet").await;
    let report = load(lake, "d", Merge, vec![people(&[(1, "z"), (9, "z")])]).await;
    assert_eq!(report.rows_updated, 2);
}

#[tokio::test]
async fn a_bloom_filter_rules_a_file_out() {
    let place = memory();
    let lake = &place.destination;
    let even: Vec<(i64, &str)> = (0..1000).map(|id| (id * 2, "x")).collect();
    load(lake, "a", Merge, vec![people(&even)]).await;
    let content = damage(lake, "people/a-000001.parquet").await;
    // It lies between the others' keys, and is none of them.
    let report = load(lake, "b", Merge, vec![people(&[(501, "y")])]).await;
    assert_eq!(report.rows_added, 1);
    lake.write("people/a-000001.parquet", content)
        .await
        .unwrap();
    let report = load(lake, "c", Merge, vec![people(&[(500, "y")])]).await;
    assert_eq!(report.rows_updated, 1);
}

#[tokio::test]
async fn any_column_of_the_key_rules_a_file_out() {
    let place = memory();
    let lake = &place.destination;
    let keyed = || SpoolSettings {
        primary_key: vec!["name".to_owned(), "id".to_owned()],
        ..settings()
    };
    // Every load has all names, and ids of its own.
    for (load_id, id) in [("a", 100), ("b", 200)] {
        let rows = vec![people(&[(id, "ann"), (id + 1, "bob"), (id + 2, "cid")])];
        merged(lake, load_id, keyed(), rows).await;
    }
    damage(lake, "people/a-000001.parquet").await;
    let report = merged(
        lake,
        "c",
        keyed(),
        vec![people(&[(201, "bob"), (299, "ann")])],
    )
    .await;
    assert_eq!((report.rows_added, report.rows_unchanged), (1, 1));
}
