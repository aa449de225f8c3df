//! Which folder each row belongs to, in Hive's layout.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::Error;
use super::hive::{self, NULL_FOLDER};
use crate::plan::{DatePart, PartitionField};
use crate::schema::{ColumnType, Kind, TableSchema};

/// How the rows of one layout are divided.
#[derive(Debug)]
pub(super) struct Partitioning {
    table: String,
    levels: Vec<Level>,
}

/// One level of folders.
#[derive(Debug)]
struct Level {
    field: PartitionField,
    /// What stands before the `=` in its folders' names.
    name: String,
    /// Position of the column; `None` where no row has a value in it.
    position: Option<usize>,
}

impl Partitioning {
    /// # Errors
    /// A column that no record has, or whose values have no folders.
    pub(super) fn new(
        table: &str,
        fields: &[PartitionField],
        settled: &TableSchema,
    ) -> Result<Self, Error> {
        let levels = fields.iter().map(|field| {
            let found = position(field, settled)
                .and_then(|position| Ok((position, folder_name(field, position, settled)?)));
            let (position, name) = found.map_err(|reason| Error::Partition {
                table: table.to_owned(),
                column: field.column.clone(),
                reason,
            })?;
            let field = field.clone();
            Ok(Level {
                field,
                name,
                position,
            })
        });
        Ok(Self {
            table: table.to_owned(),
            levels: levels.collect::<Result<_, Error>>()?,
        })
    }

    /// The rows by their folder, which is relative to the table's; each part in the order of the batch.
    pub(super) fn divide(&self, batch: &RecordBatch) -> Result<Vec<(String, RecordBatch)>, Error> {
        let failed = || Error::rows("divide", &self.table);
        let columns = self.levels.iter().filter_map(|level| level.values(batch));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>().map_err(failed())?;
        let fields = columns.iter().map(|column| column.data_type().clone());
        let converter = RowConverter::new(fields.map(SortField::new).collect()).map_err(failed())?;
        let first_row = |rows: &[u32]| rows.first().map_or(0, |row| *row as usize);
        let mut folders: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for rows in equal_rows(&converter, &columns, batch.num_rows()).map_err(failed())? {
            let folder = self.folder(batch, first_row(&rows))?;
            folders.entry(folder).or_default().extend(rows);
        }
        if folders.len() == 1 {
            let whole = |(folder, _)| (folder, batch.clone());
            return Ok(folders.into_iter().map(whole).collect());
        }
        let part = |(folder, mut rows): (String, Vec<u32>)| {
            rows.sort_unstable();
            let rows = take_record_batch(batch, &UInt32Array::from(rows)).map_err(failed())?;
            Ok((folder, rows))
        };
        folders.into_iter().map(part).collect()
    }

    /// The folder of one row.
    fn folder(&self, batch: &RecordBatch, row: usize) -> Result<String, Error> {
        let level = |level: &Level| {
            let value = level.value(batch, row);
            let value = value.and_then(|value| {
                let value = value.as_deref().map_or(NULL_FOLDER.into(), hive::escape);
                hive::folder(&level.name, &value)
            });
            value.map_err(|reason| Error::Partition {
                table: self.table.clone(),
                column: level.field.column.clone(),
                reason,
            })
        };
        let levels: Vec<String> = self.levels.iter().map(level).collect::<Result<_, _>>()?;
        Ok(levels.join("/"))
    }
}

impl Level {
    /// What tells rows of different folders apart; several values may have one folder.
    fn values(&self, batch: &RecordBatch) -> Option<Result<ArrayRef, ArrowError>> {
        let column = batch.column(self.position?);
        Some(match self.field.part {
            None => Ok(Arc::clone(column)),
            Some(_) => hours(column).map(|hours| Arc::new(hours) as ArrayRef),
        })
    }

    /// What the folder of a row says; `None` for null.
    fn value(&self, batch: &RecordBatch, row: usize) -> Result<Option<String>, String> {
        let column = self.position.map(|position| batch.column(position));
        let Some(column) = column.filter(|column| column.is_valid(row)) else {
            return Ok(None);
        };
        let value = column.slice(row, 1);
        let Some(part) = self.field.part else {
            return hive::value(&value).map(Some);
        };
        let hours = hours(&value).map_err(|error| error.to_string())?;
        hive::date_part(hours.value(0), part).map(Some)
    }
}

/// Rows with equal values, by their places, each group in order.
fn equal_rows(
    converter: &RowConverter,
    columns: &[ArrayRef],
    rows: usize,
) -> Result<Vec<Vec<u32>>, ArrowError> {
    let places = 0..u32::try_from(rows).unwrap_or(u32::MAX);
    if columns.is_empty() {
        return Ok(vec![places.collect()]);
    }
    let values = converter.convert_columns(columns)?;
    let mut groups: HashMap<&[u8], Vec<u32>> = HashMap::new();
    for (value, place) in values.iter().zip(places) {
        groups.entry(value.data()).or_default().push(place);
    }
    Ok(groups.into_values().collect())
}

/// Timestamps and dates as whole hours since 1970-01-01T00:00:00Z.
fn hours(column: &ArrayRef) -> Result<Int64Array, ArrowError> {
    let units = cast(column, &DataType::Int64)?;
    let units = units.as_primitive::<Int64Type>();
    Ok(match column.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            units.unary(|one| one.div_euclid(3_600_000_000_000))
        }
        DataType::Timestamp(..) => units.unary(|one| one.div_euclid(3_600_000_000)),
        _ => units.unary(|days| days.saturating_mul(24)),
    })
}

/// The name of the column or its part, as readers see it beside the columns: unlike that of any other, whatever the case of
/// letters.
fn folder_name(
    field: &PartitionField,
    position: Option<usize>,
    settled: &TableSchema,
) -> Result<String, String> {
    let layout = settled.arrow_schema();
    let column = position.map_or(&field.column, |position| layout.field(position).name());
    let Some(part) = field.part else {
        return Ok(column.clone());
    };
    let name = format!("{column}_{}", part.name());
    let mut columns = layout.fields().iter().map(|column| column.name());
    match columns.find(|column| column.to_lowercase() == name.to_lowercase()) {
        Some(column) => Err(format!(
            "the table has a column `{column}`, which the folders `{name}=…` would hide from readers; divide by that column"
        )),
        None => Ok(name),
    }
}

/// Where the column is; what is wrong with it in `Err`.
fn position(field: &PartitionField, settled: &TableSchema) -> Result<Option<usize>, String> {
    let PartitionField { column: name, part } = field;
    let layout = settled.arrow_schema();
    let columns = settled.layout();
    let of_key = |column: &crate::schema::Column| {
        column.source.key == *name && column.source.within.is_empty()
    };
    // The plain column of a key comes before its variants.
    let position = layout.index_of(name).ok();
    let position = position.or_else(|| columns.iter().position(of_key));
    let Some(position) = position else {
        let tables = settled.level().tables.iter().map(|table| &table.source);
        let mut others = columns.iter().map(|column| &column.source).chain(tables);
        if others.any(|source| source.top_level() == name) {
            return Err(NESTED.to_owned());
        }
        if settled.has_key(name) {
            return Ok(None);
        }
        return Err(unknown(name, &settled.column_names()));
    };
    let data_type = layout.field(position).data_type();
    let column = columns.get(position);
    if column.is_some_and(|column| column.data_type == ColumnType::Json) {
        return Err(NESTED.to_owned());
    }
    match (data_type, part) {
        (DataType::Struct(_) | DataType::List(_) | DataType::Map(..), _) => Err(NESTED.to_owned()),
        (DataType::Binary, _) => Err("bytes have no folders".to_owned()),
        (DataType::Date32, Some(DatePart::Hour)) => Err("a date has no hours".to_owned()),
        (DataType::Timestamp(..) | DataType::Date32, _) | (_, None) => Ok(Some(position)),
        (_, Some(part)) => {
            let kind = column.and_then(|column| column.data_type.kind());
            Err(format!(
                "it holds {}, which have no {}; declare it as `timestamp`, with its `format`, under `columns`",
                kind.map_or("other values", Kind::plural),
                part.name()
            ))
        }
    }
}

const NESTED: &str = "it holds objects or lists, which have no folders; `nested: flatten` makes columns of what lies in objects";

fn unknown(name: &str, columns: &[String]) -> String {
    let nested = name.contains('.').then(|| name.replace('.', "__"));
    match nested {
        Some(flat) => format!(
            "no record has it; what lies in an object has a column where `nested: flatten` makes one, such as `{flat}`"
        ),
        None => format!(
            "no record has it; the columns are `{}`",
            columns.join("`, `")
        ),
    }
}
