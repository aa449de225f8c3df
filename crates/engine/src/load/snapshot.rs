//! Snapshots: the fold of the log up to a commit, so that a long log is not read from its beginning.
//!
//! A snapshot saves time and is never the truth: one that can't be read is passed over, and no commit goes because of it.

use serde::{Deserialize, Serialize};

use super::fail_point::FailPoint;
use super::{Destination, Error, State};

/// The folder, relative to the destination.
const SNAPSHOTS: &str = "_engine/snapshots";

/// Commits after which another snapshot is written.
const COMMITS_BETWEEN: u64 = 32;

/// Snapshots that are kept: an older one helps where the newest can't be read.
const KEPT: usize = 2;

/// The format that is written; one of another version is passed over.
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    state: &'a State,
}

#[derive(Deserialize)]
struct Read {
    state: State,
}

#[derive(Deserialize)]
struct Format {
    version: u32,
}

/// The newest state that can be read; the empty one without any.
pub(super) async fn newest(destination: &Destination) -> Result<State, Error> {
    for sequence in sequences(destination).await?.into_iter().rev() {
        let Some(content) = destination.read(&path(sequence)).await? else {
            continue;
        };
        match parse(&content) {
            Some(state) if state.sequence == sequence => return Ok(state),
            _ => tracing::warn!(sequence, "pass over a snapshot that can't be read"),
        }
    }
    Ok(State::default())
}

/// Writes a snapshot where enough commits have come since the last one; gives the newest one's sequence.
pub(super) async fn write_if_due(
    destination: &Destination,
    state: &State,
    newest: u64,
) -> Result<u64, Error> {
    if state.sequence < newest + COMMITS_BETWEEN {
        return Ok(newest);
    }
    let content = Written {
        version: FORMAT_VERSION,
        state,
    };
    let content =
        serde_json::to_vec(&content).expect("a state has string keys and plain values only");
    destination.write(&path(state.sequence), content).await?;
    FailPoint::SnapshotWritten.pass();
    let all = sequences(destination).await?;
    for old in all.iter().take(all.len().saturating_sub(KEPT)) {
        destination.discard(&path(*old)).await?;
    }
    Ok(state.sequence)
}

async fn sequences(destination: &Destination) -> Result<Vec<u64>, Error> {
    let names = destination.list(SNAPSHOTS).await?;
    let sequence = |name: &String| super::commit_log::sequence_of(name.strip_suffix(".json")?);
    let mut sequences: Vec<u64> = names.iter().filter_map(sequence).collect();
    sequences.sort_unstable();
    Ok(sequences)
}

fn parse(content: &[u8]) -> Option<State> {
    let Format { version } = serde_json::from_slice(content).ok()?;
    if version != FORMAT_VERSION {
        return None;
    }
    let Read { state } = serde_json::from_slice(content).ok()?;
    state.leads_nowhere_else().then_some(state)
}

fn path(sequence: u64) -> String {
    format!("{SNAPSHOTS}/{sequence:020}.json")
}
