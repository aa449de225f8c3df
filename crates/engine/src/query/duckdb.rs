//! `DuckDB`

use arrow::datatypes::{DataType, Field};

use super::dialect::DUCKDB;
use super::{Presence, QueryError, TableFiles, hive, quoted};

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    let columns = table.schema.fields().iter();
    let columns = columns.map(|field| column(table, field));
    let columns: Vec<String> = columns.collect::<Result<_, _>>()?;
    let columns = columns.join(",\n  ");
    if table.files.is_empty() {
        return Ok(format!("SELECT\n  {columns}\nWHERE false"));
    }
    let files = table.files.iter();
    let files: Vec<String> = files
        .map(|file| format!("    {}", quoted(&without_glob(&file.location), '\'')))
        .collect();
    let files = files.join(",\n");
    let folders = folders(table)?;
    Ok(format!(
        "SELECT\n  {columns}\nFROM read_parquet([\n{files}\n  ], union_by_name = true, {folders})"
    ))
}

fn column(table: &TableFiles, field: &Field) -> Result<String, QueryError> {
    let name = (DUCKDB.identifier)(field.name());
    let type_name = DUCKDB.type_name(field.name(), field.data_type())?;
    Ok(match table.presence(field.name(), field.data_type()) {
        Presence::Same => name,
        Presence::Cast => format!("CAST({name} AS {type_name}) AS {name}"),
        Presence::Absent => format!("CAST(NULL AS {type_name}) AS {name}"),
    })
}

/// Folders let `DuckDB` skip files; their values take the place of the columns', and it guesses the types that it isn't told.
fn folders(table: &TableFiles) -> Result<String, QueryError> {
    let keys = hive::keys(table);
    if keys.is_empty() {
        return Ok("hive_partitioning = false".to_owned());
    }
    let types = keys.iter().map(|(key, data_type)| {
        let data_type = data_type.as_ref().unwrap_or(&DataType::Utf8);
        let type_name = DUCKDB.type_name(key, data_type)?;
        Ok(format!("{}: {type_name}", quoted(key, '\'')))
    });
    let types: Vec<String> = types.collect::<Result<_, _>>()?;
    Ok(format!(
        "hive_partitioning = true, hive_types = {{{}}}",
        types.join(", ")
    ))
}

/// `DuckDB` takes every path for a pattern: a letter between brackets stands for itself.
fn without_glob(path: &str) -> String {
    let letters = path.chars().map(|letter| match letter {
        '*' | '?' | '[' => format!("[{letter}]"),
        letter => letter.to_string(),
    });
    letters.collect()
}
