//! The local folder that a run spools to, and what it takes in memory.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use crate::load::memory_share::SharedMemory;
use crate::load::{Error, durable, staging};

/// What the names of temporary folders begin with.
pub(in crate::load) const SPOOL_PREFIX: &str = "engine-spool-";

/// A local folder for files that are not committed yet, and the names in it; with the memory that its tables share.
///
/// It is created with its first file: a run that has spooled nothing has left nothing that could be swept.
#[derive(Debug)]
pub(in crate::load) struct SpoolFolder {
    place: Place,
    load_id: String,
    files: AtomicU64,
    /// Rows that wait.
    pub(in crate::load) rows: SharedMemory,
    /// Row groups that are being encoded.
    pub(in crate::load) row_groups: SharedMemory,
}

#[derive(Debug)]
enum Place {
    /// The staging folder of a local destination: a file is staged where it was written.
    Staging(PathBuf),
    /// Removed with this value.
    Temporary(OnceLock<TempDir>),
}

impl SpoolFolder {
    /// A folder at the local staging path, or a temporary one where the destination is not local.
    pub(in crate::load) fn new(staging: Option<PathBuf>, load_id: &str) -> Self {
        Self {
            load_id: load_id.to_owned(),
            place: staging.map_or_else(|| Place::Temporary(OnceLock::new()), Place::Staging),
            files: AtomicU64::new(0),
            rows: SharedMemory::default(),
            row_groups: SharedMemory::default(),
        }
    }

    /// The folder, created if need be.
    pub(in crate::load) fn path(&self) -> Result<&Path, Error> {
        match &self.place {
            Place::Staging(path) => {
                durable::create_folder(path)?;
                Ok(path)
            }
            Place::Temporary(folder) => {
                if let Some(folder) = folder.get() {
                    return Ok(folder.path());
                }
                let created = TempDir::with_prefix(SPOOL_PREFIX).map_err(Error::local_file(
                    "create a folder in",
                    &std::env::temp_dir(),
                ))?;
                // Of two that are created at once, one stays.
                Ok(folder.get_or_init(|| created).path())
            }
        }
    }

    /// A path that no file has yet.
    pub(in crate::load) fn new_file(&self, table: &str, extension: &str) -> Result<PathBuf, Error> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let name = staging::file_name(&self.load_id, &format!("{table}-{number}.{extension}"));
        Ok(self.path()?.join(name))
    }
}
