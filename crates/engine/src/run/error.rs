//! Why a run stopped.

use tokio::task::JoinError;

use crate::{decode, extract, load};

/// Why a resource, or the whole run, stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A slice could not be fetched.
    #[error("read `{resource}`, slice `{slice}`")]
    Extract {
        /// Name of the resource.
        resource: String,
        /// Name of the slice.
        slice: String,
        /// The cause.
        source: Box<extract::Error>,
    },
    /// A page could not be decoded.
    #[error("decode page {page} of `{resource}`, slice `{slice}`")]
    Decode {
        /// Name of the resource.
        resource: String,
        /// Name of the slice.
        slice: String,
        /// Position of the page in the slice, from 1.
        page: u64,
        /// The cause.
        source: Box<decode::Error>,
    },
    /// The time windows of a resource can't be computed.
    #[error(transparent)]
    Windows(#[from] extract::slice::TimeOutOfRange),
    /// The destination can't be read or written, or another run took this one's place.
    #[error(transparent)]
    Load(#[from] load::Error),
    /// The client can't be set up.
    #[error("set up the HTTP client")]
    Client(#[source] Box<extract::Error>),
    /// A name given to select resources isn't one.
    #[error("no resource is called `{0}`")]
    UnknownResource(String),
    /// The parent was not read to its end, so that some of the resource's records are unknown.
    #[error("its parent `{parent}` was not read to its end")]
    ParentFailed {
        /// Name of the parent.
        parent: String,
    },
    /// The run was told to stop.
    #[error("the run was interrupted; nothing was committed")]
    Interrupted,
}

/// What a task gave. A panic goes on here; a task is cancelled only where the whole run is.
pub(super) fn joined<T>(result: Result<T, JoinError>) -> Result<T, Error> {
    result.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::Interrupted,
    })
}

impl Error {
    /// Whether every other resource would fail in the same way.
    pub(super) fn concerns_all(&self) -> bool {
        match self {
            Self::Extract { source, .. } => source.refuses_credentials(),
            Self::Load(_) | Self::Client(_) | Self::UnknownResource(_) | Self::Interrupted => true,
            Self::Decode { .. } | Self::Windows(_) | Self::ParentFailed { .. } => false,
        }
    }

    /// The whole chain of causes in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}
