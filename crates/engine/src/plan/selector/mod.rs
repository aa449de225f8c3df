//! Finding values and records in a JSON body.
//!
//! Chains of keys, `*` and indexes run straight over the bytes in one validating pass; every other JSONPath goes
//! through a full evaluator. Both give byte ranges of the body, so that a number keeps its exact spelling.

mod detect;
mod envelope;
mod query;
mod scan;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::ops::Range;

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;

pub(crate) use detect::is_usual_name;
pub(crate) use envelope::tells_of_paging;
pub use scan::DEPTH_LIMIT;
use scan::{Found, Records, Target, scan, scan_and_read};

use crate::flow::RecordReader;

/// A compiled JSONPath (RFC 9535); the leading `$.` may be left out.
///
/// ```
/// use engine::plan::Selector;
///
/// let people = Selector::parse("people.*")?;
/// let selection = people.records(br#"{"people": {"a": {"id": 1}, "b": {"id": 2}}}"#)?;
/// assert_eq!(selection.records.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    text: String,
    route: Route,
}

impl std::fmt::Display for Selector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// How the matches of a selector are found.
#[derive(Clone, Debug, PartialEq)]
enum Route {
    /// Straight over the bytes.
    Chain(Vec<Step>),
    /// With the full evaluator.
    Query(JpQuery),
}

/// One step of a chain, from a value to values inside it.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// The member of that name. Where an object repeats a key, the last one counts.
    Key(String),
    /// Every member or element.
    Any,
    /// The element at that position, from 0.
    Index(usize),
}

/// The records of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The byte range of each record in the body, in document order.
    pub records: Vec<Range<usize>>,
    /// Nothing matched. An empty page (null, `[]` or `{}` where the records belong) is not missing.
    pub missing: bool,
}

/// Where the records of a body lie.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordsPath {
    /// The keys from the root.
    pub(crate) keys: Vec<String>,
    /// The records may also be the members of an object.
    pub(crate) members: bool,
}

/// What one pass over a body found.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The records.
    pub selection: Selection,
    /// For each selector asked for, the byte range of its first match.
    pub values: Vec<Option<Range<usize>>>,
    /// The reader of records has read exactly those, in their order.
    pub records_read: bool,
}

/// A text that is not a JSONPath.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("parse selector `{text}`: {reason}")]
pub struct SelectorError {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it, in one line.
    pub reason: String,
}

/// A body that is not one whole JSON document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Nothing but white space.
    #[error(
        "the body is empty; where that is the end of the pages, write \
         `response_actions: [{{ when: \"text | trim == ''\", action: stop }}]`"
    )]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("the body is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// Position of the first such byte.
        offset: usize,
    },
    /// Text that is not JSON: cut off, followed by something else, or no JSON at all.
    #[error("the body is not valid JSON at byte {offset}: {reason}")]
    Malformed {
        /// Position at which it stops being JSON.
        offset: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A body of its size can't be read as the spec asks for.
    #[error("the body can't be read in parts: {reason}")]
    Unusable {
        /// Why, and what to do.
        reason: String,
    },
    /// Lists and objects nested deeper than [`DEPTH_LIMIT`] allows.
    #[error(
        "the body nests lists and objects {DEPTH_LIMIT} deep at byte {offset}, which is the limit"
    )]
    TooDeep {
        /// Position of the list or object that goes too deep.
        offset: usize,
    },
}

impl Selector {
    /// Compiles a JSONPath.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let trimmed = text.trim();
        let error = |reason: String| SelectorError {
            text: text.to_owned(),
            reason,
        };
        if trimmed.is_empty() {
            return Err(error(
                "expected a JSONPath such as `data.items` or `people.*`".to_owned(),
            ));
        }
        let path = match trimmed.chars().next() {
            Some('$') => trimmed.to_owned(),
            Some('[' | '.') => format!("${trimmed}"),
            _ => format!("$.{trimmed}"),
        };
        let route = match parse_chain(&path) {
            Some(steps) => Route::Chain(steps),
            None => Route::Query(
                parse_json_path(&path).map_err(|cause| error(one_line(&cause.to_string())))?,
            ),
        };
        Ok(Self {
            text: trimmed.to_owned(),
            route,
        })
    }

    /// The whole body: `$`.
    pub fn root() -> Self {
        Self {
            text: "$".to_owned(),
            route: Route::Chain(Vec::new()),
        }
    }

    /// Whether it gives one record for each that the API counts: at most one step takes all, and none filters.
    pub fn gives_each_record_once(&self) -> bool {
        match &self.route {
            Route::Chain(steps) => {
                let all = steps
                    .iter()
                    .filter(|step| matches!(step, Step::Any))
                    .count();
                all <= 1 && !steps.iter().any(|step| matches!(step, Step::Index(_)))
            }
            Route::Query(_) => false,
        }
    }

    /// Whether it runs straight over the bytes.
    pub(crate) fn is_chain(&self) -> bool {
        matches!(self.route, Route::Chain(_))
    }

    /// Where the records lie, if that is said by keys alone, with one step at most that takes all.
    pub(crate) fn records_path(&self) -> Option<RecordsPath> {
        let Route::Chain(steps) = &self.route else {
            return None;
        };
        let (steps, members) = match steps.split_last() {
            Some((Step::Any, before)) => (before, true),
            _ => (steps.as_slice(), false),
        };
        let key = |step: &Step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Any | Step::Index(_) => None,
        };
        let keys = steps.iter().map(key).collect::<Option<_>>()?;
        Some(RecordsPath { keys, members })
    }

    /// Whether what it finds may lie at the records or within them.
    pub(crate) fn may_enter(&self, records: &RecordsPath) -> bool {
        let Route::Chain(steps) = &self.route else {
            return true;
        };
        let mut pairs = steps.iter().zip(&records.keys);
        pairs.all(|(step, key)| *step == Step::Any || *step == Step::Key(key.clone()))
    }

    /// The selector as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The JSON text of the first match, such as `12`, `"abc"` or `{"a": 1}`.
    pub fn value<'a>(&self, body: &'a [u8]) -> Result<Option<&'a [u8]>, BodyError> {
        let found = self.find(body, false)?;
        Ok(found.matches.into_iter().next().map(|range| &body[range]))
    }

    /// The records of a page.
    ///
    /// A single match is used itself: a list gives its elements, null and `{}` an empty page, anything else one record.
    /// Several matches are a record each.
    pub fn records(&self, body: &[u8]) -> Result<Selection, BodyError> {
        selection(self.find(body, true)?, body)
    }

    /// The records of a page and the first match of other selectors, in as few passes as possible.
    ///
    /// Where a `reader` is given, it reads the records in the same pass, if they can be told while they come.
    pub fn read(
        &self,
        values: &[&Self],
        body: &[u8],
        reader: Option<&mut dyn RecordReader>,
    ) -> Result<Reading, BodyError> {
        let mut records_read = reader.filter(|_| self.is_chain()).map(Records::new);
        let mut targets = Vec::with_capacity(values.len() + 1);
        for selector in std::iter::once(self).chain(values.iter().copied()) {
            if let Route::Chain(steps) = &selector.route {
                targets.push(Target {
                    steps,
                    elements: targets.is_empty() && std::ptr::eq(selector, self),
                });
            }
        }
        let mut scanned = scan_and_read(body, &targets, records_read.as_mut())?.into_iter();
        let mut find = |selector: &Self| match &selector.route {
            Route::Chain(_) => Ok(scanned.next().expect("each chain was a target")),
            Route::Query(query) => query::find(query, body),
        };
        let records = find(self)?;
        let mut firsts = Vec::with_capacity(values.len());
        for selector in values {
            firsts.push(find(selector)?.matches.into_iter().next());
        }
        let selection = selection(records, body)?;
        let is_read = |read: Records<'_>| !read.read.is_empty() && read.read == selection.records;
        Ok(Reading {
            records_read: records_read.is_some_and(is_read),
            values: firsts,
            selection,
        })
    }

    /// The selector that fits a body of unknown shape: a list of the usual names, else the first list, else `$`.
    ///
    /// Lists are looked for in objects down to three keys. The usual names are `data`, `items`, `results`,
    /// `entries`, `records`, `rows`, `entities`, `payload`, `content`, `objects` and `values`.
    pub fn detect(body: &[u8]) -> Result<Self, BodyError> {
        detect::detect(body).map(Self::from_keys)
    }

    /// Why [`Selector::detect`] has chosen it for a body, which is a list itself or not.
    pub(crate) fn why_detected(&self, body_is_list: bool) -> String {
        let Route::Chain(steps) = &self.route else {
            return String::new();
        };
        match steps.last() {
            Some(Step::Key(key)) if is_usual_name(key) => {
                format!("a list under a usual name, `{key}`")
            }
            Some(_) => "the first list in the answer".to_owned(),
            None if body_is_list => "the answer itself is a list".to_owned(),
            None => "the answer holds no list, so that it is one record".to_owned(),
        }
    }

    /// Selectors that would have found records: lists of objects (`a.b`) and objects of objects (`people.*`).
    ///
    /// At most ten, the shortest first; none where the body is not JSON.
    pub fn candidates(body: &[u8]) -> Vec<String> {
        detect::candidates(body)
    }

    /// The list of records in a body that holds nothing else but what tells of paging: `data` of `{"data": […], "next": …}`.
    /// `None` where the body is no such page, or no JSON.
    pub fn list_within(body: &[u8]) -> Option<String> {
        envelope::list_within(body).ok().flatten()
    }

    /// The selector of the value under a chain of keys; `$` where there are none.
    pub(crate) fn from_keys(keys: Vec<String>) -> Self {
        let text = if keys.is_empty() {
            "$".to_owned()
        } else {
            path_text(&keys)
        };
        Self {
            text,
            route: Route::Chain(keys.into_iter().map(Step::Key).collect()),
        }
    }

    fn find(&self, body: &[u8], elements: bool) -> Result<Found, BodyError> {
        match &self.route {
            Route::Chain(steps) => {
                let mut found = scan(body, &[Target { steps, elements }])?;
                Ok(found.pop().expect("one target gives one result"))
            }
            Route::Query(query) => {
                scan(body, &[])?;
                query::find(query, body)
            }
        }
    }
}

/// Applies the rule of records to the matches of a selector.
fn selection(found: Found, body: &[u8]) -> Result<Selection, BodyError> {
    let Found {
        mut matches,
        elements,
        reached_empty,
    } = found;
    if matches.is_empty() {
        return Ok(Selection {
            records: matches,
            missing: !reached_empty,
        });
    }
    if matches.len() > 1 {
        return Ok(Selection {
            records: matches,
            missing: false,
        });
    }
    let only = matches[0].clone();
    let records = match (elements, body[only.start]) {
        (Some(elements), _) => elements,
        (None, b'n') => Vec::new(),
        (None, b'{') if is_empty_object(&body[only.clone()]) => Vec::new(),
        (None, b'[') => {
            let whole = Target {
                steps: &[],
                elements: true,
            };
            let mut inside = scan(&body[only.clone()], &[whole])?;
            let elements = inside
                .pop()
                .and_then(|found| found.elements)
                .unwrap_or_default();
            elements
                .into_iter()
                .map(|range| range.start + only.start..range.end + only.start)
                .collect()
        }
        (None, _) => std::mem::take(&mut matches),
    };
    Ok(Selection {
        records,
        missing: false,
    })
}

fn is_empty_object(json: &[u8]) -> bool {
    let inside = json
        .strip_prefix(b"{")
        .and_then(|rest| rest.strip_suffix(b"}"));
    inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// Reads `$`, `.key`, `.*`, `[*]`, `['key']` and `[0]`; `None` where the path holds anything else.
///
/// Keys may hold `-` and `@` here, which RFC 9535 has only in quotes.
fn parse_chain(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(".*").or_else(|| rest.strip_prefix("[*]")) {
            steps.push(Step::Any);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let length = after
                .find(|letter: char| !is_name_letter(letter))
                .unwrap_or(after.len());
            let (name, after) = after.split_at(length);
            if name.is_empty()
                || name.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-')
            {
                return None;
            }
            steps.push(Step::Key(name.to_owned()));
            rest = after;
        } else {
            let (inside, after) = bracket(rest)?;
            steps.push(inside);
            rest = after;
        }
    }
    Some(steps)
}

/// Reads `['key']`, `["key"]` or `[0]`.
fn bracket(text: &str) -> Option<(Step, &str)> {
    let inside = text.strip_prefix('[')?;
    if let Some(quote @ ('\'' | '"')) = inside.chars().next() {
        let (key, after) = inside.strip_prefix(quote)?.split_once(quote)?;
        let plain = !key.contains(['\\']) && !key.contains(char::is_control);
        return plain.then_some((Step::Key(key.to_owned()), after.strip_prefix(']')?));
    }
    let (digits, after) = inside.split_once(']')?;
    let canonical = digits == "0" || !digits.starts_with('0');
    let numeric = digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && numeric).then(|| digits.parse().ok().map(|index| (Step::Index(index), after)))?
}

fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '@') || !letter.is_ascii()
}

/// Writes keys as a path that [`Selector::parse`] reads back.
fn path_text(keys: &[String]) -> String {
    let mut text = String::new();
    for key in keys {
        let plain = key.starts_with(|letter: char| {
            is_name_letter(letter) && !letter.is_ascii_digit() && letter != '-'
        }) && key.chars().all(is_name_letter);
        if plain {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(key);
        } else {
            text.push_str("['");
            for letter in key.chars() {
                match letter {
                    '\'' | '\\' => text.extend(['\\', letter]),
                    _ if letter.is_control() => {
                        write!(text, "\\u{:04x}", u32::from(letter))
                            .expect("writing to a string does not fail");
                    }
                    _ => text.push(letter),
                }
            }
            text.push_str("']");
        }
    }
    text
}

/// The last line of a parser's message, which says what was expected.
fn one_line(message: &str) -> String {
    let last = message
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or(message);
    last.trim().trim_start_matches("= ").to_owned()
}
