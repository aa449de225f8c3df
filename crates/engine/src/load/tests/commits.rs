//! The log and its fold.

use super::WriteDisposition::Append;
use super::*;
use crate::plan::{CursorFormat, TimeFormat};

#[tokio::test]
async fn the_state_is_the_same_for_the_run_and_for_those_who_read_the_log() {
    for place in places() {
        let mut lake = open(&place.destination, "a").await;
        let mut commit = part(sealed(&lake, vec![vec![people(&[(1, "ann")])]]), Append);
        commit.progress.whole.watermark = Some(now());
        commit.progress.whole.finished = [("from=x".to_owned(), now())].into();
        lake.commit(vec![commit], now(), false).await.unwrap();
        let read = State::read(&place.destination).await.unwrap();
        assert_eq!(&read, lake.state());
        assert_eq!(read.unfinished_load.as_deref(), Some("a"));
        assert_eq!(read.tables["people"].progress.whole.watermark, Some(now()));
        assert_eq!(read.tables["people"].progress.whole.finished.len(), 1);

        lake.commit(vec![], now(), true).await.unwrap();
        let read = State::read(&place.destination).await.unwrap();
        assert_eq!((read.sequence, read.unfinished_load), (2, None));
        assert_eq!(read.tables["people"].rows(), 1);
    }
}

#[tokio::test]
async fn a_commit_names_its_files_and_their_places() {
    let place = memory();
    load(&place.destination, "a", Append, vec![people(&[(1, "ann")])]).await;
    let path = "_engine/commits/00000000000000000001.json";
    let content = place.destination.read(path).await.unwrap().unwrap();
    let mut commit: serde_json::Value = serde_json::from_slice(&content).unwrap();
    commit["run"] = "some".into();
    commit["tables"]["people"]["add"][0]["bytes"] = 1.into();
    commit["tables"]["people"]["schema"]["schema"] = "…".into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&commit).unwrap(), @r#"
    {
      "version": 2,
      "sequence": 1,
      "run": "some",
      "load_id": "a",
      "pipeline": "test",
      "api": "api",
      "created_at": "1970-01-01T00:00:00Z",
      "last": true,
      "tables": {
        "people": {
          "add": [
            {
              "staged": "_engine/staging/a~people-0.parquet",
              "path": "people/a-000001.parquet",
              "rows": 1,
              "bytes": 1,
              "schema_version": 1
            }
          ],
          "schema": {
            "version": 1,
            "schema": "…"
          }
        }
      }
    }
    "#);
}

#[tokio::test]
async fn a_load_leaves_a_report_for_people() {
    let place = memory();
    let mut lake = open(&place.destination, "a").await;
    for last in [false, true] {
        let commit = part(sealed(&lake, vec![vec![people(&[(1, "ann")])]]), Append);
        lake.commit(vec![commit], now(), last).await.unwrap();
    }
    let content = place
        .destination
        .read("_engine/loads/a.json")
        .await
        .unwrap()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&content).unwrap();
    assert_eq!(report["complete"], true);
    assert_eq!(report["commits"], serde_json::json!([1, 2]));
    assert_eq!(report["tables"]["people"]["rows_added"], 2);
}

#[tokio::test]
async fn a_damaged_commit_is_named() {
    let path = "_engine/commits/00000000000000000002.json";
    for place in places() {
        let lake = &place.destination;
        load(lake, "a", Append, vec![people(&[(1, "ann")])]).await;
        load(lake, "b", Append, vec![people(&[(2, "bob")])]).await;
        let whole = lake.read(path).await.unwrap().unwrap();
        for damaged in [&whole[..whole.len() / 2], b"", b"\xff\xfe", b"[]"] {
            lake.write(path, damaged.to_vec()).await.unwrap();
            let error = Lake::open(lake.clone(), &Owner::new("test", "api"), "c", now())
                .await
                .unwrap_err();
            assert_eq!(error.to_string(), format!("read the commit `{path}`"));
        }
        lake.write(path, br#"{"version": 99}"#.to_vec())
            .await
            .unwrap();
        let error = State::read(lake).await.unwrap_err();
        assert!(
            matches!(error, Error::CommitFormat { version: 99, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_hole_in_the_log_is_named() {
    let place = memory();
    let lake = &place.destination;
    load(lake, "a", Append, vec![people(&[(1, "ann")])]).await;
    load(lake, "b", Append, vec![people(&[(2, "bob")])]).await;
    lake.remove("_engine/commits/00000000000000000001.json")
        .await
        .unwrap();
    let error = State::read(lake).await.unwrap_err();
    assert!(
        matches!(error, Error::CommitMissing { sequence: 1 }),
        "{error}"
    );
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    let place = memory();
    let lake = open(&place.destination, "a").await;
    for name in ["", "_engine", "a/b", "..", ".hidden", "ü"] {
        let error = lake.spool(name, settings()).unwrap_err();
        assert!(matches!(error, Error::UnusableName { .. }), "{error}");
    }
}

#[tokio::test]
async fn rows_that_start_over_join_an_empty_table() {
    for place in places() {
        for disposition in [Append, WriteDisposition::Merge] {
            let lake_of = |name: &str| format!("{disposition:?}-{name}").to_lowercase();
            let before = Destination::clone(&place.destination);
            let mut lake = open(&before, &lake_of("a")).await;
            let all = part(
                sealed(&lake, vec![vec![people(&[(1, "ann"), (2, "bob")])]]),
                disposition,
            );
            lake.commit(vec![all], now(), true).await.unwrap();
            let mut lake = open(&before, &lake_of("b")).await;
            let fresh = TableCommit {
                replaced: Replaced::All,
                ..part(
                    sealed(
                        &lake,
                        vec![vec![people(&[(2, "bea")])], vec![people(&[(2, "cat")])]],
                    ),
                    disposition,
                )
            };
            lake.commit(vec![fresh], now(), true).await.unwrap();
            let rows = lake.state().tables["people"].rows();
            let expected = if disposition == Append { 2 } else { 1 };
            assert_eq!(rows, expected, "{disposition:?}");
        }
    }
}

#[tokio::test]
async fn the_rows_of_a_range_leave_whatever_their_files_hold_beside() {
    for place in places() {
        load(
            &place.destination,
            "a",
            Append,
            vec![people(&[(10, "ann"), (20, "bob"), (30, "cat")])],
        )
        .await;
        load(
            &place.destination,
            "b",
            Append,
            vec![people(&[(40, "dan")])],
        )
        .await;
        let mut lake = open(&place.destination, "c").await;
        let untouched = lake.state().tables["people"].files[1].clone();
        let range = ReplacedRange {
            column: "id".to_owned(),
            formats: vec![CursorFormat::Named(TimeFormat::Unix)],
            start: Timestamp::from_second(20).unwrap(),
            end: Timestamp::from_second(40).unwrap(),
        };
        let again = |lake: &Lake, column: &str| TableCommit {
            replaced: Replaced::Range(ReplacedRange {
                column: column.to_owned(),
                ..range.clone()
            }),
            ..part(sealed(lake, vec![vec![people(&[(21, "bea")])]]), Append)
        };
        let commit = again(&lake, "id");
        let report = lake.commit(vec![commit], now(), false).await.unwrap();
        assert_eq!(report.tables["people"].rows_removed, 2);
        let table = &lake.state().tables["people"];
        assert_eq!(table.rows(), 3);
        assert!(table.files.contains(&untouched), "no row of it lies there");
        // Rows that can't be told apart are left alone.
        let commit = again(&lake, "name");
        let refused = lake.commit(vec![commit], now(), true).await.unwrap_err();
        assert!(matches!(refused, Error::NoCursorInRow { .. }), "{refused}");
        assert_eq!(lake.state().tables["people"].rows(), 3);
    }
}
