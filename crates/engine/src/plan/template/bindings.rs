//! The values that a slice gives to placeholders.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{IncrementalReference, Reference};
use crate::flow::{ParentRecord, Slice};
use crate::plan::TimeFormat;

/// What placeholders are filled from.
#[derive(Clone, Copy, Debug)]
pub struct Bindings<'a> {
    /// The parents' records and the partition.
    pub slice: &'a Slice,
    /// The window, where the resource is incremental.
    pub incremental: Option<IncrementalValues>,
    /// The id of the slice's job, once it has been created.
    pub job_id: Option<&'a Value>,
}

/// The edges of a window and how they are written.
///
/// A format coarser than the edges rounds the start down and the end up, so that the request covers the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IncrementalValues {
    /// First instant inside the window.
    pub start: Timestamp,
    /// First instant behind the window.
    pub end: Timestamp,
    /// Where the first run started.
    pub initial: Timestamp,
    /// How they are written.
    pub format: TimeFormat,
}

impl Bindings<'_> {
    /// The value of a placeholder; `None` where the slice has none.
    pub(super) fn value(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Parent { resource, path } => self.parent(resource)?.key.get(path).cloned(),
            Reference::Incremental(edge) => {
                let values = self.incremental?;
                Some(match edge {
                    IncrementalReference::StartValue => values.start_value(),
                    IncrementalReference::EndValue => values.end_value(),
                    IncrementalReference::InitialValue => round_down(values.initial, values.format),
                })
            }
            Reference::Partition(key) => self.slice.partition.get(key).cloned(),
            Reference::JobId => self.job_id.cloned(),
        }
    }

    /// Whether a placeholder's value is a list of the values of several parent records.
    pub(super) fn is_batch(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Parent { resource, .. } => {
                self.parent(resource).is_some_and(|parent| parent.batch)
            }
            _ => false,
        }
    }

    fn parent(&self, resource: &str) -> Option<&ParentRecord> {
        let mut parents = self.slice.parents.iter();
        parents.find(|parent| parent.resource == *resource)
    }
}

impl IncrementalValues {
    /// The window's start as it is written in requests.
    pub fn start_value(&self) -> Value {
        round_down(self.start, self.format)
    }

    /// The window's end as it is written in requests.
    pub fn end_value(&self) -> Value {
        let written = round_down(self.end, self.format);
        let step = match self.format {
            TimeFormat::Rfc3339 => return written,
            TimeFormat::Date => jiff::SignedDuration::from_hours(24),
            TimeFormat::Unix => jiff::SignedDuration::from_secs(1),
            TimeFormat::UnixMs => jiff::SignedDuration::from_millis(1),
        };
        // Rounded down, the instant just before the end is one step short of the end rounded up.
        let Ok(before) = self.end.checked_sub(jiff::SignedDuration::from_nanos(1)) else {
            return written;
        };
        before
            .checked_add(step)
            .map_or(written, |end| round_down(end, self.format))
    }
}

fn round_down(time: Timestamp, format: TimeFormat) -> Value {
    match format {
        TimeFormat::Rfc3339 => Value::from(time.to_string()),
        TimeFormat::Date => Value::from(TimeZone::UTC.to_datetime(time).date().to_string()),
        TimeFormat::Unix => whole(time, 1_000_000_000),
        TimeFormat::UnixMs => whole(time, 1_000_000),
    }
}

fn whole(time: Timestamp, unit_nanoseconds: i128) -> Value {
    let units = time.as_nanosecond().div_euclid(unit_nanoseconds);
    Value::from(i64::try_from(units).expect("the range of timestamps in milliseconds fits 64 bits"))
}
