//! The records that were seen.

use std::ops::Range;

use indexmap::IndexSet;
use serde_json::Value;

use super::finding::count;

/// Records that are looked at, at most: enough to judge by, few enough to hold.
const MOST_RECORDS: usize = 10_000;

/// Records from the first pages of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    pub(super) records: Vec<Value>,
    pages: u64,
}

impl Sample {
    /// Adds the records of a page, or of a part of it. Pages count from 1.
    pub(super) fn add(&mut self, page: u64, body: &[u8], records: &[Range<usize>]) {
        self.pages = self.pages.max(page);
        let room = MOST_RECORDS.saturating_sub(self.records.len());
        let texts = records.iter().filter_map(|range| body.get(range.clone()));
        let values = texts.filter_map(|text| serde_json::from_slice(text).ok());
        self.records.extend(values.take(room));
    }

    /// The fields of all records, in the order in which they were first seen.
    pub(super) fn fields(&self) -> IndexSet<&str> {
        let objects = self.records.iter().filter_map(Value::as_object);
        objects
            .flat_map(|record| record.keys().map(String::as_str))
            .collect()
    }

    /// The value of a field in each record; `None` where it is missing or null.
    pub(super) fn values<'a>(
        &'a self,
        path: &'a [&str],
    ) -> impl Iterator<Item = Option<&'a Value>> + 'a {
        self.records.iter().map(move |record| {
            let value = path.iter().try_fold(record, |value, key| value.get(*key));
            value.filter(|value| !value.is_null())
        })
    }

    /// How much was looked at: `60 of 60 records on 2 pages`.
    pub(super) fn extent(&self, fitting: usize) -> String {
        let all = count(self.records.len(), "record");
        format!(
            "{fitting} of {all} on {}",
            count(usize::try_from(self.pages).unwrap_or(usize::MAX), "page")
        )
    }
}

/// The words of a field's name, in lower case: `updatedAt`, `updated_at` and `Updated-At` are the same two.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_new = true;
    let mut before_is_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            is_new = true;
            continue;
        }
        is_new |= letter.is_uppercase() && before_is_lower;
        before_is_lower = letter.is_lowercase() || letter.is_numeric();
        if is_new {
            words.push(String::new());
        }
        is_new = false;
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_words() {
        let check = |name: &str, expected: &str| assert_eq!(words(name).join(" "), expected);
        check("updatedAt", "updated at");
        check("updated_at", "updated at");
        check("Updated-At", "updated at");
        check("userID", "user id");
        check("ID", "id");
        check("_id", "id");
        check("", "");
    }
}
