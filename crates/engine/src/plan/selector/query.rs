//! Any JSONPath through the full evaluator, with its matches led back to the bytes of the body.

use std::collections::HashMap;
use std::ops::Range;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector as PathSelector};
use jsonpath_rust::query::{QueryRef, js_path_process};
use serde_json::Value;

use super::BodyError;
use super::scan::{DEPTH_LIMIT, Found, malformed};
use crate::json::{Peek, Reader};

/// Finds the matches of a query in a body that [`super::scan::scan`] has checked.
pub(super) fn find(query: &JpQuery, body: &[u8]) -> Result<Found, BodyError> {
    let root: Value = serde_json::from_slice(body).map_err(|error| BodyError::Malformed {
        offset: byte_offset(body, &error),
        reason: error.to_string(),
    })?;
    let matches = evaluate(query, &root);
    let wanted: HashMap<usize, Option<Range<usize>>> =
        matches.iter().map(|found| (address(found), None)).collect();
    let mut places = Places {
        json: Reader::of_bytes(body),
        wanted,
    };
    let peek = places.json.peek().map_err(malformed)?;
    places.locate(peek, &root)?;
    let ranges: Vec<_> = matches
        .iter()
        .filter_map(|found| places.wanted.get(&address(found))?.clone())
        .collect();
    let reached_empty = ranges.is_empty() && nothing_to_choose_from(query, &root);
    Ok(Found {
        matches: ranges,
        elements: None,
        reached_empty,
    })
}

/// Whether the first segment without a match chooses among values, and had a container or null to choose from.
fn nothing_to_choose_from(query: &JpQuery, root: &Value) -> bool {
    for length in (0..query.segments.len()).rev() {
        let reached = evaluate(&JpQuery::new(query.segments[..length].to_vec()), root);
        if !reached.is_empty() {
            let choosable =
                |value: &&Value| value.is_null() || value.is_array() || value.is_object();
            return chooses(&query.segments[length]) && reached.iter().any(choosable);
        }
    }
    false
}

fn chooses(segment: &Segment) -> bool {
    let any_number = |selector: &PathSelector| {
        matches!(
            selector,
            PathSelector::Wildcard | PathSelector::Slice(..) | PathSelector::Filter(_)
        )
    };
    match segment {
        Segment::Descendant(_) => false,
        Segment::Selector(selector) => any_number(selector),
        Segment::Selectors(selectors) => selectors.iter().any(any_number),
    }
}

fn evaluate<'a>(query: &JpQuery, root: &'a Value) -> Vec<&'a Value> {
    // An error stands for a query that gives a computed value instead of a place; a JSONPath cannot.
    js_path_process(query, root)
        .unwrap_or_default()
        .into_iter()
        .map(QueryRef::val)
        .collect()
}

/// Tells values apart that are equal.
fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

struct Places<'body> {
    json: Reader<'body>,
    wanted: HashMap<usize, Option<Range<usize>>>,
}

impl Places<'_> {
    /// Walks over the parsed value and its text side by side. Where a key repeats, the last one overwrites.
    fn locate(&mut self, peek: Peek, value: &Value) -> Result<(), BodyError> {
        let start = self.json.current_index();
        match (peek, value) {
            (Peek::Array, Value::Array(elements)) => {
                let mut next = self.json.known_array().map_err(malformed)?;
                let mut position = 0;
                while let Some(peek) = next {
                    match elements.get(position) {
                        Some(element) => self.locate(peek, element)?,
                        None => self.json.skip(peek, DEPTH_LIMIT).map_err(malformed)?,
                    }
                    position += 1;
                    next = self.json.array_step().map_err(malformed)?;
                }
            }
            (Peek::Object, Value::Object(members)) => {
                let mut key = self.json.known_object().map_err(malformed)?;
                while let Some(name) = key {
                    let member = members.get(name);
                    let peek = self.json.peek().map_err(malformed)?;
                    match member {
                        Some(member) => self.locate(peek, member)?,
                        None => self.json.skip(peek, DEPTH_LIMIT).map_err(malformed)?,
                    }
                    key = self.json.next_key().map_err(malformed)?;
                }
            }
            _ => self.json.skip(peek, DEPTH_LIMIT).map_err(malformed)?,
        }
        let end = self.json.current_index();
        if let Some(place) = self.wanted.get_mut(&address(value)) {
            *place = Some(start..end);
        }
        Ok(())
    }
}

fn byte_offset(body: &[u8], error: &serde_json::Error) -> usize {
    let lines_before = body
        .split_inclusive(|byte| *byte == b'\n')
        .take(error.line().saturating_sub(1));
    lines_before.map(<[u8]>::len).sum::<usize>() + error.column().saturating_sub(1)
}
