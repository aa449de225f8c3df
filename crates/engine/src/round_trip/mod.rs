//! What goes in comes out: records as another JSON parser reads them, held against the rows of the files.
//!
//! The tests go the way of a run, from the bytes of pages over the spool and a commit to the Parquet files on disk, and
//! read those back. The oracle shares nothing with the decoder: `serde_json` finds the values, and numbers, dates and
//! instants are compared by means of their own.

mod compare;
mod oracle;

#[cfg(test)]
mod child_tables;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod table;

pub(crate) use compare::{Written, check_rows};
pub(crate) use oracle::{Json, Refusal};
