use std::sync::{Arc, Mutex};

use super::*;

fn place() -> Destination {
    Destination::open("memory://lake").unwrap()
}

/// A lease of a host that is not this one.
fn elsewhere(renewals: u64) -> Record {
    let json = serde_json::json!({
        "load_id": "other", "host": "elsewhere", "boot": "1", "namespace": "", "process": 7, "started_at": 2, "renewals": renewals,
    });
    serde_json::from_value(json).unwrap()
}

async fn acquire(destination: &Destination, load_id: &str) -> Result<Lease, Error> {
    Lease::acquire(destination, load_id, Patience::Stop, &|_| {}).await
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_held_until_it_is_released() {
    let lake = place();
    let first = acquire(&lake, "a").await.unwrap();
    let begun = Instant::now();
    let error = acquire(&lake, "b").await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let text = error.to_string();
    assert!(
        text.contains("load `a`") && text.contains("--wait"),
        "{text}"
    );
    first.release().await;
    assert!(lake.read(LEASE).await.unwrap().is_none());
    acquire(&lake, "b").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_of_this_host_is_not_waited_for() {
    let lake = place();
    let mut dead = elsewhere(3);
    dead.holder = Holder::this_process();
    dead.holder.process = 2_000_000_000;
    write(&lake, &dead).await.unwrap();
    let begun = Instant::now();
    acquire(&lake, "a").await.unwrap();
    assert_eq!(begun.elapsed(), SETTLING);
}

#[tokio::test(start_paused = true)]
async fn a_holder_elsewhere_that_renews_nothing_is_waited_out() {
    let lake = place();
    write(&lake, &elsewhere(3)).await.unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let tell = {
        let told = Arc::clone(&told);
        move |text| told.lock().unwrap().push(text)
    };
    Lease::acquire(&lake, "a", Patience::Stop, &tell)
        .await
        .unwrap();
    assert_eq!(begun.elapsed(), EXPIRY + SETTLING);
    let expected = "waiting for up to 60 s to see whether process 7 on `elsewhere` (load `other`) still works on this \
                    destination";
    assert_eq!(*told.lock().unwrap(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_holder_elsewhere_that_renews_is_named() {
    let lake = place();
    write(&lake, &elsewhere(3)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(renew(lake.clone(), elsewhere(3)));
    let begun = Instant::now();
    let error = acquire(&lake, "a").await.unwrap_err();
    assert!(matches!(error, Error::Held { .. }), "{error}");
    assert!(begun.elapsed() <= RENEWAL + LOOK);
}

#[tokio::test(start_paused = true)]
async fn a_patient_run_begins_when_the_other_one_ends() {
    let lake = place();
    let first = acquire(&lake, "a").await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        sleep(Duration::from_mins(10)).await;
        first.release().await;
    });
    let begun = Instant::now();
    Lease::acquire(&lake, "b", Patience::Wait, &|_| {})
        .await
        .unwrap();
    let waited = begun.elapsed();
    assert!(
        (Duration::from_mins(10)..Duration::from_mins(11)).contains(&waited),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_lost_its_lease_leaves_that_of_the_other_alone() {
    let lake = place();
    let first = acquire(&lake, "a").await.unwrap();
    write(&lake, &elsewhere(0)).await.unwrap();
    sleep(RENEWAL * 3).await;
    assert_eq!(read(&lake).await.unwrap(), Some(elsewhere(0)));
    first.release().await;
    assert_eq!(read(&lake).await.unwrap(), Some(elsewhere(0)));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_lease_is_written_over() {
    for content in ["", "{", "[]", r#"{"load_id": 1}"#] {
        let lake = place();
        lake.write(LEASE, content.as_bytes().to_vec())
            .await
            .unwrap();
        acquire(&lake, "a").await.unwrap();
    }
}
