//! Pages each of which tells how to ask for the next: links and cursors.

use serde_json::Value;

use super::{Answer, Ask, PagerError, header_link, scalar};
use crate::plan::{ChainedPlan, NextPlan, Placement, Selector};
use crate::spec::looks_secret;

/// Where a slice stands.
pub(super) struct Chained {
    plan: ChainedPlan,
    next: Option<Ask>,
}

impl Chained {
    /// Stands before the first page.
    pub(super) fn new(plan: ChainedPlan) -> Self {
        let mut chained = Self::behind_first(plan);
        chained.next = Some(Ask {
            link: None,
            values: chained.page_size(),
        });
        chained
    }

    /// The first page has been asked for.
    pub(super) fn behind_first(plan: ChainedPlan) -> Self {
        Self { plan, next: None }
    }

    pub(super) fn ask(&mut self) -> Option<Ask> {
        self.next.take()
    }

    pub(super) fn selector(&self) -> Option<&Selector> {
        match &self.plan.next {
            NextPlan::JsonLink { path } | NextPlan::BodyCursor { path, .. } => Some(path),
            NextPlan::HeaderLink { .. }
            | NextPlan::HeaderCursor { .. }
            | NextPlan::RecordCursor { .. } => None,
        }
    }

    /// What an answer lacks that gives no next request.
    pub(super) fn missing(&self) -> &'static str {
        match &self.plan.next {
            NextPlan::JsonLink { .. } | NextPlan::HeaderLink { .. } => "next link",
            NextPlan::HeaderCursor { .. } | NextPlan::BodyCursor { .. } => "next cursor",
            NextPlan::RecordCursor { .. } => "record whose field would be the cursor",
        }
    }

    /// What an answer lacks, and where it would be.
    pub(super) fn missing_where(&self) -> String {
        match &self.plan.next {
            NextPlan::JsonLink { path } => format!("next link at `{}`", path.as_str()),
            NextPlan::HeaderLink { relation } => {
                format!("link with `rel={relation}` in its `Link` header")
            }
            NextPlan::HeaderCursor { header, .. } => format!("cursor in the header `{header}`"),
            NextPlan::BodyCursor { path, .. } => format!("cursor at `{}`", path.as_str()),
            NextPlan::RecordCursor { .. } => self.missing().to_owned(),
        }
    }

    /// How a request was found, for people. Neither a link nor a cursor that looks like a secret is shown.
    pub(super) fn told(&self, ask: &Ask) -> String {
        let next = |cursor: &Placement| {
            let name = cursor.name();
            let value = match shown(ask) {
                _ if looks_secret(&name) => "…".to_owned(),
                Value::String(text) => text,
                value => value.to_string(),
            };
            format!("next is `{name}={value}`")
        };
        match &self.plan.next {
            NextPlan::JsonLink { path } => format!("next is the link at `{}`", path.as_str()),
            NextPlan::HeaderLink { .. } => "next is the link in the `Link` header".to_owned(),
            NextPlan::HeaderCursor { header, cursor } => {
                format!("{}, from the header `{header}`", next(cursor))
            }
            NextPlan::BodyCursor { path, cursor } => {
                format!("{}, from `{}`", next(cursor), path.as_str())
            }
            NextPlan::RecordCursor { path, cursor } => {
                format!(
                    "{}, from `{}` of the last record",
                    next(cursor),
                    path.as_str()
                )
            }
        }
    }

    pub(super) fn go_on(&mut self, next: Ask) {
        self.next = Some(next);
    }

    /// The request that an answer leads to; `None` at the end of the chain.
    pub(super) fn find(&self, answer: &Answer<'_>) -> Result<Option<Ask>, PagerError> {
        Ok(match &self.plan.next {
            NextPlan::JsonLink { path } => json_link(path, answer)?.map(|url| self.link(url)),
            NextPlan::HeaderLink { relation } => {
                header_link::next(relation, answer)?.map(|url| self.link(url))
            }
            NextPlan::HeaderCursor { header, cursor } => {
                let Some(value) = answer.headers.get(header) else {
                    return Ok(None);
                };
                let text = std::str::from_utf8(value.as_bytes());
                let text = text.map_err(|_| PagerError::Cursor {
                    path: header.to_string(),
                    found: "bytes that are no text",
                })?;
                (!text.is_empty()).then(|| self.cursor(cursor, Value::from(text)))
            }
            NextPlan::BodyCursor { path, cursor } => match answer.value(path) {
                None | Some(b"null" | b"false" | b"\"\"") => None,
                Some(raw) => Some(self.cursor(cursor, cursor_value(path, Some(raw))?)),
            },
            NextPlan::RecordCursor { path, cursor } => {
                let Some(last) = answer.records.last() else {
                    return Ok(None);
                };
                let raw = path.value(&answer.body[last.clone()]).ok().flatten();
                Some(self.cursor(cursor, cursor_value(path, raw)?))
            }
        })
    }

    fn cursor(&self, place: &Placement, value: Value) -> Ask {
        let mut values = self.page_size();
        values.push((place.clone(), value));
        Ask { link: None, values }
    }

    /// A link is complete, but for what isn't in a URL.
    fn link(&self, url: url::Url) -> Ask {
        let mut values = self.page_size();
        values.retain(|(place, _)| !matches!(place, Placement::Query(_)));
        Ask {
            link: Some(url),
            values,
        }
    }

    fn page_size(&self) -> Vec<(Placement, Value)> {
        let size = self.plan.page_size.as_ref();
        let placed = size.and_then(|size| Some((size.placement.clone()?, Value::from(size.size))));
        placed.into_iter().collect()
    }
}

/// What stands for a request in an expression: its link, or its cursor.
pub(super) fn shown(ask: &Ask) -> Value {
    match &ask.link {
        Some(url) => Value::from(url.as_str()),
        None => ask
            .values
            .last()
            .map_or(Value::Null, |(_, value)| value.clone()),
    }
}

fn cursor_value(path: &Selector, raw: Option<&[u8]>) -> Result<Value, PagerError> {
    let wrong = || PagerError::Cursor {
        path: path.as_str().to_owned(),
        found: scalar::kind(raw),
    };
    raw.and_then(scalar::exact).ok_or_else(wrong)
}

/// The link at the path; null, missing or empty ends the slice.
fn json_link(path: &Selector, answer: &Answer<'_>) -> Result<Option<url::Url>, PagerError> {
    let wrong = || PagerError::Link {
        place: path.as_str().to_owned(),
    };
    let link = match answer.value(path) {
        None | Some(b"null") => return Ok(None),
        Some(raw) => serde_json::from_slice::<String>(raw).map_err(|_| wrong())?,
    };
    if link.is_empty() {
        return Ok(None);
    }
    answer.url.join(&link).map(Some).map_err(|_| wrong())
}
