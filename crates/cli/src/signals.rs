//! Ctrl-C and SIGTERM.

use tokio::sync::watch;
use tokio::task::JoinSet;

/// Counts the signals that ask the process to stop, for as long as it lives.
pub(crate) struct Signals {
    count: watch::Receiver<u32>,
    _listener: JoinSet<()>,
}

impl Signals {
    pub(crate) fn listen() -> Self {
        let (sender, count) = watch::channel(0);
        let mut listener = JoinSet::new();
        listener.spawn(async move {
            loop {
                next().await;
                sender.send_modify(|count| *count += 1);
            }
        });
        Self {
            count,
            _listener: listener,
        }
    }

    /// Completes once that many signals have come.
    pub(crate) async fn received(&self, number: u32) {
        let mut count = self.count.clone();
        let reached = count.wait_for(|count| *count >= number).await.is_ok();
        if !reached {
            // Nobody listens any more: no signal will come.
            std::future::pending::<()>().await;
        }
    }
}

/// Completes at the next Ctrl-C or SIGTERM.
async fn next() {
    let terminated = async {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            match signal(SignalKind::terminate()) {
                Ok(mut terminate) => terminate.recv().await,
                Err(_) => std::future::pending().await,
            }
        }
        #[cfg(not(unix))]
        std::future::pending::<Option<()>>().await
    };
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => if pressed.is_err() {
            std::future::pending::<()>().await;
        },
        _ = terminated => {}
    }
}
