//! What follows a commit: its files come where readers look, and those that it removed go.
//!
//! Every step may be done again, by the same run or by any later one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;

use super::commit_log::CommitRecord;
use super::destination::off_the_async_threads;
use super::fail_point::FailPoint;
use super::{Destination, Error, durable};

/// Objects that are moved or removed side by side.
const CHANGED_AT_ONCE: usize = 16;

/// A file of a table that is neither where readers look nor where it waited to be published.
#[derive(Debug)]
pub(super) struct Missing {
    path: String,
    staged: String,
}

impl From<Missing> for Error {
    fn from(Missing { path, staged }: Missing) -> Self {
        Self::FileMissing { path, staged }
    }
}

/// Publishes a commit; gives the files of tables that are gone.
pub(super) async fn publish(
    destination: &Destination,
    commit: &CommitRecord,
) -> Result<Vec<Missing>, Error> {
    let mut missing: Vec<Missing> = stream::iter(commit.moves())
        .map(|(staged, path)| publish_file(destination, staged, path))
        .buffer_unordered(CHANGED_AT_ONCE)
        .try_filter_map(|missing| std::future::ready(Ok(missing)))
        .try_collect()
        .await?;
    // These are no part of a table, and may be removed once someone has looked at them.
    let rejected: BTreeSet<&str> = commit.rejected().map(|file| &*file.path).collect();
    missing.retain(|file| !rejected.contains(&*file.path));
    if !missing.is_empty() {
        // The files that were replaced may be all that is left of the rows.
        return Ok(missing);
    }
    FailPoint::AllPublished.pass();
    // All tables have their new rows before any loses its old ones: no row is out of sight in between.
    stream::iter(commit.removals())
        .map(|path| async move {
            destination.discard(path).await?;
            FailPoint::FileRemoved.pass();
            Ok::<_, Error>(())
        })
        .buffer_unordered(CHANGED_AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(missing)
}

/// Makes sure that no power cut undoes a rename or a removal of a published commit.
///
/// The next commit says that this one needs no publishing any more: it is created behind this.
pub(super) async fn make_durable(
    destination: &Destination,
    commit: &CommitRecord,
) -> Result<(), Error> {
    let folders = changed_folders(destination, commit);
    off_the_async_threads(move || {
        let mut folders = folders.iter().filter(|folder| folder.is_dir());
        folders.try_for_each(|folder| durable::sync_folder(folder))
    })
    .await
}

async fn publish_file(
    destination: &Destination,
    staged: &str,
    path: &str,
) -> Result<Option<Missing>, Error> {
    let (from, to) = (destination.object(staged), destination.object(path));
    let moved = if destination.is_local() {
        destination.store.rename(&from, &to).await
    } else {
        // No store of objects can rename. What is copied is published, also where the rest may not be deleted.
        destination.store.copy(&from, &to).await
    };
    match moved {
        Ok(()) => {
            FailPoint::FilePublished.pass();
            if !destination.is_local() {
                destination.discard(staged).await?;
            }
            Ok(None)
        }
        Err(object_store::Error::NotFound { .. }) => {
            // Published before, or at this moment by a run that opened the log.
            let is_there = destination.holds(path).await?;
            Ok((!is_there).then(|| Missing {
                path: path.to_owned(),
                staged: staged.to_owned(),
            }))
        }
        Err(source) => Err(Error::store("publish", path)(source)),
    }
}

/// The local folders that the commit changes, and those above them, which got their names.
fn changed_folders(destination: &Destination, commit: &CommitRecord) -> BTreeSet<PathBuf> {
    let renamed = commit.renamed.iter().flat_map(|table| &table.files);
    let left = renamed.map(|file| &*file.from);
    let reached = commit.moves().map(|(_, to)| to);
    let mut folders = BTreeSet::new();
    for path in reached.chain(left).chain(commit.removals()) {
        let mut below = path;
        while let Some((folder, _)) = below.rsplit_once('/') {
            folders.insert(folder);
            below = folder;
        }
    }
    if !folders.is_empty() {
        // The destination's own folder stands above all.
        folders.insert("");
    }
    folders
        .into_iter()
        .filter_map(|folder| destination.local_path(folder))
        .collect()
}
