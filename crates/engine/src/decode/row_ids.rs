//! The ids by which elements of lists refer to their rows.

use arrow::array::{Array, ArrayRef, StringArray};

use crate::flow::Slice;
use crate::plan::{self, DecodePlan};
use crate::schema::{Column, ColumnType, Declaration, Field, ROW_ID, Source, render_json, row_id};

/// The field of the ids.
pub(super) fn field() -> Field {
    Field {
        source: Source::given(ROW_ID),
        declared: Some(Declaration {
            data_type: Some(ColumnType::Text),
            form: None,
            required: true,
            description: None,
        }),
        observed: crate::schema::Observed::default(),
    }
}

/// Where a page's rows lie, whatever the pages are like.
#[derive(Clone, Copy)]
pub(super) struct RowPlace<'a> {
    pub(super) slice: &'a Slice,
    /// Rows of the slice that come before.
    pub(super) rows_before: u64,
}

/// What the ids of a page's rows follow from.
pub(super) struct RowIds<'a> {
    pub(super) plan: &'a DecodePlan,
    pub(super) load_id: &'a str,
    pub(super) place: RowPlace<'a>,
}

impl RowIds<'_> {
    /// The ids of rows with these columns. A function of what is read: where the same is read again, they are the same.
    pub(super) fn of(&self, layout: &[Column], arrays: &[ArrayRef], rows: usize) -> StringArray {
        let RowPlace { slice, rows_before } = self.place;
        let table = &self.plan.table;
        let place = match self.plan.row_ids {
            plan::RowIds::Key => return self.of_keys(layout, arrays, rows),
            plan::RowIds::PlaceInLoad if slice.window.is_some() => {
                format!("{table} {}", slice.id())
            }
            plan::RowIds::Place => format!("{table} {}", slice.id()),
            plan::RowIds::PlaceInLoad | plan::RowIds::Load => {
                format!("{table} {} {}", self.load_id, slice.id())
            }
        };
        let ids = (rows_before..).take(rows);
        StringArray::from_iter_values(ids.map(|row| row_id(&format!("{place} {row}"))))
    }

    /// The ids of rows whose keys, whatever their kinds, are told apart by their JSON.
    fn of_keys(&self, layout: &[Column], arrays: &[ArrayRef], rows: usize) -> StringArray {
        let key = &self.plan.primary_key;
        let columns: Vec<(usize, &Column, &ArrayRef)> = layout
            .iter()
            .zip(arrays)
            .filter(|(column, _)| column.source.within.is_empty())
            .filter_map(|(column, array)| {
                let place = key.iter().position(|key| *key == column.source.key)?;
                Some((place, column, array))
            })
            .collect();
        let mut name = String::new();
        let ids = (0..rows).map(|row| {
            name.clone_from(&self.plan.table);
            for place in 0..key.len() {
                name.push(' ');
                let mut of_key = columns
                    .iter()
                    .filter(|(at, _, array)| *at == place && array.is_valid(row));
                if let Some((_, column, array)) = of_key.next() {
                    render_json(array, &column.data_type, row, &mut name);
                }
            }
            row_id(&name)
        });
        StringArray::from_iter_values(ids)
    }
}
