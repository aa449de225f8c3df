//! The sandbox as a server on a loopback address.

mod ask;
mod bucket;
mod control;
mod handle;
mod log;
mod reply;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicU64},
    time::Instant,
};

use axum::serve::ListenerExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

pub use ask::AskError;
pub use log::SeenRequest;

use self::{bucket::TokenBucket, log::RequestLog};
use crate::{
    answer::{Jobs, Snapshot},
    fixture::{Fixture, FixtureError, Period},
};

/// A simulated API that is being served; dropping it stops it.
pub struct Sandbox {
    shared: Arc<Shared>,
    /// Dropping it tells the server to close its connections.
    stopping: oneshot::Sender<()>,
    server: JoinSet<()>,
}

/// What a client needs to know of a sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Information {
    /// The name of the API.
    pub name: String,
    /// Scheme, host, port and base path, without a slash at the end.
    pub base_url: String,
    /// What the sandbox's clock shows.
    pub now: Timestamp,
    /// What to put into the `${VARIABLE}`s of a client's configuration.
    pub variables: BTreeMap<String, String>,
    /// The limit past which requests are answered with 429, if there is one.
    pub rate_limit: Option<AnnouncedRateLimit>,
    /// How many records each collection has now.
    pub collections: BTreeMap<String, u64>,
}

/// A rate limit as a client reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedRateLimit {
    /// How many requests are let in within `per`, after the first `burst`.
    pub requests: u32,
    /// The time for these requests, in seconds.
    pub per: u64,
    /// How many requests are let in at once.
    pub burst: u32,
}

/// Why a sandbox can't start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address can be reached from elsewhere; choose one such as `127.0.0.1:0`.
    #[error("listen on `{0}`: not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address can't be listened on.
    #[error("listen on `{address}`")]
    Unavailable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The fixture was altered after it was parsed, and now contradicts itself.
    #[error("use fixture")]
    Fixture(#[from] FixtureError),
    /// The records can't be rendered: a defect of the sandbox.
    #[error("render records")]
    Records(#[from] tokio::task::JoinError),
}

/// What the requests share.
struct Shared {
    fixture: Fixture,
    base_url: String,
    started: Instant,
    snapshot: RwLock<Arc<Snapshot>>,
    bucket: Option<Mutex<TokenBucket>>,
    jobs: Mutex<Jobs>,
    log: Mutex<RequestLog>,
    /// How many requests each route has seen.
    asked: Vec<AtomicU64>,
}

impl Sandbox {
    /// Serves a fixture on a loopback address, until stopped or dropped; port 0 takes any free one.
    pub async fn start(fixture: Fixture, address: SocketAddr) -> Result<Self, SandboxError> {
        if !address.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(address));
        }
        fixture.recheck()?;
        let unavailable = |source| SandboxError::Unavailable { address, source };
        let listener = TcpListener::bind(address).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let base_url = format!("http://{address}{}", fixture.base_path);
        let shared = tokio::task::spawn_blocking(move || Shared::new(fixture, base_url)).await?;
        let shared = Arc::new(shared);
        let router = control::router(Arc::clone(&shared));
        // Small answers must not wait for the client's acknowledgement of the one before.
        let listener = listener.tap_io(|stream| {
            let _best_effort = stream.set_nodelay(true);
        });
        let (stopping, stopped) = oneshot::channel::<()>();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let until_stopped = async {
                let _sent_or_dropped = stopped.await;
            };
            let serving = axum::serve(listener, router).with_graceful_shutdown(until_stopped);
            let _never_fails = serving.await;
        });
        Ok(Self {
            shared,
            stopping,
            server,
        })
    }

    /// Scheme, host, port and base path, such as `http://127.0.0.1:8080/v0`.
    pub fn url(&self) -> String {
        self.shared.base_url.clone()
    }

    /// What a client needs to know; `GET /_sandbox` answers the same.
    pub fn information(&self) -> Information {
        self.shared.information()
    }

    /// The last 100,000 requests to the API, oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        lock(&self.shared.log).requests()
    }

    /// Moves the clock, forwards or back. The records are rendered anew before this returns.
    pub fn set_now(&self, now: Timestamp) {
        self.shared.set_now(now);
    }

    /// Stops listening and closes idle connections; returns once the requests under way are answered.
    pub async fn stop(self) {
        let Self {
            stopping,
            mut server,
            ..
        } = self;
        drop(stopping);
        while server.join_next().await.is_some() {}
    }
}

impl Shared {
    fn new(fixture: Fixture, base_url: String) -> Self {
        let snapshot = Snapshot::new(&fixture, fixture.now, base_url.clone());
        Self {
            base_url,
            started: Instant::now(),
            snapshot: RwLock::new(Arc::new(snapshot)),
            bucket: fixture
                .rate_limit
                .map(|limit| Mutex::new(TokenBucket::new(limit))),
            jobs: Mutex::default(),
            log: Mutex::default(),
            asked: fixture.routes.iter().map(|_| AtomicU64::new(0)).collect(),
            fixture,
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_now(&self, now: Timestamp) {
        let snapshot = Arc::new(Snapshot::new(&self.fixture, now, self.base_url.clone()));
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    fn information(&self) -> Information {
        let snapshot = self.snapshot();
        let collections = snapshot.world.collections();
        Information {
            name: self.fixture.name.clone(),
            base_url: self.base_url.clone(),
            now: snapshot.world.now,
            variables: self.fixture.variables.clone(),
            rate_limit: self.fixture.rate_limit.map(|limit| AnnouncedRateLimit {
                requests: limit.requests,
                per: Period::seconds(limit.per).unsigned_abs(),
                burst: limit.burst,
            }),
            collections: collections
                .map(|(name, records)| (name.to_owned(), records.len() as u64))
                .collect(),
        }
    }
}

/// Locks a mutex; whoever held it and panicked left whole values behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
