//! How a run ends before all is read.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

use super::error::Error;

/// Time that slices which are being read get to end once a run is told to stop; what is left then is dropped.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// What a run has been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Stop {
    /// Nothing.
    #[default]
    Not,
    /// To begin no slice any more.
    Begin,
    /// To drop the slices that are being read.
    Read,
    /// To drop them, since this resource failed.
    Failed(String),
}

impl Stop {
    /// Whether slices that are being read go on.
    pub(super) fn lets_slices_end(&self) -> bool {
        matches!(self, Self::Not | Self::Begin)
    }

    /// Why a resource was not read to its end.
    pub(super) fn error(&self) -> Error {
        match self {
            Self::Failed(resource) => Error::FailedFast {
                failed: resource.clone(),
            },
            Self::Not | Self::Begin | Self::Read => Error::Interrupted,
        }
    }
}

/// Tells a run to stop once `interrupted` completes; never ends itself.
pub(super) async fn stop_when(
    interrupted: impl Future<Output = ()>,
    stop: &watch::Sender<Stop>,
) -> Infallible {
    interrupted.await;
    stop.send_if_modified(|stop| {
        let first = *stop == Stop::Not;
        if first {
            *stop = Stop::Begin;
        }
        first
    });
    tokio::time::sleep(GRACE).await;
    stop.send_if_modified(|stop| {
        let goes_on = stop.lets_slices_end();
        if goes_on {
            *stop = Stop::Read;
        }
        goes_on
    });
    std::future::pending().await
}
