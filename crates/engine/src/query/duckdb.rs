//! `DuckDB`

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::{Presence, TableFiles, hive, quoted};

pub(super) fn query(table: &TableFiles) -> String {
    let columns = table.schema.fields().iter();
    let columns: Vec<String> = columns.map(|field| column(table, field)).collect();
    let columns = columns.join(",\n  ");
    if table.files.is_empty() {
        return format!("SELECT\n  {columns}\nWHERE false");
    }
    let files = table.files.iter();
    let files: Vec<String> = files
        .map(|file| format!("    {}", quoted(&without_glob(&file.location), '\'')))
        .collect();
    let files = files.join(",\n");
    let folders = folders(table);
    format!(
        "SELECT\n  {columns}\nFROM read_parquet([\n{files}\n  ], union_by_name = true, {folders})"
    )
}

fn column(table: &TableFiles, field: &Field) -> String {
    let name = quoted(field.name(), '"');
    let type_name = type_name(field.data_type());
    match table.presence(field.name(), field.data_type()) {
        Presence::Same => name,
        Presence::Cast => format!("CAST({name} AS {type_name}) AS {name}"),
        Presence::Absent => format!("CAST(NULL AS {type_name}) AS {name}"),
    }
}

/// Folders let `DuckDB` skip files; their values take the place of the columns', and it guesses the types that it isn't told.
fn folders(table: &TableFiles) -> String {
    let keys = hive::keys(table);
    if keys.is_empty() {
        return "hive_partitioning = false".to_owned();
    }
    let types = keys.iter().map(|(key, data_type)| {
        let type_name = data_type.as_ref().map_or("VARCHAR".to_owned(), type_name);
        format!("{}: {type_name}", quoted(key, '\''))
    });
    let types: Vec<String> = types.collect();
    format!(
        "hive_partitioning = true, hive_types = {{{}}}",
        types.join(", ")
    )
}

/// `DuckDB` takes every path for a pattern: a letter between brackets stands for itself.
fn without_glob(path: &str) -> String {
    let letters = path.chars().map(|letter| match letter {
        '*' | '?' | '[' => format!("[{letter}]"),
        letter => letter.to_string(),
    });
    letters.collect()
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt64 => "UBIGINT".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "TIMESTAMP_NS".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMPTZ".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Time64(_) => "TIME".to_owned(),
        DataType::Binary => "BLOB".to_owned(),
        DataType::List(element) => format!("{}[]", type_name(element.data_type())),
        DataType::Struct(fields) => {
            let field = |field: &std::sync::Arc<Field>| {
                format!(
                    "{} {}",
                    quoted(field.name(), '"'),
                    type_name(field.data_type())
                )
            };
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("STRUCT({})", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => format!(
                "MAP({}, {})",
                type_name(fields[0].data_type()),
                type_name(fields[1].data_type())
            ),
            _ => "MAP(VARCHAR, VARCHAR)".to_owned(),
        },
        _ => "VARCHAR".to_owned(),
    }
}
