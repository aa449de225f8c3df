//! Exact conversion between the types of numbers, and between those of strings.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    UInt64Array,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::super::calendar::{parse_date, write_date};
use super::super::column::ColumnType;
use super::super::exact_number::ExactNumber;
use super::super::number::integer_is_exact_in_float64;
use super::super::spelling::parse_timestamp;
use super::ConformError;
use super::convert::{Converted, downcast};

/// Converts between two types of the same scalar kind.
pub(super) fn convert(
    array: &ArrayRef,
    from: &ColumnType,
    to: &ColumnType,
) -> Result<Converted, ConformError> {
    let converted: ArrayRef = match (from, to) {
        (ColumnType::Int64, ColumnType::Float64) => Arc::new(int64_to_float64(downcast(array)?)),
        (_, ColumnType::Int64) => {
            let numbers = (0..array.len()).map(|row| number_at(array, from, row)?.to_int64());
            Arc::new(numbers.collect::<Int64Array>())
        }
        (_, ColumnType::UInt64) => {
            let numbers = (0..array.len()).map(|row| number_at(array, from, row)?.to_uint64());
            Arc::new(numbers.collect::<UInt64Array>())
        }
        (_, ColumnType::Float64) => {
            let numbers = (0..array.len()).map(|row| number_at(array, from, row)?.to_float64());
            Arc::new(numbers.collect::<Float64Array>())
        }
        (_, ColumnType::Decimal(precision, scale)) => {
            let numbers = (0..array.len())
                .map(|row| number_at(array, from, row)?.to_decimal(*precision, *scale));
            let decimals = numbers.collect::<Decimal128Array>();
            Arc::new(decimals.with_precision_and_scale(*precision, *scale)?)
        }
        (_, ColumnType::NumberText) => {
            let texts = (0..array.len()).map(|row| Some(number_at(array, from, row)?.canonical()));
            Arc::new(texts.collect::<StringArray>())
        }
        (_, ColumnType::Text) => {
            let texts = (0..array.len()).map(|row| text_at(array, from, row));
            Arc::new(texts.collect::<StringArray>())
        }
        (ColumnType::Text, ColumnType::Timestamp(_)) => {
            let texts = downcast::<StringArray>(array)?.iter();
            let instants = texts.map(|text| Some(parse_timestamp(text?.as_bytes())?.microseconds));
            Arc::new(
                instants
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            )
        }
        (ColumnType::Text, ColumnType::Date) => {
            let texts = downcast::<StringArray>(array)?.iter();
            Arc::new(
                texts
                    .map(|text| parse_date(text?.as_bytes()))
                    .collect::<Date32Array>(),
            )
        }
        // A date is no timestamp, and the other way round.
        _ => arrow::array::new_null_array(&to.arrow_type(), array.len()),
    };
    Ok(Converted::of(converted, array))
}

fn int64_to_float64(integers: &Int64Array) -> Float64Array {
    integers
        .iter()
        .map(|value| {
            let value = value.filter(|value| integer_is_exact_in_float64(*value))?;
            #[expect(
                clippy::cast_precision_loss,
                reason = "just asked whether the value is exact"
            )]
            Some(value as f64)
        })
        .collect()
}

/// The number in a row of an array of any numeric type; `None` where there is none.
pub(super) fn number_at(
    array: &dyn Array,
    data_type: &ColumnType,
    row: usize,
) -> Option<ExactNumber> {
    if array.is_null(row) {
        return None;
    }
    let any = array.as_any();
    match data_type {
        ColumnType::Int64 => any
            .downcast_ref::<Int64Array>()
            .map(|array| ExactNumber::from_int64(array.value(row))),
        ColumnType::UInt64 => any
            .downcast_ref::<UInt64Array>()
            .map(|array| ExactNumber::from_decimal(i128::from(array.value(row)), 0)),
        ColumnType::Float64 => any
            .downcast_ref::<Float64Array>()
            .and_then(|array| ExactNumber::from_float64(array.value(row))),
        ColumnType::Decimal(_, scale) => any
            .downcast_ref::<Decimal128Array>()
            .map(|array| ExactNumber::from_decimal(array.value(row), *scale)),
        ColumnType::NumberText => any
            .downcast_ref::<StringArray>()
            .and_then(|array| ExactNumber::parse(array.value(row).as_bytes())),
        _ => None,
    }
}

/// The string in a row as it was spelled; `None` where there is none or its spelling is not known.
pub(super) fn text_at(array: &dyn Array, data_type: &ColumnType, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    let any = array.as_any();
    let mut text = String::new();
    match data_type {
        ColumnType::Text => text.push_str(any.downcast_ref::<StringArray>()?.value(row)),
        ColumnType::Date => write_date(any.downcast_ref::<Date32Array>()?.value(row), &mut text),
        ColumnType::Timestamp(spelling) => {
            let instant = any.downcast_ref::<TimestampMicrosecondArray>()?.value(row);
            (*spelling)?.write(instant, &mut text);
        }
        ColumnType::TimestampNanoseconds => {
            let instant = any.downcast_ref::<TimestampNanosecondArray>()?.value(row);
            text = Timestamp::from_nanosecond(instant.into()).ok()?.to_string();
        }
        ColumnType::Time => {
            let instant = any.downcast_ref::<Time64MicrosecondArray>()?.value(row);
            let written = Timestamp::from_microsecond(instant).ok()?.to_string();
            let (_, clock) = written.split_once('T')?;
            text.push_str(clock.trim_end_matches('Z'));
        }
        ColumnType::Binary => {
            text = STANDARD.encode(any.downcast_ref::<BinaryArray>()?.value(row));
        }
        _ => return None,
    }
    Some(text)
}
