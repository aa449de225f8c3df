//! Values as canonical JSON text, for columns that hold JSON.

use arrow::array::{Array, BooleanArray, ListArray, MapArray, StringArray, StructArray};

use super::super::column::{Column, ColumnType};
use super::super::spelling::Spelling;
use super::convert::is_present;
use super::scalar::{number_at, text_at};

/// Writes the value of a row as canonical JSON: a function of what the value means, not of how it was spelled.
///
/// No white space; keys sorted by their bytes, and those whose value is null left out; numbers in their canonical
/// spelling; strings exactly as they were, but for
/// timestamps whose spelling is lost: those are in UTC with no more digits than it takes. A null row is `null`.
pub(crate) fn render_json(
    array: &dyn Array,
    data_type: &ColumnType,
    row: usize,
    text: &mut String,
) {
    if render(array, data_type, row, text).is_none() {
        text.push_str("null");
    }
}

fn render(array: &dyn Array, data_type: &ColumnType, row: usize, text: &mut String) -> Option<()> {
    if array.is_null(row) {
        return None;
    }
    let any = array.as_any();
    match data_type {
        ColumnType::Void => {
            is_present(array, row).then_some(())?;
            text.push_str("{}");
        }
        ColumnType::Bool => {
            let value = any.downcast_ref::<BooleanArray>()?.value(row);
            text.push_str(if value { "true" } else { "false" });
        }
        ColumnType::Json => text.push_str(any.downcast_ref::<StringArray>()?.value(row)),
        ColumnType::Struct(columns) => {
            render_object(any.downcast_ref::<StructArray>()?, columns, row, text);
        }
        ColumnType::List(element) => {
            let elements = any.downcast_ref::<ListArray>()?.value(row);
            text.push('[');
            for position in 0..elements.len() {
                if position > 0 {
                    text.push(',');
                }
                render_json(&elements, element, position, text);
            }
            text.push(']');
        }
        ColumnType::Map(value) => {
            let entries = any.downcast_ref::<MapArray>()?.value(row);
            let keys = entries.column(0).as_any().downcast_ref::<StringArray>()?;
            text.push('{');
            for position in 0..entries.len() {
                if position > 0 {
                    text.push(',');
                }
                write_string(keys.value(position), text);
                text.push(':');
                render_json(entries.column(1), value, position, text);
            }
            text.push('}');
        }
        ColumnType::Mixed(parts) => {
            let structs = any.downcast_ref::<StructArray>()?;
            let mut values = structs.columns().iter().zip(parts);
            return values.find_map(|(values, (_, part))| render(values, part, row, text));
        }
        ColumnType::Timestamp(None) => {
            let spelled = ColumnType::Timestamp(Some(Spelling::SHORTEST));
            write_string(&text_at(array, &spelled, row)?, text);
        }
        ColumnType::Text
        | ColumnType::Timestamp(Some(_))
        | ColumnType::TimestampNanoseconds
        | ColumnType::Date
        | ColumnType::Time
        | ColumnType::Binary => {
            write_string(&text_at(array, data_type, row)?, text);
        }
        ColumnType::Int64
        | ColumnType::UInt64
        | ColumnType::Float64
        | ColumnType::Decimal(..)
        | ColumnType::NumberText => text.push_str(&number_at(array, data_type, row)?.canonical()),
    }
    Some(())
}

fn render_object(structs: &StructArray, columns: &[Column], row: usize, text: &mut String) {
    let mut present: Vec<usize> = (0..columns.len())
        .filter(|at| structs.column(*at).is_valid(row))
        .collect();
    present.sort_by_key(|at| &columns[*at].source);
    text.push('{');
    for (position, at) in present.into_iter().enumerate() {
        if position > 0 {
            text.push(',');
        }
        write_string(&columns[at].source.key, text);
        text.push(':');
        render_json(structs.column(at), &columns[at].data_type, row, text);
    }
    text.push('}');
}

/// Writes a string with quotes and the escapes that JSON needs.
pub(crate) fn write_string(value: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(value).to_string());
}
