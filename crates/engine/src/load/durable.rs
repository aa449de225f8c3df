//! Local files and folders that survive a power cut.
//!
//! A file's content is durable after its own sync; that it can be found is durable after the sync of its folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::Error;

/// Creates a folder and those above it, each one findable after a power cut.
pub(super) fn create_folder(path: &Path) -> Result<(), Error> {
    let mut changed = BTreeSet::new();
    create_missing(path, &mut changed)?;
    changed.iter().try_for_each(|folder| sync_folder(folder))
}

/// Creates folders and those above them, for which someone else waits.
pub(super) fn create_folder_names(paths: &[PathBuf]) -> Result<(), Error> {
    let mut created = BTreeSet::new();
    let mut paths = paths.iter();
    paths.try_for_each(|path| create_missing(path, &mut created))
}

/// Creates a folder and those above it; adds the folders that got a new name.
fn create_missing(path: &Path, changed: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent_of(path);
    create_missing(&parent, changed)?;
    match fs::create_dir(path) {
        Ok(()) => {
            changed.insert(parent);
            Ok(())
        }
        Err(_) if path.is_dir() => Ok(()),
        Err(source) => Err(Error::local_file("create the folder", path)(source)),
    }
}

/// Makes a file's content durable.
pub(super) fn sync_file(path: &Path) -> Result<(), Error> {
    #[cfg(test)]
    note_sync(path);
    // Windows syncs only what is open for writing; elsewhere a folder can't be opened so.
    File::options()
        .read(true)
        .write(cfg!(windows))
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(Error::local_file("sync", path))
}

/// Makes a folder's list of names durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), Error> {
    // Windows has no such call: there a name is as durable as its file.
    if cfg!(windows) {
        return Ok(());
    }
    sync_file(path)
}

/// Names of all that lies in a folder; none where there is no folder.
pub(super) fn names_in(folder: &Path) -> Result<Vec<String>, Error> {
    let names = fs::read_dir(folder).and_then(|entries| {
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(|entry| entry.map(name)).collect()
    });
    match names {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(Error::local_file("list", folder)),
    }
}

/// Removes a file that nothing refers to any more.
pub(super) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::local_file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// What was synced by all tests of the process.
#[cfg(test)]
static SYNCED: std::sync::Mutex<Vec<PathBuf>> = std::sync::Mutex::new(Vec::new());

#[cfg(test)]
fn note_sync(path: &Path) {
    SYNCED.lock().unwrap().push(path.to_owned());
}

/// What was synced at or below a folder, or is the folder above it, in order.
#[cfg(test)]
pub(super) fn synced_around(folder: &Path) -> Vec<PathBuf> {
    let synced = SYNCED.lock().unwrap();
    let concerns =
        |path: &&PathBuf| path.starts_with(folder) || Some(path.as_path()) == folder.parent();
    synced.iter().filter(concerns).cloned().collect()
}
