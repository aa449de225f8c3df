//! Which order the rows of a file keep.
//!
//! A file is declared as sorted only where every row of it was compared with the one before.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use parquet::file::metadata::SortingColumn;
use parquet::schema::types::SchemaDescriptor;

/// An order in which rows may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SortOrder {
    /// Positions of the columns in the layout, the first one first; never empty.
    pub(super) columns: Vec<usize>,
    pub(super) descending: bool,
}

/// Watches the rows of one file.
#[derive(Debug)]
pub(super) struct RowOrder {
    layout: SchemaRef,
    /// The orders that all rows have kept so far.
    kept: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    order: SortOrder,
    converter: RowConverter,
    newest: Option<OwnedRow>,
}

impl RowOrder {
    /// Watches for these orders, the most useful first. Those of columns that Parquet orders otherwise are left out.
    pub(super) fn new(layout: &SchemaRef, orders: &[SortOrder]) -> Result<Self, ArrowError> {
        let data_type = |position: &usize| layout.field(*position).data_type();
        let orders = orders.iter().filter(|order| {
            let mut types = order.columns.iter().map(data_type);
            types.all(is_ordered_alike)
        });
        let kept = orders.map(|order| {
            let options = options(order.descending);
            let field =
                |position| SortField::new_with_options(data_type(position).clone(), options);
            Ok(Watched {
                order: order.clone(),
                converter: RowConverter::new(order.columns.iter().map(field).collect())?,
                newest: None,
            })
        });
        Ok(Self {
            layout: SchemaRef::clone(layout),
            kept: kept.collect::<Result<_, ArrowError>>()?,
        })
    }

    /// Looks at the next rows.
    pub(super) fn watch(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for mut watched in std::mem::take(&mut self.kept) {
            if watched.keeps(batch)? {
                self.kept.push(watched);
            }
        }
        Ok(())
    }

    /// The first order that all rows have kept, as the row groups of a file declare it.
    pub(super) fn declared(&self, schema: &SchemaDescriptor) -> Option<Vec<SortingColumn>> {
        let order = &self.kept.first()?.order;
        let column = |position: &usize| {
            let name = self.layout.field(*position).name();
            // Nested columns before it have several leaves each.
            let leaf = schema
                .columns()
                .iter()
                .position(|leaf| leaf.path().parts() == std::slice::from_ref(name))?;
            Some(SortingColumn {
                column_idx: i32::try_from(leaf).ok()?,
                descending: order.descending,
                nulls_first: options(order.descending).nulls_first,
            })
        };
        order.columns.iter().map(column).collect()
    }
}

impl Watched {
    fn keeps(&mut self, batch: &RecordBatch) -> Result<bool, ArrowError> {
        let column = |position: &usize| ArrayRef::clone(batch.column(*position));
        let columns: Vec<ArrayRef> = self.order.columns.iter().map(column).collect();
        let rows = self.converter.convert_columns(&columns)?;
        let before = self.newest.as_ref().map(OwnedRow::row);
        let in_order = before.into_iter().chain(&rows).is_sorted();
        if let Some(newest) = rows.iter().next_back() {
            self.newest = Some(newest.owned());
        }
        Ok(in_order)
    }
}

fn options(descending: bool) -> SortOptions {
    SortOptions {
        descending,
        nulls_first: true,
    }
}

/// Whether Arrow's order of a type is that of Parquet: not so for fractions, whose zeros have signs.
fn is_ordered_alike(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Boolean
            | DataType::Int64
            | DataType::UInt64
            | DataType::Utf8
            | DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Time64(_)
            | DataType::Decimal128(..)
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StructArray};
    use arrow::datatypes::{Field, Schema};
    use parquet::arrow::ArrowSchemaConverter;

    use super::*;

    /// An object of two fields, and behind it `id` and `text`.
    fn layout() -> SchemaRef {
        let inner = ["a", "b"].map(|name| Field::new(name, DataType::Int64, true));
        Arc::new(Schema::new(vec![
            Field::new_struct("object", inner.to_vec(), true),
            Field::new("id", DataType::Int64, true),
        ]))
    }

    fn batch(ids: &[Option<i64>]) -> RecordBatch {
        let DataType::Struct(inner) = layout().field(0).data_type().clone() else {
            panic!("the first column is an object");
        };
        let objects = StructArray::new_null(inner, ids.len());
        let ids = Int64Array::from(ids.to_vec());
        RecordBatch::try_new(layout(), vec![Arc::new(objects), Arc::new(ids)]).unwrap()
    }

    fn check(batches: &[&[Option<i64>]], descending: bool, expected: bool) {
        let columns = vec![1];
        let order = SortOrder {
            columns,
            descending,
        };
        let mut watching = RowOrder::new(&layout(), &[order]).unwrap();
        for ids in batches {
            watching.watch(&batch(ids)).unwrap();
        }
        let schema = ArrowSchemaConverter::new().convert(&layout()).unwrap();
        let declared = watching.declared(&schema);
        let sorted_by_third_leaf = vec![SortingColumn {
            column_idx: 2,
            descending,
            nulls_first: true,
        }];
        assert_eq!(
            declared,
            expected.then_some(sorted_by_third_leaf),
            "{batches:?}"
        );
    }

    #[test]
    fn an_order_ends_with_the_first_row_that_breaks_it() {
        check(&[&[None, Some(1), Some(1)], &[Some(2)]], false, true);
        check(&[&[Some(1), None]], false, false);
        check(&[&[Some(1), Some(2)], &[Some(1), Some(3)]], false, false);
        check(&[&[Some(3), Some(2)], &[], &[Some(2), Some(1)]], true, true);
        check(&[&[Some(1), Some(2)], &[Some(1)], &[Some(5)]], true, false);
    }

    #[test]
    fn objects_are_never_an_order() {
        let columns = vec![0, 1];
        let order = SortOrder {
            columns,
            descending: false,
        };
        let watching = RowOrder::new(&layout(), &[order]).unwrap();
        let schema = ArrowSchemaConverter::new().convert(&layout()).unwrap();
        assert_eq!(watching.declared(&schema), None);
    }
}
