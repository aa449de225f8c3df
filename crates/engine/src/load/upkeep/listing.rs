//! What lies in a folder of the destination.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use object_store::ObjectStore;

use crate::load::{DataFile, Destination, Error};

/// An object, or a local file, that was found.
pub(super) struct Listed {
    /// Path relative to the destination.
    pub(super) path: String,
    pub(super) bytes: u64,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub(super) modified: i64,
}

/// The objects below a folder, in the folders in it too.
pub(super) async fn list(destination: &Destination, folder: &str) -> Result<Vec<Listed>, Error> {
    let root = destination.object("");
    let listed = destination.store.list(Some(&destination.object(folder)));
    let listed = listed.try_filter_map(|object| {
        let path = object.location.prefix_match(&root).map(|parts| {
            let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
            parts.join("/")
        });
        let found = path.map(|path| Listed {
            path,
            bytes: object.size,
            modified: object.last_modified.timestamp(),
        });
        futures::future::ready(Ok(found))
    });
    let listed = listed.try_collect().await;
    listed.map_err(Error::store("list", folder))
}

/// The paths of a table's files that are not where they belong: a commit that isn't published yet adds them, or a later one
/// took them away.
pub async fn absent_files(
    destination: &Destination,
    table: &str,
    files: &[DataFile],
) -> Result<Vec<String>, Error> {
    let listed = list(destination, table).await?;
    let there: BTreeSet<&str> = listed.iter().map(|object| object.path.as_str()).collect();
    let paths = files.iter().map(|file| &file.path);
    let absent = paths.filter(|path| !there.contains(path.as_str()));
    Ok(absent.cloned().collect())
}
