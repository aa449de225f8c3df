//! Batches → Parquet files → one atomic commit, on local disk or any object store.
//!
//! ```text
//! SliceWriter ─▶ TableSpool ─seal─▶ SealedSpool ─▶ Lake::commit
//!
//! commit: settle the schema ─▶ merge, encode ─▶ stage ─▶ create the commit ─▶ publish
//! ```
//!
//! The commit log is the only truth: a file belongs to its table if, and only if, the fold of the log says so.
//!
//! **Invariant:** nothing outside `_engine/staging` changes before the commit exists, and everything after it can be
//! done again by anyone who reads the log.
//!
//! **Invariant:** a batch never becomes JSON here, and no value is converted except by [`crate::schema::conform`].

mod absent_rows;
mod causes;
mod columns;
mod commit_log;
mod destination;
mod durable;
mod encodings;
mod error;
mod examples;
pub mod fail_point;
mod history;
mod hive;
mod key_index;
mod key_probe;
mod key_ranges;
mod lake;
mod lease;
mod load_id;
mod memory_share;
mod merge;
mod merge_keys;
mod owner;
mod parquet_properties;
mod parquet_writer;
mod partitioning;
mod prepare;
mod probe;
mod progress_change;
mod publish;
mod read_table;
mod rejected;
mod renaming;
mod replaced_range;
mod report;
mod rewrite;
mod row_order;
mod snapshot;
mod sorting_metadata;
mod spill;
mod spool;
mod staging;
mod state;
mod store;
mod stored_file;
mod table_writer;
mod temporary_file;
#[cfg(test)]
mod tests;
pub mod upkeep;
mod upload;
mod versions;

pub use causes::{Cause, RecordPlace};
pub use destination::Destination;
pub use error::Error;
pub use examples::examples;
pub use history::{History, SchemaChange};
pub use lake::Lake;
pub use lease::{Lease, Patience};
pub use load_id::new_load_id;
pub use owner::Owner;
pub use prepare::{Discards, Replaced, TableCommit};
pub use probe::{Outcome, Probe, probe};
pub use read_table::read_table;
pub use rejected::{RejectedLine, RejectedSpool, RejectedWriter, SealedRejected};
pub use renaming::Rename;
pub use replaced_range::ReplacedRange;
pub use report::{CommitReport, LoadReport, ResourceSummary, RunSummary, TableReport};
pub use spool::{SealedSpool, SliceWriter, SpoolSettings, TableSpool};
pub use staging::staged_loads;
pub use state::{Basis, DataFile, State, TableState};
