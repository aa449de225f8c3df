//! A time in the records that moves when a record changes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::finding::{Certainty, Finding};
use super::sample::{Sample, words};
use super::times::unix_format;
use crate::spec::parse_time;

/// A cursor that an incremental resource can go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorFound {
    /// The path in the record.
    pub path: String,
    /// How its values are written, where that isn't RFC 3339: `date`, `unix` or `unix_ms`.
    pub format: Option<&'static str>,
    /// The first day of the year of the oldest value that was seen.
    pub initial_value: String,
    /// It says when the record was made, not when it changed: edits of old records would be missed.
    pub is_creation: bool,
}

/// Finds the time by which records can be read incrementally: when they changed, else when they were made.
pub(super) fn find(sample: &Sample) -> Option<Finding<CursorFound>> {
    let mut found: Vec<(Rank, Finding<CursorFound>)> = Vec::new();
    for path in paths(sample) {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(rank) = keys.last().and_then(|name| rank(name))
            && let Some(finding) = look_at(sample, &keys, rank)
        {
            found.push((rank, finding));
        }
    }
    let best = found.into_iter().min_by_key(|(rank, _)| *rank);
    best.map(|(_, finding)| finding)
}

/// What a name says of a time, the better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Changed,
    Made,
}

fn rank(name: &str) -> Option<Rank> {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let has = |all: &[&str]| words.iter().any(|word| all.contains(word));
    let is_changed = has(&[
        "updated",
        "modified",
        "changed",
        "edited",
        "lastmodified",
        "lastupdated",
    ]) || words.join("").starts_with("systemmodstamp")
        || words.join("").ends_with("modifieddate");
    if is_changed {
        // Who changed it is no time; the values decide about the rest.
        return Some(Rank::Changed);
    }
    let is_made = has(&["created", "timestamp", "published"])
        || matches!(
            words.as_slice(),
            ["date" | "time"] | ["start" | "event" | "occurred", "time" | "at"]
        );
    is_made.then_some(Rank::Made)
}

/// The fields of the records, and those in objects within them.
fn paths(sample: &Sample) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for field in sample.fields() {
        paths.push(vec![field.to_owned()]);
        let path = [field];
        let inside = sample.values(&path).flatten().filter_map(Value::as_object);
        if let Some(object) = inside.max_by_key(|object| object.len()) {
            paths.extend(object.keys().map(|key| vec![field.to_owned(), key.clone()]));
        }
    }
    // Those of the record itself come before those within it.
    paths.sort_by_key(Vec::len);
    paths
}

fn look_at(sample: &Sample, path: &[&str], rank: Rank) -> Option<Finding<CursorFound>> {
    let all = sample.records.len();
    let present = sample.values(path).flatten().count();
    if present == 0 || present < all {
        return None;
    }
    let (format, oldest) = if let Some(format) = unix_format(sample, path) {
        let numbers = sample.values(path).flatten().filter_map(Value::as_i64);
        let least = numbers.min()?;
        let seconds = if format == "unix" {
            least
        } else {
            least / 1000
        };
        (Some(format), Timestamp::from_second(seconds).ok()?)
    } else {
        let texts = sample.values(path).map(|value| value?.as_str());
        let texts = texts.collect::<Option<Vec<&str>>>()?;
        let is_date = texts.iter().all(|text| text.len() == "2024-01-31".len());
        let times = texts.iter().map(|text| parse_time(text));
        let oldest = times
            .collect::<Option<Vec<Timestamp>>>()?
            .into_iter()
            .min()?;
        (is_date.then_some("date"), oldest)
    };
    let is_creation = rank == Rank::Made;
    let meaning = if is_creation { "made" } else { "changed" };
    Some(Finding {
        evidence: format!(
            "a time in {}; its name says that the record was {meaning} then",
            sample.extent(present)
        ),
        certainty: if is_creation {
            Certainty::Guess
        } else {
            Certainty::Likely
        },
        value: CursorFound {
            path: crate::plan::Selector::from_keys(
                path.iter().map(|key| (*key).to_owned()).collect(),
            )
            .as_str()
            .to_owned(),
            format,
            initial_value: format!("{:04}-01-01", TimeZone::UTC.to_datetime(oldest).year()),
            is_creation,
        },
    })
}
