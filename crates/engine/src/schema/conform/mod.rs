//! Bringing a batch from the schema it was written under into a settled one, exactly.

mod children;
mod convert;
mod json_text;
mod maps;
mod scalar;
mod spread;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_not_null, take};
use arrow::error::ArrowError;

use super::child_table::Level;
use super::column::{Column, Kind, places};
use super::{MAXIMUM_COLUMNS, TableSchema};

pub use children::conform_with_children;
pub(crate) use convert::{convert_numbers, mixed_array};
pub(crate) use json_text::{render_json, write_string as write_json_string};
pub(crate) use maps::map_array;

/// Why a batch can't be brought into a schema. None of these is worth another try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConformError {
    /// The target may still change; settle it first.
    #[error("conform to a schema that is not settled")]
    NotSettled,
    /// The batch is not laid out as its schema says.
    #[error("read `{found}` columns where the schema of the batch has `{expected}`")]
    Layout {
        /// Columns that the schema has.
        expected: usize,
        /// Columns that the batch has.
        found: usize,
    },
    /// The target was not settled from the records of the batch.
    #[error("find a column for every value of `{column}`")]
    NoPlace {
        /// Name of the batch's column.
        column: String,
    },
    /// The table has more columns than files can hold.
    #[error("write `{count}` columns where `{MAXIMUM_COLUMNS}` are possible")]
    TooManyColumns {
        /// Columns that the target has.
        count: usize,
    },
    /// A column that must have values has nulls, or the batch is too large for Arrow's 32-bit offsets.
    #[error("build the columns")]
    Arrow(#[from] ArrowError),
}

/// Brings a batch laid out under `from` into the columns of `to`, a schema settled from it and others.
///
/// Values keep what they mean exactly; columns that the batch has not are null. Nothing is copied where the
/// schemas are equal, nor for columns of the same type. Lists that `to` puts into child tables are left out.
pub fn conform(
    batch: &RecordBatch,
    from: &TableSchema,
    to: &TableSchema,
) -> Result<RecordBatch, ConformError> {
    if from == to {
        return Ok(batch.clone());
    }
    let Some(target) = &to.columns else {
        return Err(ConformError::NotSettled);
    };
    if target.len() > MAXIMUM_COLUMNS {
        return Err(ConformError::TooManyColumns {
            count: target.len(),
        });
    }
    let layout = from.layout();
    let metadata = if from.metadata_columns {
        super::METADATA_NAMES.len()
    } else {
        0
    };
    if batch.num_columns() != layout.len() + metadata {
        return Err(ConformError::Layout {
            expected: layout.len() + metadata,
            found: batch.num_columns(),
        });
    }
    let (values, metadata) = batch.columns().split_at(layout.len());
    let rows = if from.columns.is_some() {
        Rows::Settled
    } else {
        Rows::Fresh
    };
    let mut arrays = conform_columns(values, &layout, to.level(), batch.num_rows(), rows)?;
    if to.metadata_columns {
        if metadata.is_empty() {
            return Err(ConformError::NoPlace {
                column: super::METADATA_NAMES[0].to_owned(),
            });
        }
        arrays.extend(metadata.iter().cloned());
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        to.arrow_schema(),
        arrays,
        &options,
    )?)
}

/// How the rows of a batch find their columns.
#[derive(Clone, Copy, PartialEq)]
enum Rows {
    /// Each value goes to the first column that takes it.
    Fresh,
    /// They found them in an earlier commit, and stay.
    Settled,
}

/// Brings the columns of one level into those of another.
fn conform_columns(
    arrays: &[ArrayRef],
    from: &[Column],
    level: Level<'_>,
    count: usize,
    rows: Rows,
) -> Result<Vec<ArrayRef>, ConformError> {
    let to = level.columns;
    let spread = spread::spread(arrays, from, level)?;
    let (arrays, from) = match &spread {
        Some((arrays, columns)) => (arrays.as_slice(), columns.as_slice()),
        None => (arrays, from),
    };
    let mut filled: Vec<Option<ArrayRef>> = vec![None; to.len()];
    let places = places(to);
    for (array, column) in arrays.iter().zip(from) {
        let lies_apart = column.kind == Some(Kind::List) && level.table(&column.source).is_some();
        if lies_apart || array.null_count() == array.len() {
            continue;
        }
        let of_source = places.get(&column.source).map_or(&[][..], Vec::as_slice);
        let stays = of_source
            .iter()
            .any(|at| rows == Rows::Settled && is_same(&to[*at], column));
        let mut rest = Some(Arc::clone(array));
        for at in of_source {
            let (target, filled) = (&to[*at], &mut filled[*at]);
            let is_candidate = if stays {
                is_same(target, column)
            } else {
                takes(target, column)
            };
            if !is_candidate {
                continue;
            }
            let Some(values) = rest.take() else { break };
            let converted = convert::convert(&values, &column.data_type, &target.data_type, rows)?;
            merge(filled, converted.array)?;
            rest = match converted.misfits {
                Some(misfits) => Some(keep(&values, &misfits)?),
                None => None,
            };
        }
        if rest.is_some() && !column.data_type.is_void() {
            return Err(ConformError::NoPlace {
                column: column.name.clone(),
            });
        }
    }
    Ok(filled
        .into_iter()
        .zip(to)
        .map(|(array, column)| {
            array.unwrap_or_else(|| new_null_array(&column.data_type.arrow_type(), count))
        })
        .collect())
}

/// Whether two columns of one source are the same.
fn is_same(target: &Column, column: &Column) -> bool {
    column.kind == target.kind && column.name == target.name
}

/// Whether a column takes values of another one of its source.
fn takes(target: &Column, column: &Column) -> bool {
    !target.closed && (target.kind.is_none() || target.kind == column.kind)
}

/// The rows of two arrays that never both have a value.
fn merge(filled: &mut Option<ArrayRef>, more: ArrayRef) -> Result<(), ConformError> {
    *filled = Some(match filled.take() {
        Some(before) if before.null_count() < before.len() => {
            zip(&is_not_null(&more)?, &more, &before)?
        }
        _ => more,
    });
    Ok(())
}

/// The array with null in every row that is not set.
fn keep(array: &ArrayRef, rows: &BooleanBuffer) -> Result<ArrayRef, ArrowError> {
    let indices: UInt32Array = (0_u32..)
        .zip(rows)
        .map(|(row, kept)| kept.then_some(row))
        .collect();
    take(array, &indices, None)
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::super::{Field, NumberSummary, Observed, Source};
    use super::*;

    fn schema(keys: &[&str]) -> TableSchema {
        let fields = keys.iter().map(|key| Field {
            source: Source::key(*key),
            declared: None,
            observed: Observed {
                number: Some(NumberSummary::of_int64(1)),
                ..Observed::default()
            },
        });
        TableSchema {
            fields: fields.collect(),
            ..TableSchema::default()
        }
    }

    fn batch(schema: &TableSchema) -> RecordBatch {
        let columns = schema.column_names().into_iter().map(|_| {
            let array: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
            array
        });
        RecordBatch::try_new(schema.arrow_schema(), columns.collect()).unwrap()
    }

    #[test]
    fn equal_columns_are_not_copied() {
        let from = schema(&["a"]);
        let to = schema(&["b", "a"]).settle(None);
        let batch = batch(&from);
        let conformed = conform(&batch, &from, &to).unwrap();
        assert_eq!(conformed.column(0).null_count(), 2);
        let values = |array: &ArrayRef| array.to_data().buffers()[0].as_ptr();
        assert_eq!(values(conformed.column(1)), values(batch.column(0)));
    }

    #[test]
    fn schemas_that_do_not_belong_together_are_refused() {
        let from = schema(&["a", "b"]);
        let batch = batch(&from);
        let settled = from.settle(None);
        let refused = |from: &TableSchema, to: &TableSchema| conform(&batch, from, to).unwrap_err();
        assert!(matches!(
            refused(&from, &schema(&["a"])),
            ConformError::NotSettled
        ));
        let other = schema(&["a"]).settle(None);
        assert!(matches!(
            refused(&from, &other),
            ConformError::NoPlace { .. }
        ));
        assert!(matches!(
            refused(&other, &settled),
            ConformError::Layout {
                expected: 1,
                found: 2
            }
        ));
        let many: Vec<String> = (0..=MAXIMUM_COLUMNS).map(|key| key.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let many = schema(&many).settle(None);
        assert!(matches!(
            refused(&from, &many),
            ConformError::TooManyColumns { .. }
        ));
    }
}
