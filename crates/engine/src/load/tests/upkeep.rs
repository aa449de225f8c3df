//! Compacting, forgetting and vacuuming, beside readers, runs and crashes.

use super::WriteDisposition::{Append, Merge, Replace};
use super::child_tables::{merged, texts_in};
use super::failing_store::{Death, FailingStore};
use super::*;
use crate::load::upkeep::{
    CompactReport, Condition, DEFAULT_VACUUM_AGE, ForgetReport, UpkeepSettings, VacuumReport,
    Vacuuming, compact, forget, is_compact, vacuum, would_forget,
};
use crate::plan::PartitionField;

async fn compact_all(destination: &Destination, load_id: &str) -> Result<CompactReport, Error> {
    let settings = UpkeepSettings::default();
    let mut lake = Lake::open_for_upkeep(destination.clone(), load_id, now()).await?;
    let report = compact(&mut lake, &[], &settings, now()).await;
    if !report
        .as_ref()
        .is_ok_and(|report| report.sequence.is_some())
    {
        lake.abandon().await?;
    }
    report
}

async fn forget_where(
    destination: &Destination,
    load_id: &str,
    table: &str,
    condition: &str,
) -> Result<ForgetReport, Error> {
    let mut lake = Lake::open_for_upkeep(destination.clone(), load_id, now()).await?;
    let schema = lake.state().tables[table].schema.clone().unwrap();
    let condition = Condition::parse(condition, &schema).unwrap();
    let counted = would_forget(destination, lake.state(), table, &condition).await?;
    let settings = UpkeepSettings::default();
    let report = forget(&mut lake, table, &condition, &settings, now()).await;
    if !report
        .as_ref()
        .is_ok_and(|report| report.sequence.is_some())
    {
        lake.abandon().await?;
    }
    let report = report?;
    assert_eq!(report.tables, counted.tables, "a dry run counts the same");
    Ok(report)
}

async fn is_all_compact(destination: &Destination) -> bool {
    let state = State::read(destination).await.unwrap();
    is_compact(&state, &[], &UpkeepSettings::default()).unwrap()
}

#[tokio::test]
async fn small_files_become_one_with_the_same_rows_in_order() {
    for Place { destination, .. } in &places() {
        for (load_id, row) in [("a", (3, "x")), ("b", (1, "y")), ("c", (2, "z"))] {
            load(destination, load_id, Append, vec![people(&[row])]).await;
        }
        let before = State::read(destination).await.unwrap();
        assert!(!is_all_compact(destination).await);
        let report = compact_all(destination, "d").await.unwrap();
        assert_eq!(report.sequence, Some(4));
        let table = &report.tables["people"];
        assert_eq!(
            (table.files_before, table.files_after, table.rows_rewritten),
            (3, 1, 3)
        );
        check_rows(destination, &["3 x", "1 y", "2 z"]).await;
        let after = State::read(destination).await.unwrap();
        assert_eq!(
            after.tables["people"].progress,
            before.tables["people"].progress
        );
        assert!(is_all_compact(destination).await);
        let again = compact_all(destination, "e").await.unwrap();
        assert_eq!(again, CompactReport::default());
        assert_eq!(State::read(destination).await.unwrap().sequence, 4);
    }
}

#[tokio::test]
async fn old_files_get_the_current_schema() {
    let place = local();
    let lake = &place.destination;
    load(lake, "a", Append, vec![rows(vec![("n", ints([1, 2]))])]).await;
    let wider = rows(vec![("n", floats([0.5])), ("t", texts(["x"]))]);
    load(lake, "b", Append, vec![wider]).await;
    compact_all(lake, "c").await.unwrap();
    check_rows(lake, &["1.0 -", "2.0 -", "0.5 x"]).await;
    let state = State::read(lake).await.unwrap();
    let table = &state.tables["people"];
    assert_eq!(table.files.len(), 1);
    assert_eq!(table.files[0].schema_version, table.schema_version);
    let layout = table.layout_of(&table.files[0]).unwrap();
    assert_eq!(layout, table.schema.as_ref().unwrap().arrow_schema());
}

#[tokio::test]
async fn folders_and_slices_stay_apart() {
    let place = local();
    let lake = &place.destination;
    let divided = SpoolSettings {
        partition_by: vec![PartitionField {
            column: "name".to_owned(),
            part: None,
        }],
        ..settings()
    };
    for (load_id, id) in [("a", 1), ("b", 3)] {
        let new = people(&[(id, "x"), (id + 1, "y")]);
        let done = load_with(lake, load_id, divided.clone(), Append, vec![new]).await;
        done.unwrap();
    }
    let mut writing = open(lake, "c").await;
    let spool = writing.spool("people", divided).unwrap();
    for (order, slice) in (0..).zip([None, Some("mon"), Some("tue"), None, None]) {
        let mut slice = spool.begin(order, slice.map(ToOwned::to_owned));
        let (batch, schema) = people(&[(10 + i64::try_from(order).unwrap(), "x")]);
        slice.write(batch, &schema).unwrap();
        slice.finish().unwrap();
    }
    let sealed = spool.seal().unwrap();
    writing
        .commit(vec![part(sealed, Append)], now(), true)
        .await
        .unwrap();
    compact_all(lake, "d").await.unwrap();
    let state = State::read(lake).await.unwrap();
    let files = state.tables["people"].files.iter();
    let files: Vec<_> = files
        .map(|file| {
            let folder = file.path.rsplit_once('/').unwrap().0;
            (folder, file.rows, file.slice.as_deref())
        })
        .collect();
    assert_eq!(
        files,
        [
            ("people/name=x", 3, None),
            ("people/name=y", 2, None),
            ("people/name=x", 1, Some("mon")),
            ("people/name=x", 1, Some("tue")),
            ("people/name=x", 2, None),
        ]
    );
    check_rows(
        lake,
        &[
            "1 x", "3 x", "10 x", "2 y", "4 y", "11 x", "12 x", "13 x", "14 x",
        ],
    )
    .await;
}

#[tokio::test]
async fn whatever_was_loaded_compacting_changes_no_row() {
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        let place = if random.bool() { local() } else { memory() };
        let lake = &place.destination;
        let disposition = [Append, Merge, Replace][random.usize(..3)];
        for number in 0..random.usize(2..7) {
            let ids: Vec<i64> = (0..random.i64(1..40)).map(|_| random.i64(0..60)).collect();
            let mut columns = vec![("id", ints(ids.iter().copied()))];
            if random.bool() {
                columns.push(("f", floats(ids.iter().map(|_| random.f64()))));
            }
            if random.bool() {
                columns.push(("t", texts(ids.iter().map(|_| "some text"))));
            }
            let load_id = format!("l{number}");
            load(lake, &load_id, disposition, vec![rows(columns)]).await;
        }
        let before = State::read(lake).await.unwrap();
        let rows = rows_in(lake, &before).await;
        let report = compact_all(lake, "compact").await.unwrap();
        let after = State::read(lake).await.unwrap();
        assert_eq!(rows_in(lake, &after).await, rows, "seed {seed}");
        check_tidy(lake, &after).await;
        assert!(is_all_compact(lake).await, "seed {seed}: {report:?}");
        // Of them, some rows go and all others stay.
        let kept = rows.iter().filter(|row| {
            let id: i64 = row.split(' ').next().unwrap().parse().unwrap();
            id % 7 != 3
        });
        let kept: Vec<&str> = kept.map(String::as_str).collect();
        let report = forget_where(lake, "forget", "people", "id % 7 == 3").await;
        let erased = report.unwrap().tables["people"].rows;
        assert_eq!(erased, (rows.len() - kept.len()) as u64, "seed {seed}");
        check_rows(lake, &kept).await;
    }
}

#[tokio::test]
async fn forgetting_rewrites_only_the_files_that_hold_such_rows() {
    for Place { destination, .. } in &places() {
        let loads = [
            ("a", vec![(1, "ann"), (2, "bob")]),
            ("b", vec![(3, "cid")]),
            ("c", vec![(4, "Ann")]),
        ];
        for (load_id, rows) in loads {
            load(destination, load_id, Append, vec![people(&rows)]).await;
        }
        let before = State::read(destination).await.unwrap();
        let report = forget_where(destination, "d", "people", "name | lower == 'ann'").await;
        let table = report.unwrap().tables["people"];
        assert_eq!(
            (
                table.rows,
                table.files_rewritten,
                table.files_removed,
                table.files
            ),
            (2, 1, 1, 3)
        );
        check_rows(destination, &["2 bob", "3 cid"]).await;
        let after = State::read(destination).await.unwrap();
        let untouched = &before.tables["people"].files[1];
        assert_eq!(&after.tables["people"].files[1], untouched);
        let nobody = forget_where(destination, "e", "people", "name == 'ann'").await;
        assert_eq!(nobody.unwrap().sequence, None);
        assert_eq!(State::read(destination).await.unwrap().sequence, 4);
    }
}

#[tokio::test]
async fn a_condition_sees_the_row_as_its_columns_are_now() {
    let place = local();
    let lake = &place.destination;
    load(lake, "a", Append, vec![rows(vec![("n", ints([1, 2]))])]).await;
    let wider = rows(vec![("n", floats([0.5, 2.0])), ("t", texts(["x", "y"]))]);
    load(lake, "b", Append, vec![wider]).await;
    // Rows of the older file have no text, which is null.
    let report = forget_where(lake, "c", "people", "n == 2 and t == none").await;
    assert_eq!(report.unwrap().tables["people"].rows, 1);
    let report = forget_where(lake, "d", "people", "row['t'] == 'x'").await;
    assert_eq!(report.unwrap().tables["people"].rows, 1);
    check_rows(lake, &["1.0 -", "2.0 y"]).await;
    let schema = State::read(lake).await.unwrap().tables["people"]
        .schema
        .clone();
    let error = Condition::parse("name == 'x'", &schema.unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "read the expression `name == 'x'`: `name` isn't known here; there are `n`, `t`, `row`"
    );
}

#[tokio::test]
async fn the_elements_of_a_forgotten_record_go_with_it() {
    for Place { destination, .. } in &places() {
        let records = [
            r#"{"id":1,"l":[{"v":"a","m":[1,2]},{"v":"b"}]}"#,
            r#"{"id":2,"l":[{"v":"c","m":[3]},{"v":"d","m":[4]}]}"#,
        ];
        merged(destination, "1", &records).await;
        // An element alone, and what is in it.
        let report = forget_where(destination, "2", "people__l", "v == 'c'").await;
        let report = report.unwrap();
        assert_eq!(report.tables["people__l"].rows, 1);
        assert_eq!(report.tables["people__l__m"].rows, 1);
        assert_eq!(texts_in(destination, "people__l").await.len(), 3);
        // A whole record.
        let report = forget_where(destination, "3", "people", "id == 1").await;
        let report = report.unwrap();
        assert_eq!(report.tables["people"].rows, 1);
        assert_eq!(report.tables["people__l"].rows, 2);
        assert_eq!(report.tables["people__l__m"].rows, 2);
        assert_eq!(texts_in(destination, "people").await, ["2"]);
        assert_eq!(texts_in(destination, "people__l").await, ["d"]);
        assert_eq!(texts_in(destination, "people__l__m").await, ["4"]);
        // The same record again brings all of it back.
        merged(destination, "4", &records[..1]).await;
        assert_eq!(texts_in(destination, "people__l").await, ["a", "b", "d"]);
    }
}

#[tokio::test]
async fn of_a_run_and_a_compaction_the_second_loses_its_place() {
    for Place { destination, .. } in &places() {
        load(destination, "a", Append, vec![people(&[(1, "ann")])]).await;
        load(destination, "b", Append, vec![people(&[(2, "bob")])]).await;
        let mut run = open(destination, "c").await;
        let new = part(sealed(&run, vec![vec![people(&[(3, "cid")])]]), Append);
        compact_all(destination, "d").await.unwrap();
        let lost = run.commit(vec![new], now(), true).await.unwrap_err();
        assert!(matches!(lost, Error::LostPlace { .. }), "{lost}");
        check_rows(destination, &["1 ann", "2 bob"]).await;

        load(destination, "e", Append, vec![people(&[(4, "dan")])]).await;
        let settings = UpkeepSettings::default();
        let late = Lake::open_for_upkeep(destination.clone(), "f", now()).await;
        let mut late = late.unwrap();
        load(destination, "g", Append, vec![people(&[(5, "eve")])]).await;
        let lost = compact(&mut late, &[], &settings, now()).await.unwrap_err();
        assert!(matches!(lost, Error::LostPlace { .. }), "{lost}");
        check_rows(destination, &["1 ann", "2 bob", "4 dan", "5 eve"]).await;
    }
}

#[tokio::test]
async fn a_load_that_was_not_complete_may_still_be_resumed() {
    let place = local();
    let lake = &place.destination;
    for load_id in ["a", "b"] {
        let mut run = open(lake, load_id).await;
        let new = part(sealed(&run, vec![vec![people(&[(1, "ann")])]]), Append);
        run.commit(vec![new], now(), false).await.unwrap();
        run.abandon().await.unwrap();
    }
    compact_all(lake, "c").await.unwrap();
    let state = State::read(lake).await.unwrap();
    assert_eq!(state.unfinished_load.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_compaction_that_is_killed_anywhere_changes_no_row() {
    check_kills(false).await;
}

#[tokio::test]
async fn forgetting_that_is_killed_anywhere_is_done_or_not_and_ends_when_it_is_done_again() {
    check_kills(true).await;
}

/// Stops the work before, in and after each call to the store, and does it again.
async fn check_kills(forgets: bool) {
    let work = async |destination: &Destination, load_id: &str| {
        if forgets {
            let report = forget_where(destination, load_id, "people", "id == 2").await;
            report.map(drop)
        } else {
            compact_all(destination, load_id).await.map(drop)
        }
    };
    let all = ["1 ann", "2 bob", "3 cid"];
    let expected = if forgets {
        &["1 ann", "3 cid"][..]
    } else {
        &all
    };
    for new_place in [local, memory] {
        for death in [Death::Before, Death::After, Death::AnswerLost] {
            let mut fatal = 0;
            loop {
                let place = new_place();
                let lake = &place.destination;
                load(lake, "a", Append, vec![people(&[(1, "ann"), (2, "bob")])]).await;
                load(lake, "b", Append, vec![people(&[(3, "cid")])]).await;
                let store = FailingStore::new(Arc::clone(&lake.store), death, fatal);
                let store = Arc::new(store);
                let failing = lake.through(Arc::clone(&store) as Arc<dyn ObjectStore>);
                let first = work(&failing, "c").await;
                assert!(store.has_failed() || first.is_ok(), "{first:?}");
                // The next run publishes what is committed.
                open(lake, "d").await.abandon().await.unwrap();
                let state = State::read(lake).await.unwrap();
                let rows = rows_in(lake, &state).await;
                assert!(rows == all || rows == expected, "{rows:?}");
                assert!(first.is_err() || rows == expected, "{rows:?}");
                check_tidy(lake, &state).await;
                work(lake, "e").await.unwrap();
                check_rows(lake, expected).await;
                if !store.has_failed() {
                    break;
                }
                fatal += 1;
            }
            assert!(fatal > 8, "only {fatal} calls were seen");
        }
    }
}

#[tokio::test]
async fn vacuuming_removes_what_no_commit_knows_and_nothing_else() {
    const OLD: &str = "20240131T120000000000Z-0123abcd-000001.parquet";
    let later = Timestamp::from_second(4_000_000_000).unwrap();
    for Place { destination, .. } in &places() {
        load(destination, "a", Append, vec![people(&[(1, "ann")])]).await;
        let own = ["people/mine.parquet", "people/notes.txt", "other/x.parquet"];
        let unknown = [format!("people/{OLD}"), format!("people/name=x/{OLD}")];
        let other_folder = format!("other/{OLD}");
        for path in own
            .iter()
            .copied()
            .chain(unknown.iter().map(String::as_str))
        {
            destination.write(path, vec![0]).await.unwrap();
        }
        destination.write(&other_folder, vec![0]).await.unwrap();
        destination
            .write("_engine/staging/dead~people-0.parquet", vec![0])
            .await
            .unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let spool = temporary.path().join("engine-spool-dead");
        std::fs::create_dir(&spool).unwrap();
        std::fs::create_dir(temporary.path().join("others")).unwrap();
        let vacuum = async |load_id: &str, now: Timestamp, dry_run: bool| {
            let vacuuming = Vacuuming {
                load_id,
                now,
                age: DEFAULT_VACUUM_AGE,
                temporary: temporary.path().to_owned(),
                dry_run,
            };
            vacuum(destination, vacuuming).await.unwrap()
        };
        // Nothing is old yet: the clock is that of the files.
        let young = vacuum("b", now(), false).await;
        assert_eq!((young.leftovers.len(), young.young), (0, 3));
        let dry = vacuum("c", later, true).await;
        assert_eq!(dry.leftovers.len(), 4, "{dry:?}");
        assert!(destination.holds(&unknown[0]).await.unwrap() && spool.exists());
        let done = vacuum("d", later, false).await;
        assert_eq!(done, dry);
        assert!(!spool.exists() && temporary.path().join("others").exists());
        for path in own.into_iter().chain([other_folder.as_str()]) {
            assert!(destination.holds(path).await.unwrap(), "{path}");
        }
        assert!(!destination.holds(&unknown[0]).await.unwrap());
        assert!(!destination.holds(&unknown[1]).await.unwrap());
        let again = vacuum("e", later, false).await;
        assert_eq!(again, VacuumReport::default());
        assert_eq!(
            objects(destination, "")
                .await
                .iter()
                .find(|path| path.contains("staging")),
            None
        );
    }
}

#[tokio::test]
async fn an_earlier_commit_is_known_while_it_is_in_the_log() {
    let place = local();
    let lake = &place.destination;
    let error = Lake::open_for_upkeep(lake.clone(), "a", now())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoTables), "{error}");
    load(lake, "a", Append, vec![people(&[(1, "ann")])]).await;
    load(lake, "b", Append, vec![people(&[(2, "bob")])]).await;
    let first = State::read_at(lake, 1).await.unwrap();
    assert_eq!(rows_in(lake, &first).await, ["1 ann"]);
    let error = State::read_at(lake, 3).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "read the commit log: there is no commit `3`; the newest is `2`"
    );
}
