//! Ready queries over the files of one commit, for the readers that people use.
//!
//! A query names each file, so that it sees one commit whole, whatever is published while it runs. It gives each column the
//! type that the table has now, and an empty relation with the table's columns where there is no file.
//!
//! **Invariant:** nothing here reads a file. Names and paths are quoted, whatever characters they have.

mod athena;
mod bigquery;
mod ddl;
mod dialect;
mod duckdb;
mod hive;
mod polars;
mod spark;

use arrow::datatypes::{DataType, SchemaRef};

pub use ddl::{Database, arrow_file, create_table};

/// Who is to run a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// `DuckDB`: a `SELECT`.
    DuckDb,
    /// Polars: Python that makes a `LazyFrame`.
    Polars,
    /// Spark: Python that makes a `DataFrame`.
    Spark,
    /// Amazon Athena: an external table, and a view of it.
    Athena,
    /// Google's `BigQuery`: an external table.
    BigQuery,
}

/// A table as one commit has it.
#[derive(Clone, Debug)]
pub struct TableFiles {
    /// The table's name.
    pub table: String,
    /// Where its folder is, as the reader is to find it.
    pub folder: String,
    /// The table's columns.
    pub schema: SchemaRef,
    /// Its files, in order.
    pub files: Vec<QueriedFile>,
}

/// One file of a table.
#[derive(Clone, Debug)]
pub struct QueriedFile {
    /// Where it is, as the reader is to find it.
    pub location: String,
    /// The columns that it has.
    pub schema: SchemaRef,
}

/// Why there is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The reader can't reach the destination.
    #[error(
        "write a query for {reader}: it reads from `{scheme}` alone, and `{folder}` is elsewhere"
    )]
    Elsewhere {
        /// The reader's name.
        reader: &'static str,
        /// Where it reads.
        scheme: &'static str,
        /// The table's folder.
        folder: String,
    },
    /// The reader takes one type for each column, and the files have several.
    #[error(
        "write a query for {reader}: some files hold `{column}` with the type that it had earlier, which {reader} doesn't \
         convert; `engine compact` brings all files to the current schema"
    )]
    OlderType {
        /// The reader's name.
        reader: &'static str,
        /// The column.
        column: String,
    },
    /// The reader has no type for a column.
    #[error(
        "write SQL for {reader}: it has no type for the column `{column}`, which is {data_type}"
    )]
    NoType {
        /// The reader's name.
        reader: &'static str,
        /// The column.
        column: String,
        /// Its Arrow type.
        data_type: String,
    },
}

/// A query that reads all rows of a table.
pub fn query(reader: Reader, table: &TableFiles) -> Result<String, QueryError> {
    match reader {
        Reader::DuckDb => duckdb::query(table),
        Reader::Polars => polars::query(table),
        Reader::Spark => spark::query(table),
        Reader::Athena => athena::query(table),
        Reader::BigQuery => bigquery::query(table),
    }
}

/// What the files have of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Each that has it has it with the table's type.
    Same,
    /// Some have it with another type.
    Cast,
    /// None has it.
    Absent,
}

impl TableFiles {
    fn presence(&self, column: &str, data_type: &DataType) -> Presence {
        let mut presence = Presence::Absent;
        for file in &self.files {
            match file.schema.field_with_name(column) {
                Ok(field) if field.data_type() == data_type => {
                    if presence == Presence::Absent {
                        presence = Presence::Same;
                    }
                }
                Ok(_) => return Presence::Cast,
                Err(_) => {}
            }
        }
        presence
    }

    /// Refuses files with earlier types.
    fn check_types(&self, reader: &'static str) -> Result<(), QueryError> {
        for field in self.schema.fields() {
            if self.presence(field.name(), field.data_type()) == Presence::Cast {
                return Err(QueryError::OlderType {
                    reader,
                    column: field.name().clone(),
                });
            }
        }
        Ok(())
    }

    fn check_scheme(&self, reader: &'static str, scheme: &'static str) -> Result<(), QueryError> {
        if self.folder.starts_with(scheme) {
            return Ok(());
        }
        Err(QueryError::Elsewhere {
            reader,
            scheme,
            folder: self.folder.clone(),
        })
    }

    /// Whether all files have the same columns, those of the table.
    fn is_uniform(&self) -> bool {
        self.files.iter().all(|file| file.schema == self.schema)
    }
}

/// Text between quotes, each quote in it doubled.
fn quoted(text: &str, quote: char) -> String {
    let doubled: String = [quote, quote].iter().collect();
    format!("{quote}{}{quote}", text.replace(quote, &doubled))
}

/// Text as a literal of Python.
fn python_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of literals for Python, one a line.
fn python_list<'t>(texts: impl IntoIterator<Item = &'t str>, indent: &str) -> String {
    let line = |text: &str| format!("{indent}    {},\n", python_text(text));
    let lines = texts.into_iter().map(line).collect::<Vec<_>>().concat();
    format!("[\n{lines}{indent}]")
}

#[cfg(test)]
mod tests;
