//! Spark

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::{Presence, QueryError, TableFiles, python_list, python_text, quoted};

const NAME: &str = "Spark";

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    let now = python_text(&ddl(&table.schema)?);
    if table.files.is_empty() {
        return Ok(format!("table = spark.createDataFrame([], {now})"));
    }
    // Spark reads a file with the types that it has, so that files of different ones are read apart.
    let mut reads: Vec<(SchemaRef, Vec<String>)> = Vec::new();
    for file in &table.files {
        let location = without_glob(&file.location);
        match reads.iter_mut().find(|(schema, _)| *schema == file.schema) {
            Some((_, files)) => files.push(location),
            None => reads.push((SchemaRef::clone(&file.schema), vec![location])),
        }
    }
    let mut text = "from pyspark.sql import functions as F\n\n".to_owned();
    let mut names = Vec::new();
    for (number, (schema, files)) in (1..).zip(&reads) {
        let name = format!("part_{number}");
        let files = python_list(files.iter().map(String::as_str), "");
        let schema = python_text(&ddl(schema)?);
        text.push_str(&format!(
            "{name} = spark.read.schema({schema}).parquet(*{files})\n"
        ));
        names.push(name);
    }
    let (first, others) = names.split_first().expect("there is a file");
    let union: String = others
        .iter()
        .map(|name| format!(".unionByName({name}, allowMissingColumns=True)"))
        .collect();
    let columns = table
        .schema
        .fields()
        .iter()
        .map(|field| column(table, field));
    let columns: String = columns.collect::<Result<_, _>>()?;
    text.push_str(&format!("table = {first}{union}.select(\n{columns})"));
    Ok(text)
}

fn column(table: &TableFiles, field: &Field) -> Result<String, QueryError> {
    let name = python_text(&quoted(field.name(), '`'));
    let alias = python_text(field.name());
    let type_name = python_text(&type_name(field.name(), field.data_type())?);
    Ok(match table.presence(field.name(), field.data_type()) {
        Presence::Same => format!("    F.col({name}),\n"),
        Presence::Cast => format!("    F.col({name}).cast({type_name}).alias({alias}),\n"),
        Presence::Absent => format!("    F.lit(None).cast({type_name}).alias({alias}),\n"),
    })
}

fn ddl(schema: &Schema) -> Result<String, QueryError> {
    let column = |field: &std::sync::Arc<Field>| {
        let type_name = type_name(field.name(), field.data_type())?;
        Ok(format!("{} {type_name}", quoted(field.name(), '`')))
    };
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(column)
        .collect::<Result<_, _>>()?;
    Ok(columns.join(", "))
}

/// Spark takes every path for a pattern.
fn without_glob(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for letter in path.chars() {
        if r"*?[]{}\".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn type_name(column: &str, data_type: &DataType) -> Result<String, QueryError> {
    let inner = |data_type: &DataType| type_name(column, data_type);
    Ok(match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt64 => "DECIMAL(20, 0)".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        DataType::Timestamp(TimeUnit::Microsecond, _) => "TIMESTAMP".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BINARY".to_owned(),
        DataType::List(element) => format!("ARRAY<{}>", inner(element.data_type())?),
        DataType::Struct(fields) => {
            let field = |field: &std::sync::Arc<Field>| {
                Ok(format!(
                    "{}: {}",
                    quoted(field.name(), '`'),
                    inner(field.data_type())?
                ))
            };
            let fields: Vec<String> = fields.iter().map(field).collect::<Result<_, _>>()?;
            format!("STRUCT<{}>", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => format!(
                "MAP<{}, {}>",
                inner(fields[0].data_type())?,
                inner(fields[1].data_type())?
            ),
            other => return Err(no_type(column, other)),
        },
        other => return Err(no_type(column, other)),
    })
}

fn no_type(column: &str, data_type: &DataType) -> QueryError {
    QueryError::NoType {
        reader: NAME,
        column: column.to_owned(),
        data_type: data_type.to_string(),
    }
}
