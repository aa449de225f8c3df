//! Google's `BigQuery`

use super::dialect::{BIGQUERY, backslashed};
use super::{QueryError, TableFiles};

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    table.check_scheme(BIGQUERY.name, "gs://")?;
    table.check_types(BIGQUERY.name)?;
    let name = (BIGQUERY.identifier)(&table.table);
    if table.files.is_empty() {
        let column =
            |name: &str, type_name: &str| format!("    CAST(NULL AS {type_name}) AS {name}");
        let columns = BIGQUERY.columns(table.schema.fields(), column)?;
        let columns = columns.join(",\n");
        return Ok(format!(
            "CREATE OR REPLACE VIEW {name} AS\nSELECT * FROM (\n  SELECT\n{columns}\n)\nWHERE FALSE;"
        ));
    }
    let files: Vec<String> = table
        .files
        .iter()
        .map(|file| format!("    {}", backslashed(&file.location, '\'')))
        .collect();
    let files = files.join(",\n");
    // Of several files it would take the columns of the one whose name comes last.
    let current = table.files.iter().find(|file| file.schema == table.schema);
    let current = current.ok_or_else(|| QueryError::OlderType {
        reader: BIGQUERY.name,
        column: newest_column(table),
    })?;
    let reference = backslashed(&current.location, '\'');
    Ok(format!(
        "CREATE OR REPLACE EXTERNAL TABLE {name}\nOPTIONS (\n  format = 'PARQUET',\n  enable_list_inference = true,\n  \
         reference_file_schema_uri = {reference},\n  uris = [\n{files}\n  ]\n);"
    ))
}

fn newest_column(table: &TableFiles) -> String {
    let mut columns = table.schema.fields().iter().map(|field| field.name());
    columns.next_back().cloned().unwrap_or_default()
}
