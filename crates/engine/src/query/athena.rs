//! Amazon Athena
//!
//! An external table is a folder. The view of it reads the files of one commit, by the hidden column `$path`, and skips all
//! others.

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::{QueryError, TableFiles, quoted};

const NAME: &str = "Athena";

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    table.check_scheme(NAME, "s3://")?;
    table.check_types(NAME)?;
    let name = sql_name(&table.table);
    let definition = |field: &std::sync::Arc<Field>| {
        let type_name = type_name(field.name(), field.data_type())?;
        Ok(format!("  {} {type_name}", quoted(field.name(), '`')))
    };
    let columns = table.schema.fields().iter();
    let definitions: Vec<String> = columns.clone().map(definition).collect::<Result<_, _>>()?;
    let definitions = definitions.join(",\n");
    let folder = quoted(&format!("{}/", table.folder), '\'');
    let columns: Vec<String> = columns
        .map(|field| format!("  {}", quoted(field.name(), '"')))
        .collect();
    let columns = columns.join(",\n");
    let files = table.files.iter();
    let files: Vec<String> = files
        .map(|file| format!("  {}", quoted(&file.location, '\'')))
        .collect();
    let condition = if files.is_empty() {
        "false".to_owned()
    } else {
        format!("\"$path\" IN (\n{}\n)", files.join(",\n"))
    };
    Ok(format!(
        "DROP TABLE IF EXISTS `{name}_files`;\n\nCREATE EXTERNAL TABLE `{name}_files` (\n{definitions}\n)\nSTORED AS \
         PARQUET\nLOCATION {folder};\n\nCREATE OR REPLACE VIEW \"{name}\" AS\nSELECT\n{columns}\nFROM \
         \"{name}_files\"\nWHERE {condition};"
    ))
}

/// Names have small letters, digits and `_`.
fn sql_name(table: &str) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
        _ => '_',
    };
    table.chars().map(letter).collect()
}

fn type_name(column: &str, data_type: &DataType) -> Result<String, QueryError> {
    let inner = |data_type: &DataType| type_name(column, data_type);
    Ok(match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Timestamp(TimeUnit::Microsecond, _) => "timestamp".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::Binary => "binary".to_owned(),
        DataType::List(element) => format!("array<{}>", inner(element.data_type())?),
        DataType::Struct(fields) => {
            let field = |field: &std::sync::Arc<Field>| {
                Ok(format!(
                    "{}: {}",
                    quoted(field.name(), '`'),
                    inner(field.data_type())?
                ))
            };
            let fields: Vec<String> = fields.iter().map(field).collect::<Result<_, _>>()?;
            format!("struct<{}>", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => format!(
                "map<{}, {}>",
                inner(fields[0].data_type())?,
                inner(fields[1].data_type())?
            ),
            other => return Err(QueryError::no_type(NAME, column, other)),
        },
        other => return Err(QueryError::no_type(NAME, column, other)),
    })
}
