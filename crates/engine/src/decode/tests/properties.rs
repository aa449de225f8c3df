//! Laws that hold for any records.

use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::canonical::canonical_json;
use super::*;
use crate::schema::Form;

/// Scalars that meet in the same fields and often in the same type.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (-3_i64..4).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<u64>().prop_map(|number| number.to_string()),
        2 => "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,3}",
        1 => any::<f64>().prop_filter("JSON has finite numbers", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        1 => "-?[1-9][0-9]{15,45}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?",
        1 => Just("true".to_owned()),
        1 => Just("false".to_owned()),
        2 => "[a-c]{0,2}".prop_map(|text| format!("{text:?}")),
        1 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        1 => "20[0-9]{2}-0[1-9]-[0-2][1-8]".prop_map(|text| format!("{text:?}")),
    ]
}

fn timestamp() -> impl Strategy<Value = String> {
    "\"20[0-9]{2}-0[1-9]-[0-2][1-8]T0[0-9]:[0-5]0:0[0-9](\\.[0-9]{3}|\\.[0-9]{6}|\\.[1-9])?(Z|\\+00:00|\\+02:00)\""
}

fn object(value: impl Strategy<Value = String>, least: usize) -> impl Strategy<Value = String> {
    prop::collection::btree_map("[abA1]|b__v_string", value, least..4).prop_map(|members| {
        let members: Vec<String> = members
            .into_iter()
            .map(|(key, value)| format!("{key:?}: {value}"))
            .collect();
        format!("{{{}}}", members.join(", "))
    })
}

fn list(value: impl Strategy<Value = String>, least: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(value, least..4).prop_map(|values| format!("[{}]", values.join(",")))
}

/// Records of any values, empty and null ones too.
pub(super) fn records() -> impl Strategy<Value = Vec<String>> {
    let leaf = prop_oneof![6 => scalar(), 2 => timestamp(), 1 => Just("null".to_owned())];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![object(inner.clone(), 0), list(inner, 0)].boxed()
    });
    prop::collection::vec(object(value, 0), 1..7)
}

/// Records without null, `{}`, `[]` and timestamps: those lose their spelling in a commit, as documented.
pub(super) fn full_records() -> impl Strategy<Value = Vec<String>> {
    let value = scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![object(inner.clone(), 1), list(inner, 1)].boxed()
    });
    prop::collection::vec(object(value, 1), 1..6)
}

pub(super) fn form() -> impl Strategy<Value = Form> {
    prop::sample::select(vec![
        Form::Auto,
        Form::Struct,
        Form::Map,
        Form::Json,
        Form::Flatten,
    ])
}

pub(super) fn borrowed(records: &[String]) -> Vec<&str> {
    records.iter().map(String::as_str).collect()
}

fn canonical(records: &[String]) -> Vec<String> {
    records
        .iter()
        .map(|record| canonical_json(record).unwrap())
        .collect()
}

fn schema_of(records: &[String]) -> TableSchema {
    decode_all(&DecodePlan::default(), &borrowed(records)).schema
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn join_is_commutative_associative_idempotent(a in records(), b in records(), c in records()) {
        let (a, b, c) = (schema_of(&a), schema_of(&b), schema_of(&c));
        prop_assert_eq!(a.join(&b).unordered(), b.join(&a).unordered());
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
        prop_assert_eq!(a.join(&a), a.clone());
        prop_assert_eq!(a.join(&b).settle(None).unordered(), b.join(&a).settle(None).unordered());
        let settled = a.settle(None);
        prop_assert_eq!(settled.settle(None), settled.clone());
        prop_assert_eq!(settled.join(&settled), settled);
    }

    #[test]
    fn schemas_are_stored_as_json(records in records()) {
        let schema = schema_of(&records);
        for schema in [schema.settle(None), schema] {
            let text = serde_json::to_string(&schema).unwrap();
            prop_assert_eq!(serde_json::from_str::<TableSchema>(&text).unwrap(), schema);
        }
    }

    #[test]
    fn a_page_gives_back_its_records(records in records()) {
        let decoded = decode_all(&DecodePlan::default(), &borrowed(&records));
        // An object of nulls only is one with no keys as far as columns can tell.
        prop_assert_eq!(restore(&decoded.batch, &decoded.schema), canonical(&records));
    }

    #[test]
    fn paging_changes_nothing(first in records(), second in records(), nested in form()) {
        let plan = DecodePlan { nested, ..DecodePlan::default() };
        let (before, _) = committed(&plan, &borrowed(&first), None);
        committed(&plan, &borrowed(&second), Some(&before));
    }

    #[test]
    fn a_commit_gives_back_its_records(
        first in full_records(),
        second in full_records(),
        third in full_records(),
        nested in form().prop_filter("what is flattened looks like other records", |form| *form != Form::Flatten),
    ) {
        let plan = DecodePlan { nested, ..DecodePlan::default() };
        let (schema, rows) = commit(&plan, &[&borrowed(&first)], None);
        prop_assert_eq!(restore(&rows, &schema), canonical(&first));
        let (next, next_rows) = commit(&plan, &[&borrowed(&second)], Some(&schema));
        prop_assert_eq!(restore(&next_rows, &next), canonical(&second));
        let (last, last_rows) = commit(&plan, &[&borrowed(&third)], Some(&next));
        prop_assert_eq!(restore(&last_rows, &last), canonical(&third));
        for (rows, schema, records) in [(&rows, &schema, &first), (&next_rows, &next, &second)] {
            let rewritten = conform(rows, schema, &last).unwrap();
            prop_assert_eq!(restore(&rewritten, &last), canonical(records));
        }
        let names = schema.column_names();
        prop_assert_eq!(&last.column_names()[..names.len() - 2], &names[..names.len() - 2]);
    }

    #[test]
    fn parquet_gives_back_the_batch(records in records()) {
        let decoded = decode_all(&DecodePlan::default(), &borrowed(&records));
        let (_, settled) = commit(&DecodePlan::default(), &[&borrowed(&records)], None);
        for batch in [decoded.batch, settled] {
            let mut file = Vec::new();
            let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap().build().unwrap();
            let read: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
            let read = concat_batches(&Arc::clone(&batch.schema()), &read).unwrap();
            prop_assert_eq!(read, batch);
        }
    }
}
