//! Google's `BigQuery`

use arrow::datatypes::{DataType, Field};

use super::{QueryError, TableFiles};

const NAME: &str = "BigQuery";

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    table.check_scheme(NAME, "gs://")?;
    table.check_types(NAME)?;
    let name = identifier(&table.table);
    if table.files.is_empty() {
        let columns = table.schema.fields().iter();
        let columns = columns.map(|field| {
            let type_name = type_name(field.name(), field.data_type())?;
            Ok(format!(
                "    CAST(NULL AS {type_name}) AS {}",
                identifier(field.name())
            ))
        });
        let columns: Vec<String> = columns.collect::<Result<_, _>>()?;
        let columns = columns.join(",\n");
        return Ok(format!(
            "CREATE OR REPLACE VIEW {name} AS\nSELECT * FROM (\n  SELECT\n{columns}\n)\nWHERE FALSE;"
        ));
    }
    let files: Vec<String> = table
        .files
        .iter()
        .map(|file| format!("    {}", text(&file.location)))
        .collect();
    let files = files.join(",\n");
    // Of several files it would take the columns of the one whose name comes last.
    let current = table.files.iter().find(|file| file.schema == table.schema);
    let current = current.ok_or_else(|| QueryError::OlderType {
        reader: NAME,
        column: newest_column(table),
    })?;
    let reference = text(&current.location);
    Ok(format!(
        "CREATE OR REPLACE EXTERNAL TABLE {name}\nOPTIONS (\n  format = 'PARQUET',\n  enable_list_inference = true,\n  \
         reference_file_schema_uri = {reference},\n  uris = [\n{files}\n  ]\n);"
    ))
}

fn newest_column(table: &TableFiles) -> String {
    let mut columns = table.schema.fields().iter().map(|field| field.name());
    columns.next_back().cloned().unwrap_or_default()
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', r"\\").replace('`', r"\`"))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

fn type_name(column: &str, data_type: &DataType) -> Result<String, QueryError> {
    let inner = |data_type: &DataType| type_name(column, data_type);
    let entries = |fields: &arrow::datatypes::Fields| {
        let field = |field: &std::sync::Arc<Field>| {
            Ok(format!(
                "{} {}",
                identifier(field.name()),
                inner(field.data_type())?
            ))
        };
        let fields: Vec<String> = fields.iter().map(field).collect::<Result<_, _>>()?;
        Ok::<_, QueryError>(format!("STRUCT<{}>", fields.join(", ")))
    };
    Ok(match data_type {
        DataType::Boolean => "BOOL".to_owned(),
        DataType::Int64 => "INT64".to_owned(),
        DataType::Float64 => "FLOAT64".to_owned(),
        DataType::UInt64 | DataType::Decimal128(..) => "BIGNUMERIC".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMP".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Time64(_) => "TIME".to_owned(),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BYTES".to_owned(),
        DataType::List(element) => format!("ARRAY<{}>", inner(element.data_type())?),
        DataType::Struct(fields) => entries(fields)?,
        DataType::Map(list, _) => match list.data_type() {
            DataType::Struct(fields) => format!("ARRAY<{}>", entries(fields)?),
            other => return Err(QueryError::no_type(NAME, column, other)),
        },
        other => return Err(QueryError::no_type(NAME, column, other)),
    })
}
