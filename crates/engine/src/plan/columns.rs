//! Compiling `columns`.

use indexmap::IndexMap;

use super::CursorFormat;
use super::column_hint::{ColumnHint, DeclaredType};
use super::incremental::formats;
use super::mistakes::{Mistakes, Place};
use crate::schema::Form;
use crate::spec::{self, DataType};

/// Digits of the widest decimal.
const DECIMAL_DIGITS: u8 = 38;

/// Digits of a second's fraction up to which a timestamp is kept in microseconds.
const MICROSECOND_DIGITS: u32 = 6;

/// Digits of a second's fraction that the finest timestamp has.
const NANOSECOND_DIGITS: u32 = 9;

pub(super) fn compile(
    columns: &IndexMap<String, spec::Column>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> IndexMap<String, ColumnHint> {
    let mut hints = IndexMap::with_capacity(columns.len());
    for (name, column) in columns {
        let place = place.key(name);
        let hint = ColumnHint {
            data_type: column
                .data_type
                .and_then(|data_type| declared(data_type, column, &place, mistakes)),
            formats: time_formats(column, &place, mistakes),
            limit: limit(column),
            nested: column.nested.map(form),
            empty_as_null: column.empty_as_null,
            nullable: column.nullable.unwrap_or(true),
            description: column.description.clone(),
        };
        hints.insert(name.clone(), hint);
    }
    hints
}

/// The form that `nested` names.
pub(super) fn form(nested: spec::Nested) -> Form {
    match nested {
        spec::Nested::Struct => Form::Struct,
        spec::Nested::Map => Form::Map,
        spec::Nested::Json => Form::Json,
        spec::Nested::Flatten => Form::Flatten,
        spec::Nested::Tables => Form::Tables,
    }
}

fn declared(
    data_type: DataType,
    column: &spec::Column,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<DeclaredType> {
    if column.scale.is_some() && data_type != DataType::Decimal {
        mistakes.add(
            "plan::column",
            &place.key("scale"),
            "`scale` is for `decimal` columns",
            None,
        );
    }
    if data_type != DataType::Decimal
        && let Some(problem) = column
            .precision
            .and_then(|given| precision_problem(data_type, given))
    {
        mistakes.add("plan::column", &place.key("precision"), problem, None);
    }
    Some(match data_type {
        DataType::Text => DeclaredType::Text,
        DataType::Double => DeclaredType::Double,
        DataType::Bool => DeclaredType::Bool,
        DataType::Timestamp if column.precision > Some(MICROSECOND_DIGITS) => {
            DeclaredType::TimestampNanoseconds
        }
        DataType::Timestamp => DeclaredType::Timestamp,
        DataType::Date => DeclaredType::Date,
        DataType::Time => DeclaredType::Time,
        DataType::Bigint => DeclaredType::Bigint,
        DataType::Binary => DeclaredType::Binary,
        DataType::Json => DeclaredType::Json,
        DataType::Wei => DeclaredType::Decimal {
            precision: DECIMAL_DIGITS,
            scale: 0,
        },
        DataType::Decimal => return decimal(column, place, mistakes),
    })
}

fn decimal(column: &spec::Column, place: &Place, mistakes: &mut Mistakes) -> Option<DeclaredType> {
    let digits = column
        .precision
        .unwrap_or(u32::from(spec::DEFAULT_DECIMAL_PRECISION));
    let scale = u32::from(column.scale.unwrap_or(spec::DEFAULT_DECIMAL_SCALE));
    let scale = match column.scale {
        Some(_) => scale,
        None => scale.min(digits),
    };
    let precision = u8::try_from(digits)
        .ok()
        .filter(|precision| (1..=DECIMAL_DIGITS).contains(precision));
    match (precision, i8::try_from(scale)) {
        (Some(precision), Ok(places)) if scale <= digits => Some(DeclaredType::Decimal {
            precision,
            scale: places,
        }),
        _ => {
            mistakes.add(
                "plan::column",
                place,
                format!(
                    "a decimal of {digits} digits, {scale} of them behind the point, can't be kept"
                ),
                "`precision` is 1 to 38, and `scale` at most `precision`".to_owned(),
            );
            None
        }
    }
}

/// Why a type other than `decimal` can't have a precision.
fn precision_problem(data_type: DataType, precision: u32) -> Option<&'static str> {
    match data_type {
        DataType::Timestamp if precision > NANOSECOND_DIGITS => {
            Some("a second's fraction has at most 9 digits")
        }
        DataType::Time if precision > MICROSECOND_DIGITS => {
            Some("times of day are exact to the microsecond: at most 6 digits")
        }
        DataType::Bigint if ![8, 16, 32, 64].contains(&precision) => {
            Some("integers have 8, 16, 32 or 64 bits")
        }
        DataType::Text | DataType::Binary if precision == 0 => {
            Some("nothing is as short as that: give the length of the longest value")
        }
        DataType::Double | DataType::Bool | DataType::Date | DataType::Json | DataType::Wei => {
            Some(
                "`precision` is for `decimal`, `timestamp`, `time`, `text`, `binary` and `bigint` columns",
            )
        }
        _ => None,
    }
}

/// What values are said to keep to.
fn limit(column: &spec::Column) -> Option<u32> {
    let limited = matches!(
        column.data_type,
        Some(DataType::Text | DataType::Binary | DataType::Bigint)
    );
    column.precision.filter(|_| limited)
}

fn time_formats(
    column: &spec::Column,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Vec<CursorFormat> {
    let place = place.key("format");
    let is_time = matches!(column.data_type, Some(DataType::Timestamp | DataType::Date));
    if !column.format.0.0.is_empty() && !is_time {
        mistakes.add(
            "plan::column",
            &place,
            "this `format` doesn't go with the column's `data_type`",
            "give `data_type: timestamp` or `data_type: date` beside `format`".to_owned(),
        );
    }
    // A mistake is told where it was found.
    formats(&column.format, true, &place, mistakes).unwrap_or_default()
}
