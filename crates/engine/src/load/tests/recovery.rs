//! A run that is stopped anywhere, and run again, gives what it would have given.

use super::WriteDisposition::{Append, Merge, Replace};
use super::failing_store::{Death, FailingStore};
use super::*;

/// More calls than any load of these tests makes.
const CALLS_AT_MOST: usize = 200;

#[tokio::test]
async fn append_survives_a_kill_at_any_call() {
    let expected = ["1 ann", "2 bob", "2 bob", "3 cid"];
    check_kills(Append, &expected).await;
}

#[tokio::test]
async fn replace_survives_a_kill_at_any_call() {
    check_kills(Replace, &["2 bob", "3 cid"]).await;
}

#[tokio::test]
async fn merge_survives_a_kill_at_any_call() {
    check_kills(Merge, &["1 ann", "2 bob", "3 cid"]).await;
}

/// Stops a second load before, in and after each call to the store, and runs it again.
async fn check_kills(disposition: WriteDisposition, expected: &[&str]) {
    for new_place in [local, memory] {
        for death in [Death::Before, Death::After, Death::AnswerLost] {
            let mut fatal = 0;
            while check_kill(&new_place(), disposition, death, fatal, expected).await {
                fatal += 1;
                assert!(fatal < CALLS_AT_MOST, "the load never ends");
            }
            assert!(fatal > 8, "only {fatal} calls were seen");
        }
    }
}

/// Returns whether the fatal call was reached.
async fn check_kill(
    place: &Place,
    disposition: WriteDisposition,
    death: Death,
    fatal: usize,
    expected: &[&str],
) -> bool {
    let lake = &place.destination;
    load(
        lake,
        "a",
        disposition,
        vec![people(&[(1, "ann"), (2, "bob")])],
    )
    .await;
    // Left behind by a run that died long ago.
    let leftover = "_engine/staging/dead~people-0.parquet";
    lake.write(leftover, vec![0]).await.unwrap();
    let (store, failing) = failing(place, death, fatal);
    let first = try_load(&failing, "b", disposition).await;
    assert!(store.has_failed() || first.is_ok(), "{first:?}");

    let mut again = open(lake, "c").await;
    let done = again.state().tables["people"]
        .progress
        .whole
        .finished
        .contains_key("b");
    assert!(done || first.is_err(), "a load that was reported is there");
    if done {
        again.commit(vec![], now(), true).await.unwrap();
    } else {
        again.abandon().await.unwrap();
        try_load(lake, "d", disposition).await.unwrap();
    }
    check_rows(lake, expected).await;
    store.has_failed()
}

/// The same place through a store that fails.
fn failing(place: &Place, death: Death, fatal: usize) -> (Arc<FailingStore>, Destination) {
    let inner = Arc::clone(&place.destination.store);
    let store = Arc::new(FailingStore::new(inner, death, fatal));
    let destination = place
        .destination
        .through(Arc::clone(&store) as Arc<dyn ObjectStore>);
    (store, destination)
}

async fn try_load(
    destination: &Destination,
    load_id: &str,
    disposition: WriteDisposition,
) -> Result<(), Error> {
    let mut lake = Lake::open(
        destination.clone(),
        &Owner::new("test", "api"),
        load_id,
        now(),
    )
    .await?;
    let new = people(&[(2, "bob"), (3, "cid")]);
    let mut commit = part(sealed(&lake, vec![vec![new]]), disposition);
    commit.progress.whole.finished = [("b".to_owned(), now())].into();
    lake.commit(vec![commit], now(), true).await.map(drop)
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_by_its_run() {
    for new_place in [local, memory] {
        let mut settled = 0;
        for fatal in 0..CALLS_AT_MOST {
            let place = new_place();
            let (store, failing) = failing(&place, Death::AnswerLost, fatal);
            let result = try_load(&failing, "a", Append).await;
            if !store.has_failed() {
                break;
            }
            if result.is_ok() {
                settled += 1;
                check_rows(&place.destination, &["2 bob", "3 cid"]).await;
            }
        }
        // The answers of some calls are not needed: of the creation of the commit and of its report, and in a bucket of the
        // upload and of the last look for leftovers.
        let in_bucket = usize::from(!new_place().destination.is_local());
        assert_eq!(settled, 2 + 2 * in_bucket);
    }
}

#[tokio::test]
async fn what_could_not_be_published_is_published_by_the_next_run() {
    for new_place in [local, memory] {
        let mut unpublished = 0;
        for fatal in 0..CALLS_AT_MOST {
            let place = new_place();
            let lake = &place.destination;
            let (store, failing) = failing(&place, Death::Before, fatal);
            let result = try_load(&failing, "a", Replace).await;
            if !store.has_failed() {
                break;
            }
            if let Err(Error::NotPublished { .. }) = result {
                unpublished += 1;
                let next = open(lake, "b").await;
                next.abandon().await.unwrap();
                check_rows(lake, &["2 bob", "3 cid"]).await;
            }
        }
        assert!(unpublished >= 1, "{unpublished}");
    }
}
