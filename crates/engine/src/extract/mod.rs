//! Reading a slice: its requests, with credentials, pacing and retries, and its pages.
//!
//! **Invariant:** what a page's records mean is unknown here, and credentials leave for no other place than the base
//! URL's origin and the allowed hosts.

mod address;
pub mod again;
mod ahead;
mod auth;
pub mod cassette;
mod client;
mod connections;
mod contents;
mod curl;
mod error;
mod failure;
mod follow;
mod http;
mod job;
mod judge;
mod large;
mod page;
mod page_memory;
mod probe;
pub mod progress;
mod proxy;
mod range;
mod rate;
mod reaction;
mod read;
pub(crate) mod redact;
mod request;
mod retry;
mod seeds;
pub mod slice;
mod telling;
mod token;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use error::{Answered, Error, SliceError, Tried};
pub use judge::LONGEST_INLINE_BODY;
pub use page::PagerError;
pub(crate) use page::Suggestion;
pub(crate) use probe::{FirstAnswer, read_pages};
pub use read::{DecodedPages, SliceStatistics, read_slice};
pub use seeds::read_seeds;

/// Looks for the next link in a header of any bytes.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_link_header(data: &[u8]) {
    page::fuzz_link_header(data);
}
