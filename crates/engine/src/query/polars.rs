//! Polars

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::{Presence, TableFiles, python_list, python_text};

pub(super) fn query(table: &TableFiles) -> String {
    let empty = empty(table);
    if table.files.is_empty() {
        return format!("import polars as pl\n\ntable = {empty}");
    }
    let files = python_list(table.files.iter().map(|file| file.location.as_str()), "");
    let head = format!("import polars as pl\n\nfiles = {files}\n");
    let columns = table.schema.fields().iter();
    let columns: Vec<String> = columns.map(|field| column(table, field)).collect();
    let columns = columns.concat();
    if table.is_uniform() {
        return format!(
            "{head}table = pl.scan_parquet(files, glob=False, hive_partitioning=False).select(\n{columns})"
        );
    }
    // A cast gives no object a key that it lacks; putting it together with what has it does.
    format!(
        "{head}now = {empty}\nscans = [pl.scan_parquet(file, glob=False, hive_partitioning=False) for file in files]\ntable \
         = pl.concat([now, *scans], how=\"diagonal_relaxed\").select(\n{columns})"
    )
}

/// The table without rows.
fn empty(table: &TableFiles) -> String {
    let column = |field: &std::sync::Arc<Field>| {
        let name = python_text(field.name());
        format!("        {name}: {},\n", type_name(field.data_type()))
    };
    let columns: Vec<String> = table.schema.fields().iter().map(column).collect();
    format!(
        "pl.LazyFrame(\n    schema={{\n{}    }}\n)",
        columns.concat()
    )
}

fn column(table: &TableFiles, field: &Field) -> String {
    let name = python_text(field.name());
    let type_name = type_name(field.data_type());
    // `col` takes some names for patterns.
    let is_pattern = field.name() == "*" || field.name().starts_with('^');
    let column = if is_pattern {
        format!("pl.selectors.by_name({name})")
    } else {
        format!("pl.col({name})")
    };
    match table.presence(field.name(), field.data_type()) {
        Presence::Cast => format!("    {column}.cast({type_name}),\n"),
        _ => format!("    {column},\n"),
    }
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "pl.Boolean".to_owned(),
        DataType::Int64 => "pl.Int64".to_owned(),
        DataType::UInt64 => "pl.UInt64".to_owned(),
        DataType::Float64 => "pl.Float64".to_owned(),
        DataType::Decimal128(precision, scale) => format!("pl.Decimal({precision}, {scale})"),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "pl.Datetime(\"ns\", \"UTC\")".to_owned(),
        DataType::Timestamp(..) => "pl.Datetime(\"us\", \"UTC\")".to_owned(),
        DataType::Date32 => "pl.Date".to_owned(),
        DataType::Time64(_) => "pl.Time".to_owned(),
        DataType::Binary => "pl.Binary".to_owned(),
        DataType::List(element) => format!("pl.List({})", type_name(element.data_type())),
        // A map is a list of its entries.
        DataType::Map(entries, _) => format!("pl.List({})", type_name(entries.data_type())),
        DataType::Struct(fields) => {
            let field = |field: &std::sync::Arc<Field>| {
                format!(
                    "{}: {}",
                    python_text(field.name()),
                    type_name(field.data_type())
                )
            };
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("pl.Struct({{{}}})", fields.join(", "))
        }
        _ => "pl.String".to_owned(),
    }
}
