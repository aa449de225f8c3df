//! `engine` lands any REST API in a data lake as typed Parquet, incrementally and exactly once.
//!
//! Data flows one way:
//!
//! ```text
//! YAML ─spec─▶ Pipeline ─plan─▶ Plan ─slices─▶ Slice ─extract─▶ Page ─decode─▶ batch ─load─▶ files ─commit
//! ```

#[doc(hidden)]
pub mod benching;
pub mod cursor;
pub mod decode;
pub mod discover;
pub mod docs;
pub mod extract;
pub mod figures;
pub mod flow;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod json;
pub mod load;
pub mod plan;
pub mod query;
#[cfg(any(test, feature = "fuzzing"))]
mod round_trip;
pub mod run;
pub mod schema;
pub mod show;
pub mod spec;
pub mod testing;
