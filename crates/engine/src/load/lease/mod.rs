//! The lease: one run at a time works on a destination.
//!
//! It saves work and is not the safety: two runs that hold it at once, since one of them stood still for a minute, still
//! meet at the commit log, where one of them loses its place and publishes nothing. So no clock is trusted, and a lease
//! that is over is written over without conditions.

mod holder;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use object_store::{ObjectStore, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::fail_point::FailPoint;
use super::{Destination, Error};
use holder::Holder;

/// The object, relative to the destination.
const LEASE: &str = "_engine/lease.json";

/// Time after which a lease that nobody renews is over.
const EXPIRY: Duration = Duration::from_mins(1);

/// Time between two renewals.
const RENEWAL: Duration = Duration::from_secs(15);

/// Time between two looks at a lease that another run holds.
const LOOK: Duration = Duration::from_secs(1);

/// Time that another run has to take a lease over that it, too, has found to be over.
const SETTLING: Duration = Duration::from_millis(50);

/// What to do where another run holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Fail, once it is known that the other run is alive.
    Stop,
    /// Wait until the other run has ended.
    Wait,
}

/// The lease of a destination, renewed until it is released or dropped.
#[derive(Debug)]
pub struct Lease {
    destination: Destination,
    record: Record,
    /// Renews it; ends with this value.
    renewal: JoinSet<()>,
}

/// The lease as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    load_id: String,
    #[serde(flatten)]
    holder: Holder,
    /// How often it was renewed: a change shows that the holder is alive.
    renewals: u64,
}

impl Lease {
    /// Takes the lease, at once where nobody holds it or the holder was a process of this host that has ended.
    ///
    /// A holder on another host gets a minute to show that it is alive. `tell` is called with a sentence before each
    /// longer wait.
    ///
    /// # Errors
    /// [`Error::Held`] where another run is alive and `patience` says to stop.
    pub async fn acquire(
        destination: &Destination,
        load_id: &str,
        patience: Patience,
        tell: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Self, Error> {
        let record = Record {
            load_id: load_id.to_owned(),
            holder: Holder::this_process(),
            renewals: 0,
        };
        loop {
            let is_free = wait_for_others(destination, &record, patience, tell).await?;
            let has_taken = match is_free {
                Free::Absent => create(destination, &record).await?,
                Free::Over => {
                    write(destination, &record).await?;
                    // Of two that take it over at once, the one that wrote last has it.
                    sleep(SETTLING).await;
                    read(destination).await?.as_ref() == Some(&record)
                }
            };
            if has_taken {
                break;
            }
        }
        FailPoint::LeaseTaken.pass();
        let mut renewal = JoinSet::new();
        renewal.spawn(renew(destination.clone(), record.clone()));
        Ok(Self {
            destination: destination.clone(),
            record,
            renewal,
        })
    }

    /// Lets the next run begin at once. What fails here only makes it wait.
    pub async fn release(mut self) {
        self.renewal.shutdown().await;
        let released = async {
            if read(&self.destination)
                .await?
                .is_some_and(|found| found.is_of(&self.record))
            {
                self.destination.remove(LEASE).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "release the lease");
        }
    }
}

impl Record {
    fn is_of(&self, other: &Self) -> bool {
        self.load_id == other.load_id && self.holder == other.holder
    }
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder { process, host, .. } = &self.holder;
        write!(
            formatter,
            "process {process} on `{host}` (load `{}`)",
            self.load_id
        )
    }
}

/// Why a lease can be taken.
enum Free {
    /// There is none.
    Absent,
    /// Its holder has ended, or was silent for too long.
    Over,
}

/// Returns when nobody else holds the lease.
async fn wait_for_others(
    destination: &Destination,
    own: &Record,
    patience: Patience,
    tell: &(dyn Fn(String) + Send + Sync),
) -> Result<Free, Error> {
    let mut last: Option<(Record, Instant)> = None;
    let mut told = false;
    loop {
        let Some(found) = read(destination).await? else {
            return Ok(if destination.holds(LEASE).await? {
                Free::Over
            } else {
                Free::Absent
            });
        };
        let is_alive = found.holder.is_alive(&own.holder);
        let unchanged_since = match &last {
            Some((before, since)) if *before == found => Some(*since),
            _ => None,
        };
        let expired = unchanged_since.is_some_and(|since| since.elapsed() >= EXPIRY);
        // A process of this host that is alive and renews nothing stands still, as it may for long.
        if is_alive == Some(false) || expired && is_alive.is_none() {
            return Ok(Free::Over);
        }
        let renewed = last.is_some() && unchanged_since.is_none();
        if patience == Patience::Stop && (is_alive == Some(true) || renewed) {
            return Err(Error::Held {
                holder: found.to_string(),
            });
        }
        if !told {
            told = true;
            tell(match (patience, is_alive) {
                (_, None) => format!(
                    "waiting for up to {} s to see whether {found} still works on this destination",
                    EXPIRY.as_secs()
                ),
                (_, Some(_)) => format!("waiting for {found}, which works on this destination"),
            });
        }
        if unchanged_since.is_none() {
            last = Some((found, Instant::now()));
        }
        sleep(LOOK).await;
    }
}

async fn renew(destination: Destination, mut record: Record) {
    loop {
        sleep(RENEWAL).await;
        match read(&destination).await {
            Ok(Some(found)) if !found.is_of(&record) => {
                tracing::warn!(holder = %found, "another run has taken the lease");
                return;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "read the lease"),
        }
        record.renewals += 1;
        if let Err(error) = write(&destination, &record).await {
            tracing::warn!(%error, "renew the lease");
        }
    }
}

/// The lease that is there; one that can't be read is nobody's.
async fn read(destination: &Destination) -> Result<Option<Record>, Error> {
    let content = destination.read(LEASE).await?;
    Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
}

async fn write(destination: &Destination, record: &Record) -> Result<(), Error> {
    destination.write(LEASE, content(record)).await
}

/// Writes the lease unless one is there; tells whether it did.
async fn create(destination: &Destination, record: &Record) -> Result<bool, Error> {
    let object = destination.object(LEASE);
    let options = PutOptions::from(PutMode::Create);
    let payload = PutPayload::from(content(record));
    match destination.store.put_opts(&object, payload, options).await {
        Ok(_) => Ok(true),
        // It may be this run's own, whose first answer was lost.
        Err(
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. },
        ) => Ok(read(destination).await?.as_ref() == Some(record)),
        Err(source) => Err(Error::store("write", LEASE)(source)),
    }
}

fn content(record: &Record) -> Vec<u8> {
    serde_json::to_vec_pretty(record).expect("a lease has plain values only")
}
