//! Local files and folders that survive a power cut.
//!
//! A file's content is durable after its own sync; that it can be found is durable after the sync of its folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::Error;

/// Creates a folder and those above it, each one findable after a power cut.
pub(super) fn create_folder(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent_of(path);
    create_folder(&parent)?;
    match fs::create_dir(path) {
        Ok(()) => sync_folder(&parent),
        Err(_) if path.is_dir() => Ok(()),
        Err(source) => Err(Error::local_file("create the folder", path)(source)),
    }
}

/// Makes a file's content durable.
pub(super) fn sync_file(path: &Path) -> Result<(), Error> {
    File::open(path)
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

/// Removes a file that nothing refers to any more.
pub(super) fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::local_file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a folder with all that is in it, if it is there.
pub(super) fn remove_folder(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::local_file("remove the folder", path)(error))
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
