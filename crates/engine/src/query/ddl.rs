//! A table's columns for others: statements that create it elsewhere, and a file without rows.

use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;

use super::dialect::{BIGQUERY, DUCKDB, Dialect, POSTGRES, SNOWFLAKE, SPARK, backslashed};
use super::{QueryError, quoted};

/// Where a table is to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// `DuckDB`.
    DuckDb,
    /// Spark SQL.
    Spark,
    /// Google's `BigQuery`.
    BigQuery,
    /// Snowflake.
    Snowflake,
    /// `PostgreSQL`, where nested values are `jsonb`.
    Postgres,
}

impl Database {
    fn dialect(self) -> &'static Dialect {
        match self {
            Self::DuckDb => &DUCKDB,
            Self::Spark => &SPARK,
            Self::BigQuery => &BIGQUERY,
            Self::Snowflake => &SNOWFLAKE,
            Self::Postgres => &POSTGRES,
        }
    }

    /// What stands behind a column's type to describe it; `None` where that takes a statement of its own.
    fn description(self, text: &str) -> Option<String> {
        match self {
            Self::DuckDb | Self::Postgres => None,
            Self::Spark => Some(format!(" COMMENT {}", backslashed(text, '\''))),
            Self::Snowflake => Some(format!(" COMMENT {}", snowflake_text(text))),
            Self::BigQuery => Some(format!(
                " OPTIONS (description = {})",
                backslashed(&one_line(text), '\'')
            )),
        }
    }
}

/// The statement that creates an empty table with these columns, and those that describe them, where that takes others.
///
/// # Errors
/// [`QueryError::NoType`] where the database has no type for a column.
pub fn create_table(
    database: Database,
    table: &str,
    schema: &Schema,
) -> Result<String, QueryError> {
    let dialect = database.dialect();
    let name = (dialect.identifier)(table);
    let mut columns = Vec::with_capacity(schema.fields().len());
    let mut comments = Vec::new();
    for field in schema.fields() {
        let column = (dialect.identifier)(field.name());
        let type_name = dialect.type_name(field.name(), field.data_type())?;
        let nullable = if field.is_nullable() { "" } else { " NOT NULL" };
        let mut described = String::new();
        if let Some(text) = description(field) {
            match database.description(text) {
                Some(text) => described = text,
                None => comments.push(format!(
                    "\nCOMMENT ON COLUMN {name}.{column} IS {};",
                    quoted(text, '\'')
                )),
            }
        }
        columns.push(format!("  {column} {type_name}{nullable}{described}"));
    }
    Ok(format!(
        "CREATE TABLE {name} (\n{}\n);{}",
        columns.join(",\n"),
        comments.concat()
    ))
}

/// An Arrow IPC file with the columns of a table, and no rows.
///
/// # Errors
/// The schema can't be written in Arrow's format.
pub fn arrow_file(schema: &Schema) -> Result<Vec<u8>, ArrowError> {
    let mut file = FileWriter::try_new(Vec::new(), schema)?;
    file.finish()?;
    file.into_inner()
}

fn description(field: &Field) -> Option<&str> {
    field.metadata().get("description").map(String::as_str)
}

/// In Snowflake a backslash escapes, and a quote is doubled.
fn snowflake_text(text: &str) -> String {
    quoted(&text.replace('\\', r"\\"), '\'')
}

/// `BigQuery` takes no line break in a plain literal.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
