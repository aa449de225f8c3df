//! The sandbox as its clients see it, over HTTP.

#![allow(
    clippy::unwrap_used,
    reason = "the exception for tests in clippy.toml does not reach the helpers of a test binary"
)]

mod assembled;
mod control;
mod faults;
mod pages;
mod support;
