//! Pagination: which request follows an answer.
//!
//! Pagers are plain values without a socket: an answer in, the next step out.

mod auto;
mod cursor;
mod guard;
mod has_more;
mod header_link;
mod json_link;
mod offset;
mod page_number;
mod scalar;

#[cfg(test)]
mod tests;

use std::ops::Range;

use http::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::plan::{PaginatorPlan, Placement, Selector};
use guard::LoopGuard;

/// What a pager knows of an answer.
pub(super) struct Answer<'a> {
    /// The URL that gave it, behind redirects.
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    /// A whole JSON document.
    pub(super) body: &'a [u8],
    /// Where the records lie in the body.
    pub(super) records: &'a [Range<usize>],
    /// First matches that were found when the body was read.
    pub(super) values: &'a [(Selector, Option<Range<usize>>)],
}

/// The request that follows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// None: the slice is read.
    Done,
    /// The first request again with these values in it, in place of those that were there.
    Values(Vec<(Placement, Value)>),
    /// This URL.
    Link(Url),
}

/// What a pager makes of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turn {
    pub(super) next: Next,
    /// What a person should know.
    pub(super) notice: Option<String>,
}

/// An answer that leaves unclear which request follows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PagerError {
    /// The declared total is missing or no number.
    #[error(
        "read the total at `{path}`: found {found} instead of a whole number; where the API gives no total, write `total_path: null`"
    )]
    Total {
        /// The path in the body.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// The value that says whether more follows is missing or no boolean.
    #[error("read `has_more_path` at `{path}`: found {found} instead of a boolean")]
    HasMore {
        /// The path in the body.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// The next cursor is no scalar.
    #[error("read the next cursor at `{path}`: found {found} instead of a text or number")]
    Cursor {
        /// The path in the body.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// The next link is no URL.
    #[error("read the next link at `{place}`: it isn't a URL")]
    Link {
        /// The path in the body, or the header's name.
        place: String,
    },
    /// The API asks for a request that was made already; following it would never end.
    #[error("read the next page: the API gave a cursor or link again that it had given before")]
    Repeated,
    /// A page without records, though the total says that more follow.
    #[error(
        "read the next page: there are no records at offset {offset}, though the total is {total}"
    )]
    EmptyBeforeTotal {
        /// The offset of the empty page.
        offset: u64,
        /// What the API says there is.
        total: u64,
    },
    /// No way of paging was found, though the answer says that there is more.
    #[error(
        "find the paginator: `{path}` says that there is more than the {records} records that came, and nothing says how \
         to ask for it; set `paginator`"
    )]
    Undetected {
        /// The path of the total in the body.
        path: String,
        /// The records that came.
        records: u64,
    },
    /// A page is the same as the one before it, though the request was another.
    #[error(
        "read the next page: it is identical to the page before, so the API seems to ignore the paging parameters"
    )]
    SamePage,
}

/// The pagination of one slice.
pub(super) struct Pager {
    kind: Kind,
    guard: LoopGuard,
}

enum Kind {
    Auto,
    SinglePage,
    Offset(offset::Offset),
    PageNumber(page_number::PageNumber),
    JsonLink(Selector),
    HeaderLink(String),
    Cursor(crate::plan::CursorPlan),
}

impl Pager {
    /// Stands before the first page.
    pub(super) fn new(plan: &PaginatorPlan) -> Self {
        let kind = match plan {
            PaginatorPlan::Auto => Kind::Auto,
            PaginatorPlan::SinglePage => Kind::SinglePage,
            PaginatorPlan::Offset(plan) => Kind::Offset(offset::Offset::new(plan.clone())),
            PaginatorPlan::PageNumber(plan) => {
                Kind::PageNumber(page_number::PageNumber::new(plan.clone()))
            }
            PaginatorPlan::JsonLink { next_url_path } => Kind::JsonLink(next_url_path.clone()),
            PaginatorPlan::HeaderLink { links_next_key } => {
                Kind::HeaderLink(links_next_key.clone())
            }
            PaginatorPlan::Cursor(plan) => Kind::Cursor(plan.clone()),
        };
        Self {
            kind,
            guard: LoopGuard::default(),
        }
    }

    /// The first request.
    pub(super) fn first(&self) -> Next {
        Next::Values(match &self.kind {
            Kind::Offset(pager) => pager.values(),
            Kind::PageNumber(pager) => pager.values(),
            _ => Vec::new(),
        })
    }

    /// The name of the way of paging, as specs write it.
    #[cfg(test)]
    pub(super) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Auto => "auto",
            Kind::SinglePage => "single_page",
            Kind::Offset(_) => "offset",
            Kind::PageNumber(_) => "page_number",
            Kind::JsonLink(_) => "json_link",
            Kind::HeaderLink(_) => "header_link",
            Kind::Cursor(_) => "cursor",
        }
    }

    /// The values that the next turn will ask for, so that they can be found while the body is read.
    pub(super) fn selectors(&self) -> Vec<&Selector> {
        match &self.kind {
            Kind::Auto | Kind::SinglePage | Kind::HeaderLink(_) => Vec::new(),
            Kind::Offset(pager) => pager.selectors(),
            Kind::PageNumber(pager) => pager.selectors(),
            Kind::JsonLink(path) => vec![path],
            Kind::Cursor(plan) => std::iter::once(&plan.cursor_path)
                .chain(&plan.has_more_path)
                .collect(),
        }
    }

    /// Goes on from an answer.
    pub(super) fn turn(&mut self, answer: &Answer<'_>) -> Result<Turn, PagerError> {
        if matches!(self.kind, Kind::Auto) {
            let (kind, notice) = auto::detect(answer)?;
            self.kind = kind;
            let turn = self.turn(answer)?;
            return Ok(Turn {
                notice: notice.or(turn.notice),
                ..turn
            });
        }
        self.guard.see_page(answer)?;
        let turn = match &mut self.kind {
            Kind::Auto | Kind::SinglePage => Next::Done.into(),
            Kind::Offset(pager) => pager.turn(answer)?,
            Kind::PageNumber(pager) => pager.turn(answer)?,
            Kind::JsonLink(path) => json_link::next(path, answer)?.into(),
            Kind::HeaderLink(relation) => header_link::next(relation, answer)?.into(),
            Kind::Cursor(plan) => cursor::next(plan, answer)?.into(),
        };
        self.guard.see_request(&turn.next)?;
        Ok(turn)
    }
}

impl Answer<'_> {
    /// The JSON text of a selector's first match.
    fn value(&self, selector: &Selector) -> Option<&[u8]> {
        match self.values.iter().find(|(known, _)| known == selector) {
            Some((_, range)) => range.clone().map(|range| &self.body[range]),
            // The body is known to be JSON, so that an error can only mean that nothing is there.
            None => selector.value(self.body).ok().flatten(),
        }
    }
}

impl From<Next> for Turn {
    fn from(next: Next) -> Self {
        Self { next, notice: None }
    }
}
