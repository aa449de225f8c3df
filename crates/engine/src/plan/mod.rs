//! The checked, compiled form of a pipeline: what will happen, with nothing left to decide.
//!
//! **Invariant:** planning is pure. No file, network, clock or environment is touched here, and nothing awaits.

mod auth;
mod checkpoint;
mod client;
mod column_hint;
mod columns;
mod compile;
mod contract;
mod cursor_format;
mod destination;
mod exchange;
mod expect;
mod expression;
mod field_path;
mod filters;
mod graph;
mod incremental;
mod job;
mod memory;
mod merge;
mod merge_plan;
mod mistakes;
mod model;
mod paginator;
mod parents;
mod partition_by;
mod partitions;
mod path_params;
mod request;
mod resource;
mod response_action;
mod seeds;
pub mod selector;
mod single_record;
mod steps;
pub mod template;

pub use crate::spec::{Compression, ContractMode, DatePart};
pub use auth::{ApiKeyPlace, AuthPlan, ClientCredentialsPlan};
pub use checkpoint::CheckpointPlan;
pub use client::{AllowedHost, Timeouts};
pub use column_hint::{ColumnHint, DeclaredType};
pub use compile::compile;
pub use contract::ContractPlan;
pub use cursor_format::CursorFormat;
pub use destination::{
    DEFAULT_STORE_RETRIES, StoreKind, StoreSettings, check_destination, redirect,
};
pub use exchange::ExchangePlan;
pub use expect::ExpectPlan;
pub(crate) use expression::is_global;
pub use expression::{Expression, ExpressionError};
pub use field_path::FieldPath;
pub use incremental::{
    BoundaryKey, CursorColumn, CursorPath, CursorScope, Direction, FollowPlan, FollowRules,
    IncrementalMode, IncrementalPlan, MissingCursor, RangeEdge, RowOrder, WindowsPlan,
};
pub use memory::MemoryPlan;
pub use merge_plan::{
    AbsentRows, DEFAULT_VALID_FROM, DEFAULT_VALID_TO, DedupColumn, MergeAction, MergePlan,
    VersionsPlan,
};
pub use model::*;
pub use paginator::{
    AutoPlan, ChainedPlan, CountedPlan, DEFAULT_BASE_PAGE, DEFAULT_CURSOR_KEY,
    DEFAULT_CURSOR_PARAM, DEFAULT_CURSOR_PATH, DEFAULT_LIMIT_PARAM, DEFAULT_LINKS_NEXT_KEY,
    DEFAULT_NEXT_URL_PATH, DEFAULT_OFFSET_PARAM, DEFAULT_PAGE_PARAM, NextPlan, PageSizePlan,
    PageUnit, PaginatorPlan, STOP_NAMES, StopPlan, TotalPlan, TotalSource,
};
pub(crate) use parents::ancestors;
pub use partition_by::PartitionField;
pub use response_action::{AnswerCondition, Reaction, ResponseActionPlan, WaitPlan};
pub use selector::{DEPTH_LIMIT, Selector};
