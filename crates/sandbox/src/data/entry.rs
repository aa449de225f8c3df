//! Which records a collection has at a moment, before any is rendered.

use jiff::Timestamp;

use super::random::{number_of, seeded};
use crate::fixture::{Addition, Change, Collection, Edit, Fixture, MAXIMUM_RECORDS};

/// A record that is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// What the record's values are drawn from; it stays the same as the clock moves.
    pub(super) number: u64,
    /// The record's instant in its series, in Unix seconds.
    pub(super) instant: Option<i64>,
    /// The row that it has without edits; none if an edit added it.
    pub(super) row: Option<usize>,
    /// The edits of the fixture that it has been through, by their positions.
    pub(super) edits: Vec<usize>,
}

/// The records of a collection before any edit.
pub(super) fn untouched(collection: &Collection, now: Timestamp) -> Vec<Entry> {
    let Some(series) = &collection.series else {
        let count = collection.records.unwrap_or_default().min(MAXIMUM_RECORDS);
        return (0..count).map(|number| entry(number, None)).collect();
    };
    let (from, every) = (series.from.as_second(), series.every.seconds().max(1));
    let last = now.as_second().saturating_add(series.ahead.seconds());
    if last < from {
        return Vec::new();
    }
    let steps = (last - from).unsigned_abs() / every.unsigned_abs() + 1;
    let count = steps.saturating_mul(series.per_step).min(MAXIMUM_RECORDS);
    (0..count)
        .map(|number| {
            let step = i64::try_from(number / series.per_step.max(1)).unwrap_or(i64::MAX);
            entry(
                number,
                Some(from.saturating_add(step.saturating_mul(every))),
            )
        })
        .collect()
}

/// The records after all edits whose moment has come; none if there are no such edits.
pub(super) fn edited(
    fixture: &Fixture,
    name: &str,
    untouched: &[Entry],
    now: Timestamp,
) -> Option<Vec<Entry>> {
    let mut due: Vec<(usize, &Edit)> = fixture
        .edits
        .iter()
        .enumerate()
        .filter(|(_, edit)| edit.collection == name && edit.at <= now)
        .collect();
    if due.is_empty() {
        return None;
    }
    due.sort_by_key(|(_, edit)| edit.at);
    let mut entries = untouched.to_vec();
    for (position, edit) in due {
        if let Some(change) = &edit.change {
            apply(change, edit.at, position, fixture.seed, &mut entries);
        }
        if let Some(addition) = &edit.add {
            append(addition, edit.at, position, &mut entries);
        }
    }
    // Late records of a series stand where their time is, as an API that sorts by time shows them.
    entries.sort_by_key(|entry| (entry.instant, entry.number));
    Some(entries)
}

fn entry(number: u64, instant: Option<i64>) -> Entry {
    Entry {
        number,
        instant,
        row: usize::try_from(number).ok(),
        edits: Vec::new(),
    }
}

fn apply(change: &Change, at: Timestamp, position: usize, seed: u64, entries: &mut [Entry]) {
    let at = at.as_second();
    for (place, entry) in entries.iter_mut().enumerate() {
        let is_within = change.within.is_none_or(|within| {
            let earliest = at.saturating_sub(within.seconds());
            entry
                .instant
                .is_some_and(|instant| (earliest..at).contains(&instant))
        });
        let is_in_share = change.share.is_none_or(|share| {
            seeded(&[seed, number_of("edit"), position as u64, entry.number]).f64() < share
        });
        let is_named = change
            .positions
            .as_ref()
            .is_none_or(|positions| positions.contains(&(place as u64)));
        if is_within && is_in_share && is_named {
            entry.edits.push(position);
        }
    }
}

fn append(addition: &Addition, at: Timestamp, position: usize, entries: &mut Vec<Entry>) {
    let count = addition.records.min(MAXIMUM_RECORDS);
    let within = addition.within.map(|within| i128::from(within.seconds()));
    for index in 0..count {
        // A series grows by itself, so what an edit adds to it takes numbers out of the series' reach.
        let number = match within {
            Some(_) => ((position as u64 + 1) << 32) + index,
            None => entries.len() as u64,
        };
        let instant = within.map(|within| {
            let before = within - within * i128::from(2 * index + 1) / i128::from(2 * count);
            at.as_second()
                .saturating_sub(i64::try_from(before).unwrap_or(i64::MAX))
        });
        entries.push(Entry {
            number,
            instant,
            row: None,
            edits: vec![position],
        });
    }
}
