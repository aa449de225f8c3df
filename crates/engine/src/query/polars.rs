//! Polars

use arrow::datatypes::Field;

use super::dialect::POLARS;
use super::{Presence, QueryError, TableFiles, python_list, python_text};

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    let empty = empty(table)?;
    if table.files.is_empty() {
        return Ok(format!("import polars as pl\n\ntable = {empty}"));
    }
    let files = python_list(table.files.iter().map(|file| file.location.as_str()), "");
    let head = format!("import polars as pl\n\nfiles = {files}\n");
    let columns = table.schema.fields().iter();
    let columns = columns.map(|field| column(table, field));
    let columns: Vec<String> = columns.collect::<Result<_, _>>()?;
    let columns = columns.concat();
    if table.is_uniform() {
        return Ok(format!(
            "{head}table = pl.scan_parquet(files, glob=False, hive_partitioning=False).select(\n{columns})"
        ));
    }
    // A cast gives no object a key that it lacks; putting it together with what has it does.
    Ok(format!(
        "{head}now = {empty}\nscans = [pl.scan_parquet(file, glob=False, hive_partitioning=False) for file in files]\ntable \
         = pl.concat([now, *scans], how=\"diagonal_relaxed\").select(\n{columns})"
    ))
}

/// The table without rows.
fn empty(table: &TableFiles) -> Result<String, QueryError> {
    let column = |name: &str, type_name: &str| format!("        {name}: {type_name},\n");
    let columns = POLARS.columns(table.schema.fields(), column)?.concat();
    Ok(format!("pl.LazyFrame(\n    schema={{\n{columns}    }}\n)"))
}

fn column(table: &TableFiles, field: &Field) -> Result<String, QueryError> {
    let name = python_text(field.name());
    let type_name = POLARS.type_name(field.name(), field.data_type())?;
    // `col` takes some names for patterns.
    let is_pattern = field.name() == "*" || field.name().starts_with('^');
    let column = if is_pattern {
        format!("pl.selectors.by_name({name})")
    } else {
        format!("pl.col({name})")
    };
    Ok(match table.presence(field.name(), field.data_type()) {
        Presence::Cast => format!("    {column}.cast({type_name}),\n"),
        _ => format!("    {column},\n"),
    })
}
