//! What a run has left behind.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use indexmap::IndexMap;
use jiff::Timestamp;

use crate::flow::Progress;
use crate::load::{Destination, Error, State, TableState, read_table};
use crate::run::Report;
use crate::schema::{METADATA_NAMES, TableSchema};

/// A run's report, and the tables behind it.
pub struct Found {
    /// Requests sent, retries included.
    pub requests: u64,
    /// Warnings, each with its resource where it has one.
    pub warnings: Vec<String>,
    /// Failures of resources, each with its resource.
    pub failures: Vec<String>,
    /// The tables, by name.
    pub tables: BTreeMap<String, FoundTable>,
}

/// A table, in memory.
pub struct FoundTable {
    /// How many rows it has.
    pub rows: u64,
    /// Its columns, with their types in the words of `data_type`; those that tell of the load are left out.
    pub columns: IndexMap<String, String>,
    /// How far the resource was read.
    pub cursor: Option<String>,
    batches: Vec<RecordBatch>,
}

impl Found {
    /// Reads the tables into memory.
    pub async fn read(report: &Report, destination: &Destination) -> Result<Self, Error> {
        let state = State::read(destination).await?;
        let mut tables = BTreeMap::new();
        for (name, table) in &state.tables {
            let found = FoundTable::read(destination, name, table).await?;
            tables.insert(name.clone(), found);
        }
        let mut warnings = report.warnings.clone();
        let mut failures = Vec::new();
        for resource in &report.resources {
            let of_resource = |text: &String| format!("{}: {text}", resource.name);
            warnings.extend(resource.warnings.iter().map(of_resource));
            failures.extend(resource.error.iter().map(of_resource));
        }
        Ok(Self {
            requests: report.resources.iter().map(|one| one.requests).sum(),
            warnings,
            failures,
            tables,
        })
    }
}

impl FoundTable {
    async fn read(
        destination: &Destination,
        name: &str,
        table: &TableState,
    ) -> Result<Self, Error> {
        let schema = table.schema.as_ref().map(TableSchema::arrow_schema);
        let fields = schema.iter().flat_map(|schema| schema.fields());
        let fields = fields.filter(|field| !METADATA_NAMES.contains(&field.name().as_str()));
        Ok(Self {
            rows: table.rows(),
            columns: fields
                .map(|field| (field.name().clone(), type_name(field.data_type())))
                .collect(),
            cursor: cursor(&table.progress),
            batches: read_table(destination, name, table).await?,
        })
    }

    /// Each row's values in these columns, as text; `None` for null. A column that isn't there is null everywhere.
    pub fn select<'t>(
        &'t self,
        columns: &'t [String],
    ) -> impl Iterator<Item = Vec<Option<String>>> + 't {
        self.batches.iter().flat_map(move |batch| {
            let read: Vec<Option<&ArrayRef>> = columns
                .iter()
                .map(|column| batch.column_by_name(column))
                .collect();
            (0..batch.num_rows()).map(move |row| {
                let values = read.iter();
                values.map(|column| text((*column)?, row)).collect()
            })
        })
    }
}

/// How far a resource was read, where it isn't read part by part.
fn cursor(progress: &Progress) -> Option<String> {
    progress.whole.cursor()
}

/// The type in the words of a spec.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "timestamp(9)".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Time64(_) => "time".to_owned(),
        DataType::Binary => "binary".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Struct(_) => "object".to_owned(),
        DataType::List(_) => "list".to_owned(),
        DataType::Map(..) => "map".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// A value as its text; `None` for null.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    let time = if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        Timestamp::from_microsecond(times.value(row)).ok()
    } else if let Some(times) = column.as_primitive_opt::<TimestampNanosecondType>() {
        Timestamp::from_nanosecond(times.value(row).into()).ok()
    } else {
        None
    };
    if let Some(time) = time {
        return Some(time.to_string());
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options).ok()?;
    Some(formatter.value(row).to_string())
}
