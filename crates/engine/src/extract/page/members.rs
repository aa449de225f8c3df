//! The scalars of a body that stand around its records.

use std::collections::HashSet;
use std::ops::Range;

use super::scalar;
use crate::json::{JsonResult, Peek, Reader};
use crate::plan::{DEPTH_LIMIT, Selector};

/// Keys from the root to a value that is looked at.
const LONGEST_PATH: usize = 4;

/// The names under which APIs give a total of records.
pub(super) const TOTAL_NAMES: [&str; 5] = [
    "total",
    "total_count",
    "totalcount",
    "total_items",
    "totalitems",
];

/// The names under which APIs say that more follows.
pub(super) const MORE_NAMES: [&str; 4] = ["has_more", "hasmore", "has_next", "has_next_page"];

/// A scalar in the body, outside of lists and records.
pub(super) struct Member<'a> {
    pub(super) path: Vec<String>,
    pub(super) raw: &'a [u8],
}

impl<'a> Member<'a> {
    /// All of a body, in its order.
    pub(super) fn all(body: &'a [u8], records: &[Range<usize>]) -> Vec<Self> {
        let mut walk = Walk {
            body,
            json: Reader::of_bytes(body),
            path: Vec::new(),
            records: records.iter().map(|record| record.start).collect(),
            members: Vec::new(),
        };
        // The body is known to be JSON, so that the walk reaches its end.
        let walked = walk.json.peek().and_then(|peek| walk.value(peek));
        debug_assert!(walked.is_ok());
        walk.members
    }

    pub(super) fn key(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    pub(super) fn is_named(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.key().eq_ignore_ascii_case(name))
    }

    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.path.split_last().map(|(_, outer)| outer)
            == other.path.split_last().map(|(_, outer)| outer)
    }

    /// Whether it belongs to a `next`: by its own key, also with the name of a standard in front of it
    /// (`@odata.nextLink`), or as a member of such a key.
    pub(super) fn is_next(&self, inside: &[&str]) -> bool {
        let begins = |key: &str| {
            let key = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
            key.starts_with("next")
        };
        match self.path.as_slice() {
            [.., key] if begins(key) => true,
            [.., outer, _] if begins(outer) => {
                let key = self.key().to_ascii_lowercase();
                inside.iter().any(|name| key.starts_with(name))
            }
            _ => false,
        }
    }

    /// A text that is an absolute URL or path.
    pub(super) fn is_link(&self) -> bool {
        let text = (self.raw.first() == Some(&b'"')).then(|| scalar::text(self.raw));
        let text = text.flatten().unwrap_or_default();
        text.starts_with("http") || text.starts_with('/')
    }

    /// A text or number that isn't empty.
    pub(super) fn is_cursor(&self) -> bool {
        scalar::text(self.raw).is_some_and(|text| !text.is_empty())
    }

    pub(super) fn is_true(&self) -> bool {
        self.raw == b"true"
    }

    pub(super) fn number(&self) -> Option<u64> {
        scalar::whole_number(Some(self.raw))
    }

    pub(super) fn selector(&self) -> Selector {
        Selector::from_keys(self.path.clone())
    }
}

struct Walk<'a> {
    body: &'a [u8],
    json: Reader<'a>,
    path: Vec<String>,
    /// Where records begin.
    records: HashSet<usize>,
    members: Vec<Member<'a>>,
}

impl Walk<'_> {
    fn value(&mut self, peek: Peek) -> JsonResult {
        let start = self.json.current_index();
        if peek == Peek::Object && self.path.len() < LONGEST_PATH && !self.records.contains(&start)
        {
            let mut key = self.json.known_object()?.map(str::to_owned);
            while let Some(name) = key {
                self.path.push(name);
                let peek = self.json.peek()?;
                self.value(peek)?;
                self.path.pop();
                key = self.json.next_key()?.map(str::to_owned);
            }
            return Ok(());
        }
        self.json.skip(peek, DEPTH_LIMIT)?;
        if peek != Peek::Object && peek != Peek::Array {
            self.members.push(Member {
                path: self.path.clone(),
                raw: &self.body[start..self.json.current_index()],
            });
        }
        Ok(())
    }
}
