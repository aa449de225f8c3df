//! The YAML as the user typed it: typed, positioned, with every mistake reported at its own place.

mod secret;

pub use secret::Secret;
