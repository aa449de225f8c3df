//! `paginator`: how the pages of a request follow each other.

use schemars::JsonSchema;
use serde::Deserialize;

/// Pages of one slice that are asked for at the same time, unless the spec says otherwise: enough to hide the way to
/// and fro, and few enough for an API that limits connections.
pub const DEFAULT_PAGE_CONCURRENCY: usize = 8;

/// Path of the total of a paginator that counts, unless the spec says otherwise.
pub const DEFAULT_TOTAL_PATH: &str = "total";

/// How pages follow each other. A name alone stands for that paginator with its defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "type", transform = super::schema::paginator_by_name)]
pub enum Paginator {
    /// Found from the first answer, told, and never guessed: where the answer proves nothing, reading fails and says
    /// what to set.
    Auto(Auto),
    /// One request; what it answers is all.
    SinglePage(SinglePage),
    /// An offset and a limit, counted in records.
    Offset(Offset),
    /// A page number.
    PageNumber(PageNumber),
    /// The next page's URL in the body.
    #[serde(alias = "json_response")]
    JsonLink(JsonLink),
    /// The next page's URL in the `Link` header (RFC 8288).
    HeaderLink(HeaderLink),
    /// A cursor in a header of the answer, sent back with the next request.
    HeaderCursor(HeaderCursor),
    /// A cursor in the body or in the last record, sent back with the next request.
    Cursor(Cursor),
}

/// One request; what it answers is all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinglePage {}

/// What a paginator says of its end, with the names of its keys.
pub(crate) struct StopKeys<'a> {
    pub(crate) total_path: Option<&'a str>,
    pub(crate) total_items_path: Option<&'a str>,
    pub(crate) total_pages_path: Option<&'a str>,
    pub(crate) total_items_header: Option<&'a str>,
    pub(crate) total_pages_header: Option<&'a str>,
    pub(crate) has_more_path: Option<&'a str>,
    pub(crate) stop_after_empty_page: bool,
    pub(crate) stop_after_short_page: bool,
    pub(crate) max_pages: Option<u64>,
    pub(crate) max_records: Option<u64>,
    pub(crate) stop_when: Option<&'a str>,
}

/// A page size that a paginator declares.
pub(crate) struct PageSizeKeys<'a> {
    pub(crate) size: Option<u64>,
    pub(crate) param: Option<&'a String>,
    pub(crate) body_path: Option<&'a String>,
    pub(crate) header: Option<&'a String>,
}

/// A paginator with the rules that end any of them. The reader knows no flattened structs, so the keys are repeated.
macro_rules! paginator {
    (
        $(#[$attribute:meta])*
        $name:ident { $($(#[$field_attribute:meta])* $field:ident: $type:ty,)* }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)*
            /// JSONPath of the total number of records; reading ends once so many came. Stands in for `total_path`.
            /// A total that is declared and missing is an error. Default: none.
            pub total_items_path: Option<String>,
            /// JSONPath of the total number of pages; reading ends once so many came. Stands in for `total_path`. A
            /// total that is declared and missing is an error. Default: none.
            pub total_pages_path: Option<String>,
            /// Response header with the total number of records, such as `X-Total-Count`. Stands in for `total_path`.
            /// Default: none.
            pub total_items_header: Option<String>,
            /// Response header with the total number of pages, such as `X-Total-Pages`. Stands in for `total_path`.
            /// Default: none.
            pub total_pages_header: Option<String>,
            /// JSONPath of a boolean that says whether more pages follow; it must be there in each answer. Texts such
            /// as `yes`, `t` and `1`, or `no`, `f` and `0`, count too. Default: none.
            pub has_more_path: Option<String>,
            /// Whether a page with fewer records than were asked for is the last one; needs the page size. A first
            /// page with a round number of records isn't taken for short, as it may show the server's own limit.
            /// Default: false.
            #[serde(default)]
            pub stop_after_short_page: bool,
            /// The most pages that are read of a slice. Where more follow, a warning says so, and the cursor of an
            /// incremental resource stays as under `response_actions`. Default: no bound.
            #[schemars(range(min = 1))]
            pub max_pages: Option<u64>,
            /// The most records that are read of a slice; else as `max_pages`. Default: no bound.
            #[schemars(range(min = 1))]
            pub max_records: Option<u64>,
            /// An expression that is true for the last page, such as `last_record.id == body.last_id`. It may name
            /// `body`, `headers` (in lower case), `records` (how many this page has), `page` (from 1), `total`, `next`
            /// (the next cursor, link, offset or page number) and `last_record`. Default: none.
            pub stop_when: Option<String>,
        }

        impl $name {
            pub(crate) fn stop_keys(&self) -> StopKeys<'_> {
                StopKeys {
                    total_path: self.total_path.as_deref(),
                    total_items_path: self.total_items_path.as_deref(),
                    total_pages_path: self.total_pages_path.as_deref(),
                    total_items_header: self.total_items_header.as_deref(),
                    total_pages_header: self.total_pages_header.as_deref(),
                    has_more_path: self.has_more_path.as_deref(),
                    stop_after_empty_page: self.stop_after_empty_page,
                    stop_after_short_page: self.stop_after_short_page,
                    max_pages: self.max_pages,
                    max_records: self.max_records,
                    stop_when: self.stop_when.as_deref(),
                }
            }
        }
    };
}

/// A paginator that may declare a page size.
macro_rules! sized_paginator {
    (
        $(#[$attribute:meta])*
        $name:ident { $($(#[$field_attribute:meta])* $field:ident: $type:ty,)* }
    ) => {
        paginator! {
            $(#[$attribute])*
            $name {
                $($(#[$field_attribute])* $field: $type,)*
                /// Records in a full page. It is sent where one of the next three keys says, and serves
                /// `stop_after_short_page`. Default: none.
                #[schemars(range(min = 1))]
                page_size: Option<u64>,
                /// Query parameter of the page size. Default: it is not sent.
                page_size_param: Option<String>,
                /// Place of the page size in the request's JSON body, with dots (`page.size`), or its field in a form.
                /// Default: it is not sent.
                page_size_body_path: Option<String>,
                /// Request header of the page size. Default: it is not sent.
                page_size_header: Option<String>,
            }
        }

        impl $name {
            pub(crate) fn page_size_keys(&self) -> PageSizeKeys<'_> {
                PageSizeKeys {
                    size: self.page_size,
                    param: self.page_size_param.as_ref(),
                    body_path: self.page_size_body_path.as_ref(),
                    header: self.page_size_header.as_ref(),
                }
            }
        }
    };
}

paginator! {
    /// Found from the first answer: a `Link` header, a next link or cursor in the body, an offset or a page number with
    /// a total.
    Auto {
        /// JSONPath of the total number of records. Default: found.
        total_path: Option<String>,
        /// Whether a page without records is the last one, for paginators that follow links or cursors. Default: false.
        #[serde(default)]
        stop_after_empty_page: bool,
        /// Pages that are asked for at the same time once the total is known; 1 reads one after another. Default: 8.
        #[schemars(range(min = 1))]
        concurrency: Option<usize>,
    }
}

paginator! {
    /// An offset and a limit, counted in records. The offset advances by the records that really came.
    Offset {
        /// Records asked for in a page.
        #[schemars(range(min = 1))]
        limit: u64,
        /// The first offset. Default: 0.
        #[serde(default)]
        offset: u64,
        /// Query parameter of the offset. Default: `offset`, unless one of the next two keys is given.
        offset_param: Option<String>,
        /// Place of the offset in the request's JSON body, with dots (`page.offset`), or its field in a form. Default:
        /// none.
        offset_body_path: Option<String>,
        /// Request header of the offset. Default: none.
        offset_header: Option<String>,
        /// Query parameter of the limit. Default: `limit`, unless one of the next two keys is given.
        limit_param: Option<String>,
        /// Place of the limit in the request's JSON body, with dots, or its field in a form. Default: none.
        limit_body_path: Option<String>,
        /// Request header of the limit. Default: none.
        limit_header: Option<String>,
        /// JSONPath of the total number of records. Default: `total`; null where the API gives none. A total that is
        /// declared and missing is an error.
        #[serde(default = "default_total_path")]
        total_path: Option<String>,
        /// The offset at which reading ends, itself not asked for. Default: none.
        maximum_offset: Option<u64>,
        /// Whether a page without records is the last one. Default: true.
        #[serde(default = "yes")]
        stop_after_empty_page: bool,
        /// Pages that are asked for at the same time once the total is known; 1 reads one after another. They are
        /// handed over in order all the same. Default: 8.
        #[schemars(range(min = 1))]
        concurrency: Option<usize>,
    }
}

sized_paginator! {
    /// A page number.
    PageNumber {
        /// The number of the API's first page: 0 or 1. Default: 0. Where it isn't given and page 0 is empty, page 1 is
        /// asked for too, so that an API that counts from 1 isn't taken for an empty one.
        base_page: Option<u64>,
        /// The first page to ask for. Default: `base_page`.
        page: Option<u64>,
        /// Query parameter of the page number. Default: `page`, unless one of the next two keys is given.
        page_param: Option<String>,
        /// Place of the page number in the request's JSON body, with dots (`page.number`), or its field in a form.
        /// Default: none.
        page_body_path: Option<String>,
        /// Request header of the page number. Default: none.
        page_header: Option<String>,
        /// JSONPath of the total number of pages; `total_items_path` is for a total of records. Default: `total`; null
        /// where the API gives none. A total that is declared and missing is an error.
        #[serde(default = "default_total_path")]
        total_path: Option<String>,
        /// The page number at which reading ends, itself not asked for. Default: none.
        maximum_page: Option<u64>,
        /// Whether a page without records is the last one. Default: true.
        #[serde(default = "yes")]
        stop_after_empty_page: bool,
        /// Pages that are asked for at the same time once the total is known; 1 reads one after another. They are
        /// handed over in order all the same. Default: 8.
        #[schemars(range(min = 1))]
        concurrency: Option<usize>,
    }
}

sized_paginator! {
    /// The next page's URL in the body.
    JsonLink {
        /// JSONPath of the URL, whole or relative to the answer's own; null, missing or empty ends. Default: `next`.
        next_url_path: Option<String>,
        /// JSONPath of the total number of records. Default: none.
        total_path: Option<String>,
        /// Whether a page without records is the last one. Default: false.
        #[serde(default)]
        stop_after_empty_page: bool,
    }
}

sized_paginator! {
    /// The next page's URL in the `Link` header (RFC 8288).
    HeaderLink {
        /// The relation type of the next page. Default: `next`.
        links_next_key: Option<String>,
        /// JSONPath of the total number of records. Default: none.
        total_path: Option<String>,
        /// Whether a page without records is the last one. Default: false.
        #[serde(default)]
        stop_after_empty_page: bool,
    }
}

sized_paginator! {
    /// A cursor in a header of the answer, sent back with the next request.
    HeaderCursor {
        /// Response header of the next cursor; missing or empty ends. Default: `next`.
        cursor_key: Option<String>,
        /// Query parameter of the cursor. Default: `cursor`, unless one of the next two keys is given.
        cursor_param: Option<String>,
        /// Place of the cursor in the request's JSON body, with dots, or its field in a form. Default: none.
        cursor_body_path: Option<String>,
        /// Request header of the cursor. Default: none.
        cursor_header: Option<String>,
        /// JSONPath of the total number of records. Default: none.
        total_path: Option<String>,
        /// Whether a page without records is the last one. Default: false.
        #[serde(default)]
        stop_after_empty_page: bool,
    }
}

sized_paginator! {
    /// A cursor in the body or in the last record, sent back with the next request.
    Cursor {
        /// JSONPath of the next cursor in the body; null, missing, false or empty ends, 0 doesn't. In a JSON body it is
        /// sent as the type that it came as. Default: `cursors.next`.
        cursor_path: Option<String>,
        /// JSONPath of the cursor in the last record of a page, such as `id`, for APIs that go on behind a record
        /// (`starting_after`). Stands in for `cursor_path`; a page without records ends. Default: none.
        cursor_record_path: Option<String>,
        /// Query parameter of the cursor. Default: `cursor`, unless one of the next two keys is given.
        cursor_param: Option<String>,
        /// Place of the cursor in the request's JSON body, with dots (`page.after`), or its field in a form. Default:
        /// none.
        cursor_body_path: Option<String>,
        /// Request header of the cursor. Default: none.
        cursor_header: Option<String>,
        /// JSONPath of the total number of records. Default: none.
        total_path: Option<String>,
        /// Whether a page without records is the last one. Default: false.
        #[serde(default)]
        stop_after_empty_page: bool,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn default_total_path() -> Option<String> {
    Some(DEFAULT_TOTAL_PATH.to_owned())
}

fn yes() -> bool {
    true
}
