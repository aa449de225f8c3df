//! Numbers as exact decimals.

use std::cmp::Ordering;

use super::column::DECIMAL_DIGITS;

/// Most zeros that the canonical spelling writes out before it turns to an exponent.
const PLAIN_ZEROS: i64 = 20;

/// The greatest exponent of 18 digits.
const GREATEST_EXPONENT: u64 = 999_999_999_999_999_999;

/// A number as an exact decimal: `digits × 10^exponent`, negated where `negative`.
///
/// Digits have neither leading nor trailing zeros, so equal numbers are equal values; zero has none and is never negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExactNumber {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl ExactNumber {
    /// Reads a JSON number; `None` for other text, and for a number other than zero whose exponent has more than 18 digits,
    /// as it is written or where the other digits end in no zero.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) =
            match unsigned.iter().position(|byte| matches!(byte, b'e' | b'E')) {
                Some(at) => (&unsigned[..at], Exponent::parse(&unsigned[at + 1..])?),
                None => (unsigned, Exponent::Of(0)),
            };
        let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
            Some(at) if at + 1 < mantissa.len() => (&mantissa[..at], &mantissa[at + 1..]),
            Some(_) => return None,
            None => (mantissa, &[][..]),
        };
        if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }
        let digits = [whole, fraction].concat();
        let behind_point = i64::try_from(fraction.len()).ok()?;
        let exponent = match exponent {
            Exponent::Of(exponent) => exponent,
            Exponent::Immense if digits.iter().all(|digit| *digit == b'0') => 0,
            Exponent::Immense => return None,
        };
        let number = Self::normal(negative, digits, exponent.saturating_sub(behind_point));
        // What is read is spelled with an exponent that can be read again.
        (number.exponent.unsigned_abs() <= GREATEST_EXPONENT).then_some(number)
    }

    /// The number that a 64-bit integer is.
    pub(crate) fn from_int64(value: i64) -> Self {
        Self::normal(value < 0, value.unsigned_abs().to_string().into_bytes(), 0)
    }

    /// The shortest decimal that reads back as this float; `None` where it is not finite.
    pub(crate) fn from_float64(value: f64) -> Option<Self> {
        if value.is_finite() {
            Self::parse(format!("{value:e}").as_bytes())
        } else {
            None
        }
    }

    /// The number that an unscaled decimal is.
    pub(crate) fn from_decimal(unscaled: i128, scale: i8) -> Self {
        let digits = unscaled.unsigned_abs().to_string().into_bytes();
        Self::normal(unscaled < 0, digits, -i64::from(scale))
    }

    /// How two numbers compare.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        // Digits before the point, which tell sizes apart as long as they differ.
        let size = |number: &Self| {
            let length = i64::try_from(number.digits.len()).unwrap_or(i64::MAX);
            number.exponent.saturating_add(length)
        };
        let by_sign: Ordering = sign(self).cmp(&sign(other));
        by_sign.then_with(|| {
            let by_size = size(self).cmp(&size(other));
            let by_magnitude = by_size.then_with(|| self.digits.cmp(&other.digits));
            if self.negative {
                by_magnitude.reverse()
            } else {
                by_magnitude
            }
        })
    }

    /// `number × 10^places`.
    pub(crate) fn shifted(mut self, places: i64) -> Self {
        if !self.digits.is_empty() {
            self.exponent = self.exponent.saturating_add(places);
        }
        self
    }

    /// The value, where it is an integer of 64 bits with a sign.
    pub(crate) fn to_int64(&self) -> Option<i64> {
        self.to_decimal(20, 0)
            .and_then(|value| i64::try_from(value).ok())
    }

    /// The value, where it is an integer of 64 bits without a sign.
    pub(crate) fn to_uint64(&self) -> Option<u64> {
        self.to_decimal(20, 0)
            .and_then(|value| u64::try_from(value).ok())
    }

    /// The float whose shortest decimal is this number; `None` where there is none.
    pub(crate) fn to_float64(&self) -> Option<f64> {
        if self.digits.is_empty() {
            return Some(0.0);
        }
        if self.digits.len() > 17 {
            return None;
        }
        let text = self.scientific();
        let value: f64 = text.parse().ok()?;
        (Self::from_float64(value)? == *self).then_some(value)
    }

    /// The unscaled value of a decimal, where precision and scale hold the number exactly.
    pub(crate) fn to_decimal(&self, precision: u8, scale: i8) -> Option<i128> {
        let zeros = usize::try_from(self.exponent.checked_add(i64::from(scale))?).ok()?;
        if self.digits.len().checked_add(zeros)? > usize::from(precision.min(DECIMAL_DIGITS)) {
            return self.digits.is_empty().then_some(0);
        }
        let mut magnitude: i128 = 0;
        for digit in self
            .digits
            .iter()
            .copied()
            .chain(std::iter::repeat_n(b'0', zeros))
        {
            magnitude = magnitude * 10 + i128::from(digit - b'0');
        }
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The canonical spelling: a function of the value alone, and a JSON number.
    ///
    /// Digits are written out unless that takes more than 20 zeros; then `12e400`.
    pub(crate) fn canonical(&self) -> String {
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let point = self.exponent.saturating_add(length);
        let zeros = if self.exponent >= 0 {
            self.exponent
        } else {
            point.saturating_neg()
        };
        if zeros > PLAIN_ZEROS {
            return self.scientific();
        }
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        if point <= 0 {
            text.push_str("0.");
            text.extend(std::iter::repeat_n(
                '0',
                usize::try_from(-point).unwrap_or(0),
            ));
        }
        for (position, digit) in (0_i64..).zip(&self.digits) {
            if position == point && position > 0 {
                text.push('.');
            }
            text.push(char::from(*digit));
        }
        text.extend(std::iter::repeat_n(
            '0',
            usize::try_from(self.exponent).unwrap_or(0),
        ));
        text
    }

    /// Digits before the point, without leading zeros.
    pub(super) fn integer_digits(&self) -> u16 {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        bounded(self.exponent.saturating_add(length))
    }

    /// Digits behind the point, without trailing zeros.
    pub(crate) fn scale(&self) -> u16 {
        bounded(self.exponent.saturating_neg())
    }

    fn scientific(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits: String = self.digits.iter().copied().map(char::from).collect();
        format!("{sign}{digits}e{}", self.exponent)
    }

    fn normal(negative: bool, mut digits: Vec<u8>, exponent: i64) -> Self {
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        if digits.is_empty() {
            return Self {
                negative: false,
                digits,
                exponent: 0,
            };
        }
        let trailing = digits
            .iter()
            .rev()
            .take_while(|digit| **digit == b'0')
            .count();
        digits.truncate(digits.len() - trailing);
        let exponent = exponent.saturating_add(i64::try_from(trailing).unwrap_or(i64::MAX));
        Self {
            negative,
            digits,
            exponent,
        }
    }
}

/// The power of ten that a number is multiplied by.
enum Exponent {
    Of(i64),
    /// Of more than 18 digits.
    Immense,
}

impl Exponent {
    /// Reads what follows the `e`; `None` where that is no exponent.
    fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] | rest => (false, rest),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        let digits = &digits[leading..];
        if digits.len() > 18 {
            return Some(Self::Immense);
        }
        let magnitude = digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Some(Self::Of(if negative { -magnitude } else { magnitude }))
    }
}

fn bounded(count: i64) -> u16 {
    u16::try_from(count.max(0)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> ExactNumber {
        ExactNumber::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn exponents_of_more_than_18_digits_are_refused_however_they_are_written() {
        for text in [
            "1e1000000000000000000",
            "990e999999999999999999",
            "0.1e-999999999999999999",
        ] {
            assert_eq!(ExactNumber::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            number("0.10e999999999999999999").canonical(),
            "1e999999999999999998"
        );
    }

    #[test]
    fn canonical_spelling_depends_on_the_value_alone() {
        for (text, expected) in [
            ("-0.0", "0"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("0.00120", "0.0012"),
            ("-12.5e-1", "-1.25"),
            ("1e400", "1e400"),
            ("10e-401", "1e-400"),
            ("5e0000000000000000000007", "50000000"),
            ("-0.0e99999999999999999999", "0"),
            ("7e-999999999999999999", "7e-999999999999999999"),
        ] {
            assert_eq!(number(text).canonical(), expected, "{text}");
            assert_eq!(number(expected), number(text), "{text}");
        }
    }

    #[test]
    fn floats_are_exact_only_if_the_shortest_decimal_is_the_number() {
        assert_eq!(number("0.1").to_float64(), Some(0.1));
        assert_eq!(number("9007199254740993").to_float64(), None);
        assert_eq!(number("0.1000000000000000055").to_float64(), None);
        assert_eq!(number("1e309").to_float64(), None);
        assert_eq!(number("1e-400").to_float64(), None);
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            "1.",
            ".5",
            "1e",
            "5e99999999999999999999",
            "abc",
            "1-2",
            "1e5x",
            "NaN",
        ] {
            assert_eq!(ExactNumber::parse(text.as_bytes()), None, "{text}");
        }
    }
}
