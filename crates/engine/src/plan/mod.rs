//! The checked, compiled form of a pipeline: what will happen, with nothing left to decide.
//!
//! **Invariant:** planning is pure. No file, network, clock or environment is touched here, and nothing awaits.

pub mod model;
pub mod selector;
pub mod template;

pub use model::*;
pub use selector::Selector;
