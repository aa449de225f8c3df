//! Numbers: their text, and at once the value of those that are short integers.

use super::{JsonResult, Reader};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Digits that fit into 64 bits whatever they are.
const SHORT: usize = 18;

impl<'j> Reader<'j> {
    /// Reads the number that was peeked at, and gives its text.
    #[inline]
    pub(crate) fn known_number(&mut self) -> JsonResult<&'j str> {
        let start = self.index;
        self.skip_number()?;
        Ok(self.text.get(start..self.index).unwrap_or_default())
    }

    /// Reads the number that was peeked at where it is an integer of at most 18 digits; else the reader stays where it is.
    #[inline]
    pub(crate) fn known_integer(&mut self) -> Option<i64> {
        let rest = self.text.as_bytes().get(self.index..)?;
        let (digits, sign) = match rest {
            [b'-', digits @ ..] => (digits, -1),
            digits => (digits, 1),
        };
        let (magnitude, length) = short_integer(digits)?;
        self.index += length + usize::from(sign < 0);
        Some(sign * magnitude)
    }

    /// Passes over the number that was peeked at.
    pub(super) fn skip_number(&mut self) -> JsonResult {
        let bytes = self.text.as_bytes();
        let digits = |mut index: usize| {
            while bytes.get(index).is_some_and(u8::is_ascii_digit) {
                index += 1;
            }
            index
        };
        let begin = self.index;
        let mut index = begin + usize::from(bytes.get(begin) == Some(&b'-'));
        let end = digits(index);
        if end == index {
            self.index = end;
            return Err(match bytes.get(end) {
                None => self.ended("EOF while parsing a value"),
                Some(_) if end == begin => self.malformed("expected value"),
                Some(_) => self.malformed("invalid number"),
            });
        }
        if bytes[index] == b'0' && end > index + 1 {
            self.index = index + 1;
            return Err(self.malformed("invalid number"));
        }
        index = end;
        if bytes.get(index) == Some(&b'.') {
            index = self.some_digits(index + 1, digits)?;
        }
        if let Some(b'e' | b'E') = bytes.get(index) {
            index += 1;
            index += usize::from(matches!(bytes.get(index), Some(b'+' | b'-')));
            index = self.some_digits(index, digits)?;
        }
        self.index = index;
        Ok(())
    }

    fn some_digits(&mut self, index: usize, digits: impl Fn(usize) -> usize) -> JsonResult<usize> {
        let end = digits(index);
        if end > index {
            return Ok(end);
        }
        self.index = end;
        Err(if end < self.text.len() {
            self.malformed("invalid number")
        } else {
            self.ended("EOF while parsing a value")
        })
    }
}

/// The integer that some text begins with, and how many digits it has; `None` for one of more than 18 digits, for other
/// numbers, and for what is no number.
#[inline]
fn short_integer(text: &[u8]) -> Option<(i64, usize)> {
    let mut value = 0;
    let mut length = 0;
    while length + 8 <= SHORT {
        let eight = text.get(length..).and_then(<[u8]>::first_chunk);
        let Some(more) = eight.copied().and_then(eight_digits) else {
            break;
        };
        value = value * 100_000_000 + more;
        length += 8;
    }
    let behind = loop {
        let byte = text.get(length).copied();
        let Some(digit @ b'0'..=b'9') = byte else {
            break byte;
        };
        if length == SHORT {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
        length += 1;
    };
    let goes_on = matches!(behind, Some(b'.' | b'e' | b'E'));
    let has_needless_zero = length > 1 && text.first() == Some(&b'0');
    (length > 0 && !goes_on && !has_needless_zero).then_some((value, length))
}

/// What eight digits stand for; `None` where one of the bytes is no digit.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<i64> {
    let digits = u64::from_le_bytes(text) ^ (ONES * u64::from(b'0'));
    let above_nine = digits.wrapping_add(ONES * (0x7F - 9)) | digits;
    if above_nine & HIGH_BITS != 0 {
        return None;
    }
    // Two neighbours at a time are put together, then four and eight: the first digit is in the lowest byte.
    let twos = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_FFFF_0000_FFFF;
    let eight = (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF;
    i64::try_from(eight).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        let mut reader = Reader::new(text);
        assert_eq!(reader.known_integer(), expected, "{text}");
        let behind = text.find([',', ' ']).unwrap_or(text.len());
        let index = expected.map_or(0, |_| behind);
        assert_eq!(reader.current_index(), index, "{text}");
    }

    #[test]
    fn short_integers_are_read_at_once() {
        for length in 1..=18 {
            let digits = "987654321012345678".get(..length).unwrap();
            for text in [digits.to_owned(), format!("-{digits}")] {
                let value = text.parse().unwrap();
                for behind in ["", ",", " ", ",\"a long string\""] {
                    check(&format!("{text}{behind}"), Some(value));
                }
                for behind in [".5", "e1", "E1"] {
                    check(&format!("{text}{behind}"), None);
                }
            }
        }
        check("0", Some(0));
        check("-0", Some(0));
        check("99999999", Some(99_999_999));
        check("999999999999999999", Some(999_999_999_999_999_999));
    }

    #[test]
    fn other_numbers_are_left_alone() {
        let others = [
            "1234567890123456789",
            "01",
            "-012345678",
            "00000000",
            "-",
            "",
            "a",
            "--1",
            "\u{0660}",
        ];
        for text in others {
            check(text, None);
        }
    }

    #[test]
    fn eight_digits_are_digits_all() {
        assert_eq!(eight_digits(*b"12345678"), Some(12_345_678));
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"12345678";
                text[place] = byte;
                let expected = std::str::from_utf8(&text)
                    .ok()
                    .filter(|_| byte.is_ascii_digit());
                assert_eq!(
                    eight_digits(text),
                    expected.map(|text| text.parse().unwrap())
                );
            }
        }
    }
}
