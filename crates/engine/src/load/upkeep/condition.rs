//! A condition on the rows of a table, in the expression language of the spec.

use std::path::Path;

use arrow::array::{ArrayRef, BooleanArray};
use serde_json::{Map, Value};

use crate::load::Error;
use crate::load::stored_file::read_columns;
use crate::plan::{Expression, ExpressionError};
use crate::schema::{ColumnType, TableSchema, render_json};

/// What an expression may call the whole row, for columns whose names it can't write.
const ROW: &str = "row";

/// Which rows are meant, such as `email == 'ann@example.com'`.
#[derive(Clone, Debug)]
pub struct Condition {
    expression: Expression,
}

impl Condition {
    /// Compiles a condition on the columns of a table's schema.
    ///
    /// # Errors
    /// What [`Expression::parse`] refuses; names are those of columns, and `row`.
    pub fn parse(text: &str, schema: &TableSchema) -> Result<Self, ExpressionError> {
        let names = schema.column_names();
        let known: Vec<&str> = names.iter().map(String::as_str).chain([ROW]).collect();
        let expression = Expression::parse(text, &known)?;
        Ok(Self { expression })
    }

    /// Which rows of a local file are meant, and their values in the column of ids where there is one.
    pub(super) fn matching(
        &self,
        table: &str,
        path: &Path,
        schema: &TableSchema,
        id: Option<&str>,
        mut each: impl FnMut(BooleanArray, Option<ArrayRef>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let columns = schema.all_columns();
        let has_row_column = columns.iter().any(|(name, _)| name == ROW);
        let names = self.expression.names();
        let whole_row = !has_row_column && names.iter().any(|name| name == ROW);
        // An older file lacks the newer columns.
        let in_file = |name: &&String| columns.iter().any(|(column, _)| column == *name);
        let absent = names.iter().filter(|name| !in_file(name));
        let absent: Map<String, Value> = absent.map(|name| (name.clone(), Value::Null)).collect();
        let is_named = |name: &String| whole_row || names.contains(name);
        let is_read = |name: &String| is_named(name) || id == Some(name.as_str());
        read_columns(table, path, &|name| is_read(&name.to_owned()), |batch| {
            let values = columns.iter().filter(|(name, _)| is_named(name));
            let values: Vec<_> = values
                .filter_map(|(name, data_type)| {
                    Some((name, data_type, batch.column_by_name(name)?))
                })
                .collect();
            let judge = |row: usize| {
                let mut record = absent.clone();
                for (name, data_type, array) in &values {
                    record.insert((*name).clone(), value(array, data_type, row));
                }
                if whole_row {
                    record.insert(ROW.to_owned(), Value::Object(record.clone()));
                }
                self.expression.is_met(&record)
            };
            let matches = (0..batch.num_rows())
                .map(judge)
                .collect::<Result<Vec<_>, _>>();
            let matches = matches.map_err(|source| Error::Condition {
                table: table.to_owned(),
                source,
            })?;
            let ids = id.and_then(|id| batch.column_by_name(id)).cloned();
            each(BooleanArray::from(matches), ids)
        })
    }
}

/// The value of a row as an expression sees it. A number that an expression would round is its digits as text.
fn value(array: &ArrayRef, data_type: &ColumnType, row: usize) -> Value {
    let mut text = String::new();
    render_json(array, data_type, row, &mut text);
    let as_text = matches!(data_type, ColumnType::Decimal(..) | ColumnType::NumberText);
    match serde_json::from_str(&text) {
        Ok(Value::Number(_)) if as_text => Value::String(text),
        Ok(value) => value,
        Err(_) => Value::String(text),
    }
}
