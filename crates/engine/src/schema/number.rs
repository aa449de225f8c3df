//! What is known of all numbers of a field.

use serde::{Deserialize, Serialize};

use super::column::{ColumnType, DECIMAL_DIGITS};
use super::exact_number::ExactNumber;

/// Integers up to this size are all exact in a 64-bit float.
const FLOAT_INTEGERS: u64 = 1 << 53;

/// What is known of all numbers of a field. Every part is a fact about the values, not about their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact, and the join of each is `and`"
)]
pub(crate) struct NumberSummary {
    /// All are spelled without fraction and exponent.
    pub(crate) integers: bool,
    /// The value of each is an integer that fits 64 bits with a sign.
    pub(crate) int64: bool,
    /// The value of each is an integer that fits 64 bits without a sign.
    pub(crate) uint64: bool,
    /// The shortest decimal that reads back as the nearest 64-bit float is the number itself, for each.
    pub(crate) float64: bool,
    /// Greatest count of digits before the point, without leading zeros.
    pub(crate) integer_digits: u16,
    /// Greatest count of digits behind the point, without trailing zeros.
    pub(crate) scale: u16,
}

impl NumberSummary {
    /// The summary of one number.
    pub(crate) fn of(number: &ExactNumber, spelled_as_integer: bool) -> Self {
        Self {
            integers: spelled_as_integer,
            int64: number.to_int64().is_some(),
            uint64: number.to_uint64().is_some(),
            float64: number.to_float64().is_some(),
            integer_digits: number.integer_digits(),
            scale: number.scale(),
        }
    }

    /// The summary of one integer of at most 64 bits.
    pub(crate) fn of_int64(value: i64) -> Self {
        let magnitude = value.unsigned_abs();
        Self {
            integers: true,
            int64: true,
            uint64: value >= 0,
            float64: integer_is_exact_in_float64(value),
            integer_digits: decimal_digits(magnitude),
            scale: 0,
        }
    }

    /// What is known of both sets of numbers together.
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            integers: self.integers && other.integers,
            int64: self.int64 && other.int64,
            uint64: self.uint64 && other.uint64,
            float64: self.float64 && other.float64,
            integer_digits: self.integer_digits.max(other.integer_digits),
            scale: self.scale.max(other.scale),
        }
    }

    /// The narrowest type that holds all of them exactly.
    pub(crate) fn column_type(self) -> ColumnType {
        if self.integers {
            if self.int64 {
                return ColumnType::Int64;
            }
            if self.uint64 {
                return ColumnType::UInt64;
            }
        } else if self.float64 {
            return ColumnType::Float64;
        }
        if u32::from(self.integer_digits) + u32::from(self.scale) <= u32::from(DECIMAL_DIGITS) {
            let scale = i8::try_from(self.scale).expect("at most 38, as just compared");
            return ColumnType::Decimal(DECIMAL_DIGITS, scale);
        }
        ColumnType::NumberText
    }

    /// Whether a decimal of this precision and scale holds all of them exactly.
    pub(crate) fn fits_decimal(self, precision: u8, scale: i8) -> bool {
        let scale = i32::from(scale);
        i32::from(self.scale) <= scale.max(0)
            && scale >= 0
            && i32::from(self.integer_digits) <= i32::from(precision) - scale
    }
}

/// Whether the shortest decimal of the nearest float is this integer.
pub(crate) fn integer_is_exact_in_float64(value: i64) -> bool {
    value.unsigned_abs() <= FLOAT_INTEGERS || ExactNumber::from_int64(value).to_float64().is_some()
}

/// Digits of an integer; none for zero.
pub(crate) fn decimal_digits(magnitude: u64) -> u16 {
    magnitude.checked_ilog10().map_or(0, |digits| {
        u16::try_from(digits + 1).expect("a 64-bit integer has at most 20 digits")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(texts: &[&str]) -> NumberSummary {
        texts
            .iter()
            .map(|text| {
                NumberSummary::of(
                    &ExactNumber::parse(text.as_bytes()).unwrap(),
                    !text.contains(['.', 'e', 'E']),
                )
            })
            .reduce(NumberSummary::join)
            .unwrap()
    }

    #[test]
    fn types_hold_every_value_exactly() {
        for (texts, expected) in [
            (&["1", "-9223372036854775808"][..], ColumnType::Int64),
            (&["0", "18446744073709551615"], ColumnType::UInt64),
            (&["-1", "18446744073709551615"], ColumnType::Decimal(38, 0)),
            (&["1", "2.5", "1e3"], ColumnType::Float64),
            (&["0.1", "1e308"], ColumnType::Float64),
            (
                &["12345678901234567890.123456789"],
                ColumnType::Decimal(38, 9),
            ),
            (&["9007199254740993", "0.5"], ColumnType::Decimal(38, 1)),
            (&["1e400"], ColumnType::NumberText),
            (&["1e-400"], ColumnType::NumberText),
            (
                &["123456789012345678901234567890123456789"],
                ColumnType::NumberText,
            ),
            (&["-0"], ColumnType::Int64),
        ] {
            assert_eq!(summary(texts).column_type(), expected, "{texts:?}");
        }
    }

    #[test]
    fn large_integers_are_exact_in_floats_only_if_they_come_back() {
        assert!(integer_is_exact_in_float64(1 << 53));
        assert!(!integer_is_exact_in_float64(1 << 60));
    }
}
