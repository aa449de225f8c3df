//! Finding values and records in a JSON body.

/// A compiled JSONPath (RFC 9535); the leading `$.` may be left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    text: String,
}
