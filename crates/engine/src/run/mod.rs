//! Wires the stages: slices → pages → batches → files → one commit.
//!
//! **Invariant:** this is the only module that spawns tasks.

mod batches;
mod changes;
mod combinations;
mod cut;
mod error;
mod included;
mod output;
mod parents;
mod pipeline;
mod report;
mod resource;
mod slice;
mod tally;
mod writing;

pub use error::Error;
pub use pipeline::{Options, run};
pub use report::{Report, ResourceReport};
