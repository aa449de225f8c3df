//! Wires the stages: slices → pages → batches → files → one commit.
//!
//! **Invariant:** this is the only module that spawns tasks.

mod again;
mod batches;
mod changes;
mod checkpoint;
mod combinations;
mod commits;
mod cut;
mod edit;
mod error;
mod expectation;
mod included;
mod noticed;
mod output;
mod parents;
mod pipeline;
mod relatives;
mod report;
mod resource;
mod slice;
mod slices;
mod stop;
mod tally;
mod writing;

pub use again::Range;
pub use edit::{Edit, Editing, edit};
pub use error::Error;
pub use expectation::Expectation;
pub use pipeline::{Options, Scope, run};
pub use report::{End, Report, ResourceReport};
