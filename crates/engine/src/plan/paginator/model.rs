//! The compiled forms of `paginator`.

use http::HeaderName;

use crate::plan::{Expression, Placement, Selector};

/// How the pages of a slice follow each other.
#[derive(Clone, Debug, PartialEq)]
pub enum PaginatorPlan {
    /// Found from the first answer.
    Auto(AutoPlan),
    /// One request.
    SinglePage,
    /// One request, as the path names one record and the spec no paginator. What looks like more pages is told.
    SingleRecord,
    /// Pages that are asked for by a number: an offset or a page number.
    Counted(CountedPlan),
    /// Pages each of which tells how to ask for the next.
    Chained(ChainedPlan),
}

/// See [`PaginatorPlan::Auto`].
#[derive(Clone, Debug, PartialEq)]
pub struct AutoPlan {
    /// When to end; a total without a unit takes the unit of what is found.
    pub stop: StopPlan,
    /// Pages asked for at the same time; at least 1.
    pub concurrency: usize,
    /// The selector gives one record for each that the API counts, so that offsets may advance by them.
    pub counts_records: bool,
}

impl Default for AutoPlan {
    fn default() -> Self {
        Self {
            stop: StopPlan::default(),
            concurrency: crate::spec::DEFAULT_PAGE_CONCURRENCY,
            counts_records: true,
        }
    }
}

/// What a number of a page counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageUnit {
    /// The records before the page: an offset.
    Records,
    /// The pages.
    Pages,
}

/// See [`PaginatorPlan::Counted`].
#[derive(Clone, Debug, PartialEq)]
pub struct CountedPlan {
    /// What is counted.
    pub unit: PageUnit,
    /// Where the number goes in a request.
    pub position: Placement,
    /// The first number asked for.
    pub first: u64,
    /// The number of the API's first page; 0 for offsets.
    pub base: u64,
    /// Nobody said where the API begins to count.
    pub base_is_assumed: bool,
    /// The number at which reading ends, itself not asked for.
    pub maximum: Option<u64>,
    /// Records of a full page.
    pub page_size: Option<PageSizePlan>,
    /// Pages asked for at the same time once their end is known; at least 1.
    pub concurrency: usize,
    /// When to end.
    pub stop: StopPlan,
}

/// A declared page size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSizePlan {
    /// Records of a full page; at least 1.
    pub size: u64,
    /// Where it goes in a request; `None`: nowhere.
    pub placement: Option<Placement>,
}

/// See [`PaginatorPlan::Chained`].
#[derive(Clone, Debug, PartialEq)]
pub struct ChainedPlan {
    /// Where an answer tells of the next page.
    pub next: NextPlan,
    /// Records of a full page.
    pub page_size: Option<PageSizePlan>,
    /// When to end, beside the end of the chain.
    pub stop: StopPlan,
}

/// Where an answer tells of the next page.
#[derive(Clone, Debug, PartialEq)]
pub enum NextPlan {
    /// A URL in the body; null, missing or empty ends.
    JsonLink {
        /// Its path.
        path: Selector,
    },
    /// A URL in the `Link` header (RFC 8288).
    HeaderLink {
        /// The relation type of the next page.
        relation: String,
    },
    /// A cursor in a header; missing or empty ends.
    HeaderCursor {
        /// The header.
        header: HeaderName,
        /// Where the cursor goes in a request.
        cursor: Placement,
    },
    /// A cursor in the body; null, missing, false or empty ends.
    BodyCursor {
        /// Its path.
        path: Selector,
        /// Where the cursor goes in a request.
        cursor: Placement,
    },
    /// A field of the last record; a page without records ends.
    RecordCursor {
        /// Its path in the record.
        path: Selector,
        /// Where the cursor goes in a request.
        cursor: Placement,
    },
}

/// What ends the pages of a slice; the first rule that holds does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StopPlan {
    /// How much there is.
    pub total: Option<TotalPlan>,
    /// Path of a boolean in the body that says whether more pages follow.
    pub has_more_path: Option<Selector>,
    /// A page without records is the last one.
    pub stop_after_empty_page: bool,
    /// A page with fewer records than the page size is the last one.
    pub stop_after_short_page: bool,
    /// The most pages; at least 1.
    pub max_pages: Option<u64>,
    /// The most records; at least 1.
    pub max_records: Option<u64>,
    /// An expression over [`STOP_NAMES`] that is true for the last page.
    pub stop_when: Option<Expression>,
}

/// A total that the API declares.
#[derive(Clone, Debug, PartialEq)]
pub struct TotalPlan {
    /// Where it is.
    pub source: TotalSource,
    /// What it counts.
    pub unit: PageUnit,
}

/// Where a total is.
#[derive(Clone, Debug, PartialEq)]
pub enum TotalSource {
    /// In the body.
    Body(Selector),
    /// In a header of the answer.
    Header(HeaderName),
}

/// What `stop_when` may name.
pub const STOP_NAMES: [&str; 7] = [
    "body",
    "headers",
    "records",
    "page",
    "total",
    "next",
    "last_record",
];
