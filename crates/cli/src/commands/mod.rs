//! One file a command.

pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod state;
