//! What was found of an API, why, and how certain it is.

use std::fmt;

use super::cursor::CursorFound;
use super::times::TimeFound;

/// What was found of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Discovered {
    /// The selector of the records.
    pub records: Finding<String>,
    /// Other selectors that give records.
    pub other_records: Vec<String>,
    /// What to write behind `paginator:`; none where each run had better find it from its own first answer.
    pub paginator: Option<Finding<String>>,
    /// Why there is no paginator.
    pub without_paginator: Option<String>,
    /// The API has more records, and how to ask for them wasn't found: the spec needs a `paginator` before it can run.
    pub lacks_paginator: bool,
    /// The fields that tell the records apart.
    pub primary_key: Option<Finding<Vec<String>>>,
    /// A time that moves when a record changes.
    pub cursor: Option<Finding<CursorFound>>,
    /// Numbers that are times.
    pub times: Vec<Finding<TimeFound>>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<T> {
    /// What.
    pub value: T,
    /// Why, in a line without its end.
    pub evidence: String,
    /// How certain it is.
    pub certainty: Certainty,
}

/// How certain a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Other things would fit as well.
    Guess,
    /// The records seen so far say so.
    Likely,
    /// The answers leave no doubt.
    Certain,
}

impl fmt::Display for Certainty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Guess => "guess",
            Self::Likely => "likely",
            Self::Certain => "certain",
        })
    }
}

/// A number of things, such as `1 record` or `20 records`.
pub(super) fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}
