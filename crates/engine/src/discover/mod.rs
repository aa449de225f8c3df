//! Finding out what a spec of an API must say, from the API's own answers.
//!
//! ```text
//! Setup ─skeleton─▶ first answer ─▶ records, paginators to try ─read as a run would─▶ two pages ─▶ key, cursor, times ─▶ YAML
//! ```
//!
//! Each finding comes with its evidence, and says how certain it is. What is written is what was tried: the requests of the
//! trial are made from the very text that becomes the file.
//!
//! **Invariant:** nothing is written here but by [`write_files`], and that replaces no file unasked.

mod cursor;
mod endpoint;
mod error;
mod files;
mod finding;
mod key;
mod probe;
mod records;
mod sample;
mod setup;
mod spec_text;
mod times;
mod trial;
mod yaml;

#[cfg(test)]
mod tests;

pub use cursor::CursorFound;
pub use endpoint::Endpoint;
pub use error::Error;
pub use files::{FileError, Written, existing, write_files};
pub use finding::{Certainty, Discovered, Finding, Paging};
pub use probe::{check, discover};
pub use records::Missing;
pub use setup::{AuthKind, Setup, SetupError, Variable, check_name};
pub use spec_text::render;
pub use times::TimeFound;
