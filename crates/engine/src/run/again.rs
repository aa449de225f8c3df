//! Reading a range of time again: which resources can, and what of their tables it replaces.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::error::Error;
use crate::extract::slice::parts_of_partitions;
use crate::flow::{Event, Observer, Progress};
use crate::load::ReplacedRange;
use crate::plan::{
    CursorColumn, CursorPath, Direction, IncrementalMode, MissingCursor, Plan, ResourcePlan,
    WriteDisposition, ancestors,
};

pub use crate::extract::again::Range;

/// The resources whose range is read again: those named, or else all that can.
///
/// # Errors
/// One that is named can't, or none can.
pub(super) fn resources_of_range(
    plan: &Plan,
    names: &[String],
    range: &Range,
    observer: &Observer,
) -> Result<Vec<String>, Error> {
    if range.is_empty() {
        return Err(Error::RangeEmpty);
    }
    let mut can = Vec::new();
    let mut cannot = Vec::new();
    for resource in &plan.resources {
        let wanted = match names {
            [] => resource.selected,
            names => names.contains(&resource.name),
        };
        match obstacle(plan, resource) {
            _ if !wanted => {}
            None => can.push(resource.name.clone()),
            Some(reason) => cannot.push((resource.name.clone(), reason)),
        }
    }
    if !names.is_empty() || can.is_empty() {
        if let Some((resource, reason)) = cannot.into_iter().next() {
            let reason = reason.to_owned();
            return Err(Error::NoRange { resource, reason });
        }
        return Ok(can);
    }
    for (resource, reason) in cannot {
        let text = format!("left out, since no range of it can be read again: {reason}");
        observer(Event::Notice { resource, text });
    }
    Ok(can)
}

/// Why no range of a resource can be read again.
fn obstacle(plan: &Plan, resource: &ResourcePlan) -> Option<&'static str> {
    let Some(incremental) = &resource.incremental else {
        return Some("it has no cursor, and is read as a whole by every run");
    };
    if !resource.keeps_rows() {
        return Some("its table is replaced by every run");
    }
    if resource.concerns_absent() {
        return Some(
            "its merge takes records that are not in a load for deleted, and a range is no whole load",
        );
    }
    let ancestors = ancestors(&plan.resources, &resource.name);
    let mut others = plan.resources.iter();
    if others.any(|other| other.incremental.is_some() && ancestors.contains(other.name.as_str())) {
        return Some("it gets its records from a resource that has a cursor of its own");
    }
    if let IncrementalMode::Follow(follow) = &incremental.mode {
        if follow.direction == Direction::Down {
            return Some("its cursor is followed down (`last_value_func: min`)");
        }
        if follow.format.is_none() && resource.has_numbers_as_cursor() {
            return Some(
                "its cursor holds numbers, and no `format` says how they tell the time; give `format: unix`, say",
            );
        }
    }
    if resource.write_disposition == WriteDisposition::Merge {
        return None;
    }
    if matches!(incremental.mode, IncrementalMode::Follow(_)) {
        return Some(
            "it is an append that isn't read in windows, so that its rows would come twice; write `window`, or \
             `write_disposition: merge` with a `primary_key`",
        );
    }
    if !resource.parents.is_empty() {
        return Some(
            "it is an append with parents, and rows of parents that are gone would be lost; write `write_disposition: \
             merge` with a `primary_key`",
        );
    }
    if !resource.has_parts() && resource.is_divided() {
        return Some(
            "it is an append whose partitions share one cursor (`per: resource`), and rows of partitions that are gone would \
             be lost; write `write_disposition: merge` with a `primary_key`",
        );
    }
    if resource.decode.has_tables() {
        return Some(
            "it is an append whose lists become tables (`nested: tables`); write `write_disposition: merge` with a \
             `primary_key`",
        );
    }
    match column(resource) {
        Some(_) => None,
        None => Some(
            "it is an append, and no column of its rows tells when they are of: the cursor must be a key of the record itself, \
             and no record may lack it",
        ),
    }
}

/// Whether every part of an append's table would be read again: rows of a part that isn't would leave with the others.
///
/// # Errors
/// Earlier runs have read partitions that the spec doesn't name any more.
pub(super) fn check_parts(resource: &ResourcePlan, before: &Progress) -> Result<(), Error> {
    if resource.write_disposition != WriteDisposition::Append {
        return Ok(());
    }
    let named: BTreeSet<String> = parts_of_partitions(resource).collect();
    let mut gone = before.parts.keys().filter(|part| !named.contains(*part));
    match gone.next() {
        None => Ok(()),
        Some(part) => Err(Error::NoRange {
            resource: resource.name.clone(),
            reason: format!(
                "earlier runs have read the partition {part}, which the spec doesn't name any more: its rows of the range \
                 would leave the table; name it again for this run"
            ),
        }),
    }
}

/// What leaves the table of an append when its slices are read again between these times; `None` for a merge, whose rows take
/// the place of those with their keys.
pub(super) fn replaced(
    resource: &ResourcePlan,
    between: Option<(Timestamp, Timestamp)>,
) -> Option<ReplacedRange> {
    if resource.write_disposition == WriteDisposition::Merge {
        return None;
    }
    let (column, key) = column(resource)?;
    let (start, end) = between?;
    Some(ReplacedRange {
        column: key.clone(),
        formats: column.formats.clone(),
        start,
        end,
    })
}

/// The cursor of a resource whose rows all hold it in a column of their own.
fn column(resource: &ResourcePlan) -> Option<(&CursorColumn, &String)> {
    let cursor = resource.incremental.as_ref()?.cursor.as_ref()?;
    match &cursor.path {
        CursorPath::Keys(keys) if cursor.missing != MissingCursor::Include => keys
            .first()
            .filter(|_| keys.len() == 1)
            .map(|key| (cursor, key)),
        _ => None,
    }
}
