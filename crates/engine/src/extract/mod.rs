//! To be written.

pub mod slice;
