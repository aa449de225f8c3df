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
    /// How the pages follow each other.
    pub paging: Paging,
    /// The fields that tell the records apart.
    pub primary_key: Option<Finding<Vec<String>>>,
    /// A time that moves when a record changes.
    pub cursor: Option<Finding<CursorFound>>,
    /// Numbers that are times.
    pub times: Vec<Finding<TimeFound>>,
}

/// How the pages of an endpoint follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// What to write behind `paginator:`. It is a guess where the answer shows it and trying it out failed.
    Found(Finding<String>),
    /// Nothing tells of more than what came: each run had better look for pages in its own first answer. Says what came.
    NoneSeen(String),
    /// The API has more, and how to ask for it wasn't found: the spec needs a `paginator` before it can run. Says why.
    Unknown(String),
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
