//! What is made durable, and how often a disk is waited for.

use super::WriteDisposition::Append;
use super::*;
use crate::load::durable::synced_around;
use crate::load::{Lease, Patience};

#[tokio::test]
async fn a_small_load_waits_for_the_disk_six_times() {
    let place = local();
    let lake = &place.destination;
    let root = lake.local_path("").unwrap();
    let relative = |from: usize| {
        let synced = synced_around(&root).into_iter().skip(from);
        let name = |path: std::path::PathBuf| match path.strip_prefix(&root) {
            Ok(path) => path.display().to_string(),
            Err(_) => "..".to_owned(),
        };
        synced.map(name).collect::<Vec<_>>()
    };
    // As every run begins: it makes the first folder.
    let lease = Lease::acquire(lake, "a", Patience::Stop, &|_| {})
        .await
        .unwrap();
    load(lake, "a", Append, vec![people(&[(1, "ann")])]).await;
    lease.release().await;
    let first = relative(0);
    // A file is durable under a name that can be found, before the commit that names it exists.
    assert_eq!(
        first,
        [
            "",
            "_engine",
            "_engine/staging/a~people-0.parquet",
            "_engine/staging",
            "_engine/staging/a~00000000000000000001.json",
            "_engine/commits",
        ]
    );
    load(lake, "b", Append, vec![people(&[(2, "bob")])]).await;
    // The renames of the first load are durable before the second commit says that they need not be done again.
    assert_eq!(
        relative(first.len()),
        [
            "",
            "people",
            "_engine/staging/b~people-0.parquet",
            "_engine/staging",
            "_engine/staging/b~00000000000000000002.json",
            "_engine/commits",
        ]
    );
}
