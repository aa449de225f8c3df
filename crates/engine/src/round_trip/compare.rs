//! Rows held against the records that they came from, value for value.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use jiff::civil::date;
use jiff::fmt::temporal::Pieces;
use jiff::{SignedDuration, ToSpan};

use super::oracle::{Json, Number};
use crate::schema::{Column, ColumnType, Kind, TableSchema};

/// Checks that the rows are these records, in order: no value lost, changed or made up.
///
/// A timestamp is the instant that the text names. `{}` and `[]` may be absent where their column had never more than
/// such values when the rows were written, and so did not exist.
pub(crate) fn check_rows(
    records: &[Json],
    rows: &RecordBatch,
    schema: &TableSchema,
    written: Written,
) -> Result<(), String> {
    if records.len() != rows.num_rows() {
        return Err(format!(
            "{} records became {} rows",
            records.len(),
            rows.num_rows()
        ));
    }
    let columns = schema.layout();
    for (row, record) in records.iter().enumerate() {
        let single;
        let members = match record {
            Json::Object(members) => members,
            Json::Null => &BTreeMap::new(),
            other => {
                single = BTreeMap::from([("value".to_owned(), other.clone())]);
                &single
            }
        };
        check_object(members, &columns, rows.columns(), row, written)
            .map_err(|difference| format!("record {row}: ${difference}"))?;
    }
    Ok(())
}

/// Under which schema rows were written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Written {
    /// The one that they are in.
    Now,
    /// An earlier one, from which they were laid out anew.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests alone load more than once")
    )]
    Before,
}

fn check_object(
    members: &BTreeMap<String, Json>,
    columns: &[Column],
    arrays: &[ArrayRef],
    row: usize,
    written: Written,
) -> Result<(), String> {
    let keys: BTreeSet<&String> = columns
        .iter()
        .map(|column| &column.source.key)
        .chain(members.keys())
        .collect();
    for key in keys {
        let of_key: Vec<(&Column, &ArrayRef)> = columns
            .iter()
            .zip(arrays)
            .filter(|(column, _)| column.source.key == *key)
            .collect();
        let filled: Vec<_> = of_key
            .iter()
            .filter(|(_, array)| array.is_valid(row))
            .collect();
        let checked = match (members.get(key), filled.as_slice()) {
            (None, []) => Ok(()),
            (Some(value), [(column, array)]) => {
                check(value, &column.data_type, array, row, written)
            }
            (Some(value), []) => check_absence(value, &of_key, written),
            (None, _) => Err(": a value was made up".to_owned()),
            (Some(_), _) => Err(": one value is in two columns".to_owned()),
        };
        checked.map_err(|difference| format!(".{key}{difference}"))?;
    }
    Ok(())
}

fn check_absence(
    value: &Json,
    of_key: &[(&Column, &ArrayRef)],
    written: Written,
) -> Result<(), String> {
    let kind = match value {
        Json::List(_) => Kind::List,
        _ => Kind::Object,
    };
    let takes = |column: &Column| {
        written == Written::Now && column.kind.is_none_or(|accepted| accepted == kind)
    };
    if value.is_hollow() && !of_key.iter().any(|(column, _)| takes(column)) {
        return Ok(());
    }
    Err(format!(": {value:?} is lost"))
}

pub(super) fn check(
    expected: &Json,
    data_type: &ColumnType,
    array: &dyn Array,
    row: usize,
    written: Written,
) -> Result<(), String> {
    if array.is_null(row) {
        return is_same(expected, &Json::Null);
    }
    let number = |text: String| {
        let number = Number::read(&text).ok_or_else(|| format!(": `{text}` is no number"));
        number.map(Json::Number)
    };
    let found = match (data_type, expected) {
        (ColumnType::Struct(columns), Json::Object(members)) => {
            return check_object(members, columns, array.as_struct().columns(), row, written);
        }
        (ColumnType::List(element), Json::List(values)) => {
            let elements = array.as_list::<i32>().value(row);
            if elements.len() != values.len() {
                let count = elements.len();
                return Err(format!(": {count} elements of {}", values.len()));
            }
            for (position, value) in values.iter().enumerate() {
                check(value, element, &elements, position, written)
                    .map_err(|difference| format!("[{position}]{difference}"))?;
            }
            return Ok(());
        }
        (ColumnType::Map(value), Json::Object(members)) => {
            return check_map(members, value, &array.as_map().value(row), written);
        }
        (ColumnType::Timestamp(_), Json::Text(text)) => {
            let found = array.as_primitive::<TimestampMicrosecondType>().value(row);
            return match microseconds(text) {
                Some(expected) if expected == i128::from(found) => Ok(()),
                _ => Err(format!(": `{text}` became {found} microseconds")),
            };
        }
        (ColumnType::Bool, _) => Json::Bool(array.as_boolean().value(row)),
        (ColumnType::Int64, _) => number(array.as_primitive::<Int64Type>().value(row).to_string())?,
        (ColumnType::UInt64, _) => {
            number(array.as_primitive::<UInt64Type>().value(row).to_string())?
        }
        (ColumnType::Float64, _) => number(format!(
            "{:e}",
            array.as_primitive::<Float64Type>().value(row)
        ))?,
        (ColumnType::Decimal(_, scale), _) => number(format!(
            "{}e-{scale}",
            array.as_primitive::<Decimal128Type>().value(row)
        ))?,
        (ColumnType::NumberText, _) => number(array.as_string::<i32>().value(row).to_owned())?,
        (ColumnType::Text, _) => Json::Text(array.as_string::<i32>().value(row).to_owned()),
        (ColumnType::Date, _) => Json::Text(day(array.as_primitive::<Date32Type>().value(row))),
        (ColumnType::Json, _) => {
            let text = array.as_string::<i32>().value(row);
            Json::read(text.as_bytes()).map_err(|_| format!(": `{text}` is no JSON"))?
        }
        _ => {
            return Err(format!(
                ": {expected:?} lies in a column of {}",
                data_type.arrow_type()
            ));
        }
    };
    is_same(expected, &found)
}

/// Members that are null leave no trace; the entries are sorted by the bytes of their keys, and none has a null.
fn check_map(
    members: &BTreeMap<String, Json>,
    value: &ColumnType,
    entries: &StructArray,
    written: Written,
) -> Result<(), String> {
    let found: Vec<&str> = entries
        .column(0)
        .as_string::<i32>()
        .iter()
        .flatten()
        .collect();
    let expected: Vec<&str> = members.keys().map(String::as_str).collect();
    if found != expected {
        return Err(format!(": keys {expected:?} became {found:?}"));
    }
    for (entry, (key, expected)) in members.iter().enumerate() {
        check(expected, value, entries.column(1), entry, written)
            .map_err(|difference| format!(".{key}{difference}"))?;
    }
    Ok(())
}

fn is_same(expected: &Json, found: &Json) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!(": {expected:?} became {found:?}"))
}

fn day(days: i32) -> String {
    let epoch = date(1970, 1, 1);
    epoch
        .checked_add(days.days())
        .map_or_else(|_| format!("day {days}"), |date| date.to_string())
}

/// Microseconds since 1970 of RFC 3339 text; `None` where there is none, or part of one is left.
fn microseconds(text: &str) -> Option<i128> {
    let pieces = Pieces::parse(text).ok()?;
    let local = pieces.date().to_datetime(pieces.time()?);
    let since_epoch = local.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
    let offset = SignedDuration::from_secs(pieces.to_numeric_offset()?.seconds().into());
    let nanoseconds = since_epoch.checked_sub(offset)?.as_nanos();
    (nanoseconds % 1000 == 0).then_some(nanoseconds / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, SliceMemory};
    use crate::flow::{Page, Slice};
    use crate::plan::DecodePlan;
    use crate::schema::conform;

    const BODY: &str = r#"{"n":1.50,"at":"2024-01-01T02:00:00.5+02:00","o":{"a":[1,null]},"m":[1,"x"],"e":{},"t":"2024-01-01","by":{"10":7,"9":8,"1":null}}"#;

    /// What is said of the rows of [`BODY`] where this was expected.
    fn compared(expected: &str) -> Result<(), String> {
        let range = 0..BODY.len();
        let page = Page {
            number: 1,
            body: BODY.into(),
            records: vec![range],
            fetched_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let decoder = Decoder::new(DecodePlan::default(), "load");
        let memory = &mut SliceMemory::default();
        let found = decoder.decode(&Slice::default(), &page, memory).unwrap();
        let settled = found.schema.settle(None);
        let rows = conform(&found.batch, &found.schema, &settled).unwrap();
        let expected = Json::read(expected.as_bytes()).unwrap();
        check_rows(&[expected], &rows, &settled, Written::Now)
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        compared(BODY).unwrap();
        compared(&BODY.replace("1.50", "15E-1")).unwrap();
        compared(&BODY.replace("02:00:00.5+02:00", "00:00:00.500000z")).unwrap();
        compared(&BODY.replace(r#""e":{},"#, r#""e":null,"x":[[]],"#)).unwrap();
    }

    #[test]
    fn each_difference_is_found() {
        for (what, other) in [
            ("1.50", "1.5000000000000000000001"),
            ("1.50", "-1.50"),
            ("1.50", "\"1.50\""),
            ("+02:00", "+01:00"),
            (".5+", ".5000001+"),
            ("[1,null]", "[1]"),
            ("[1,null]", "[1,0]"),
            ("[1,null]", "[null,1]"),
            ("\"a\"", "\"b\""),
            ("[1,\"x\"]", "[1,\"x\",null]"),
            ("[1,\"x\"]", "[\"1\",\"x\"]"),
            ("{\"a\":[1,null]}", "{}"),
            ("{}", "{\"b\":0}"),
            ("{}", "false"),
            ("\"2024-01-01\"", "\"2024-01-02\""),
            ("\"10\":7", "\"10\":8"),
            ("\"10\":7", "\"11\":7"),
            ("\"10\":7,", ""),
            ("\"10\":7", "\"10\":null"),
            ("\"1\":null", "\"1\":0"),
            ("\"t\"", "\"u\""),
        ] {
            let expected = BODY.replacen(what, other, 1);
            assert!(compared(&expected).is_err(), "{what} -> {other}");
        }
    }
}
