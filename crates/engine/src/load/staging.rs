//! The staging folder: what waits for its commit, where no reader looks.
//!
//! All runs share one flat folder, `_engine/staging`; a file's name begins with the id of its load.

use std::collections::BTreeSet;
use std::path::Path;

use futures::{StreamExt, TryStreamExt, stream};

use super::commit_log::CommitRecord;
use super::destination::off_the_async_threads;
use super::fail_point::FailPoint;
use super::upload::upload;
use super::{Destination, Error, durable};

/// The folder, relative to the destination.
pub(super) const STAGING: &str = "_engine/staging";

/// Stands between the id of a load and the rest of a name: no id and no table has it.
const SEPARATOR: char = '~';

/// Objects that are removed side by side.
const REMOVED_AT_ONCE: usize = 16;

/// The name of a load's file in the folder.
pub(super) fn file_name(load_id: &str, rest: &str) -> String {
    format!("{load_id}{SEPARATOR}{rest}")
}

/// The path of a load's file, relative to the destination.
pub(super) fn path(load_id: &str, rest: &str) -> String {
    format!("{STAGING}/{}", file_name(load_id, rest))
}

/// Brings a local file to the folder, if it was not written there; gives its path relative to the destination.
pub(super) async fn stage(destination: &Destination, file: &Path) -> Result<String, Error> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let staged = format!("{STAGING}/{name}");
    if destination.local_path(&staged).is_some() {
        return Ok(staged);
    }
    upload(destination, file, &staged).await?;
    durable::remove_file(file)?;
    Ok(staged)
}

/// Makes the files of a commit durable, before the commit that names them exists.
pub(super) async fn sync(destination: &Destination, commit: &CommitRecord) -> Result<(), Error> {
    let added = commit.tables.values().flat_map(|change| &change.add);
    let added = added.map(|file| &file.staged);
    let staged = added.chain(commit.rejected().map(|file| &file.staged));
    let files: Vec<_> = staged
        .filter_map(|path| destination.local_path(path))
        .collect();
    let folder = destination.local_path(STAGING);
    let Some(folder) = folder.filter(|_| !files.is_empty()) else {
        return Ok(());
    };
    off_the_async_threads(move || {
        files.iter().try_for_each(|file| durable::sync_file(file))?;
        durable::sync_folder(&folder)
    })
    .await
}

/// Names of the files of all loads.
pub(super) async fn list(destination: &Destination) -> Result<Vec<String>, Error> {
    match destination.local_path(STAGING) {
        // The store doesn't list what a killed process was about to write.
        Some(folder) => off_the_async_threads(move || durable::names_in(&folder)).await,
        None => destination.list(STAGING).await,
    }
}

/// The ids of loads that have files there: they are under way, or were killed.
pub async fn staged_loads(destination: &Destination) -> Result<BTreeSet<String>, Error> {
    let names = list(destination).await?;
    let load = |name: String| Some(name.split_once(SEPARATOR)?.0.to_owned());
    Ok(names.into_iter().filter_map(load).collect())
}

/// Removes what a load has there.
pub(super) async fn remove_load(destination: &Destination, load_id: &str) -> Result<(), Error> {
    let own = file_name(load_id, "");
    let mut names = list(destination).await?;
    names.retain(|name| name.starts_with(&own));
    remove(destination, names).await
}

/// Removes files by their names.
pub(super) async fn remove(destination: &Destination, names: Vec<String>) -> Result<(), Error> {
    stream::iter(names)
        .map(|name| async move {
            let path = format!("{STAGING}/{name}");
            match destination.local_path(&path) {
                Some(file) => off_the_async_threads(move || durable::remove_file(&file)).await?,
                None => destination.discard(&path).await?,
            }
            FailPoint::LeftoverRemoved.pass();
            Ok(())
        })
        .buffer_unordered(REMOVED_AT_ONCE)
        .try_collect()
        .await
}
