//! Rows that are versions of records: since when, and until when, each is valid.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, TimestampMicrosecondArray,
};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::key_probe::file_schema;
use crate::plan::VersionsPlan;
use crate::schema::TableSchema;

/// The two columns of a settled layout that tell versions apart, and what they get.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    valid_from: usize,
    valid_to: usize,
    /// Name of the second column.
    valid_to_name: String,
    /// When versions begin and end; microseconds.
    boundary: i64,
    /// What the second column holds while a version is valid.
    active: Option<i64>,
}

impl Versions {
    /// `load_start` is in microseconds, as all times are; `Err` names a column that the layout lacks.
    pub(super) fn new(
        plan: &VersionsPlan,
        settled: &TableSchema,
        load_start: i64,
    ) -> Result<Self, String> {
        let column = |name: &String| settled.given_column(name).ok_or_else(|| name.clone());
        let valid_to = column(&plan.valid_to)?;
        Ok(Self {
            valid_from: column(&plan.valid_from)?,
            valid_to,
            valid_to_name: settled.arrow_schema().field(valid_to).name().clone(),
            boundary: plan.boundary.unwrap_or(load_start),
            active: plan.active,
        })
    }

    /// The positions of the columns, which say nothing of a record.
    pub(super) fn positions(&self) -> [usize; 2] {
        [self.valid_from, self.valid_to]
    }

    /// Which rows are valid.
    pub(super) fn are_active(&self, batch: &RecordBatch) -> BooleanArray {
        let until = batch.column(self.valid_to);
        let until = until.as_primitive_opt::<TimestampMicrosecondType>();
        let rows = 0..batch.num_rows();
        let is_active = |row| {
            until.is_none_or(|until| until.is_null(row) || Some(until.value(row)) == self.active)
        };
        rows.map(|row| Some(is_active(row))).collect()
    }

    /// New rows, valid from the boundary on.
    pub(super) fn begin(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let rows = batch.num_rows();
        let from = instants(Some(self.boundary), rows, batch.column(self.valid_from));
        let to = instants(self.active, rows, batch.column(self.valid_to));
        with_column(
            &with_column(batch, self.valid_from, from)?,
            self.valid_to,
            to,
        )
    }

    /// Existing rows, of which those that don't stay are valid until the boundary.
    pub(super) fn end(
        &self,
        batch: &RecordBatch,
        stay: &BooleanArray,
    ) -> Result<RecordBatch, ArrowError> {
        let before = batch.column(self.valid_to);
        let ended = instants(Some(self.boundary), batch.num_rows(), before);
        with_column(batch, self.valid_to, zip(stay, before, &ended)?)
    }

    /// Whether a file may hold a row that is valid.
    pub(super) fn may_be_active_in(&self, footer: &ParquetMetaData) -> Result<bool, ParquetError> {
        let written = file_schema(footer)?;
        let is_comparable = written
            .field_with_name(&self.valid_to_name)
            .is_ok_and(|field| matches!(field.data_type(), DataType::Timestamp(..)));
        if !is_comparable {
            return Ok(true);
        }
        let descriptor = footer.file_metadata().schema_descr();
        let column = StatisticsConverter::try_new(&self.valid_to_name, &written, descriptor)?;
        let nulls = column.row_group_null_counts(footer.row_groups())?;
        if nulls
            .iter()
            .any(|nulls| nulls.is_none_or(|nulls| nulls > 0))
        {
            return Ok(true);
        }
        let Some(active) = self.active else {
            return Ok(false);
        };
        let greatest = column.row_group_maxes(footer.row_groups())?;
        let greatest = arrow::compute::cast(&greatest, &DataType::Int64)?;
        let mut greatest = greatest.as_primitive::<Int64Type>().iter();
        Ok(greatest.any(|greatest| greatest.is_none_or(|greatest| greatest >= active)))
    }
}

/// One instant for all rows, of the type that a column has.
fn instants(instant: Option<i64>, rows: usize, like: &ArrayRef) -> ArrayRef {
    let zone = match like.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let instants: TimestampMicrosecondArray = std::iter::repeat_n(instant, rows).collect();
    Arc::new(instants.with_timezone_opt(zone))
}

fn with_column(
    batch: &RecordBatch,
    position: usize,
    column: ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    if let Some(place) = columns.get_mut(position) {
        *place = column;
    }
    RecordBatch::try_new(schema, columns)
}
