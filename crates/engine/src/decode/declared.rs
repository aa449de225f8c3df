//! A column whose type is declared: takes the values that are exact in it, and refuses the others.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array};
use indexmap::IndexMap;

use super::Error;
use super::fixed::{FixedColumn, TextColumn};
use super::string_column::{date_array, timestamp_array};
use super::time::{microseconds_from_number, microseconds_from_text};
use crate::plan::{
    ColumnHint, CursorColumn, CursorFormat, CursorPath, DeclaredType, DecodePlan, TimeFormat,
};
use crate::schema::{ColumnType, Declaration, ExactNumber};

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

/// What is declared of a top-level column.
#[derive(Clone, Debug)]
pub(super) struct Hint {
    /// What the schema keeps.
    pub(super) declaration: Declaration,
    /// How values are read, where a type is declared.
    pub(super) reading: Option<Reading>,
}

/// A declared type and the format of its times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    data_type: DeclaredType,
    format: TimeFormat,
}

/// The hints of a plan by source name; the cursor is declared as a time unless a hint says otherwise.
pub(super) fn hints(plan: &DecodePlan) -> IndexMap<String, Hint> {
    let cursor = plan.cursor.as_ref().and_then(declared_cursor);
    let mut hints: IndexMap<String, Hint> = plan
        .columns
        .iter()
        .map(|(name, column)| {
            let followed = cursor.filter(|(cursor, _)| *cursor == name);
            (
                name.clone(),
                hint(column, followed.map(|(_, format)| format)),
            )
        })
        .collect();
    if let Some((name, format)) = cursor {
        let inferred = ColumnHint {
            data_type: None,
            format: None,
            nullable: true,
            description: None,
        };
        hints
            .entry(name.to_owned())
            .or_insert_with(|| hint(&inferred, Some(format)));
    }
    hints
}

/// The column of a cursor and its only format, where that is one that columns have.
fn declared_cursor(cursor: &CursorColumn) -> Option<(&str, TimeFormat)> {
    match (&cursor.path, cursor.formats.as_slice()) {
        (CursorPath::Keys(keys), [CursorFormat::Named(format)]) if keys.len() == 1 => {
            Some((keys.first()?.as_str(), *format))
        }
        _ => None,
    }
}

fn hint(column: &ColumnHint, cursor: Option<TimeFormat>) -> Hint {
    let format = column.format.or(cursor);
    let time = cursor.map(|format| match format {
        TimeFormat::Date => DeclaredType::Date,
        _ => DeclaredType::Timestamp,
    });
    let reading = column.data_type.or(time).map(|data_type| Reading {
        data_type,
        format: format.unwrap_or(match data_type {
            DeclaredType::Date => TimeFormat::Date,
            _ => TimeFormat::Rfc3339,
        }),
    });
    Hint {
        declaration: Declaration {
            data_type: reading.map(|reading| column_type(reading.data_type)),
            required: !column.nullable,
            description: column.description.clone(),
        },
        reading,
    }
}

fn column_type(declared: DeclaredType) -> ColumnType {
    match declared {
        DeclaredType::Text => ColumnType::Text,
        DeclaredType::Double => ColumnType::Float64,
        DeclaredType::Bool => ColumnType::Bool,
        DeclaredType::Timestamp => ColumnType::Timestamp(None),
        DeclaredType::Date => ColumnType::Date,
        DeclaredType::Bigint => ColumnType::Int64,
        DeclaredType::Decimal { precision, scale } => ColumnType::Decimal(precision, scale),
        DeclaredType::Json => ColumnType::Json,
    }
}

/// The values of a column of declared type.
pub(super) struct DeclaredColumn {
    values: Values,
    format: TimeFormat,
}

enum Values {
    Text(TextColumn),
    Json(TextColumn),
    Float64(FixedColumn<f64>),
    Bool(FixedColumn<bool>),
    Timestamp(FixedColumn<i64>),
    Date(FixedColumn<i32>),
    Int64(FixedColumn<i64>),
    Decimal(FixedColumn<i128>, u8, i8),
}

impl DeclaredColumn {
    pub(super) fn new(reading: Reading, rows: usize) -> Self {
        let values = match reading.data_type {
            DeclaredType::Text => Values::Text(TextColumn::new(rows)),
            DeclaredType::Json => Values::Json(TextColumn::new(rows)),
            DeclaredType::Double => Values::Float64(FixedColumn::new(rows)),
            DeclaredType::Bool => Values::Bool(FixedColumn::new(rows)),
            DeclaredType::Timestamp => Values::Timestamp(FixedColumn::new(rows)),
            DeclaredType::Date => Values::Date(FixedColumn::new(rows)),
            DeclaredType::Bigint => Values::Int64(FixedColumn::new(rows)),
            DeclaredType::Decimal { precision, scale } => {
                Values::Decimal(FixedColumn::new(rows), precision, scale)
            }
        };
        Self {
            values,
            format: reading.format,
        }
    }

    /// Rows up to the last value.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Text(column) | Values::Json(column) => column.len(),
            Values::Float64(column) => column.len(),
            Values::Bool(column) => column.len(),
            Values::Timestamp(column) | Values::Int64(column) => column.len(),
            Values::Date(column) => column.len(),
            Values::Decimal(column, ..) => column.len(),
        }
    }

    /// Whether the column takes the JSON text of any value.
    pub(super) fn takes_json(&self) -> bool {
        matches!(self.values, Values::Json(_))
    }

    /// Puts the JSON text of a value into a row.
    pub(super) fn push_json(&mut self, row: usize, text: &str) {
        if let Values::Json(column) = &mut self.values {
            column.push(row, text);
        }
    }

    /// Puts a string into a row; `false` where the type does not take it.
    pub(super) fn push_string(&mut self, row: usize, text: &str) -> bool {
        match &mut self.values {
            Values::Text(column) => column.push(row, text),
            Values::Timestamp(column) => match microseconds_from_text(text, self.format) {
                Some(instant) => column.push(row, instant),
                None => return false,
            },
            Values::Date(column) => match microseconds_from_text(text, self.format).and_then(day) {
                Some(days) => column.push(row, days),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Puts a JSON number into a row; `false` where the type does not hold it exactly.
    pub(super) fn push_number(&mut self, row: usize, text: &[u8]) -> bool {
        self.try_number(row, text).is_some()
    }

    /// Puts a boolean into a row; `false` where the type does not take it.
    pub(super) fn push_bool(&mut self, row: usize, value: bool) -> bool {
        match &mut self.values {
            Values::Bool(column) => column.push(row, value),
            Values::Text(column) => column.push(row, if value { "true" } else { "false" }),
            _ => return false,
        }
        true
    }

    /// The column of all rows.
    pub(super) fn finish(self, rows: usize) -> Result<ArrayRef, Error> {
        Ok(match self.values {
            Values::Text(column) | Values::Json(column) => column.finish(rows),
            Values::Float64(column) => {
                let (values, nulls) = column.finish(rows);
                Arc::new(Float64Array::try_new(values.into(), nulls)?)
            }
            Values::Bool(column) => bool_array(column, rows),
            Values::Timestamp(column) => timestamp_array(column, rows)?,
            Values::Date(column) => date_array(column, rows)?,
            Values::Int64(column) => {
                let (values, nulls) = column.finish(rows);
                Arc::new(Int64Array::try_new(values.into(), nulls)?)
            }
            Values::Decimal(column, precision, scale) => {
                let (values, nulls) = column.finish(rows);
                let array = Decimal128Array::try_new(values.into(), nulls)?;
                Arc::new(array.with_precision_and_scale(precision, scale)?)
            }
        })
    }

    fn try_number(&mut self, row: usize, text: &[u8]) -> Option<()> {
        match &mut self.values {
            Values::Text(column) => column.push(row, std::str::from_utf8(text).ok()?),
            Values::Timestamp(column) => {
                column.push(row, microseconds_from_number(text, self.format)?);
            }
            Values::Date(column) => {
                column.push(row, day(microseconds_from_number(text, self.format)?)?);
            }
            Values::Float64(column) => column.push(row, ExactNumber::parse(text)?.to_float64()?),
            Values::Int64(column) => column.push(row, ExactNumber::parse(text)?.to_int64()?),
            Values::Decimal(column, precision, scale) => {
                column.push(
                    row,
                    ExactNumber::parse(text)?.to_decimal(*precision, *scale)?,
                );
            }
            _ => return None,
        }
        Some(())
    }
}

/// Booleans as an Arrow array.
pub(super) fn bool_array(column: FixedColumn<bool>, rows: usize) -> ArrayRef {
    let (values, nulls) = column.finish(rows);
    Arc::new(BooleanArray::new(values.into(), nulls))
}

/// The day that starts at an instant; `None` within a day.
fn day(microseconds: i64) -> Option<i32> {
    if microseconds % MICROSECONDS_PER_DAY != 0 {
        return None;
    }
    i32::try_from(microseconds / MICROSECONDS_PER_DAY).ok()
}
