//! Where the records of an answer lie.

use std::ops::Range;

use serde_json::{Map, Value};

use super::endpoint::Endpoint;
use super::finding::{Certainty, Finding, count};
use crate::plan::Selector;
use crate::plan::selector::{is_usual_name, tells_of_paging};

/// Lists and objects that belong to an answer's envelope.
const ENVELOPE_NAMES: [&str; 8] = [
    "links",
    "_links",
    "meta",
    "metadata",
    "paging",
    "pagination",
    "error",
    "errors",
];

/// Keys of an object that tells of a failure.
const FAILURE_NAMES: [&str; 4] = ["error", "errors", "error_description", "fault"];

/// Keys that tell of a failure where there is hardly anything else.
const MESSAGE_NAMES: [&str; 2] = ["message", "detail"];

/// Members of its own from which on an object with an empty list is a record, rather than an empty page.
const FIELDS_OF_A_RECORD: usize = 3;

/// Records that were found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RecordsFound {
    pub(super) selector: Selector,
    pub(super) ranges: Vec<Range<usize>>,
    pub(super) finding: Finding<String>,
    pub(super) others: Vec<String>,
}

/// Why there are no records in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The list that would hold them is empty; its path.
    EmptyList(String),
    /// The answer has no body, or is null or `{}`.
    Nothing,
    /// The answer tells of a failure, though its status is a success.
    Failure,
    /// The answer has lists, or is one, of something else than objects.
    NoObjects,
}

/// Finds the records in a checked body. A list that is called like the endpoint holds them, others being equal.
pub(super) fn find(body: &[u8], endpoint: &Endpoint) -> Result<RecordsFound, Missing> {
    let mut candidates: Vec<Candidate> = Selector::candidates(body)
        .into_iter()
        .filter_map(|text| Candidate::new(&text, body, endpoint))
        .collect();
    // The best first; the sort keeps the order of those that are as good.
    candidates.sort_by_key(|candidate| std::cmp::Reverse((candidate.rank, candidate.ranges.len())));
    let root: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    let is_record = root.as_ref().is_some_and(|root| root.contains_key("id"));
    let least = if is_record {
        Rank::Usual
    } else {
        Rank::Members
    };
    let others = |chosen: &str| {
        let other = candidates.iter().filter(|other| other.text != chosen);
        other.map(|other| other.text.clone()).collect()
    };
    match candidates.first() {
        Some(best) if best.rank >= least => {
            let is_only = candidates
                .iter()
                .filter(|other| other.rank >= Rank::List)
                .count()
                <= 1;
            let certainty = match best.rank {
                Rank::Whole | Rank::Keyed => Certainty::Certain,
                Rank::Usual | Rank::List if is_only => Certainty::Certain,
                Rank::Usual | Rank::List => Certainty::Likely,
                Rank::Members | Rank::Envelope => Certainty::Guess,
            };
            Ok(RecordsFound {
                finding: Finding {
                    value: best.text.clone(),
                    evidence: best.evidence(),
                    certainty,
                },
                others: others(&best.text),
                selector: best.selector.clone(),
                ranges: best.ranges.clone(),
            })
        }
        _ => single(body, root.as_ref(), others),
    }
}

/// One record: the whole answer, or its `data`.
fn single(
    body: &[u8],
    root: Option<&Map<String, Value>>,
    others: impl Fn(&str) -> Vec<String>,
) -> Result<RecordsFound, Missing> {
    let nothing = |_| Missing::Nothing;
    let detected = Selector::detect(body).map_err(nothing)?;
    let Some(root) = root else {
        let records = detected.records(body).map_err(nothing)?.records;
        return Err(match body.first() {
            Some(b'[') if records.is_empty() => Missing::EmptyList("$".to_owned()),
            Some(b'n') | None => Missing::Nothing,
            _ => Missing::NoObjects,
        });
    };
    if root.is_empty() {
        return Err(Missing::Nothing);
    }
    if !root.contains_key("id") {
        if tells_of_failure(root) {
            return Err(Missing::Failure);
        }
        let own = root.iter().filter(|(name, value)| {
            !value.is_array() && !value.is_object() && !tells_of_paging(name)
        });
        let own = own.count();
        if detected != Selector::root() {
            let records = detected.records(body).map_err(nothing)?.records;
            if records.is_empty() && own < FIELDS_OF_A_RECORD {
                return Err(Missing::EmptyList(detected.as_str().to_owned()));
            }
            if own == 0 {
                return Err(Missing::NoObjects);
            }
        }
    }
    let is_wrapped = !root.contains_key("id") && root.get("data").is_some_and(Value::is_object);
    let (selector, evidence) = if is_wrapped {
        (
            Selector::from_keys(vec!["data".to_owned()]),
            "`data` is one object".to_owned(),
        )
    } else {
        let fields = count(root.len(), "field");
        (
            Selector::root(),
            format!("the answer is one object with {fields}"),
        )
    };
    Ok(RecordsFound {
        ranges: selector.records(body).map_err(nothing)?.records,
        finding: Finding {
            value: selector.as_str().to_owned(),
            evidence,
            certainty: Certainty::Guess,
        },
        others: others(selector.as_str()),
        selector,
    })
}

fn tells_of_failure(root: &Map<String, Value>) -> bool {
    let has = |name: &str| {
        let value = root.get(name);
        value.is_some_and(|value| !value.is_null() && *value != false)
    };
    FAILURE_NAMES.into_iter().any(has)
        || root.len() <= FIELDS_OF_A_RECORD && MESSAGE_NAMES.into_iter().any(has)
}

/// How much speaks for a candidate, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// An object whose members are something else each.
    Envelope,
    /// An object whose members have the same fields.
    Members,
    /// A list of objects.
    List,
    /// An object that has each record under its id.
    Keyed,
    /// A list under a name such as `data`, or that of the endpoint.
    Usual,
    /// The whole answer is a list.
    Whole,
}

struct Candidate {
    text: String,
    selector: Selector,
    ranges: Vec<Range<usize>>,
    rank: Rank,
}

impl Candidate {
    fn new(text: &str, body: &[u8], endpoint: &Endpoint) -> Option<Self> {
        let selector = Selector::parse(text).ok()?;
        let ranges = selector.records(body).ok()?.records;
        let name = last_key(text);
        let rank = match text.strip_suffix('*') {
            _ if text == "$" => Rank::Whole,
            None if is_usual_name(name) || endpoint.is_called(name) => Rank::Usual,
            _ if is_of_envelope(name) => Rank::Envelope,
            None => Rank::List,
            Some(before) => rank_of_members(before.trim_end_matches('.'), body, &ranges),
        };
        Some(Self {
            text: text.to_owned(),
            selector,
            ranges,
            rank,
        })
    }

    fn evidence(&self) -> String {
        let objects = count(self.ranges.len(), "object");
        match (self.rank, self.text.strip_suffix(".*")) {
            (Rank::Whole, _) => format!("the answer is a list of {objects}"),
            (Rank::Keyed, Some(path)) => format!("`{path}` has {objects}, each under its own id"),
            (Rank::Keyed, None) => format!("the answer has {objects}, each under its own id"),
            (_, Some(path)) => format!("`{path}` has {objects} with the same fields"),
            (Rank::Members | Rank::Envelope, None) => {
                format!("the answer has {objects} with the same fields")
            }
            (_, None) => format!("`{}` is a list of {objects}", self.text),
        }
    }
}

fn is_of_envelope(name: &str) -> bool {
    ENVELOPE_NAMES.contains(&name.to_ascii_lowercase().as_str())
}

/// The name of the list that a selector leads to.
pub(super) fn last_key(path: &str) -> &str {
    let path = path.strip_suffix(".*").unwrap_or(path);
    path.rsplit('.').next().unwrap_or(path)
}

fn rank_of_members(path: &str, body: &[u8], ranges: &[Range<usize>]) -> Rank {
    let whole = if path.is_empty() {
        Ok(Selector::root())
    } else {
        Selector::parse(path)
    };
    let object: Option<Map<String, Value>> = whole
        .ok()
        .and_then(|selector| serde_json::from_slice(selector.value(body).ok()??).ok());
    let Some(object) = object else {
        return Rank::Envelope;
    };
    let is_keyed = object.iter().all(|(key, record)| match record.get("id") {
        Some(Value::String(id)) => id == key,
        Some(Value::Number(id)) => id.to_string() == *key,
        _ => false,
    });
    if is_keyed {
        return Rank::Keyed;
    }
    let mut members = object.values().filter_map(Value::as_object);
    let Some(first) = members.next().filter(|_| ranges.len() > 1) else {
        return Rank::Envelope;
    };
    let alike = |other: &Map<String, Value>| {
        let common = other.keys().filter(|key| first.contains_key(*key)).count();
        common > 0 && 2 * common >= other.len().max(first.len())
    };
    if members.all(alike) {
        Rank::Members
    } else {
        Rank::Envelope
    }
}
