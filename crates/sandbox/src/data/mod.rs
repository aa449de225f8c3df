//! The records: generated from the fixture, rendered as JSON once, and kept as bytes.

mod entry;
mod maker;
mod random;
mod records;
mod value;
mod words;
mod world;

pub(crate) use random::identifier;
pub(crate) use records::{Records, text_of};
pub(crate) use world::World;
