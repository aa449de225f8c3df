//! Spark

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::{QueryError, TableFiles, python_list, python_text, quoted};

const NAME: &str = "Spark";

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    let now = python_text(&ddl(&table.schema)?);
    // What a union lacks becomes null, in objects too.
    let empty = format!("table = spark.createDataFrame([], {now})");
    if table.files.is_empty() {
        return Ok(empty);
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
    let mut parts = vec!["from pyspark.sql import functions as F\n".to_owned(), empty];
    for (schema, files) in &reads {
        let files = python_list(files.iter().map(String::as_str), "    ");
        let casts = table.schema.fields().iter();
        let casts = casts.map(|field| cast(schema, field));
        let casts = casts.collect::<Result<Vec<_>, _>>()?.concat();
        let schema = python_text(&ddl(schema)?);
        parts.push(format!(
            "table = table.unionByName(\n    spark.read.schema({schema}).parquet(*{files}){casts},\n    \
             allowMissingColumns=True,\n)"
        ));
    }
    Ok(parts.join("\n"))
}

/// Gives a column of the files the type that the table has.
fn cast(schema: &Schema, field: &Field) -> Result<String, QueryError> {
    let is_nested = field.data_type().is_nested();
    let in_files = schema.field_with_name(field.name()).ok();
    let earlier = in_files.filter(|earlier| earlier.data_type() != field.data_type());
    if earlier.is_none() || is_nested {
        return Ok(String::new());
    }
    let name = python_text(field.name());
    let column = python_text(&quoted(field.name(), '`'));
    let type_name = python_text(&type_name(field.name(), field.data_type())?);
    Ok(format!(
        "\n    .withColumn({name}, F.col({column}).cast({type_name}))"
    ))
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
            other => return Err(QueryError::no_type(NAME, column, other)),
        },
        other => return Err(QueryError::no_type(NAME, column, other)),
    })
}
