//! Wires the stages: slices → pages → batches → files → one commit.
//!
//! **Invariant:** this is the only module that spawns tasks.

mod again;
mod batches;
mod changes;
mod check;
mod checkpoint;
mod combinations;
mod commits;
mod cut;
mod decoded;
mod edit;
mod error;
mod expectation;
mod first_pages;
mod heard;
mod included;
mod noticed;
mod outlook;
mod output;
mod parents;
mod pipeline;
mod preview;
mod relatives;
mod report;
mod resource;
mod slice;
mod slices;
mod stop;
mod tally;
mod writing;

pub use again::Range;
pub use check::{ApiCheck, ApiCheckOptions, ApiOutcome, check_api};
pub use edit::{Edit, Editing, edit};
pub use error::Error;
pub use expectation::Expectation;
pub use outlook::{Outlook, OutlookOptions, Replaces, Requests, ResourceOutlook, outlook};
pub use pipeline::{Options, Scope, run};
pub use preview::{Choice, Preview, PreviewOptions, SampledColumn, Step, preview};
pub use report::{End, Report, ResourceReport};
