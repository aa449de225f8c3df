//! Objects as maps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, MapArray, StringArray, StructArray, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::compute::interleave;
use arrow::error::ArrowError;

use super::super::column::{Column, ColumnType};
use super::convert::{Converted, convert, whole_rows};
use super::{ConformError, Rows};

/// Structs as maps: an entry for each field that is not null, sorted by the bytes of the keys.
pub(super) fn from_structs(
    structs: &StructArray,
    columns: &[Column],
    value: &ColumnType,
    rows: Rows,
) -> Result<Converted, ConformError> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|at| &columns[*at].source);
    let converted: Vec<Converted> = structs
        .columns()
        .iter()
        .zip(columns)
        .map(|(values, column)| convert(values, &column.data_type, value, rows))
        .collect::<Result<_, _>>()?;
    let mut keys = Vec::new();
    let mut places = Vec::new();
    let mut lengths = Vec::with_capacity(structs.len());
    for row in 0..structs.len() {
        let before = keys.len();
        let present = order
            .iter()
            .filter(|at| structs.is_valid(row) && structs.column(**at).is_valid(row));
        for at in present {
            keys.push(columns[*at].source.key.as_str());
            places.push((*at, row));
        }
        lengths.push(keys.len() - before);
    }
    let values: Vec<&dyn Array> = converted.iter().map(|one| &*one.array).collect();
    let values = if places.is_empty() {
        new_null_array(&value.arrow_type(), 0)
    } else {
        interleave(&values, &places)?
    };
    let misfits = BooleanBuffer::collect_bool(places.len(), |entry| {
        let (at, row) = places[entry];
        let misfits = converted[at].misfits.as_ref();
        misfits.is_some_and(|misfits| misfits.value(row))
    });
    let offsets = OffsetBuffer::from_lengths(lengths);
    let keys = Arc::new(StringArray::from(keys));
    let nulls = structs.nulls().cloned();
    let whole = map_array(value, offsets.clone(), keys, values, nulls)?;
    whole_rows(whole, &offsets, Some(misfits), structs)
}

/// Maps with values of another type.
pub(super) fn from_maps(
    maps: &MapArray,
    from: &ColumnType,
    to: &ColumnType,
    rows: Rows,
) -> Result<Converted, ConformError> {
    let values = convert(maps.values(), from, to, rows)?;
    let whole = map_array(
        to,
        maps.offsets().clone(),
        Arc::clone(maps.keys()),
        values.array,
        maps.nulls().cloned(),
    )?;
    whole_rows(whole, maps.offsets(), values.misfits, maps)
}

/// A map without entries wherever an object is.
pub(super) fn empty(present: NullBuffer, value: &ColumnType) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::new_zeroed(present.len());
    let keys = Arc::new(StringArray::new_null(0));
    let values = new_null_array(&value.arrow_type(), 0);
    map_array(value, offsets, keys, values, Some(present))
}

/// Maps to values of a type.
pub(crate) fn map_array(
    value: &ColumnType,
    offsets: OffsetBuffer<i32>,
    keys: ArrayRef,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let field = value.entries_field();
    let arrow::datatypes::DataType::Struct(fields) = field.data_type().clone() else {
        return Err(ArrowError::SchemaError("entries are structs".to_owned()));
    };
    let entries = StructArray::try_new(fields, vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(
        field, offsets, entries, nulls, false,
    )?))
}
