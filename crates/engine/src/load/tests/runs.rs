//! Several runs, one lake.

use super::WriteDisposition::{Append, Replace};
use super::failing_store::FailingStore;
use super::*;

#[tokio::test]
async fn of_two_runs_the_second_to_commit_has_lost_and_publishes_nothing() {
    for place in places() {
        let lake = &place.destination;
        let mut a = open(lake, "a").await;
        let mut b = open(lake, "b").await;
        let of_a = part(sealed(&a, vec![vec![people(&[(1, "ann")])]]), Append);
        let of_b = part(sealed(&b, vec![vec![people(&[(2, "bob")])]]), Append);
        b.commit(vec![of_b], now(), true).await.unwrap();
        let error = a.commit(vec![of_a], now(), true).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "create commit `1`: load `b` has taken the place"
        );
        let error = a.commit(vec![], now(), true).await.unwrap_err();
        assert!(matches!(error, Error::Ended), "{error}");
        a.abandon().await.unwrap();
        check_rows(lake, &["2 bob"]).await;
    }
}

#[tokio::test]
async fn a_run_whose_staging_is_swept_cannot_commit() {
    let place = local();
    let lake = &place.destination;
    let mut a = open(lake, "a").await;
    let spool = a.spool("people", settings()).unwrap();
    // What is kept apart goes to a file at once.
    let mut slice = spool.begin(0, Some("mon".to_owned()));
    let (batch, schema) = people(&[(1, "ann")]);
    slice.write(batch, &schema).unwrap();
    slice.finish().unwrap();
    let of_a = part(spool.seal().unwrap(), Append);
    let mut b = open(lake, "b").await;
    let error = a.commit(vec![of_a], now(), true).await.unwrap_err();
    assert!(
        matches!(error, Error::LostPlace { sequence: 1, .. }),
        "{error}"
    );
    let of_b = part(sealed(&b, vec![vec![people(&[(2, "bob")])]]), Append);
    let report = b.commit(vec![of_b], now(), true).await.unwrap();
    assert_eq!(report.sequence, 2);
    check_rows(lake, &["2 bob"]).await;
}

#[tokio::test]
async fn a_sweep_keeps_an_unfinished_load_known() {
    let place = local();
    let lake = &place.destination;
    let mut a = open(lake, "a").await;
    let of_a = part(sealed(&a, vec![vec![people(&[(1, "ann")])]]), Append);
    a.commit(vec![of_a], now(), false).await.unwrap();
    let spool = a.spool("people", settings()).unwrap();
    // What is kept apart goes to a file at once.
    let mut slice = spool.begin(0, Some("mon".to_owned()));
    let (batch, schema) = people(&[(9, "never")]);
    slice.write(batch, &schema).unwrap();
    slice.finish().unwrap();
    drop(a);
    let b = open(lake, "b").await;
    assert_eq!(
        (b.state().sequence, b.state().unfinished_load.as_deref()),
        (2, Some("a"))
    );
    b.abandon().await.unwrap();
    check_rows(lake, &["1 ann"]).await;
}

#[tokio::test]
async fn a_lake_without_leftovers_gets_no_opening_commit() {
    for place in places() {
        let lake = open(&place.destination, "a").await;
        sealed(&lake, vec![vec![people(&[(1, "ann")])]]);
        lake.abandon().await.unwrap();
        let next = open(&place.destination, "b").await;
        assert_eq!(next.state().sequence, 0);
        check_rows(&place.destination, &[]).await;
    }
}

#[tokio::test]
async fn a_load_id_is_used_once() {
    let place = memory();
    load(&place.destination, "a", Append, vec![]).await;
    let error = Lake::open(
        place.destination.clone(),
        &Owner::new("test", "api"),
        "a",
        now(),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, Error::LoadIdTaken { .. }), "{error}");
}

#[tokio::test]
async fn rows_that_are_not_sealed_wait_for_the_next_commit() {
    for place in places() {
        let mut lake = open(&place.destination, "a").await;
        let spool = lake.spool("people", settings()).unwrap();
        let [mut first, mut second, mut third] = [0, 1, 2].map(|order| spool.begin(order, None));
        for (writer, row) in [(&mut first, 1), (&mut second, 2), (&mut third, 3)] {
            let (batch, schema) = people(&[(row, "x")]);
            writer.write(batch, &schema).unwrap();
        }
        first.finish().unwrap();
        third.finish().unwrap();
        let sealed = spool.seal().unwrap();
        assert_eq!((sealed.finished().len(), sealed.rows()), (1, 1));
        lake.commit(vec![part(sealed, Append)], now(), false)
            .await
            .unwrap();
        second.finish().unwrap();
        let sealed = spool.seal().unwrap();
        assert_eq!((sealed.finished().len(), sealed.rows()), (2, 2));
        lake.commit(vec![part(sealed, Append)], now(), true)
            .await
            .unwrap();
        check_rows(&place.destination, &["1 x", "2 x", "3 x"]).await;
    }
}

/// The newest commit is not listed yet, and the one before was published, or even replaced.
#[tokio::test]
async fn a_listing_that_misses_the_newest_commit_costs_a_run_its_place_and_nothing_else() {
    for (disposition, expected) in [(Append, vec!["1 ann", "2 bob"]), (Replace, vec!["2 bob"])] {
        let place = memory();
        let lake = &place.destination;
        load(lake, "a", disposition, vec![people(&[(1, "ann")])]).await;
        load(lake, "b", disposition, vec![people(&[(2, "bob")])]).await;
        let inner = Arc::clone(&lake.store);
        let stale = FailingStore::hiding(inner, "commits/00000000000000000002.json");
        let stale = lake.through(Arc::new(stale));
        let opened = Lake::open(stale, &Owner::new("test", "api"), "c", now()).await;
        let error = match opened {
            Ok(mut run) => {
                let of_c = part(sealed(&run, vec![vec![people(&[(3, "cid")])]]), Append);
                run.commit(vec![of_c], now(), true).await.unwrap_err()
            }
            Err(error) => error,
        };
        assert!(
            matches!(error, Error::LostPlace { sequence: 2, .. }),
            "{error}"
        );
        check_rows(lake, &expected).await;
    }
}
