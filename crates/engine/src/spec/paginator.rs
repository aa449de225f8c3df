//! `paginator`: how the pages of a request follow each other.

use schemars::JsonSchema;
use serde::Deserialize;

/// How pages follow each other. A name alone stands for that paginator with its defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "type", transform = super::schema::paginator_by_name)]
pub enum Paginator {
    /// Found from the first answer: a `Link` header, a next link in the body, or an offset with a total.
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
    /// A cursor in the body, sent back as a query parameter.
    Cursor(Cursor),
}

/// Found from the first answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auto {}

/// One request; what it answers is all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinglePage {}

/// An offset and a limit, counted in records. The offset advances by the records that really came.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offset {
    /// Records asked for in a page.
    #[schemars(range(min = 1))]
    pub limit: u64,
    /// The first offset. Default: 0.
    #[serde(default)]
    pub offset: u64,
    /// Query parameter of the offset. Default: `offset`.
    pub offset_param: Option<String>,
    /// Query parameter of the limit. Default: `limit`.
    pub limit_param: Option<String>,
    /// JSONPath of the total number of records. Default: `total`; null where the API gives none. A total that is
    /// declared and missing is an error.
    #[serde(default = "default_total_path")]
    pub total_path: Option<String>,
    /// The offset at which reading ends, itself not asked for. Default: none.
    pub maximum_offset: Option<u64>,
    /// Whether a page without records is the last one. Default: true.
    #[serde(default = "yes")]
    pub stop_after_empty_page: bool,
    /// JSONPath of a boolean that says whether more pages follow. Default: none.
    pub has_more_path: Option<String>,
}

/// A page number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageNumber {
    /// The number of the API's first page: 0 or 1. Default: 0.
    #[serde(default)]
    pub base_page: u64,
    /// The first page to ask for. Default: `base_page`.
    pub page: Option<u64>,
    /// Query parameter of the page number. Default: `page`.
    pub page_param: Option<String>,
    /// JSONPath of the total number of pages. Default: `total`; null where the API gives none.
    #[serde(default = "default_total_path")]
    pub total_path: Option<String>,
    /// The page number at which reading ends, itself not asked for. Default: none.
    pub maximum_page: Option<u64>,
    /// Whether a page without records is the last one. Default: true.
    #[serde(default = "yes")]
    pub stop_after_empty_page: bool,
    /// JSONPath of a boolean that says whether more pages follow. Default: none.
    pub has_more_path: Option<String>,
}

/// The next page's URL in the body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonLink {
    /// JSONPath of the URL; null, missing or empty ends. Default: `next`.
    pub next_url_path: Option<String>,
}

/// The next page's URL in the `Link` header (RFC 8288).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderLink {
    /// The relation type of the next page. Default: `next`.
    pub links_next_key: Option<String>,
}

/// A cursor in the body, sent back as a query parameter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// JSONPath of the next cursor; null, missing or empty ends. Default: `cursors.next`.
    pub cursor_path: Option<String>,
    /// Query parameter of the cursor. Default: `cursor`.
    pub cursor_param: Option<String>,
    /// Whether a page without records is the last one. Default: false.
    #[serde(default)]
    pub stop_after_empty_page: bool,
    /// JSONPath of a boolean that says whether more pages follow. Default: none.
    pub has_more_path: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn default_total_path() -> Option<String> {
    Some("total".to_owned())
}

fn yes() -> bool {
    true
}
