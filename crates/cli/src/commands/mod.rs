//! One file a command.

pub(crate) mod check;
pub(crate) mod compact;
pub(crate) mod files;
pub(crate) mod forget;
pub(crate) mod run;
pub(crate) mod sandbox;
mod session;
pub(crate) mod spec;
pub(crate) mod sql;
pub(crate) mod state;
pub(crate) mod test;
pub(crate) mod vacuum;
