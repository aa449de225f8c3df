//! Decoding as a whole: what becomes of records, in one page and in many, in one commit and in several.

mod contract;
mod cursors;
mod declared;
mod edges;
mod failures;
mod hints;
mod nested;
mod properties;
mod row_ids;
mod types;

use arrow::array::{RecordBatch, StructArray};
use arrow::compute::concat_batches;

use super::*;
use crate::flow::Window;
use crate::schema::{ColumnType, Source, conform, render_json};

fn page(records: &[&str]) -> Page {
    Page::of_records(records)
}

fn decode(plan: &DecodePlan, records: &[&str]) -> Result<Decoded, Error> {
    Decoder::new(plan.clone(), "load").decode(
        &Slice::default(),
        &page(records),
        &mut SliceMemory::default(),
    )
}

fn decode_all(plan: &DecodePlan, records: &[&str]) -> Decoded {
    decode(plan, records).unwrap()
}

/// The rows of several pages under the schema of a commit behind `committed`.
fn commit(
    plan: &DecodePlan,
    pages: &[&[&str]],
    committed: Option<&TableSchema>,
) -> (TableSchema, RecordBatch) {
    let decoded: Vec<Decoded> = pages
        .iter()
        .map(|records| decode_all(plan, records))
        .collect();
    let joined = decoded.iter().fold(TableSchema::default(), |schema, page| {
        schema.join(&page.schema)
    });
    let settled = joined.settle(committed);
    let batches: Vec<RecordBatch> = decoded
        .iter()
        .map(|page| conform(&page.batch, &page.schema, &settled).unwrap())
        .collect();
    let rows = concat_batches(&settled.arrow_schema(), &batches).unwrap();
    (settled, rows)
}

/// Commits the records as one page, asserts that other pages give the same, and shows columns and rows.
fn committed(
    plan: &DecodePlan,
    records: &[&str],
    before: Option<&TableSchema>,
) -> (TableSchema, String) {
    let (schema, rows) = commit(plan, &[records], before);
    for size in [1, 2, 3] {
        let pages: Vec<&[&str]> = records.chunks(size).collect();
        let (other_schema, other_rows) = commit(plan, &pages, before);
        assert_eq!(other_schema, schema, "pages of {size}");
        assert_eq!(other_rows, rows, "pages of {size}");
    }
    let shown = show(&rows, &schema);
    (schema, shown)
}

/// Columns and rows, as JSON, without the metadata columns.
fn show(batch: &RecordBatch, schema: &TableSchema) -> String {
    let layout = schema.layout();
    let arrow_schema = batch.schema();
    let fields = arrow_schema.fields().iter().take(layout.len());
    let mut lines: Vec<String> = fields
        .map(|field| {
            let required = if field.is_nullable() { "" } else { " required" };
            format!("{}: {}{required}", field.name(), field.data_type())
        })
        .collect();
    for row in 0..batch.num_rows() {
        let values = batch
            .columns()
            .iter()
            .zip(layout.iter())
            .map(|(array, column)| {
                let mut text = String::new();
                render_json(array, &column.data_type, row, &mut text);
                text
            });
        lines.push(values.collect::<Vec<_>>().join(" | "));
    }
    lines.join("\n")
}

/// The records that the rows of a batch came from, as canonical JSON.
fn restore(batch: &RecordBatch, schema: &TableSchema) -> Vec<String> {
    let data_type = ColumnType::Struct(schema.layout().into_owned());
    let count = schema.layout().len();
    let arrow::datatypes::DataType::Struct(fields) = data_type.arrow_type() else {
        unreachable!()
    };
    if count == 0 {
        return vec!["{}".to_owned(); batch.num_rows()];
    }
    let structs = StructArray::new(fields, batch.columns()[..count].to_vec(), None);
    (0..batch.num_rows())
        .map(|row| {
            let mut text = String::new();
            render_json(&structs, &data_type, row, &mut text);
            text
        })
        .collect()
}
