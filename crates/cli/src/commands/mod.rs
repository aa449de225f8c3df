//! One file a command.

pub(crate) mod check;
pub(crate) mod compact;
pub(crate) mod completions;
pub(crate) mod docs;
pub(crate) mod files;
pub(crate) mod forget;
pub(crate) mod init;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod preview;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod schema;
mod session;
pub(crate) mod show;
pub(crate) mod spec;
pub(crate) mod sql;
pub(crate) mod state;
pub(crate) mod test;
pub(crate) mod vacuum;
