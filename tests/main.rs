//! End-to-end tests: the built binary against the sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops where something is not as it must be, and says what it left out"
)]

mod auth;
mod bad_input;
mod book;
mod bucket_faults;
mod buckets;
mod changes;
mod check;
mod checkpoints;
mod child_tables;
mod clocks;
mod command_line;
mod contracts;
mod crashes;
mod credentials;
mod cursors;
mod cut_short;
mod demo;
mod dlt;
mod docs;
mod documented;
mod editor;
mod expectations;
mod failures;
mod files;
mod full_disk;
mod histories;
mod holes;
mod incremental;
mod init;
mod interruption;
mod memory;
mod merge;
mod nested;
mod outlook;
mod pacing;
mod pages;
mod parallel;
mod parents;
mod preview;
mod queries;
mod readers;
mod readers_across_loads;
mod readme;
mod record;
mod reference;
mod requests;
mod responses;
mod run_flags;
mod scheduling;
mod schema;
mod show;
mod specs;
mod steps;
mod support;
mod testing;
mod troubleshooting;
mod two_runs;
mod upkeep;
mod vars;
mod walkthroughs;
