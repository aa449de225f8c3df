//! Texts that are ISO 8601 dates or dates with a time, and the same shape for another moment.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A text that denotes a moment, and how it is spelled.
///
/// `2024-01-31`, `2024-01-31T12:00`, `2024-01-31 12:00:00.123`, each with or without `Z` or an offset behind the time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TimeText<'t> {
    /// The date and time as they are spelled.
    pub(super) moment: DateTime,
    clock: Option<Clock<'t>>,
}

/// How the time of day is spelled.
#[derive(Clone, Debug, PartialEq)]
struct Clock<'t> {
    separator: char,
    has_seconds: bool,
    fraction_digits: usize,
    /// `Z`, an offset, or nothing.
    zone: &'t str,
    offset: Offset,
}

impl<'t> TimeText<'t> {
    /// Reads a text; `None` where it is spelled otherwise, or more exact than a nanosecond.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let (year, month_and_day) = date.split_once('-')?;
        let (month, day) = month_and_day.split_once('-')?;
        if year.len() != 4 || month.len() != 2 {
            return None;
        }
        let date = Date::new(number(year)?, number(month)?, number(day)?).ok()?;
        let Some(separator) = rest.chars().next() else {
            return Some(Self {
                moment: date.into(),
                clock: None,
            });
        };
        if !matches!(separator, 'T' | 't' | ' ') {
            return None;
        }
        let rest = rest.get(1..)?;
        let clock_end = rest
            .find(|letter: char| !matches!(letter, '0'..='9' | ':' | '.'))
            .unwrap_or(rest.len());
        let (clock, zone) = rest.split_at_checked(clock_end)?;
        let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let fraction_missing = clock.contains('.') && fraction.is_empty();
        let parts: Vec<&str> = whole.split(':').collect();
        let (hour, minute, second) = match parts.as_slice() {
            [hour, minute] if fraction.is_empty() => (*hour, *minute, "00"),
            [hour, minute, second] => (*hour, *minute, *second),
            _ => return None,
        };
        let two_digits = |part: &str| part.len() == 2;
        if fraction_missing
            || fraction.len() > 9
            || ![hour, minute, second].into_iter().all(two_digits)
        {
            return None;
        }
        let nanosecond = if fraction.is_empty() {
            0
        } else {
            number::<i32>(&format!("{fraction:0<9}"))?
        };
        let time = Time::new(number(hour)?, number(minute)?, number(second)?, nanosecond).ok()?;
        Some(Self {
            moment: date.to_datetime(time),
            clock: Some(Clock {
                separator,
                has_seconds: parts.len() == 3,
                fraction_digits: fraction.len(),
                zone,
                offset: offset(zone)?,
            }),
        })
    }

    /// The instant; a text without an offset is in UTC.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        let offset = self
            .clock
            .as_ref()
            .map_or(Offset::UTC, |clock| clock.offset);
        offset.to_timestamp(self.moment).ok()
    }

    /// Whether it is a date alone.
    pub(super) fn is_date(&self) -> bool {
        self.clock.is_none()
    }

    /// Another moment in the same spelling; what the spelling has no place for is cut off.
    pub(super) fn spell(&self, moment: DateTime) -> String {
        let mut text = moment.date().to_string();
        if let Some(clock) = &self.clock {
            let time = moment.time();
            text.push(clock.separator);
            write!(text, "{:02}:{:02}", time.hour(), time.minute())
                .expect("writing to a string does not fail");
            if clock.has_seconds {
                write!(text, ":{:02}", time.second()).expect("writing to a string does not fail");
            }
            if clock.fraction_digits > 0 {
                let nanoseconds = format!("{:09}", time.subsec_nanosecond());
                text.push('.');
                text.extend(nanoseconds.chars().take(clock.fraction_digits));
            }
            text.push_str(clock.zone);
        }
        text
    }
}

fn offset(zone: &str) -> Option<Offset> {
    let (sign, digits) = match zone.chars().next() {
        None => return Some(Offset::UTC),
        Some('Z' | 'z') if zone.len() == 1 => return Some(Offset::UTC),
        Some('+') => (1, zone.get(1..)?),
        Some('-') => (-1, zone.get(1..)?),
        Some(_) => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits
            .split_once(':')
            .filter(|(hours, _)| hours.len() == 2)?,
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// A number of nothing but digits.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spellings_are_times() {
        for (text, expected) in [
            ("2024-01-31", "2024-01-31T00:00:00Z"),
            ("2024-01-31T12:00", "2024-01-31T12:00:00Z"),
            ("2024-01-31 12:00:00", "2024-01-31T12:00:00Z"),
            ("2024-01-31t12:00:00.5z", "2024-01-31T12:00:00.5Z"),
            (
                "2024-01-31T12:00:00.123456789-0130",
                "2024-01-31T13:30:00.123456789Z",
            ),
            ("2024-01-31T12:00:00+02", "2024-01-31T10:00:00Z"),
        ] {
            let read = TimeText::parse(text).unwrap();
            assert_eq!(read.instant().unwrap().to_string(), expected);
            assert_eq!(read.spell(read.moment), text);
        }
    }

    #[test]
    fn other_texts_are_not() {
        for text in [
            "",
            "2024",
            "2024-1-31",
            "2024-01-32",
            "2024-01-31x",
            "2024-01-31T",
            "2024-01-31T1:00",
            "2024-01-31T12:00:00.",
            "2024-01-31T12:00:00.1234567890",
            "2024-01-31T12:00:00 Z",
            "2024-01-31T12:00:00+2",
            "é024-01-31",
            "2024-01-31T12:00é",
            "+024-01-31",
        ] {
            assert_eq!(TimeText::parse(text), None, "{text}");
        }
    }
}
