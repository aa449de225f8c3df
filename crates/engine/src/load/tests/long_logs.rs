//! Logs of many commits, and states of many parts.

use super::WriteDisposition::Append;
use super::*;
use crate::flow::Reach;

/// Enough for two snapshots.
const COMMITS: i64 = 70;

async fn long_log(destination: &Destination) -> State {
    let mut lake = open(destination, "a").await;
    for id in 0..COMMITS {
        let rows = vec![vec![people(&[(id, "ann")])]];
        let commit = part(sealed(&lake, rows), Append);
        lake.commit(vec![commit], now(), id + 1 == COMMITS)
            .await
            .unwrap();
    }
    lake.state().clone()
}

async fn remove_commits(destination: &Destination, sequences: std::ops::RangeInclusive<u64>) {
    for sequence in sequences {
        let path = format!("_engine/commits/{sequence:020}.json");
        destination.remove(&path).await.unwrap();
    }
}

#[tokio::test]
async fn a_long_log_is_read_from_its_newest_snapshot() {
    for place in places() {
        let lake = &place.destination;
        let state = long_log(lake).await;
        assert_eq!(
            objects(lake, ".json")
                .await
                .iter()
                .filter(|path| path.contains("snapshots"))
                .count(),
            2
        );
        assert_eq!(State::read(lake).await.unwrap(), state);
        // Nothing before the snapshot is looked at.
        remove_commits(lake, 1..=63).await;
        assert_eq!(State::read(lake).await.unwrap(), state);
        let next = open(lake, "b").await;
        assert_eq!(next.state(), &state);
        next.abandon().await.unwrap();
        remove_commits(lake, 66..=66).await;
        let error = State::read(lake).await.unwrap_err();
        assert!(
            matches!(error, Error::CommitMissing { sequence: 66 }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_passed_over() {
    let place = memory();
    let lake = &place.destination;
    let state = long_log(lake).await;
    let elsewhere = r#"{"version": 1, "state": {"tables": {"../x": {}}, "sequence": 64}}"#;
    for damaged in ["", "{", "[]", r#"{"version": 99}"#, elsewhere] {
        let path = "_engine/snapshots/00000000000000000064.json";
        lake.write(path, damaged.as_bytes().to_vec()).await.unwrap();
        assert_eq!(State::read(lake).await.unwrap(), state, "{damaged}");
    }
}

#[tokio::test]
async fn a_commit_holds_the_parts_that_moved_and_no_others() {
    let place = memory();
    let mut lake = open(&place.destination, "a").await;
    let mut progress = Progress::default();
    let moved = Reach {
        watermark: Some(now()),
        ..Reach::default()
    };
    for parent in 0..100_000 {
        progress
            .parts
            .insert(format!("parent={parent}"), moved.clone());
    }
    let mut commit = part(sealed(&lake, vec![vec![people(&[(1, "ann")])]]), Append);
    commit.progress = progress.clone();
    lake.commit(vec![commit], now(), false).await.unwrap();
    progress.parts.insert("parent=new".to_owned(), moved);
    let mut commit = part(sealed(&lake, vec![vec![people(&[(2, "bob")])]]), Append);
    commit.progress = progress.clone();
    lake.commit(vec![commit], now(), true).await.unwrap();
    let path = "_engine/commits/00000000000000000002.json";
    let content = place.destination.read(path).await.unwrap().unwrap();
    assert!(content.len() < 2_000, "{} bytes", content.len());
    let state = State::read(&place.destination).await.unwrap();
    assert_eq!(state.tables["people"].progress, progress);
}
