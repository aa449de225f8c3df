//! The rows of some pages as people look at them, and the columns that follow from them.

use arrow::array::RecordBatch;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::decode::Decoded;
use crate::extract::Client;
use crate::schema::{ColumnType, ConformError, ExplainedColumn, TableSchema, conform, render_json};
use crate::spec::looks_secret;

/// What is shown in place of a value that looks like a secret.
const MASK: &str = "***";

/// The columns that end each row, and tell nothing of the API.
const ADDED_COLUMNS: [&str; 2] = ["_load_id", "_extracted_at"];

/// A column that the table would have, and what the rows have in it.
#[derive(Clone, Debug, Serialize)]
pub struct SampledColumn {
    /// What it is.
    #[serde(flatten)]
    pub column: ExplainedColumn,
    /// Rows without a value.
    pub nulls: usize,
    /// The first value, as JSON; `***` where the column's name looks like that of a secret. `None` where there is none, and
    /// for what each run adds.
    pub example: Option<Box<RawValue>>,
}

/// The rows of some pages.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) rows: usize,
    pub(super) records: Vec<IndexMap<String, Box<RawValue>>>,
    pub(super) columns: Vec<SampledColumn>,
    pub(super) keys_without_values: Vec<String>,
    pub(super) child_tables: Vec<String>,
}

/// Brings the rows of pages under the schema that a commit of them would have. Values show no credential of the client.
pub(super) fn sample(
    pages: &[Decoded],
    committed: Option<&TableSchema>,
    most: usize,
    client: &Client,
) -> Result<Sample, ConformError> {
    let schemas = pages.iter().map(|page| &page.schema);
    let Some(schema) = schemas.cloned().reduce(|all, one| all.join(&one)) else {
        return Ok(Sample::default());
    };
    let settled = schema.settle(committed);
    let batches: Result<Vec<RecordBatch>, ConformError> = pages
        .iter()
        .map(|page| conform(&page.batch, &page.schema, &settled))
        .collect();
    let batches = batches?;
    let types = settled.all_columns();
    let value = |batch: &RecordBatch, column: usize, row: usize| {
        let (name, data_type) = &types[column];
        shown(batch, (name, data_type, column), row, client)
    };
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let places = batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    let record = |(batch, row): (&RecordBatch, usize)| {
        let columns = types.iter().enumerate();
        let own = columns.filter(|(_, (name, _))| !ADDED_COLUMNS.contains(&name.as_str()));
        own.map(|(column, (name, _))| (name.clone(), value(batch, column, row)))
            .collect()
    };
    let records = places.take(most).map(record).collect();
    let explained = settled.explain(committed).into_iter().enumerate();
    let columns = explained.map(|(at, column)| {
        let is_added = ADDED_COLUMNS.contains(&column.name.as_str());
        let example = batches.iter().filter(|_| !is_added).find_map(|batch| {
            let array = batch.column(at);
            let row = (0..batch.num_rows()).find(|row| array.is_valid(*row))?;
            Some(value(batch, at, row))
        });
        SampledColumn {
            nulls: batches
                .iter()
                .map(|batch| batch.column(at).null_count())
                .sum(),
            example,
            column,
        }
    });
    let columns = columns.collect();
    let child_tables = settled.child_tables();
    Ok(Sample {
        rows,
        records,
        columns,
        keys_without_values: settled.keys_without_values(),
        child_tables: child_tables
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect(),
    })
}

/// A value as JSON, without secrets. All digits of numbers are kept where there is nothing to hide.
fn shown(
    batch: &RecordBatch,
    (name, data_type, column): (&str, &ColumnType, usize),
    row: usize,
    client: &Client,
) -> Box<RawValue> {
    let array = batch.column(column);
    let mut text = String::new();
    render_json(array, data_type, row, &mut text);
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let hidden = if looks_secret(name) && !value.is_null() {
        Value::from(MASK)
    } else {
        hide(value.clone(), client)
    };
    let raw = if hidden == value {
        RawValue::from_string(text).ok()
    } else {
        to_raw_value(&hidden).ok()
    };
    raw.unwrap_or_else(|| RawValue::NULL.to_owned())
}

/// The value with its texts rid of credentials, and with what looks like a secret by its key masked.
fn hide(value: Value, client: &Client) -> Value {
    match value {
        Value::String(text) => Value::from(client.value_without_secrets(&text)),
        Value::Array(elements) => {
            let hidden = elements.into_iter().map(|element| hide(element, client));
            Value::Array(hidden.collect())
        }
        Value::Object(members) => {
            let hidden = members.into_iter().map(|(key, value)| {
                let masked = looks_secret(&key) && !value.is_null();
                let value = if masked {
                    Value::from(MASK)
                } else {
                    hide(value, client)
                };
                (key, value)
            });
            Value::Object(hidden.collect())
        }
        value => value,
    }
}
