//! What answers of well-known shapes give.
