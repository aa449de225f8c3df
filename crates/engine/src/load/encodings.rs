//! How the integers and times of a file are encoded, judged by its first rows.
//!
//! A dictionary of values that hardly repeat is the column once more. Where such values lie close to those before, as
//! times and counters do, their differences take a few bits each.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// With more columns all are encoded as the encoder does by default: one that writes differences has a buffer of a megabyte.
const MOST_COLUMNS: usize = 64;

/// Values that are looked at.
const SAMPLE: usize = 1024;

/// Fewer values say nothing.
const SMALLEST_SAMPLE: usize = 64;

/// Bits for each difference up to which it takes less room than a place in a dictionary.
const CLOSE_BITS: u32 = 16;

/// The properties for a file that begins with these rows.
pub(super) fn properties_for(
    properties: &WriterProperties,
    first: &RecordBatch,
) -> WriterProperties {
    if first.num_columns() > MOST_COLUMNS {
        return properties.clone();
    }
    let mut chosen = properties.clone().into_builder();
    for (field, array) in first.schema_ref().fields().iter().zip(first.columns()) {
        let Some(values) = integers(array) else {
            continue;
        };
        if lie_close(&values) {
            let path = ColumnPath::new(vec![field.name().clone()]);
            chosen = chosen
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
                .set_column_dictionary_enabled(path, false);
        }
    }
    chosen.build()
}

/// Whether the values hardly repeat, and each lies close to the one before.
fn lie_close(values: &[i64]) -> bool {
    if values.len() < SMALLEST_SAMPLE {
        return false;
    }
    let different: HashSet<i64> = values.iter().copied().collect();
    let differences = values.windows(2).map(|pair| match pair {
        [before, value] => i128::from(*value) - i128::from(*before),
        _ => 0,
    });
    let least = differences.clone().min().unwrap_or(0);
    let most = differences.max().unwrap_or(0);
    different.len() * 2 > values.len() && (most - least) >> CLOSE_BITS == 0
}

/// The first values of a column of integers or times; `None` for any other.
fn integers(array: &ArrayRef) -> Option<Vec<i64>> {
    fn first<T: ArrowPrimitiveType>(
        array: &ArrayRef,
        value: impl Fn(T::Native) -> i64,
    ) -> Vec<i64> {
        let values = array.as_primitive::<T>().iter().flatten();
        values.take(SAMPLE).map(value).collect()
    }
    match array.data_type() {
        DataType::Int64 => Some(first::<Int64Type>(array, |value| value)),
        // Where the difference of two is taken for another one, it is a large one.
        DataType::UInt64 => Some(first::<UInt64Type>(array, u64::cast_signed)),
        DataType::Date32 => Some(first::<Date32Type>(array, i64::from)),
        DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => {
            Some(first::<TimestampMicrosecondType>(array, |value| value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_close_and_hardly_repeats_has_no_dictionary() {
        let times: Vec<i64> = (0..1000)
            .map(|row| 1_704_067_200 + row * 7 + row * row % 900)
            .collect();
        assert!(lie_close(&times));
        let backwards: Vec<i64> = times.iter().rev().copied().collect();
        assert!(lie_close(&backwards));
        let repeated: Vec<i64> = (0..1000).map(|row| row % 50).collect();
        assert!(!lie_close(&repeated));
        let far: Vec<i64> = (0..1000)
            .map(|row: i64| row.wrapping_mul(0x5851_F42D_4C95_7F2D))
            .collect();
        assert!(!lie_close(&far));
        assert!(!lie_close(&[i64::MIN, i64::MAX].repeat(100)));
        assert!(!lie_close(&times[..10]));
        assert!(!lie_close(&[]));
    }
}
