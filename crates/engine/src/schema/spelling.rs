//! Times written as text: reading them, and writing them again as they were spelled.

use serde::{Deserialize, Serialize};

use super::calendar::{civil_from_days, parse_date, two_digits};
use super::column::ColumnType;

const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Ways to write the fraction: exactly 0 to 9 digits, then the three below.
const FRACTIONS: u32 = 13;
const TRIMMED: u32 = 10;
const NONE_OR_SIX: u32 = 11;
const NONE_OR_THREE: u32 = 12;

/// What is known of all strings of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StringSummary {
    /// The spellings that reproduce every value, where all are RFC 3339 with an instant exact in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timestamps: Option<Spellings>,
    /// All are valid calendar dates written `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dates: bool,
}

impl StringSummary {
    /// The summary of strings of which nothing more is known.
    pub(crate) const TEXT: Self = Self {
        timestamps: None,
        dates: false,
    };

    /// The summary of one string.
    pub(crate) fn of(text: &str) -> Self {
        Self {
            timestamps: parse_timestamp(text.as_bytes()).map(|timestamp| timestamp.spellings),
            dates: parse_date(text.as_bytes()).is_some(),
        }
    }

    /// What is known of both sets of strings together.
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            timestamps: match (self.timestamps, other.timestamps) {
                (Some(left), Some(right)) => Some(left.and(right)),
                _ => None,
            },
            dates: self.dates && other.dates,
        }
    }

    /// The type in which a page can hold them and still give back every spelling.
    pub(crate) fn unsettled_type(self) -> ColumnType {
        match self.timestamps {
            Some(spellings) => match spellings.first() {
                Some(spelling) => ColumnType::Timestamp(Some(spelling)),
                None => ColumnType::Text,
            },
            None if self.dates => ColumnType::Date,
            None => ColumnType::Text,
        }
    }

    /// The final type, in which a timestamp keeps the instant and not the spelling.
    pub(crate) fn settled_type(self) -> ColumnType {
        match self.timestamps {
            Some(_) => ColumnType::Timestamp(None),
            None if self.dates => ColumnType::Date,
            None => ColumnType::Text,
        }
    }
}

/// A set of spellings of RFC 3339 timestamps, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Spellings(u32);

impl Spellings {
    const NONE: Self = Self(0);

    /// The spellings in both sets.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One of them, always the same for the same set.
    pub(crate) fn first(self) -> Option<Spelling> {
        (self.0 != 0).then(|| Spelling(self.0.trailing_zeros()))
    }
}

/// One way to write an instant as text: the zone and the digits of the fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Spelling(u32);

impl Spelling {
    /// `Z`, and no more digits than the instant needs.
    pub(crate) const SHORTEST: Self = Self(TRIMMED);

    /// Writes an instant, in microseconds since 1970, that was read in this spelling.
    pub(crate) fn write(self, microseconds: i64, text: &mut String) {
        use std::fmt::Write as _;

        let seconds = microseconds.div_euclid(MICROSECONDS_PER_SECOND);
        let fraction = microseconds.rem_euclid(MICROSECONDS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        write!(
            text,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )
        .expect("writing to a string does not fail");
        let nanoseconds = format!("{:09}", fraction * 1000);
        let digits = match self.0 % FRACTIONS {
            TRIMMED => nanoseconds.trim_end_matches('0').len(),
            NONE_OR_SIX if fraction != 0 => 6,
            NONE_OR_THREE if fraction != 0 => 3,
            NONE_OR_SIX | NONE_OR_THREE => 0,
            exactly => exactly as usize,
        };
        if digits > 0 {
            text.push('.');
            text.extend(nanoseconds.chars().take(digits));
        }
        text.push_str(if self.0 < FRACTIONS { "Z" } else { "+00:00" });
    }
}

/// An instant read from RFC 3339 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParsedTimestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(crate) microseconds: i64,
    /// The spellings that write exactly this text.
    pub(crate) spellings: Spellings,
}

/// Reads RFC 3339 text whose instant is exact in microseconds; a leap second is no instant.
pub(crate) fn parse_timestamp(text: &[u8]) -> Option<ParsedTimestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let [
        separator @ (b'T' | b't'),
        h1,
        h0,
        b':',
        m1,
        m0,
        b':',
        s1,
        s0,
        rest @ ..,
    ] = rest
    else {
        return None;
    };
    let days = i64::from(parse_date(date)?);
    let (hour, minute, second) = (
        two_digits(*h1, *h0)?,
        two_digits(*m1, *m0)?,
        two_digits(*s1, *s0)?,
    );
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, zone) = match rest {
        [b'.', rest @ ..] => {
            let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 {
                return None;
            }
            rest.split_at_checked(count)?
        }
        _ => (&[][..], rest),
    };
    let fraction_microseconds = parse_fraction(fraction)?;
    let (offset_seconds, first_spelling) = match zone {
        b"Z" => (0, Some(0)),
        b"+00:00" => (0, Some(FRACTIONS)),
        b"z" => (0, None),
        [sign @ (b'+' | b'-'), h1, h0, b':', m1, m0] => {
            let (hour, minute) = (two_digits(*h1, *h0)?, two_digits(*m1, *m0)?);
            if hour > 23 || minute > 59 {
                return None;
            }
            let seconds = hour * 3600 + minute * 60;
            (if *sign == b'-' { -seconds } else { seconds }, None)
        }
        _ => return None,
    };
    let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_seconds;
    let spellings = match first_spelling {
        Some(first) if *separator == b'T' => {
            Spellings(fraction_spellings(fraction, fraction_microseconds) << first)
        }
        _ => Spellings::NONE,
    };
    Some(ParsedTimestamp {
        microseconds: seconds * MICROSECONDS_PER_SECOND + fraction_microseconds,
        spellings,
    })
}

/// Digits behind the sixth must be zeros, or the instant would be cut.
fn parse_fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return Some(0);
    }
    let mut microseconds = 0;
    for position in 0..6 {
        let digit = digits.get(position).map_or(0, |digit| digit - b'0');
        microseconds = microseconds * 10 + i64::from(digit);
    }
    digits
        .iter()
        .skip(6)
        .all(|digit| *digit == b'0')
        .then_some(microseconds)
}

fn fraction_spellings(digits: &[u8], microseconds: i64) -> u32 {
    let count = u32::try_from(digits.len()).unwrap_or(u32::MAX);
    let mut spellings = if count <= 9 { 1 << count } else { 0 };
    if digits.last().is_none_or(|last| *last != b'0') {
        spellings |= 1 << TRIMMED;
    }
    let none_if_zero = (count == 0) == (microseconds == 0);
    if none_if_zero && (count == 0 || count == 6) {
        spellings |= 1 << NONE_OR_SIX;
    }
    if none_if_zero && (count == 0 || count == 3) {
        spellings |= 1 << NONE_OR_THREE;
    }
    spellings
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_agree_with_the_calendar_library() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999999Z",
            "1900-03-01T00:00:00+00:00",
            "0000-01-01T00:00:00Z",
            "9999-12-30T21:59:59Z",
            "2026-01-02T03:04:05.5+02:30",
            "2026-01-02t03:04:05-11:15",
            "2026-01-02T03:04:05.1234560Z",
        ] {
            let expected: Timestamp = text.parse().unwrap();
            let parsed = parse_timestamp(text.as_bytes()).unwrap();
            assert_eq!(parsed.microseconds, expected.as_microsecond(), "{text}");
        }
    }

    #[test]
    fn what_is_no_exact_instant_is_text() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-02-30T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.1234567Z",
            "2024-01-01T00:00:00+0200",
            "2024-01-01T00:00:00Zx",
            "２０２4-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_timestamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn mixed_fractions_share_the_spelling_of_their_library() {
        let shared = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| StringSummary::of(text))
                .reduce(StringSummary::join)
                .unwrap()
                .unsettled_type()
        };
        let restorable = |texts: &[&str]| matches!(shared(texts), ColumnType::Timestamp(Some(_)));
        assert!(
            restorable(&["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.120Z"]),
            "none or three"
        );
        assert!(
            restorable(&["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.12Z"]),
            "trimmed"
        );
        assert!(
            restorable(&[
                "2024-01-01T00:00:00+00:00",
                "2024-01-01T00:00:00.120000+00:00"
            ]),
            "none or six"
        );
        assert!(
            restorable(&["2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.120Z"]),
            "three"
        );
        assert_eq!(
            shared(&["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00"]),
            ColumnType::Text
        );
        assert_eq!(shared(&["2024-01-01T02:00:00+02:00"]), ColumnType::Text);
        assert_eq!(
            shared(&["2024-01-01", "2024-01-01T00:00:00Z"]),
            ColumnType::Text
        );
    }

    proptest! {
        #[test]
        fn each_spelling_of_a_text_writes_that_text(
            seconds in -62_167_219_200_i64..253_402_207_200,
            fraction in "(\\.[0-9]{1,6}0{0,3})?",
            zone in "Z|\\+00:00",
        ) {
            let whole = Timestamp::from_second(seconds).unwrap().strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let text = format!("{whole}{fraction}{zone}");
            let parsed = parse_timestamp(text.as_bytes()).unwrap();
            prop_assert!(parsed.spellings.first().is_some());
            for bit in (0..26).filter(|bit| parsed.spellings.0 & (1 << bit) != 0) {
                let mut written = String::new();
                Spelling(bit).write(parsed.microseconds, &mut written);
                prop_assert_eq!(&written, &text);
            }
        }
    }
}
