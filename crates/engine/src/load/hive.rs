//! Values as names of folders, as Hive writes them.

use std::borrow::Cow;
use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use arrow::util::display::array_value_to_string;
use jiff::Timestamp;
use jiff::tz::Offset;

use crate::plan::DatePart;

/// What stands for null.
pub(super) const NULL_FOLDER: &str = "__HIVE_DEFAULT_PARTITION__";

/// Bytes in the name of a folder; more are possible in no usual file system.
const NAME_BYTES: usize = 255;

/// From here on, and below its inverse, a fraction is written with an exponent.
const LARGE_FRACTION: f64 = 1e15;

/// The name of a folder, from a key that is escaped here and a value that is already.
///
/// # Errors
/// A name that is too long, in words.
pub(super) fn folder(key: &str, value: &str) -> Result<String, String> {
    let name = format!("{}={value}", escape(key));
    if name.len() > NAME_BYTES {
        return Err(format!(
            "the folder of one of its values would have a name of {} bytes, and {NAME_BYTES} are possible",
            name.len()
        ));
    }
    Ok(name)
}

/// Text as part of a folder's name: what Hive percent-encodes, and no other character.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    // A text that reads like null's folder is not null.
    if text == NULL_FOLDER {
        return Cow::Owned(text.replace('_', "%5F"));
    }
    let is_special = |one: char| one.is_ascii_control() || r##""#%'*/:=?\{[]^"##.contains(one);
    if !text.contains(is_special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for one in text.chars() {
        if is_special(one) {
            // Writing to a string can't fail.
            let _written = write!(escaped, "%{:02X}", u32::from(one));
        } else {
            escaped.push(one);
        }
    }
    Cow::Owned(escaped)
}

/// The only value of an array, which is not null: numbers as short as possible, so that a column that is widened keeps its
/// folders.
///
/// # Errors
/// A value that has no text, in words.
pub(super) fn value(value: &ArrayRef) -> Result<String, String> {
    Ok(match value.data_type() {
        DataType::Utf8 => value.as_string::<i32>().value(0).to_owned(),
        DataType::Float64 => fraction(value.as_primitive::<Float64Type>().value(0)),
        DataType::Decimal128(..) => {
            let digits = array_value_to_string(value, 0).map_err(|error| error.to_string())?;
            if digits.contains('.') {
                digits
                    .trim_end_matches('0')
                    .trim_end_matches('.')
                    .to_owned()
            } else {
                digits
            }
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            instant(Timestamp::from_nanosecond(i128::from(
                value
                    .as_primitive::<arrow::datatypes::TimestampNanosecondType>()
                    .value(0),
            )))?
        }
        DataType::Timestamp(..) => instant(Timestamp::from_microsecond(
            value
                .as_primitive::<arrow::datatypes::TimestampMicrosecondType>()
                .value(0),
        ))?,
        _ => array_value_to_string(value, 0).map_err(|error| error.to_string())?,
    })
}

/// A part of an instant, given in hours since 1970-01-01T00:00:00Z.
///
/// # Errors
/// A year that no calendar has, in words.
pub(super) fn date_part(hours: i64, part: DatePart) -> Result<String, String> {
    let format = match part {
        DatePart::Year => "%Y",
        DatePart::Month => "%Y-%m",
        DatePart::Day => "%Y-%m-%d",
        DatePart::Hour => "%Y-%m-%d-%H",
    };
    let instant = Timestamp::from_second(hours.saturating_mul(3600));
    let instant = instant.map_err(|_| OUT_OF_RANGE.to_owned())?;
    let local = Offset::UTC.to_datetime(instant);
    Ok(local.strftime(format).to_string())
}

const OUT_OF_RANGE: &str = "it holds a time outside of the years -9999 to 9999";

fn instant(instant: Result<Timestamp, jiff::Error>) -> Result<String, String> {
    let instant = instant.map_err(|_| OUT_OF_RANGE.to_owned())?;
    let local = Offset::UTC.to_datetime(instant);
    Ok(local.strftime("%Y-%m-%d %H:%M:%S%.f").to_string())
}

fn fraction(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (LARGE_FRACTION.recip()..LARGE_FRACTION).contains(&size) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray, TimestampNanosecondArray,
    };

    use super::*;

    #[test]
    fn what_hive_escapes_is_escaped() {
        let check = |text, expected| assert_eq!(escape(text), expected);
        check("phone", "phone");
        check("a/b:c=d%", "a%2Fb%3Ac%3Dd%25");
        check("x y+z é", "x y+z é");
        check("..", "..");
        check("line\nbreak\0", "line%0Abreak%00");
        check("", "");
        check(NULL_FOLDER, "%5F%5FHIVE%5FDEFAULT%5FPARTITION%5F%5F");
    }

    #[test]
    fn a_name_has_an_end() {
        assert_eq!(folder("a b:", "c").unwrap(), "a b%3A=c");
        assert!(folder("a", &"x".repeat(253)).is_ok());
        assert_eq!(
            folder("a", &"x".repeat(254)).unwrap_err(),
            "the folder of one of its values would have a name of 256 bytes, and 255 are possible"
        );
    }

    #[test]
    fn a_widened_number_keeps_its_folder() {
        let check = |array: ArrayRef, expected| assert_eq!(value(&array).unwrap(), expected);
        check(Arc::new(Int64Array::from(vec![7])), "7");
        check(Arc::new(Float64Array::from(vec![7.0])), "7");
        let decimal = Decimal128Array::from(vec![700]);
        let decimal = decimal.with_precision_and_scale(38, 2).unwrap();
        check(Arc::new(decimal), "7");
        let tens = Decimal128Array::from(vec![70]);
        let tens = tens.with_precision_and_scale(38, 0).unwrap();
        check(Arc::new(tens), "70");
        check(Arc::new(Float64Array::from(vec![1.5e-20])), "1.5e-20");
        check(Arc::new(Float64Array::from(vec![1e300])), "1e300");
        check(Arc::new(Float64Array::from(vec![0.25])), "0.25");
    }

    #[test]
    fn other_values_are_written_as_sql_writes_them() {
        let check = |array: ArrayRef, expected| assert_eq!(value(&array).unwrap(), expected);
        check(Arc::new(StringArray::from(vec!["a b"])), "a b");
        check(Arc::new(BooleanArray::from(vec![true])), "true");
        check(Arc::new(Date32Array::from(vec![1])), "1970-01-02");
        let instant = TimestampMicrosecondArray::from(vec![1_500_000]).with_timezone("UTC");
        check(Arc::new(instant), "1970-01-01 00:00:01.5");
        let instant = TimestampNanosecondArray::from(vec![1_000_000_001]).with_timezone("UTC");
        check(Arc::new(instant), "1970-01-01 00:00:01.000000001");
    }

    #[test]
    fn parts_of_an_instant() {
        let check = |hours, part, expected| {
            assert_eq!(date_part(hours, part).unwrap(), expected);
        };
        check(0, DatePart::Year, "1970");
        check(0, DatePart::Month, "1970-01");
        check(0, DatePart::Day, "1970-01-01");
        check(-1, DatePart::Day, "1969-12-31");
        check(-1, DatePart::Hour, "1969-12-31-23");
        assert!(date_part(i64::MAX, DatePart::Day).is_err());
    }
}
