//! A declared column: takes the values that are exact in its type, and refuses the others.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array,
    Time64MicrosecondArray, TimestampNanosecondArray,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Error;
use super::fixed::{FixedColumn, TextColumn};
use super::hints::Reading;
use super::misfits::Misfits;
use super::string_column::{date_array, timestamp_array};
use super::time::{microseconds_from_number, microseconds_from_text, nanoseconds, time_of_day};
use crate::plan::{CursorFormat, DeclaredType};
use crate::schema::ExactNumber;

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// The values of a declared column.
pub(super) struct DeclaredColumn {
    values: Values,
    formats: Vec<CursorFormat>,
    limit: Option<u32>,
    empty_as_null: bool,
    misfits: Misfits,
}

enum Values {
    /// The type is found from the values, which are elsewhere.
    Inferred,
    Text(TextColumn),
    Json(TextColumn),
    Float64(FixedColumn<f64>),
    Bool(FixedColumn<bool>),
    Timestamp(FixedColumn<i64>),
    Nanoseconds(FixedColumn<i64>),
    Date(FixedColumn<i32>),
    Time(FixedColumn<i64>),
    Int64(FixedColumn<i64>),
    Binary(Vec<Option<Vec<u8>>>),
    Decimal(FixedColumn<i128>, u8, i8),
}

impl DeclaredColumn {
    pub(super) fn new(reading: &Reading, rows: usize) -> Self {
        let values = match reading.data_type {
            None => Values::Inferred,
            Some(DeclaredType::Text) => Values::Text(TextColumn::new(rows)),
            Some(DeclaredType::Json) => Values::Json(TextColumn::new(rows)),
            Some(DeclaredType::Double) => Values::Float64(FixedColumn::new(rows)),
            Some(DeclaredType::Bool) => Values::Bool(FixedColumn::new(rows)),
            Some(DeclaredType::Timestamp) => Values::Timestamp(FixedColumn::new(rows)),
            Some(DeclaredType::TimestampNanoseconds) => Values::Nanoseconds(FixedColumn::new(rows)),
            Some(DeclaredType::Date) => Values::Date(FixedColumn::new(rows)),
            Some(DeclaredType::Time) => Values::Time(FixedColumn::new(rows)),
            Some(DeclaredType::Bigint) => Values::Int64(FixedColumn::new(rows)),
            Some(DeclaredType::Binary) => Values::Binary(Vec::new()),
            Some(DeclaredType::Decimal { precision, scale }) => {
                Values::Decimal(FixedColumn::new(rows), precision, scale)
            }
        };
        Self {
            values,
            formats: reading.formats.clone(),
            limit: reading.limit,
            empty_as_null: reading.empty_as_null,
            misfits: Misfits::default(),
        }
    }

    /// Whether a type is declared, so that the column has values of its own.
    pub(super) fn has_type(&self) -> bool {
        !matches!(self.values, Values::Inferred)
    }

    /// Rows up to the last value.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Inferred => 0,
            Values::Text(column) | Values::Json(column) => column.len(),
            Values::Float64(column) => column.len(),
            Values::Bool(column) => column.len(),
            Values::Timestamp(column)
            | Values::Nanoseconds(column)
            | Values::Time(column)
            | Values::Int64(column) => column.len(),
            Values::Date(column) => column.len(),
            Values::Binary(values) => values.len(),
            Values::Decimal(column, ..) => column.len(),
        }
    }

    /// The values that the type does not take, and those beyond what was said of them.
    pub(super) fn misfits(&self) -> &Misfits {
        &self.misfits
    }

    /// Takes note of a value that the type does not take.
    pub(super) fn refuse(&mut self, json: impl FnOnce() -> String) {
        if self.has_type() {
            self.misfits.refused.add(json);
        }
    }

    /// Whether the column takes the JSON text of any value.
    pub(super) fn takes_json(&self) -> bool {
        matches!(self.values, Values::Json(_))
    }

    /// Whether a string stands for no value.
    pub(super) fn is_null(&self, text: &str) -> bool {
        self.empty_as_null && text.is_empty()
    }

    /// Puts the JSON text of a value into a row.
    pub(super) fn push_json(&mut self, row: usize, text: &str) {
        if let Values::Json(column) = &mut self.values
            && !(self.empty_as_null && text == "\"\"")
        {
            column.push(row, text);
        }
    }

    /// Puts a string into a row; `false` where the type does not take it.
    pub(super) fn push_string(&mut self, row: usize, text: &str) -> bool {
        let json = || serde_json::Value::from(text).to_string();
        let size = self.try_string(row, text);
        match size {
            Some(size) => self.compare(size, json),
            None => self.refuse(json),
        }
        size.is_some()
    }

    /// Puts a JSON number into a row; `false` where the type does not hold it exactly.
    pub(super) fn push_number(&mut self, row: usize, text: &[u8]) -> bool {
        let json = || String::from_utf8_lossy(text).into_owned();
        let size = self.try_number(row, text);
        match size {
            Some(size) => self.compare(size, json),
            None => self.refuse(json),
        }
        size.is_some()
    }

    /// Puts a boolean into a row; `false` where the type does not take it.
    pub(super) fn push_bool(&mut self, row: usize, value: bool) -> bool {
        let text = if value { "true" } else { "false" };
        match &mut self.values {
            Values::Bool(column) => column.push(row, value),
            Values::Text(column) => column.push(row, text),
            _ => {
                self.refuse(|| text.to_owned());
                return false;
            }
        }
        true
    }

    /// The column of all rows.
    pub(super) fn finish(self, rows: usize) -> Result<ArrayRef, Error> {
        Ok(match self.values {
            Values::Inferred => {
                arrow::array::new_null_array(&arrow::datatypes::DataType::Null, rows)
            }
            Values::Text(column) | Values::Json(column) => column.finish(rows),
            Values::Float64(column) => {
                let (values, nulls) = column.finish(rows);
                Arc::new(Float64Array::try_new(values.into(), nulls)?)
            }
            Values::Bool(column) => bool_array(column, rows),
            Values::Timestamp(column) => timestamp_array(column, rows)?,
            Values::Nanoseconds(column) => {
                let (values, nulls) = column.finish(rows);
                let array = TimestampNanosecondArray::try_new(values.into(), nulls)?;
                Arc::new(array.with_timezone("UTC"))
            }
            Values::Date(column) => date_array(column, rows)?,
            Values::Time(column) => {
                let (values, nulls) = column.finish(rows);
                Arc::new(Time64MicrosecondArray::try_new(values.into(), nulls)?)
            }
            Values::Int64(column) => {
                let (values, nulls) = column.finish(rows);
                Arc::new(Int64Array::try_new(values.into(), nulls)?)
            }
            Values::Binary(mut values) => {
                values.resize(rows, None);
                Arc::new(values.into_iter().collect::<BinaryArray>())
            }
            Values::Decimal(column, precision, scale) => {
                let (values, nulls) = column.finish(rows);
                let array = Decimal128Array::try_new(values.into(), nulls)?;
                Arc::new(array.with_precision_and_scale(precision, scale)?)
            }
        })
    }

    /// Takes a string and tells how large it is, in the unit of the limit.
    fn try_string(&mut self, row: usize, text: &str) -> Option<usize> {
        match &mut self.values {
            Values::Text(column) => {
                column.push(row, text);
                return Some(self.limit.map_or(0, |_| text.chars().count()));
            }
            Values::Timestamp(column) => {
                let mut formats = self.formats.iter();
                column.push(
                    row,
                    formats.find_map(|format| microseconds_from_text(text, format))?,
                );
            }
            Values::Date(column) => {
                let mut formats = self.formats.iter();
                let read = |format| microseconds_from_text(text, format).and_then(day);
                column.push(row, formats.find_map(read)?);
            }
            Values::Nanoseconds(column) => {
                let json = serde_json::Value::from(text).to_string();
                let mut formats = self.formats.iter();
                column.push(
                    row,
                    formats.find_map(|format| nanoseconds(json.as_bytes(), format))?,
                );
            }
            Values::Time(column) => column.push(row, time_of_day(text)?),
            Values::Bool(column) => match text {
                "true" => column.push(row, true),
                "false" => column.push(row, false),
                _ => return None,
            },
            Values::Binary(values) => {
                let bytes = bytes(text)?;
                let size = bytes.len();
                values.resize(row, None);
                values.push(Some(bytes));
                return Some(size);
            }
            Values::Float64(_) | Values::Int64(_) | Values::Decimal(..) => {
                return self.try_number(row, text.as_bytes());
            }
            Values::Inferred | Values::Json(_) => return None,
        }
        Some(0)
    }

    fn try_number(&mut self, row: usize, text: &[u8]) -> Option<usize> {
        match &mut self.values {
            Values::Text(column) => {
                let text = std::str::from_utf8(text).ok()?;
                column.push(row, text);
                return Some(text.len());
            }
            Values::Timestamp(column) => {
                let mut formats = self.formats.iter();
                column.push(
                    row,
                    formats.find_map(|format| microseconds_from_number(text, format))?,
                );
            }
            Values::Nanoseconds(column) => {
                let mut formats = self.formats.iter();
                column.push(row, formats.find_map(|format| nanoseconds(text, format))?);
            }
            Values::Date(column) => {
                let mut formats = self.formats.iter();
                let read = |format| microseconds_from_number(text, format).and_then(day);
                column.push(row, formats.find_map(read)?);
            }
            Values::Float64(column) => column.push(row, ExactNumber::parse(text)?.to_float64()?),
            Values::Int64(column) => {
                let value = ExactNumber::parse(text)?.to_int64()?;
                column.push(row, value);
                return Some(bits(value));
            }
            Values::Decimal(column, precision, scale) => {
                column.push(
                    row,
                    ExactNumber::parse(text)?.to_decimal(*precision, *scale)?,
                );
            }
            _ => return None,
        }
        Some(0)
    }

    /// Takes note of a value that was taken and is larger than was said.
    fn compare(&mut self, size: usize, json: impl FnOnce() -> String) {
        if self.limit.is_some_and(|limit| size > limit as usize) {
            self.misfits.beyond.add(json);
        }
    }
}

/// Booleans as an Arrow array.
pub(super) fn bool_array(column: FixedColumn<bool>, rows: usize) -> ArrayRef {
    let (values, nulls) = column.finish(rows);
    Arc::new(BooleanArray::new(values.into(), nulls))
}

/// The day that starts at an instant; `None` within a day.
fn day(microseconds: i64) -> Option<i32> {
    if microseconds % MICROSECONDS_PER_DAY != 0 {
        return None;
    }
    i32::try_from(microseconds / MICROSECONDS_PER_DAY).ok()
}

/// The bytes that text stands for: hexadecimal behind `0x`, else base64 with its padding.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let Some(digits) = text.strip_prefix("0x") else {
        return STANDARD.decode(text).ok();
    };
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()
            }
            _ => None,
        })
        .collect()
}

/// Bits of the smallest signed integer that holds a value.
fn bits(value: i64) -> usize {
    let magnitude = if value < 0 { !value } else { value };
    65 - magnitude.leading_zeros() as usize
}
