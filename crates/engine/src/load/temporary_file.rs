//! Local files that nobody has taken yet.

use std::path::{Path, PathBuf};

use super::durable;

/// A path whose file goes with it.
#[derive(Debug)]
pub(super) struct TemporaryFile(PathBuf);

impl TemporaryFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Leaves the file where it is.
    pub(super) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        if let Err(error) = durable::remove_file(&self.0) {
            // It stays in its folder, and goes with that.
            tracing::debug!(%error, "remove a temporary file");
        }
    }
}
