//! One file a command.

pub(crate) mod run;
pub(crate) mod sandbox;
