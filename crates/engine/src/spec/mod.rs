//! The YAML as the user typed it: typed, positioned, with every mistake reported at its own place.
//!
//! ```text
//! text ─document─▶ tree with places ─variables, defaults─▶ tree ─read─▶ Pipeline
//! ```
//!
//! **Invariant:** this module knows neither HTTP nor Arrow.

mod auth;
mod byte_size;
mod checkpoint;
mod client;
mod compression;
mod cursor;
mod defaults;
mod diagnostic;
mod document;
mod endpoint;
mod expect;
mod files;
mod include;
mod incremental;
mod incremental_param;
mod masking;
mod paginator;
mod parse;
mod pipeline;
mod processing_step;
mod read;
mod reference;
mod resource;
mod response_action;
mod schema;
mod schema_contract;
mod secret;
mod short_forms;
mod slice_names;
mod source;
mod store_option;
mod value;
mod var;
mod variables;
mod write_disposition;

pub use auth::{
    ApiKey, ApiKeyLocation, Auth, Bearer, ClientAuth, DEFAULT_API_KEY_NAME,
    DEFAULT_TOKEN_EXPIRATION, HttpBasic, NoAuth, Oauth2ClientCredentials,
};
pub use byte_size::ByteSize;
pub use checkpoint::Checkpoint;
pub use client::{
    Client, DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_BACKOFF,
    DEFAULT_RATE_LIMIT_PERIOD, DEFAULT_READ_TIMEOUT, DEFAULT_RETRY_STATUSES, DEFAULT_TOTAL_TIMEOUT,
    RateLimit, Retry, Timeout,
};
pub use compression::{Compression, DEFAULT_GZIP_LEVEL, DEFAULT_ZSTD_LEVEL};
pub use cursor::{CursorFormats, CursorLag, CursorPoint};
pub use diagnostic::{Diagnostic, Diagnostics, did_you_mean};
pub use document::{Path, Step};
pub use endpoint::{
    BooleanEncoding, DEFAULT_POLL_EVERY, DEFAULT_POLL_TIMEOUT, Endpoint, Job, JobRequest,
    ListEncoding, Method, Poll,
};
pub use expect::{Expect, Otherwise, Percent};
pub use files::Files;
pub use include::Load;
pub use incremental::{
    CursorScope, CursorSource, Incremental, LastValueFunction, MissingCursor, RangeEdge, RowOrder,
};
pub use paginator::{
    Auto, Cursor, DEFAULT_PAGE_CONCURRENCY, DEFAULT_TOTAL_PATH, HeaderCursor, HeaderLink, JsonLink,
    Offset, PageNumber, Paginator, SinglePage,
};
pub(crate) use paginator::{PageSizeKeys, StopKeys};
pub use pipeline::{
    DEFAULT_CHECKPOINT_BYTES, DEFAULT_CHECKPOINT_SECONDS, DEFAULT_FILE_SIZE_BYTES,
    DEFAULT_ROW_GROUP_BYTES, Destination, Pipeline,
};
pub use processing_step::ProcessingStep;
pub use reference::reference_page;
pub use resource::{
    Column, DEFAULT_CONCURRENCY, DEFAULT_DECIMAL_PRECISION, DEFAULT_DECIMAL_SCALE, DataType,
    DatePart, IncludedField, Nested, PartitionField, Resource,
};
pub use response_action::{Action, HeaderWait, ResponseAction, Wait, WaitFormat};
pub use schema::pipeline_schema;
pub use schema_contract::{ContractMode, SchemaContract};
pub use secret::{Secret, SecretVariable, looks_secret, may_hold_secret};
pub use source::{Mistake, Source, pipeline_name};
pub use store_option::StoreOption;
pub use value::{
    OneOrMany, StatusRange, StatusRanges, TemplateText, TemplateValue, TimeSpan, parse_time,
};
pub use var::Var;
pub(crate) use variables::STAND_IN;
pub use variables::{Variables, VariablesFileError};
pub use write_disposition::{DedupSort, Disposition, MergeStrategy, WriteDisposition};
