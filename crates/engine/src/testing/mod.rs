//! Tests of a pipeline: what its runs are expected to write.
//!
//! ```text
//! YAML ─parse─▶ TestFile      a run's tables ─find─▶ Found      Expect × Found ─compare─▶ mismatches
//! ```
//!
//! Who runs the pipeline is not known here: a run is handed in as what it left behind.

mod accept;
mod compare;
mod file;
mod found;

pub use accept::accept;
pub use compare::{Mismatch, compare};
pub use file::{
    Case, Expect, ExpectedTable, ExpectedValue, Fixture, Run, Scalar, TEST_FILE_VERSION, TestFile,
    TestFileError, test_schema,
};
pub use found::{Found, FoundTable};
