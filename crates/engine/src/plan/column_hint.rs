//! What is known of columns before any record is read.

use serde::{Deserialize, Serialize};

use super::CursorFormat;
use crate::schema::Form;

/// The type that `columns:` declares for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclaredType {
    /// Text: `Utf8`. Numbers and booleans arrive as they are spelled in the JSON.
    Text,
    /// 64-bit floating point.
    Double,
    /// Boolean.
    Bool,
    /// Microseconds in UTC; `formats` say how it is read.
    Timestamp,
    /// The same in nanoseconds.
    TimestampNanoseconds,
    /// Calendar date.
    Date,
    /// Signed 64-bit integer.
    Bigint,
    /// Decimal of the given precision (1 to 38 digits) and scale.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: i8,
    },
    /// Any JSON value, kept as its JSON text.
    Json,
    /// Time of day in microseconds.
    Time,
    /// Bytes, read from base64, or from hexadecimal behind `0x`.
    Binary,
}

/// What `columns:` (or the cursor) says of one top-level column, by its source name.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnHint {
    /// The declared type; `None` leaves it to inference.
    pub data_type: Option<DeclaredType>,
    /// How a time is read, for `timestamp` and `date` columns, beside the type's own way: the first that fits counts.
    pub formats: Vec<CursorFormat>,
    /// What values are said to keep to: characters of text, bytes of binary, bits of integers. Larger ones are told of.
    pub limit: Option<u32>,
    /// The form of objects and lists; `None`: that of the resource.
    pub nested: Option<Form>,
    /// `""` means that there is no value.
    pub empty_as_null: bool,
    /// `false` refuses records in which the value is null or missing. Default `true`.
    pub nullable: bool,
    /// Kept as the Parquet field's metadata under `description`.
    pub description: Option<String>,
}

impl Default for ColumnHint {
    fn default() -> Self {
        Self {
            data_type: None,
            formats: Vec::new(),
            limit: None,
            nested: None,
            empty_as_null: false,
            nullable: true,
            description: None,
        }
    }
}
