//! What follows a commit: its files come where readers look, and those that it removed go.
//!
//! Every step may be done again, by the same run or by any later one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use object_store::ObjectStoreExt;

use super::commit_log::{self, CommitRecord};
use super::destination::off_the_async_threads;
use super::{Destination, Error, durable};

/// Publishes a commit and marks it as published.
pub(super) async fn publish(destination: &Destination, commit: &CommitRecord) -> Result<(), Error> {
    let folders = changed_folders(destination, commit);
    let created = folders.clone();
    off_the_async_threads(move || {
        created
            .iter()
            .try_for_each(|path| durable::create_folder(path))
    })
    .await?;
    for change in commit.tables.values() {
        for added in &change.add {
            publish_file(destination, &added.staged, &added.file.path).await?;
        }
        for file in &change.rejected {
            publish_file(destination, &file.staged, &file.path).await?;
        }
    }
    // All tables have their new rows before any loses its old ones: no row is out of sight in between.
    for change in commit.tables.values() {
        for path in &change.remove {
            destination.remove(path).await?;
        }
    }
    // Neither a rename nor a removal may be undone by a power cut once the mark says that all is done.
    off_the_async_threads(move || {
        folders
            .iter()
            .try_for_each(|path| durable::sync_folder(path))
    })
    .await?;
    commit_log::mark_published(destination, commit.sequence).await
}

async fn publish_file(destination: &Destination, staged: &str, path: &str) -> Result<(), Error> {
    let (from, to) = (destination.object(staged), destination.object(path));
    match destination.store.rename(&from, &to).await {
        Ok(()) => Ok(()),
        Err(object_store::Error::NotFound { .. }) => {
            // Published before, or at this moment by a run that opened the log.
            if destination.holds(path).await? {
                return Ok(());
            }
            Err(Error::FileMissing {
                path: staged.to_owned(),
            })
        }
        Err(source) => Err(Error::store("publish", path)(source)),
    }
}

/// The local folders that the commit changes.
fn changed_folders(destination: &Destination, commit: &CommitRecord) -> BTreeSet<PathBuf> {
    let changes = commit.tables.values();
    let paths = changes.flat_map(|change| {
        let added = change.add.iter().map(|added| &added.file.path);
        let rejected = change.rejected.iter().map(|file| &file.path);
        added.chain(&change.remove).chain(rejected)
    });
    paths
        .filter_map(|path| destination.local_path(path.rsplit_once('/')?.0))
        .collect()
}
