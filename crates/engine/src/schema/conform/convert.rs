//! Exact conversion of an array from one column type to another.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, ListArray, MapArray, StringBuilder, StructArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::error::ArrowError;

use super::super::child_table::Level;
use super::super::column::{ColumnType, Kind, arrow_fields, mixed_fields};
use super::{ConformError, Rows, conform_columns, keep, maps, merge, render_json, scalar};

/// An array in the type asked for.
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    /// The rows whose value the type does not hold exactly, which are null in the array; `None`: no row.
    pub(super) misfits: Option<BooleanBuffer>,
}

impl Converted {
    /// All values fit.
    pub(super) fn all(array: ArrayRef) -> Self {
        Self {
            array,
            misfits: None,
        }
    }

    /// Compares what was converted with what there was.
    pub(super) fn of(array: ArrayRef, source: &dyn Array) -> Self {
        let misfits = BooleanBuffer::collect_bool(source.len(), |row| {
            source.is_valid(row) && array.is_null(row)
        });
        let any = misfits.count_set_bits() > 0;
        Self {
            array,
            misfits: any.then_some(misfits),
        }
    }

    /// No value fits.
    fn none(source: &dyn Array, to: &ColumnType) -> Self {
        Self::of(new_null_array(&to.arrow_type(), source.len()), source)
    }
}

/// Converts the values that fit.
pub(super) fn convert(
    array: &ArrayRef,
    from: &ColumnType,
    to: &ColumnType,
    rows: Rows,
) -> Result<Converted, ConformError> {
    if from == to {
        return Ok(Converted::all(Arc::clone(array)));
    }
    match (from, to) {
        (ColumnType::Timestamp(_), ColumnType::Timestamp(_)) => {
            Ok(Converted::all(Arc::clone(array)))
        }
        (ColumnType::Mixed(parts), _) if *to != ColumnType::Json => {
            convert_mixed(array, parts, to, rows)
        }
        (_, ColumnType::Json) => {
            let mut texts = StringBuilder::new();
            for row in 0..array.len() {
                if array.is_null(row) {
                    texts.append_null();
                } else {
                    let mut text = String::new();
                    render_json(array, from, row, &mut text);
                    texts.append_value(text);
                }
            }
            Ok(Converted::all(Arc::new(texts.finish())))
        }
        (ColumnType::Void, ColumnType::Struct(columns)) => {
            let nulls = NullBuffer::new(BooleanBuffer::collect_bool(array.len(), |row| {
                array.is_valid(row)
            }));
            let children = columns
                .iter()
                .map(|column| new_null_array(&column.data_type.arrow_type(), array.len()))
                .collect();
            let array = StructArray::try_new(arrow_fields(columns), children, Some(nulls))?;
            Ok(Converted::all(Arc::new(array)))
        }
        (ColumnType::Void, ColumnType::Map(value)) => {
            let present = BooleanBuffer::collect_bool(array.len(), |row| array.is_valid(row));
            Ok(Converted::all(maps::empty(
                NullBuffer::new(present),
                value,
            )?))
        }
        (ColumnType::Struct(columns), ColumnType::Map(value)) => {
            maps::from_structs(downcast(array)?, columns, value, rows)
        }
        (ColumnType::Map(before), ColumnType::Map(after)) => {
            maps::from_maps(downcast::<MapArray>(array)?, before, after, rows)
        }
        (ColumnType::Struct(before), ColumnType::Struct(after)) => {
            let structs = downcast::<StructArray>(array)?;
            let children = conform_columns(
                structs.columns(),
                before,
                Level::of(after),
                structs.len(),
                rows,
            )?;
            let converted =
                StructArray::try_new(arrow_fields(after), children, structs.nulls().cloned())?;
            Ok(Converted::all(Arc::new(converted)))
        }
        (ColumnType::List(before), ColumnType::List(after)) => {
            convert_list(downcast::<ListArray>(array)?, before, after, rows)
        }
        _ if from.kind() == to.kind() => scalar::convert(array, from, to),
        _ => Ok(Converted::none(array, to)),
    }
}

/// A list fits if all its elements do.
fn convert_list(
    list: &ListArray,
    from: &ColumnType,
    to: &ColumnType,
    rows: Rows,
) -> Result<Converted, ConformError> {
    let elements = convert(list.values(), from, to, rows)?;
    let whole: ArrayRef = Arc::new(ListArray::try_new(
        to.element_field(),
        list.offsets().clone(),
        elements.array,
        list.nulls().cloned(),
    )?);
    whole_rows(whole, list.offsets(), elements.misfits, list)
}

/// Keeps the lists or maps all of whose elements fit.
pub(super) fn whole_rows(
    whole: ArrayRef,
    offsets: &OffsetBuffer<i32>,
    misfits: Option<BooleanBuffer>,
    source: &dyn Array,
) -> Result<Converted, ConformError> {
    let Some(misfits) = misfits.filter(|misfits| misfits.count_set_bits() > 0) else {
        return Ok(Converted::all(whole));
    };
    let fits = BooleanBuffer::collect_bool(source.len(), |row| {
        let start = usize::try_from(offsets[row]).unwrap_or_default();
        let end = usize::try_from(offsets[row + 1]).unwrap_or_default();
        source.is_valid(row) && misfits.slice(start, end - start).count_set_bits() == 0
    });
    Ok(Converted::of(keep(&whole, &fits)?, source))
}

fn convert_mixed(
    array: &ArrayRef,
    parts: &[(Kind, ColumnType)],
    to: &ColumnType,
    rows: Rows,
) -> Result<Converted, ConformError> {
    let structs = downcast::<StructArray>(array)?;
    let mut merged = Some(new_null_array(&to.arrow_type(), array.len()));
    for (values, (_, part)) in structs.columns().iter().zip(parts) {
        if values.null_count() < values.len() {
            merge(&mut merged, convert(values, part, to, rows)?.array)?;
        }
    }
    let merged =
        merged.ok_or_else(|| ArrowError::ComputeError("no values were merged".to_owned()))?;
    Ok(Converted::of(merged, array))
}

/// Converts numbers that all fit.
pub(crate) fn convert_numbers(
    array: &ArrayRef,
    from: &ColumnType,
    to: &ColumnType,
) -> Result<ArrayRef, ConformError> {
    Ok(convert(array, from, to, Rows::Fresh)?.array)
}

/// Joins the values of several kinds to one array of list elements; an element is null where all of them are.
pub(crate) fn mixed_array(
    parts: &[(Kind, ColumnType)],
    arrays: Vec<ArrayRef>,
    rows: usize,
) -> Result<ArrayRef, ArrowError> {
    let present =
        BooleanBuffer::collect_bool(rows, |row| arrays.iter().any(|array| array.is_valid(row)));
    let nulls = Some(NullBuffer::new(present));
    Ok(Arc::new(StructArray::try_new(
        mixed_fields(parts),
        arrays,
        nulls,
    )?))
}

/// The array in the Arrow type that its column type has.
pub(super) fn downcast<T: 'static>(array: &dyn Array) -> Result<&T, ArrowError> {
    array.as_any().downcast_ref::<T>().ok_or_else(|| {
        ArrowError::SchemaError(format!("`{}` is not the column's type", array.data_type()))
    })
}

/// Whether a void value is there at all.
pub(super) fn is_present(array: &dyn Array, row: usize) -> bool {
    array
        .as_any()
        .downcast_ref::<BooleanArray>()
        .is_some_and(|marks| marks.is_valid(row))
}
