//! The formats of a cursor.

use jiff::Timestamp;

use super::super::mistakes::{Mistakes, Place, Reported};
use super::super::model::TimeFormat;
use crate::plan::CursorFormat;
use crate::spec;

const NAMES: [(&str, TimeFormat); 4] = [
    ("rfc3339", TimeFormat::Rfc3339),
    ("date", TimeFormat::Date),
    ("unix", TimeFormat::Unix),
    ("unix_ms", TimeFormat::UnixMs),
];

/// Every format that is given; `reads` tells whether records are read with them.
pub(in crate::plan) fn formats(
    formats: &spec::CursorFormats,
    reads: bool,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Vec<CursorFormat>, Reported> {
    let texts = &formats.0.0;
    let mut compiled = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let place = if texts.len() == 1 {
            place.clone()
        } else {
            place.index(index)
        };
        let named = NAMES.into_iter().find(|(name, _)| name == text);
        let format = match named {
            Some((_, format)) => CursorFormat::Named(format),
            None if text.contains('%') => CursorFormat::Pattern(text.clone()),
            None => {
                let known = NAMES.map(|(name, _)| name);
                let help = match spec::did_you_mean(text, known) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "write `rfc3339`, `date`, `unix`, `unix_ms`, or a pattern such as `%Y-%m-%d %H:%M:%S`"
                        .to_owned(),
                };
                return Err(mistakes.add(
                    "plan::format",
                    &place,
                    format!("`{text}` isn't a format of times"),
                    help,
                ));
            }
        };
        if let Some(problem) = format.problem(reads) {
            return Err(mistakes.add(
                "plan::format",
                &place,
                format!("`{text}` isn't a pattern of times: {problem}"),
                "write a pattern of strftime, such as `%Y-%m-%d %H:%M:%S`".to_owned(),
            ));
        }
        compiled.push(format);
    }
    Ok(compiled)
}

/// The instant of a value that a spec gives: RFC 3339, a date, or one of the formats.
pub(super) fn instant(
    point: &spec::CursorPoint,
    formats: &[CursorFormat],
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Timestamp, Reported> {
    let read = match point {
        spec::CursorPoint::Now => None,
        spec::CursorPoint::Number(number) => {
            let json = number.to_string();
            formats
                .iter()
                .find_map(|format| format.read(json.as_bytes()))
        }
        spec::CursorPoint::Text(text) => spec::parse_time(text).or_else(|| {
            let json = serde_json::Value::from(text.as_str()).to_string();
            formats
                .iter()
                .find_map(|format| format.read(json.as_bytes()))
        }),
    };
    read.ok_or_else(|| {
        let help = match point {
            spec::CursorPoint::Number(_) => {
                "write `2024-01-31` or `2024-01-31T12:00:00Z`; numbers are for `unix` and `unix_ms`"
            }
            _ => "write `2024-01-31` or `2024-01-31T12:00:00Z`",
        };
        mistakes.add(
            "plan::time",
            place,
            format!("`{point}` isn't a time in this `format`"),
            help.to_owned(),
        )
    })
}
