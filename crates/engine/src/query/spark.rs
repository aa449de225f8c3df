//! Spark

use arrow::datatypes::{Field, Schema, SchemaRef};

use super::dialect::SPARK;
use super::{QueryError, TableFiles, python_list, python_text};

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
    let column = python_text(&(SPARK.identifier)(field.name()));
    let type_name = python_text(&SPARK.type_name(field.name(), field.data_type())?);
    Ok(format!(
        "\n    .withColumn({name}, F.col({column}).cast({type_name}))"
    ))
}

fn ddl(schema: &Schema) -> Result<String, QueryError> {
    let column = |name: &str, type_name: &str| format!("{name} {type_name}");
    Ok(SPARK.columns(schema.fields(), column)?.join(", "))
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
