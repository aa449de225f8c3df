//! Whether a file may hold rows with some keys, as far as its statistics and its Bloom filters tell.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Int64Type, Schema, SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::{parquet_column, parquet_to_arrow_schema};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::key_ranges::KeyRanges;
use super::{DataFile, Destination, Error};

/// Keys that are looked up one by one; of more of them, some will seem to be in any Bloom filter.
const MOST_LOOKED_UP: usize = 4096;

/// Keys of rows, each of one or more columns.
#[derive(Debug)]
pub(super) struct KeyProbe {
    columns: Vec<ProbedColumn>,
    /// The keys themselves, an array for each column, while there are few enough.
    few: Option<Vec<ArrayRef>>,
    is_empty: bool,
}

#[derive(Debug)]
struct ProbedColumn {
    /// The plain column of a key; where its value is in a variant, nothing is known.
    position: usize,
    name: String,
    data_type: DataType,
    converter: RowConverter,
    ranges: KeyRanges,
    /// Some row has its value in a variant.
    has_unknown: bool,
}

impl ProbedColumn {
    /// Whether the column of a file holds values that compare with those of the keys.
    fn is_in(&self, written: &Schema) -> bool {
        let field = written.field_with_name(&self.name);
        field.is_ok_and(|field| *field.data_type() == self.data_type)
    }
}

/// What a footer says of a column, by row group.
struct Bounds {
    least: Rows,
    greatest: Rows,
    known: Vec<bool>,
}

impl KeyProbe {
    /// No keys yet, of the columns at these positions: for each key column those of all its kinds, the plain one first.
    pub(super) fn new(layout: &SchemaRef, keys: &[Vec<usize>]) -> Result<Self, ArrowError> {
        let plain = keys.iter().filter_map(|places| places.first());
        let column = |position: &usize| {
            let field = layout.field(*position);
            let data_type = field.data_type().clone();
            Ok(ProbedColumn {
                position: *position,
                name: field.name().clone(),
                converter: RowConverter::new(vec![SortField::new(data_type.clone())])?,
                data_type,
                ranges: KeyRanges::default(),
                has_unknown: false,
            })
        };
        Ok(Self {
            columns: plain.map(column).collect::<Result<_, ArrowError>>()?,
            few: Some(Vec::new()),
            is_empty: true,
        })
    }

    /// Adds the keys of rows.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let arrays = self.columns.iter().map(|column| column.position);
        let arrays: Vec<ArrayRef> = arrays.map(|at| ArrayRef::clone(batch.column(at))).collect();
        self.add_arrays(arrays)
    }

    /// Adds keys, an array for each column.
    pub(super) fn add_arrays(&mut self, arrays: Vec<ArrayRef>) -> Result<(), ArrowError> {
        let Some(rows) = arrays.first().map(Array::len).filter(|rows| *rows > 0) else {
            return Ok(());
        };
        self.is_empty = false;
        for (column, array) in self.columns.iter_mut().zip(&arrays) {
            column.has_unknown |= array.null_count() > 0;
            if !column.has_unknown {
                let values = column
                    .converter
                    .convert_columns(&[ArrayRef::clone(array)])?;
                for value in &values {
                    column.ranges.add(value.data());
                }
            }
        }
        self.few = match self.few.take() {
            Some(known) if known.is_empty() && rows <= MOST_LOOKED_UP => Some(arrays),
            Some(known) if known.first().map_or(0, Array::len) + rows <= MOST_LOOKED_UP => {
                let together = known.iter().zip(&arrays);
                let together = together.map(|(known, new)| concat(&[known, new]));
                Some(together.collect::<Result<_, _>>()?)
            }
            _ => None,
        };
        Ok(())
    }

    /// Whether a file may hold a row with one of the keys.
    pub(super) async fn may_be_in(
        &self,
        destination: &Destination,
        file: &DataFile,
        footer: &ParquetMetaData,
    ) -> Result<bool, Error> {
        if self.is_empty {
            return Ok(false);
        }
        let parquet = |source| Error::Parquet {
            action: "read the statistics of",
            path: file.path.clone(),
            source,
        };
        let written = file_schema(footer).map_err(parquet)?;
        let bounds = self.bounds(footer, &written).map_err(parquet)?;
        let keys = self
            .few_as_rows()
            .map_err(|source| parquet(source.into()))?;
        for group in 0..footer.num_row_groups() {
            let Some((few, rows)) = self.few.as_ref().zip(keys.as_ref()) else {
                if self.ranges_meet(&bounds, group) {
                    return Ok(true);
                }
                continue;
            };
            let mut near = (0..few.first().map_or(0, Array::len))
                .filter(|row| lies_within(few, rows, &bounds, group, *row))
                .peekable();
            if near.peek().is_none() {
                continue;
            }
            let filters = self
                .filters(destination, file, footer, &written, group)
                .await?;
            if near.any(|row| {
                few.iter()
                    .zip(&filters)
                    .all(|(keys, filter)| is_in(filter.as_ref(), keys, row))
            }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn few_as_rows(&self) -> Result<Option<Vec<Rows>>, ArrowError> {
        let Some(few) = &self.few else {
            return Ok(None);
        };
        let columns = self.columns.iter().zip(few);
        let rows = columns
            .map(|(column, array)| column.converter.convert_columns(&[ArrayRef::clone(array)]));
        rows.collect::<Result<_, _>>().map(Some)
    }

    fn ranges_meet(&self, bounds: &[Option<Bounds>], group: usize) -> bool {
        let mut columns = self.columns.iter().zip(bounds);
        columns.all(|(column, bounds)| match bounds {
            Some(bounds) if bounds.known[group] && !column.has_unknown => {
                let (least, greatest) = (bounds.least.row(group), bounds.greatest.row(group));
                column.ranges.meet(least.data(), greatest.data())
            }
            _ => true,
        })
    }

    /// What the footer says of each column.
    fn bounds(
        &self,
        footer: &ParquetMetaData,
        written: &Schema,
    ) -> Result<Vec<Option<Bounds>>, ParquetError> {
        let descriptor = footer.file_metadata().schema_descr();
        let of_column = |column: &ProbedColumn| {
            if !column.is_in(written) {
                return Ok(None);
            }
            let statistics = StatisticsConverter::try_new(&column.name, written, descriptor)?;
            let least = statistics.row_group_mins(footer.row_groups())?;
            let greatest = statistics.row_group_maxes(footer.row_groups())?;
            if *least.data_type() != column.data_type {
                return Ok(None);
            }
            let known = (0..footer.num_row_groups())
                .map(|group| least.is_valid(group) && greatest.is_valid(group))
                .collect();
            Ok(Some(Bounds {
                least: column.converter.convert_columns(&[least])?,
                greatest: column.converter.convert_columns(&[greatest])?,
                known,
            }))
        };
        self.columns.iter().map(of_column).collect()
    }

    /// The Bloom filters of a row group, for each column that has one.
    async fn filters(
        &self,
        destination: &Destination,
        file: &DataFile,
        footer: &ParquetMetaData,
        written: &Schema,
        group: usize,
    ) -> Result<Vec<Option<Sbbf>>, Error> {
        let descriptor = footer.file_metadata().schema_descr();
        let parquet = |source| Error::Parquet {
            action: "read a Bloom filter of",
            path: file.path.clone(),
            source,
        };
        let mut filters = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let place = parquet_column(descriptor, written, &column.name);
            let place = place.filter(|_| column.is_in(written));
            let chunk = place.map(|(place, _)| footer.row_group(group).column(place));
            let range = chunk.and_then(|chunk| {
                let offset = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
                let length = u64::try_from(chunk.bloom_filter_length()?).ok()?;
                Some(offset..offset.checked_add(length)?)
            });
            let Some(range) = range else {
                filters.push(None);
                continue;
            };
            let bytes = destination
                .store
                .get_range(&destination.object(&file.path), range)
                .await
                .map_err(Error::store("read a Bloom filter of", &file.path))?;
            filters.push(Some(Sbbf::from_bytes(&bytes).map_err(parquet)?));
        }
        Ok(filters)
    }
}

/// Whether a key lies within the bounds of a row group, in all columns of which they are known.
fn lies_within(
    few: &[ArrayRef],
    keys: &[Rows],
    bounds: &[Option<Bounds>],
    group: usize,
    row: usize,
) -> bool {
    let mut columns = few.iter().zip(keys).zip(bounds);
    columns.all(|((values, keys), bounds)| match bounds {
        Some(bounds) if bounds.known[group] && values.is_valid(row) => {
            let key = keys.row(row);
            bounds.least.row(group) <= key && key <= bounds.greatest.row(group)
        }
        _ => true,
    })
}

/// The layout in which a file was written.
pub(super) fn file_schema(footer: &ParquetMetaData) -> Result<Schema, ParquetError> {
    let file = footer.file_metadata();
    parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())
}

/// Whether a filter says that a value may be there; without one, it may.
fn is_in(filter: Option<&Sbbf>, keys: &ArrayRef, row: usize) -> bool {
    let Some(filter) = filter.filter(|_| keys.is_valid(row)) else {
        return true;
    };
    match keys.data_type() {
        DataType::Utf8 => filter.check(keys.as_string::<i32>().value(row).as_bytes()),
        DataType::Int64 => filter.check(&keys.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => {
            let value = keys.as_primitive::<UInt64Type>().value(row);
            filter.check(&value.cast_signed())
        }
        _ => true,
    }
}
