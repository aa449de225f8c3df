//! The fields that tell records apart.

use std::collections::HashSet;

use serde_json::Value;

use super::finding::{Certainty, Finding};
use super::sample::{Sample, words};
use super::times::is_time_name;

/// Records from which on it says something that no value comes twice.
const ENOUGH_RECORDS: usize = 20;

/// Fields that are tried together.
const MOST_FIELDS: usize = 8;

/// Fields of a composite key, at most.
const MOST_TOGETHER: usize = 3;

/// Finds the primary key of the records. `names` are what they are called, such as `orders`.
pub(super) fn find(sample: &Sample, names: &[&str]) -> Option<Finding<Vec<String>>> {
    if sample.records.is_empty() {
        return None;
    }
    let whole = sample.records.len();
    let mut complete: Vec<(Rank, &str)> = sample
        .fields()
        .into_iter()
        .filter(|field| is_always_there(sample, field))
        .map(|field| (rank(field, names), field))
        .filter(|(rank, _)| *rank < Rank::Other)
        .collect();
    complete.sort_by_key(|(rank, _)| *rank);
    let single = complete
        .iter()
        .filter(|(rank, _)| rank.stands_alone())
        .find(|(_, field)| is_unique(sample, &[field]));
    if let Some((rank, field)) = single {
        let by_name = *rank <= Rank::Named;
        return Some(Finding {
            value: vec![(*field).to_owned()],
            evidence: format!("present and unique in {}", sample.extent(whole)),
            certainty: match whole {
                _ if !by_name => Certainty::Guess,
                0 | 1 => Certainty::Guess,
                _ if whole < ENOUGH_RECORDS => Certainty::Likely,
                _ => Certainty::Certain,
            },
        });
    }
    // One record is told apart by anything.
    if whole < 2 {
        return None;
    }
    complete.truncate(MOST_FIELDS);
    let fields: Vec<&str> = complete.iter().map(|(_, field)| *field).collect();
    let together = (2..=MOST_TOGETHER)
        .flat_map(|size| combinations(&fields, size))
        .find(|fields| {
            let has_id = fields
                .iter()
                .any(|field| rank(field, names) <= Rank::OtherId);
            has_id && is_unique(sample, fields)
        })?;
    Some(Finding {
        evidence: format!(
            "no field alone is unique; together these are, in {}",
            sample.extent(whole)
        ),
        value: together.into_iter().map(str::to_owned).collect(),
        certainty: Certainty::Guess,
    })
}

/// How much a field's name speaks for a key, the likelier ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// `id`.
    Id,
    /// `uuid`, `guid`, and the id of what the resource is named after (`order_id`).
    Named,
    /// Another id.
    OtherId,
    /// `key`, `code`, `slug` and the like.
    Code,
    /// A name or an address, which may change or come twice.
    Name,
    /// A part of a composite key: a time.
    Time,
    /// A part of a composite key: a kind of thing.
    Kind,
    Other,
}

impl Rank {
    fn stands_alone(self) -> bool {
        self <= Self::Name
    }
}

fn rank(field: &str, names: &[&str]) -> Rank {
    let words = words(field);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["id"] => Rank::Id,
        ["uuid" | "guid" | "gid" | "uid"] => Rank::Named,
        [of @ .., "id" | "uuid" | "guid"]
            if names.iter().any(|name| is_one_of(&of.join("_"), name)) =>
        {
            Rank::Named
        }
        [.., "id" | "uuid" | "guid"] => Rank::OtherId,
        ["key" | "code" | "slug" | "sku" | "number" | "symbol" | "handle"] => Rank::Code,
        ["name" | "email" | "url" | "uri" | "href"] => Rank::Name,
        [
            ..,
            "type" | "kind" | "platform" | "channel" | "currency" | "language" | "locale",
        ] => Rank::Kind,
        _ if is_time_name(field) => Rank::Time,
        _ => Rank::Other,
    }
}

/// Whether `order` may be what one of the `orders` is called.
fn is_one_of(singular: &str, plural: &str) -> bool {
    let plural = plural.to_lowercase();
    let stem = |ending: &str| plural.strip_suffix(ending);
    !singular.is_empty()
        && (singular == plural
            || stem("s") == Some(singular)
            || stem("es") == Some(singular)
            || stem("ies").is_some_and(|stem| format!("{stem}y") == singular))
}

/// Whether each record has a text or a whole number there.
fn is_always_there(sample: &Sample, field: &str) -> bool {
    sample.values(&[field]).all(|value| match value {
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Number(number)) => !number.is_f64(),
        _ => false,
    })
}

fn is_unique(sample: &Sample, fields: &[&str]) -> bool {
    let mut seen = HashSet::new();
    sample.records.iter().all(|record| {
        let values: Vec<String> = fields
            .iter()
            .map(|field| record.get(*field).map(Value::to_string).unwrap_or_default())
            .collect();
        seen.insert(values)
    })
}

/// All choices of so many fields, those of the first fields first.
fn combinations<'a>(fields: &[&'a str], size: usize) -> Vec<Vec<&'a str>> {
    let Some((first, rest)) = fields.split_first().filter(|_| size > 0) else {
        return if size == 0 {
            vec![Vec::new()]
        } else {
            Vec::new()
        };
    };
    let mut all = combinations(rest, size - 1);
    for others in &mut all {
        others.insert(0, first);
    }
    all.extend(combinations(rest, size));
    all
}
