//! Why it can't be told which request follows an answer.

use crate::plan::ExpressionError;

/// An answer that leaves unclear which request follows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PagerError {
    /// The declared total is missing or no number.
    #[error(
        "read the total at `{place}`: found {found} instead of a whole number; where the API gives no total, write `total_path: null`"
    )]
    Total {
        /// The path in the body, or the header's name.
        place: String,
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
    /// The answer says that more follows, and doesn't say how to ask for it.
    #[error(
        "read the next page: `has_more_path` says that more follows, and there is no {missing}; where the API's word on \
         it can't be trusted, leave `has_more_path` out"
    )]
    MoreWithoutNext {
        /// What is missing.
        missing: &'static str,
    },
    /// The next cursor is no scalar.
    #[error("read the next cursor at `{path}`: found {found} instead of a text or number")]
    Cursor {
        /// The path in the body or the record, or the header's name.
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
    /// The first page has no records, though the total says that there are some.
    #[error(
        "read the first page: page {page} has no records, though the total is {total}; if the API counts its pages from \
         {other}, write `base_page: {other}`"
    )]
    EmptyFirstPage {
        /// The number of the empty page.
        page: u64,
        /// What the API says there is.
        total: u64,
        /// The other usual number of a first page.
        other: u64,
    },
    /// The API counts its pages from 1, and page 0 was asked for.
    #[error(
        "read the first page: page 0 {zero}, so the API seems to count its pages from 1; write `base_page: 1`, or \
         `base_page: 0` if page 0 is really there"
    )]
    CountsFromOne {
        /// What page 0 is like.
        zero: &'static str,
    },
    /// No way of paging was found, though the answer says that there is more.
    #[error(
        "find the paginator: `{path}` says that there is more than the {records} records that came, and nothing says how \
         to ask for it; set `paginator`"
    )]
    Undetected {
        /// The place of the total: a path in the body, or a header.
        path: String,
        /// The records that came.
        records: u64,
    },
    /// No way of paging was found, though the answer says that more follows.
    #[error(
        "find the paginator: `{path}` says that more follows, and nothing says how to ask for it; set `paginator`, such \
         as `{{ type: cursor, cursor_record_path: id, cursor_param: starting_after, has_more_path: {path} }}`"
    )]
    UndetectedMore {
        /// The path of the boolean in the body.
        path: String,
    },
    /// A page is the same as the one before it, though the request was another.
    #[error(
        "read the next page: it is identical to the page before, so the API seems to ignore the paging parameters"
    )]
    SamePage,
    /// The stop rule can't be evaluated.
    #[error("decide with `stop_when` whether more pages follow: {0}")]
    StopWhen(ExpressionError),
}
