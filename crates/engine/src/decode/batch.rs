//! From records in columns to a batch of rows.

use std::iter::repeat_n;
use std::sync::{Arc, PoisonError};

use arrow::array::{
    ArrayRef, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::datatypes::SchemaRef;

use super::records::Records;
use super::row_ids::{self, RowIds, RowPlace};
use super::value::ValueNode;
use super::walk::{self, Walk};
use super::{Decoder, Error, hints};
use crate::flow::Page;
use crate::schema::{Column, Field, Source, TableSchema};

/// The schema of a page, and the columns that follow from it.
#[derive(Debug)]
pub(super) struct PageLayout {
    schema: TableSchema,
    columns: Vec<Column>,
    arrow_schema: SchemaRef,
}

impl Decoder {
    /// The rows at a place, laid out as the schema says that comes with them; what is copied from parents is in each.
    pub(super) fn batch(
        &self,
        records: &mut Records,
        constants: &[(String, String)],
        place: RowPlace<'_>,
        page: &Page,
    ) -> Result<(TableSchema, RecordBatch), Error> {
        let rows = records.rows;
        let mut fields = records.root.observed_fields(&self.hints);
        for name in self.hints.keys() {
            if records.root.position(name).is_none() && hints::lies_within(&fields, name) {
                let names = self.hints_within.lock();
                let mut names = names.unwrap_or_else(PoisonError::into_inner);
                names.insert(name.clone());
            }
        }
        let mut copied = Vec::new();
        for (key, json) in constants {
            let source = Source {
                from_parent: true,
                ..Source::key(key)
            };
            let node =
                repeated(json, rows).map_err(|fault| fault.into_error(0, json.as_bytes()))?;
            fields.push(Field {
                source: source.clone(),
                declared: None,
                observed: node.observed(),
            });
            copied.push((source, node));
        }
        if self.has_row_ids {
            // In front, so that its place doesn't depend on which page brought the other fields.
            fields.insert(0, row_ids::field());
        }
        let page_layout = self.page_layout(fields);
        let PageLayout {
            schema,
            columns: layout,
            arrow_schema,
        } = &*page_layout;
        let row_id = schema.row_id().filter(|_| self.has_row_ids);
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (position, column) in layout.iter().enumerate() {
            if Some(position) == row_id {
                // Filled in once the columns of the key are there.
                arrays.push(new_null_array(&column.data_type.arrow_type(), rows));
                continue;
            }
            let constant = copied
                .iter_mut()
                .find(|(source, _)| *source == column.source);
            arrays.push(match constant {
                Some((_, node)) => node.finish_column(column, rows)?,
                None => records.root.finish_column(column, rows)?,
            });
        }
        if let Some(position) = row_id {
            let ids = RowIds {
                plan: &self.plan,
                load_id: &self.load_id,
                place,
            };
            arrays[position] = Arc::new(ids.of(layout, &arrays, rows));
        }
        arrays.push(Arc::new(StringArray::from_iter_values(repeat_n(
            &self.load_id,
            rows,
        ))));
        let extracted_at =
            TimestampMicrosecondArray::from_value(page.fetched_at.as_microsecond(), rows);
        arrays.push(Arc::new(extracted_at.with_timezone("UTC")));
        debug_assert!(
            arrays.iter().all(|array| array.len() == rows),
            "columns have all rows"
        );
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let arrow_schema = Arc::clone(arrow_schema);
        let batch = RecordBatch::try_new_with_options(arrow_schema, arrays, &options)?;
        Ok((schema.clone(), batch))
    }

    /// How a page is laid out of which this was observed. Mostly the same was observed of the page before.
    fn page_layout(&self, fields: Vec<Field>) -> Arc<PageLayout> {
        let schema = TableSchema::of_records(fields, self.plan.nested);
        let newest = || {
            let newest = self.newest_layout.lock();
            newest.unwrap_or_else(PoisonError::into_inner)
        };
        let known = newest().clone().filter(|known| known.schema == schema);
        known.unwrap_or_else(|| {
            let layout = Arc::new(PageLayout {
                columns: schema.layout().into_owned(),
                arrow_schema: schema.arrow_schema(),
                schema,
            });
            *newest() = Some(Arc::clone(&layout));
            layout
        })
    }
}

fn repeated(json: &str, rows: usize) -> walk::Read<ValueNode> {
    let mut node = ValueNode::new(None, rows, 0);
    for row in 0..rows {
        let mut walk = Walk::new(json.as_bytes(), &[]);
        let peek = walk.json.peek()?;
        node.read(&mut walk, peek, row, 1)?;
    }
    Ok(node)
}
