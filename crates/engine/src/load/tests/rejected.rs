//! What a schema contract discards is committed with the rows, or not at all.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::WriteDisposition::Append;
use super::failing_store::{Death, FailingStore};
use super::*;

/// More calls than any load of these tests makes.
const CALLS_AT_MOST: usize = 200;

fn write(writer: &mut RejectedWriter, record: usize, value: &str) {
    let value: &RawValue = serde_json::from_str(value).unwrap();
    let line = RejectedLine {
        load_id: "load",
        resource: "people",
        slice: "all",
        page: 1,
        record,
        discarded: "value",
        column: Some("age"),
        reason: "no",
        from_parent: &BTreeMap::new(),
        value,
    };
    writer.write(&line).unwrap();
}

/// A load that keeps a row and discards two values.
async fn discarding(destination: &Destination, load_id: &str) -> Result<TableReport, Error> {
    let mut lake = Lake::open(
        destination.clone(),
        &Owner::new("test", "api"),
        load_id,
        now(),
    )
    .await?;
    let rejected = lake.rejected("people", "_rejected");
    let mut writer = rejected.begin();
    write(&mut writer, 0, "1");
    write(&mut writer, 7, "\"x\"");
    writer.finish()?;
    let mut commit = part(sealed(&lake, vec![vec![people(&[(1, "ann")])]]), Append);
    commit.progress.whole.finished = [("b".to_owned(), now())].into();
    commit.discards = Discards {
        rows: 0,
        values: 2,
        file: rejected.seal()?,
    };
    let mut report = lake.commit(vec![commit], now(), true).await?;
    Ok(report.tables.remove("people").unwrap())
}

async fn check_rejected(destination: &Destination) {
    let files = objects(destination, ".jsonl").await;
    assert_eq!(files.len(), 1, "{files:?}");
    let content = destination.read(&files[0]).await.unwrap().unwrap();
    let lines: Vec<serde_json::Value> = std::str::from_utf8(&content)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let values: Vec<(u64, String)> = lines
        .iter()
        .map(|line| (line["record"].as_u64().unwrap(), line["value"].to_string()))
        .collect();
    assert_eq!(values, [(0, "1".to_owned()), (7, "\"x\"".to_owned())]);
}

#[tokio::test]
async fn what_is_discarded_lies_beside_the_tables() {
    for place in places() {
        let report = discarding(&place.destination, "a").await.unwrap();
        assert_eq!(report.rejected_files, ["_rejected/people/a-000001.jsonl"]);
        assert_eq!((report.rows_added, report.values_discarded), (1, 2));
        check_rejected(&place.destination).await;
        check_rows(&place.destination, &["1 ann"]).await;
    }
}

/// However often a load is killed and run again, each line is there once.
#[tokio::test]
async fn a_kill_neither_loses_nor_doubles_what_was_discarded() {
    for new_place in [local, memory] {
        for death in [Death::Before, Death::After, Death::AnswerLost] {
            for fatal in 0..CALLS_AT_MOST {
                let place = new_place();
                let lake = &place.destination;
                let inner = Arc::clone(&lake.store);
                let store = Arc::new(FailingStore::new(inner, death, fatal));
                let failing = lake.through(Arc::clone(&store) as Arc<dyn ObjectStore>);
                let first = discarding(&failing, "b").await;
                assert!(store.has_failed() || first.is_ok(), "{first:?}");
                let again = open(lake, "c").await;
                let done = again.state().tables.contains_key("people");
                again.abandon().await.unwrap();
                if !done {
                    discarding(lake, "d").await.unwrap();
                }
                check_rejected(lake).await;
                check_rows(lake, &["1 ann"]).await;
                if !store.has_failed() {
                    assert!(fatal > 6, "only {fatal} calls were seen");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn only_finished_slices_leave_lines() {
    let place = local();
    let lake = open(&place.destination, "a").await;
    let rejected = lake.rejected("people", "_rejected");
    assert!(rejected.seal().unwrap().is_none());
    let large = format!("\"{}\"", "x".repeat(10_000));
    let [mut dropped, mut finished] = [rejected.begin(), rejected.begin()];
    for record in 0..300 {
        write(&mut dropped, record, &large);
        write(&mut finished, record, &large);
    }
    drop(dropped);
    finished.finish().unwrap();
    let mut small = rejected.begin();
    write(&mut small, 0, "1");
    small.finish().unwrap();
    let sealed = rejected.seal().unwrap().unwrap();
    let text = std::fs::read_to_string(&sealed.path).unwrap();
    assert_eq!((sealed.lines, sealed.bytes), (301, text.len() as u64));
    assert_eq!(text.lines().count(), 301);
    assert!(
        text.lines()
            .all(|line| line.starts_with('{') && line.ends_with('}'))
    );
    assert!(rejected.seal().unwrap().is_none());
    lake.abandon().await.unwrap();
    assert_eq!(
        objects(&place.destination, ".jsonl").await,
        Vec::<String>::new()
    );
}
