//! `engine init`: from an address to a table.

mod credentials;
mod docs;
mod failures;
mod files;
#[cfg(unix)]
mod questions;
mod shapes;
