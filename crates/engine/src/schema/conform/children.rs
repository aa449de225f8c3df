//! The elements of lists as rows of child tables.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    UInt32Array,
};
use arrow::compute::take;
use arrow::error::ArrowError;

use super::super::child_table::{ChildTable, Level, ROW_ID, row_id};
use super::super::column::{Column, ColumnType, Kind, Source};
use super::super::{MAXIMUM_COLUMNS, TableSchema};
use super::convert::downcast;
use super::spread::spread;
use super::{ConformError, Rows, conform, conform_columns, keep};

/// Brings a batch into a settled schema as [`conform`] does, and the lists in it into its child tables: a batch for each,
/// in the order of `TableSchema::child_tables`.
///
/// A row's id in a child table follows from that of the row above, the table's name and the position in the list.
pub fn conform_with_children(
    batch: &RecordBatch,
    from: &TableSchema,
    to: &TableSchema,
) -> Result<(RecordBatch, Vec<RecordBatch>), ConformError> {
    let rows = conform(batch, from, to)?;
    if to.tables.is_empty() {
        return Ok((rows, Vec::new()));
    }
    let ids = to.row_id().ok_or_else(|| ConformError::NoPlace {
        column: ROW_ID.to_owned(),
    })?;
    let ids = downcast::<StringArray>(rows.column(ids))?;
    let layout = from.layout();
    let mut children = Vec::new();
    let above = Above {
        arrays: batch.columns().get(..layout.len()).unwrap_or_default(),
        columns: &layout,
        ids,
        roots: ids,
    };
    above.divide(to.level(), &mut children)?;
    Ok((rows, children))
}

/// Rows whose lists become rows of the tables below.
#[derive(Clone, Copy)]
struct Above<'a> {
    arrays: &'a [ArrayRef],
    columns: &'a [Column],
    /// The id of each row.
    ids: &'a StringArray,
    /// The id of the record that each row is in.
    roots: &'a StringArray,
}

impl Above<'_> {
    /// Adds a batch for each table of a level, those below it behind it.
    fn divide(self, level: Level<'_>, batches: &mut Vec<RecordBatch>) -> Result<(), ConformError> {
        let spread = spread(self.arrays, self.columns, level)?;
        let (arrays, columns) = match &spread {
            Some((arrays, columns)) => (arrays.as_slice(), columns.as_slice()),
            None => (self.arrays, self.columns),
        };
        for table in level.tables {
            let mut lists = arrays.iter().zip(columns).filter(|(_, column)| {
                column.kind == Some(Kind::List) && column.source == table.source
            });
            let elements = match lists.next() {
                Some((lists, column)) => Elements::of(downcast(lists)?, column, table)?,
                None => Elements::none(),
            };
            elements.become_rows(table, self, batches)?;
        }
        Ok(())
    }
}

/// Elements of lists, in the order of the rows that they are in.
struct Elements {
    /// The row above of each.
    parents: UInt32Array,
    /// The position of each in its list.
    positions: Int64Array,
    /// Their values, as those of a row.
    arrays: Vec<ArrayRef>,
    columns: Vec<Column>,
}

impl Elements {
    fn none() -> Self {
        Self {
            parents: UInt32Array::from_iter_values([]),
            positions: Int64Array::from_iter_values([]),
            arrays: Vec::new(),
            columns: Vec::new(),
        }
    }

    fn of(lists: &ListArray, column: &Column, table: &ChildTable) -> Result<Self, ConformError> {
        let ColumnType::List(element) = &column.data_type else {
            let message = "lists are laid out as lists".to_owned();
            return Err(ArrowError::SchemaError(message).into());
        };
        let (mut parents, mut positions, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for ((row, ends), list) in (0_u32..).zip(lists.offsets().windows(2)).zip(0..) {
            if lists.is_valid(list) {
                for (position, place) in (0_i64..).zip(ends[0]..ends[1]) {
                    parents.push(row);
                    positions.push(position);
                    places.push(place);
                }
            }
        }
        let values = take(lists.values(), &Int32Array::from(places), None)?;
        let mut elements = Self {
            parents: parents.into(),
            positions: positions.into(),
            ..Self::none()
        };
        // Objects that are nested too deep are JSON text.
        let kind = element.kind().unwrap_or(Kind::Object);
        elements.add(&values, kind, element, table)?;
        Ok(elements)
    }

    /// Adds the values of a kind.
    fn add(
        &mut self,
        values: &ArrayRef,
        kind: Kind,
        data_type: &ColumnType,
        table: &ChildTable,
    ) -> Result<(), ConformError> {
        let source = match data_type {
            ColumnType::Mixed(parts) => {
                let structs = downcast::<StructArray>(values)?;
                for (values, (kind, part)) in structs.columns().iter().zip(parts) {
                    self.add(values, *kind, part, table)?;
                }
                return Ok(());
            }
            ColumnType::Struct(fields) if !table.holds_whole_objects() => {
                let structs = downcast::<StructArray>(values)?;
                for (values, field) in structs.columns().iter().zip(fields) {
                    self.arrays.push(match structs.nulls() {
                        Some(nulls) => keep(values, nulls.inner())?,
                        None => Arc::clone(values),
                    });
                    self.columns.push(field.clone());
                }
                return Ok(());
            }
            ColumnType::Void if !table.holds_whole_objects() => return Ok(()),
            ColumnType::List(_) => Source::inner_list(),
            _ => Source::element(),
        };
        self.arrays.push(Arc::clone(values));
        self.columns.push(Column {
            name: source.base_name(),
            source,
            kind: Some(kind),
            data_type: data_type.clone(),
            required: false,
            declared: false,
            closed: false,
            description: None,
        });
        Ok(())
    }

    /// Adds the rows of a table, and those of the tables below it.
    fn become_rows(
        self,
        table: &ChildTable,
        above: Above<'_>,
        batches: &mut Vec<RecordBatch>,
    ) -> Result<(), ConformError> {
        let columns = table.columns.len();
        if columns > MAXIMUM_COLUMNS {
            return Err(ConformError::TooManyColumns { count: columns });
        }
        let count = self.parents.len();
        let parents = take(above.ids, &self.parents, None)?;
        let roots = take(above.roots, &self.parents, None)?;
        let (parents, roots) = (
            downcast::<StringArray>(&parents)?,
            downcast::<StringArray>(&roots)?,
        );
        let ids = row_ids(parents, &table.name, &self.positions);
        let level = table.level();
        let mut arrays = conform_columns(&self.arrays, &self.columns, level, count, Rows::Fresh)?;
        let keys: [ArrayRef; 4] = [
            Arc::new(parents.clone()),
            Arc::new(self.positions),
            Arc::new(ids.clone()),
            Arc::new(roots.clone()),
        ];
        arrays.extend(keys);
        batches.push(RecordBatch::try_new(table.schema().arrow_schema(), arrays)?);
        let rows = Above {
            arrays: &self.arrays,
            columns: &self.columns,
            ids: &ids,
            roots,
        };
        rows.divide(level, batches)
    }
}

/// The ids of elements, from where they lie.
fn row_ids(parents: &StringArray, table: &str, positions: &Int64Array) -> StringArray {
    let mut place = String::new();
    let ids = parents
        .iter()
        .zip(positions.values())
        .map(|(parent, position)| {
            place.clear();
            place.push_str(parent.unwrap_or_default());
            place.push(' ');
            place.push_str(table);
            place.push(' ');
            place.push_str(&position.to_string());
            row_id(&place)
        });
    StringArray::from_iter_values(ids)
}
