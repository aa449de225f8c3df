//! Some columns of a table, and their values as bytes that can be compared.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};

use crate::schema::TableSchema;

/// Some columns of the settled layout, and how their values become bytes.
#[derive(Debug)]
pub(super) struct Columns {
    positions: Vec<usize>,
    converter: RowConverter,
}

impl Columns {
    pub(super) fn new(layout: &SchemaRef, positions: Vec<usize>) -> Result<Self, ArrowError> {
        Self::ordered(layout, positions, SortOptions::default())
    }

    /// Columns whose bytes compare as these options say.
    pub(super) fn ordered(
        layout: &SchemaRef,
        positions: Vec<usize>,
        options: SortOptions,
    ) -> Result<Self, ArrowError> {
        let field = |position: &usize| {
            let data_type = layout.field(*position).data_type().clone();
            SortField::new_with_options(data_type, options)
        };
        let converter = RowConverter::new(positions.iter().map(field).collect())?;
        Ok(Self {
            positions,
            converter,
        })
    }

    /// The values of each row.
    pub(super) fn rows(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let array = |position: &usize| ArrayRef::clone(batch.column(*position));
        let arrays: Vec<ArrayRef> = self.positions.iter().map(array).collect();
        self.converter.convert_columns(&arrays)
    }
}

/// Positions of the columns of each key, its variants behind the plain one; `Err` names a key that no column was made of.
///
/// A key is named as the records spell it. Its column may have another name, where keys differ in case alone.
pub(super) fn key_columns(
    schema: &TableSchema,
    keys: &[String],
) -> Result<Vec<Vec<usize>>, String> {
    let layout = schema.layout();
    let of_key = |key: &String| {
        let places = |from_parent: bool| -> Vec<usize> {
            let columns = layout.iter().enumerate();
            let of_key = columns.filter(|(_, column)| {
                column.source.key == *key
                    && column.source.within.is_empty()
                    && column.source.from_parent == from_parent
            });
            of_key.map(|(position, _)| position).collect()
        };
        let mut found = places(true);
        if found.is_empty() {
            found = places(false);
        }
        if found.is_empty() {
            return Err(key.clone());
        }
        Ok(found)
    };
    keys.iter().map(of_key).collect()
}

/// The same for all keys together.
pub(super) fn key_positions(schema: &TableSchema, keys: &[String]) -> Result<Vec<usize>, String> {
    Ok(key_columns(schema, keys)?.concat())
}
