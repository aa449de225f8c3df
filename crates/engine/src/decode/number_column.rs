//! The numbers of a field: integers while that is exact, then floats while that is, then canonical text.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};

use super::Error;
use super::fixed::{FixedColumn, TextColumn};
use crate::schema::{
    ColumnType, ExactNumber, NumberSummary, convert_numbers, decimal_digits,
    integer_is_exact_in_float64,
};

/// Decimals of this many significant digits come back from a 64-bit float as they were.
const FLOAT_DIGITS: u16 = 15;

/// The powers of ten that are exact in a 64-bit float, as far as they are used.
const POWERS_OF_TEN: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

pub(super) struct NumberColumn {
    values: Values,
    /// What is known of all values, but for those of `integers`.
    summary: Option<NumberSummary>,
    integers: IntegerRange,
    rows: usize,
}

enum Values {
    Int64(FixedColumn<i64>),
    Float64(FixedColumn<f64>),
    Text(TextColumn),
}

/// A column of integers.
pub(super) struct Integers<'c> {
    values: &'c mut FixedColumn<i64>,
    range: &'c mut IntegerRange,
}

impl Integers<'_> {
    /// Puts an integer into a row behind all rows that have one.
    #[inline]
    pub(super) fn push(&mut self, row: usize, value: i64) {
        self.values.push(row, value);
        self.range.add(value);
    }
}

impl NumberColumn {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            values: Values::Int64(FixedColumn::new(rows)),
            summary: None,
            integers: IntegerRange::EMPTY,
            rows,
        }
    }

    /// Rows up to the last value.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Int64(column) => column.len(),
            Values::Float64(column) => column.len(),
            Values::Text(column) => column.len(),
        }
    }

    /// The column while all its values are integers.
    #[inline]
    pub(super) fn integers(&mut self) -> Option<Integers<'_>> {
        match &mut self.values {
            Values::Int64(values) => Some(Integers {
                values,
                range: &mut self.integers,
            }),
            Values::Float64(_) | Values::Text(_) => None,
        }
    }

    /// Puts a JSON number into a row; `false` where its exponent has more than 18 digits.
    #[inline]
    pub(super) fn push(&mut self, row: usize, text: &[u8]) -> bool {
        match &mut self.values {
            Values::Int64(_) => {
                if let (Some(value), Some(mut integers)) = (quick_integer(text), self.integers()) {
                    integers.push(row, value);
                    return true;
                }
            }
            Values::Float64(column) => {
                if let Some(decimal) = quick_decimal(text) {
                    column.push(row, decimal.to_float64());
                    let summary = decimal.summary();
                    self.summary = Some(self.summary.map_or(summary, |known| known.join(summary)));
                    return true;
                }
            }
            Values::Text(_) => {}
        }
        self.push_exact(row, text)
    }

    /// What is known of all values.
    pub(super) fn summary(&self) -> Option<NumberSummary> {
        match (self.summary, self.integers.summary()) {
            (Some(left), Some(right)) => Some(left.join(right)),
            (one, other) => one.or(other),
        }
    }

    /// The column in the type that its summary gives.
    pub(super) fn finish(self, data_type: &ColumnType, rows: usize) -> Result<ArrayRef, Error> {
        let (array, from): (ArrayRef, _) = match self.values {
            Values::Int64(column) => {
                let (values, nulls) = column.finish(rows);
                (
                    Arc::new(Int64Array::try_new(values.into(), nulls)?),
                    ColumnType::Int64,
                )
            }
            Values::Float64(column) => {
                let (values, nulls) = column.finish(rows);
                (
                    Arc::new(Float64Array::try_new(values.into(), nulls)?),
                    ColumnType::Float64,
                )
            }
            Values::Text(column) => (column.finish(rows), ColumnType::NumberText),
        };
        Ok(convert_numbers(&array, &from, data_type)?)
    }

    fn push_exact(&mut self, row: usize, text: &[u8]) -> bool {
        let Some(number) = ExactNumber::parse(text) else {
            return false;
        };
        let spelled_as_integer = !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
        let summary = NumberSummary::of(&number, spelled_as_integer);
        let all = self.summary().map_or(summary, |known| known.join(summary));
        match &mut self.values {
            Values::Int64(column) => {
                if let Some(value) = number.to_int64().filter(|_| spelled_as_integer) {
                    column.push(row, value);
                } else if all.float64 && !spelled_as_integer {
                    let mut floats = FixedColumn::new(self.rows);
                    for (row, value) in present(column.iter()) {
                        #[expect(clippy::cast_precision_loss, reason = "all are exact in a float")]
                        floats.push(row, value as f64);
                    }
                    floats.push(row, number.to_float64().unwrap_or_default());
                    self.values = Values::Float64(floats);
                } else {
                    let known = present(column.iter())
                        .map(|(row, value)| (row, ExactNumber::from_int64(value)));
                    self.values = Values::Text(texts(self.rows, known, row, &number));
                }
            }
            Values::Float64(column) => {
                if let Some(value) = number.to_float64() {
                    column.push(row, value);
                } else {
                    let known = present(column.iter())
                        .filter_map(|(row, value)| Some((row, ExactNumber::from_float64(value)?)));
                    self.values = Values::Text(texts(self.rows, known, row, &number));
                }
            }
            Values::Text(column) => column.push(row, &number.canonical()),
        }
        self.summary = Some(all);
        true
    }
}

fn present<T>(values: impl Iterator<Item = Option<T>>) -> impl Iterator<Item = (usize, T)> {
    values
        .enumerate()
        .filter_map(|(row, value)| Some((row, value?)))
}

fn texts(
    rows: usize,
    known: impl Iterator<Item = (usize, ExactNumber)>,
    row: usize,
    number: &ExactNumber,
) -> TextColumn {
    let mut texts = TextColumn::new(rows);
    for (row, known) in known {
        texts.push(row, &known.canonical());
    }
    texts.push(row, &number.canonical());
    texts
}

/// The extent of integers, which says all that a summary needs.
struct IntegerRange {
    smallest: i64,
    greatest: i64,
    exact_in_float64: bool,
}

impl IntegerRange {
    const EMPTY: Self = Self {
        smallest: i64::MAX,
        greatest: i64::MIN,
        exact_in_float64: true,
    };

    #[inline]
    fn add(&mut self, value: i64) {
        self.smallest = self.smallest.min(value);
        self.greatest = self.greatest.max(value);
        self.exact_in_float64 = self.exact_in_float64 && integer_is_exact_in_float64(value);
    }

    fn summary(&self) -> Option<NumberSummary> {
        if self.smallest > self.greatest {
            return None;
        }
        let bounds =
            NumberSummary::of_int64(self.smallest).join(NumberSummary::of_int64(self.greatest));
        Some(NumberSummary {
            float64: self.exact_in_float64,
            ..bounds
        })
    }
}

/// A decimal short enough to be exact as a float.
struct QuickDecimal {
    negative: bool,
    digits: u64,
    scale: u16,
    spelled_as_integer: bool,
}

impl QuickDecimal {
    fn to_float64(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "15 digits are less than 2^53")]
        let magnitude = self.digits as f64 / POWERS_OF_TEN[usize::from(self.scale)];
        // Zero has no sign here, as in every other numeric type.
        if self.negative && self.digits != 0 {
            -magnitude
        } else {
            magnitude
        }
    }

    fn summary(&self) -> NumberSummary {
        NumberSummary {
            integers: self.spelled_as_integer,
            int64: self.scale == 0,
            uint64: self.scale == 0 && (!self.negative || self.digits == 0),
            float64: true,
            integer_digits: decimal_digits(self.digits).saturating_sub(self.scale),
            scale: self.scale,
        }
    }
}

/// Reads an integer of at most 18 digits; the parser has checked the grammar.
#[inline]
pub(super) fn quick_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// Reads a number of at most 15 digits without exponent.
fn quick_decimal(text: &[u8]) -> Option<QuickDecimal> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if text.len() > usize::from(FLOAT_DIGITS) + "0.".len() {
        return None;
    }
    let mut decimal = QuickDecimal {
        negative,
        digits: 0,
        scale: 0,
        spelled_as_integer: true,
    };
    for byte in text {
        if *byte == b'.' {
            decimal.spelled_as_integer = false;
            continue;
        }
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        decimal.digits = decimal.digits * 10 + u64::from(digit);
        decimal.scale += u16::from(!decimal.spelled_as_integer);
    }
    if decimal.digits >= 1_000_000_000_000_000 {
        return None;
    }
    while decimal.scale > 0 && decimal.digits.is_multiple_of(10) {
        decimal.digits /= 10;
        decimal.scale -= 1;
    }
    Some(decimal)
}
