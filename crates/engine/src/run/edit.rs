//! Changing by hand how far resources were read.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::error::Error;
use crate::cursor::CursorValue;
use crate::extract::progress::{goes_on, grid};
use crate::extract::slice::parts_of_partitions;
use crate::flow::{Event, Observer, Progress, Reach};
use crate::load::{
    Destination, Discards, Lake, Lease, Owner, Patience, Replaced, SpoolSettings, TableCommit,
    TableState,
};
use crate::plan::{
    CursorFormat, Direction, FollowPlan, IncrementalMode, Plan, ResourcePlan, WindowsPlan,
    WriteDisposition,
};
use crate::spec::parse_time;

/// Parts that an error names.
const PARTS_SHOWN: usize = 10;

/// What becomes of how far a resource was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Nothing is known any more: the next run reads from the start. The rows stay.
    Reset,
    /// The next run goes on from this value.
    Cursor {
        /// A time or another value, as records or the spec write it.
        value: String,
        /// The parent record or partition that is meant; `None`: all that are known.
        part: Option<String>,
    },
}

/// Who changes what.
pub struct Editing {
    /// Name of the load that the change is in the log; unique.
    pub load_id: String,
    /// The API that is read, as the commit log names it.
    pub api: String,
    /// The time that the commit bears.
    pub now: Timestamp,
    /// Gets what is noticed.
    pub observer: Observer,
}

/// Changes how far a resource was read, in a commit of its own; gives how far it counts as read from now on.
///
/// # Errors
/// The destination can't be used, another run works on it, the resource has no cursor, the value isn't one, or rows would
/// come twice.
pub async fn edit(
    plan: &Plan,
    resource: &str,
    edit: &Edit,
    editing: Editing,
) -> Result<Progress, Error> {
    let mut resources = plan.resources.iter();
    let resource = resources
        .find(|known| known.name == resource)
        .ok_or_else(|| Error::UnknownResource(resource.to_owned()))?;
    let destination = Destination::open_with(&plan.destination.url, &plan.destination.store)?;
    let observer = Arc::clone(&editing.observer);
    let tell = move |text| observer(Event::Waiting { text });
    let lease = Lease::acquire(&destination, &editing.load_id, Patience::Stop, &tell).await?;
    let edited = edit_alone(plan, resource, edit, destination, &editing).await;
    lease.release().await;
    edited
}

async fn edit_alone(
    plan: &Plan,
    resource: &ResourcePlan,
    edit: &Edit,
    destination: Destination,
    editing: &Editing,
) -> Result<Progress, Error> {
    let Editing {
        load_id, api, now, ..
    } = editing;
    let owner = Owner {
        pipeline: plan.identity.clone(),
        api: api.clone(),
        earlier_pipelines: plan.earlier_identities.clone(),
        earlier_apis: plan.client.moved_from.clone(),
    };
    let mut lake = Lake::open(destination, &owner, load_id, *now).await?;
    let table = lake.state().tables.get(&resource.table);
    let progress = match progress_of(resource, table, edit) {
        Ok(progress) => progress,
        Err(error) => {
            let _swept_later = lake.abandon().await;
            return Err(error);
        }
    };
    let settings = SpoolSettings::new(&plan.destination, resource, *now);
    let commit = TableCommit {
        table: resource.table.clone(),
        sealed: lake.spool(&resource.table, settings)?.seal()?,
        // No row comes, and none leaves.
        write_disposition: WriteDisposition::Skip,
        basis: None,
        progress: progress.clone(),
        discards: Discards::default(),
        replaced: Replaced::Nothing,
    };
    lake.commit(vec![commit], *now, true).await?;
    Ok(progress)
}

/// How far the resource counts as read behind a change.
fn progress_of(
    resource: &ResourcePlan,
    table: Option<&TableState>,
    edit: &Edit,
) -> Result<Progress, Error> {
    let before = table.map(|table| table.progress.clone());
    let refuse = |reason: String| Error::NoEdit {
        resource: resource.name.clone(),
        reason,
    };
    match edit {
        Edit::Reset => match before {
            Some(_) => Ok(Progress {
                grid: grid(resource),
                ..Progress::default()
            }),
            None => Err(refuse(
                "the destination has no table of it: nothing is known".to_owned(),
            )),
        },
        Edit::Cursor { value, part } => {
            let Some(incremental) = resource
                .incremental
                .as_ref()
                .filter(|_| resource.keeps_rows())
            else {
                return Err(refuse(
                    "it has no cursor, and is read as a whole by every run".to_owned(),
                ));
            };
            let mut progress =
                under_its_grid(resource, before.unwrap_or_default()).map_err(refuse)?;
            let set = |reach: &mut Reach| match &incremental.mode {
                IncrementalMode::Windows(plan) => set_watermark(resource, plan, reach, value),
                IncrementalMode::Follow(plan) => set_last_value(resource, plan, reach, value),
            };
            match part {
                None if !resource.has_parts() => set(&mut progress.whole).map_err(refuse)?,
                Some(_) if !resource.has_parts() => {
                    let reason = "it has one cursor, not one for each parent or partition";
                    return Err(refuse(reason.to_owned()));
                }
                None if progress.parts.is_empty() => {
                    let reason = "it has a cursor for each parent and partition, and none is known yet; name one with `--part`";
                    return Err(refuse(reason.to_owned()));
                }
                None => progress
                    .parts
                    .values_mut()
                    .try_for_each(set)
                    .map_err(refuse)?,
                Some(part) => {
                    check_part(resource, &progress, part).map_err(refuse)?;
                    set(progress.parts.entry(part.clone()).or_default()).map_err(refuse)?;
                }
            }
            Ok(progress)
        }
    }
}

/// What is kept of how far a resource was read, as far as it means something under the cursor and the windows of the spec.
fn under_its_grid(resource: &ResourcePlan, before: Progress) -> Result<Progress, String> {
    let now = grid(resource);
    let (Some(earlier), Some(present)) = (&before.grid, &now) else {
        return Ok(Progress {
            grid: now,
            ..before
        });
    };
    if earlier == present {
        return Ok(before);
    }
    if resource.write_disposition == WriteDisposition::Append {
        return Err(format!(
            "it was read {earlier} and is now read {present}, so that rows would come twice; give `incremental` its earlier \
             settings, or start over with `run --fresh`"
        ));
    }
    Ok(if goes_on(earlier, present) {
        Progress {
            grid: now,
            ..before
        }
    } else {
        Progress {
            grid: now,
            ..Progress::default()
        }
    })
}

/// Whether there is such a part: one that was read, or a partition of the spec.
fn check_part(resource: &ResourcePlan, before: &Progress, part: &str) -> Result<(), String> {
    let mut known: BTreeSet<String> = before.parts.keys().cloned().collect();
    if resource.parents.is_empty() {
        known.extend(parts_of_partitions(resource));
    }
    if known.contains(part) {
        return Ok(());
    }
    let shown: Vec<String> = known
        .iter()
        .take(PARTS_SHOWN)
        .map(|part| format!("`{part}`"))
        .collect();
    let more = match known.len().saturating_sub(PARTS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(format!(
        "no part is called `{part}`; there are {}{more} (in a shell, put single quotes around it)",
        shown.join(", ")
    ))
}

const TWICE: &str = "of an append, rows would come twice: `run --since` reads a range again and replaces it, `run --fresh` \
                     starts over";

fn set_watermark(
    resource: &ResourcePlan,
    plan: &WindowsPlan,
    reach: &mut Reach,
    value: &str,
) -> Result<(), String> {
    let time = instant(value, std::slice::from_ref(&plan.format))
        .ok_or_else(|| format!("`{value}` isn't a time; write `2024-01-31T12:00:00Z`"))?;
    if resource.write_disposition == WriteDisposition::Append {
        if let Some(settled) = reach.settled.filter(|settled| time < *settled) {
            return Err(format!("what ends by {settled} is read for good; {TWICE}"));
        }
    } else {
        // What is read again takes the place of what was read.
        reach.finished.clear();
        reach.settled = None;
    }
    reach.watermark = Some(time);
    Ok(())
}

fn set_last_value(
    resource: &ResourcePlan,
    plan: &FollowPlan,
    reach: &mut Reach,
    value: &str,
) -> Result<(), String> {
    let new = match (&plan.format, &reach.last_value) {
        (Some(format), _) => {
            let time = instant(value, std::slice::from_ref(format))
                .ok_or_else(|| format!("`{value}` isn't a time; write `2024-01-31T12:00:00Z`"))?;
            CursorValue::Time(time)
        }
        (None, Some(CursorValue::Text(_))) => CursorValue::Text(value.to_owned()),
        (None, _) => CursorValue::from_spec(value),
    };
    if let Some(last) = &reach.last_value {
        let order = new.key().zip(last.key());
        let order = order.and_then(|(new, last)| new.compare(&last));
        let order = order.ok_or_else(|| {
            format!("the last value is {last}, and {new} can't be compared with it")
        })?;
        let is_back = match plan.direction {
            Direction::Up => order == Ordering::Less,
            Direction::Down => order == Ordering::Greater,
        };
        if is_back && resource.write_disposition == WriteDisposition::Append {
            return Err(format!("the last value is {last}; {TWICE}"));
        }
        if order == Ordering::Equal {
            return Ok(());
        }
    }
    reach.last_value = Some(new);
    reach.loaded.clear();
    Ok(())
}

fn instant(value: &str, formats: &[CursorFormat]) -> Option<Timestamp> {
    let text = serde_json::Value::from(value).to_string();
    let mut read = formats
        .iter()
        .flat_map(|format| [value.as_bytes(), text.as_bytes()].map(|json| format.read(json)));
    parse_time(value).or_else(|| read.find_map(|time| time))
}
