//! Values at the edges of what types hold, and keys at the edges of what objects do.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::cursors::{between, followed, rules};
use super::declared::{hint, plan_of};
use super::properties::{borrowed, form, full_records};
use super::*;
use crate::plan::{ColumnHint, CursorFormat, CursorPath, DeclaredType, Direction};
use crate::schema::WIDE_OBJECT_KEYS;

fn failure(record: &str) -> String {
    let read = decode(&DecodePlan::default(), &[record]);
    read.unwrap_err().to_string()
}

/// An object with so many keys, and these members behind them.
fn wide(keys: usize, members: &str) -> String {
    let keys: Vec<String> = (0..keys).map(|key| format!("\"k{key}\":1,")).collect();
    let keys = keys.concat();
    format!("{{{keys}{members}}}")
}

#[test]
fn a_number_that_begins_like_the_one_before_is_another() {
    for (first, second) in [("1", "12"), ("12", "1"), ("1", "1.0"), ("1", "1e2")] {
        let members = format!("\"a\":{first},\"a\":{second}");
        for record in [
            format!("{{{members}}}"),
            format!("{{\"o\":{}}}", wide(3, &members)),
            format!("{{\"o\":{}}}", wide(WIDE_OBJECT_KEYS, &members)),
        ] {
            let text = failure(&record);
            assert!(text.contains("twice with different values"), "{text}");
        }
    }
}

#[test]
fn keys_that_come_again_and_again_are_one() {
    let again = vec!["\"a\":{\"b\":[1]}"; 50].join(" , ");
    for keys in [0, WIDE_OBJECT_KEYS] {
        let record = format!("{{\"o\":{}}}", wide(keys, &again));
        let decoded = decode_all(&DecodePlan::default(), &[&record]);
        let restored = restore(&decoded.batch, &decoded.schema);
        assert_eq!(restored[0].matches("{\"b\":[1]}").count(), 1);
    }
}

#[test]
fn exponents_that_nothing_computes_with_are_refused() {
    let decoded = decode_all(
        &DecodePlan::default(),
        &[
            r#"{"a":1e0000000000000000000000000001,"b":0e99999999999999999999,"c":1e-999999999999999999}"#,
        ],
    );
    assert_eq!(
        restore(&decoded.batch, &decoded.schema),
        [r#"{"a":10,"b":0,"c":1e-999999999999999999}"#]
    );
    insta::assert_snapshot!(failure(r#"{"a":[1e1000000000000000000]}"#), @"read number `$.a[0]` of record `0`: an exponent of more than 18 digits, at `1e1000000000000000000]}`; `data_type: text` for its column keeps it as it is spelled, and so does `json` where it lies in an object or a list");
    let text = plan_of(vec![("a", hint(DeclaredType::Text, None))]);
    let decoded = decode_all(&text, &[r#"{"a":1e1000000000000000000}"#]);
    assert_eq!(
        restore(&decoded.batch, &decoded.schema),
        [r#"{"a":"1e1000000000000000000"}"#]
    );
}

#[test]
fn a_leap_second_is_not_moved_to_another_one() {
    let pattern = |data_type| ColumnHint {
        formats: vec![CursorFormat::Pattern("%d.%m.%Y %T".to_owned())],
        ..hint(data_type, None)
    };
    let plan = plan_of(vec![
        ("ns", hint(DeclaredType::TimestampNanoseconds, None)),
        ("us", pattern(DeclaredType::Timestamp)),
    ]);
    let records = [
        r#"{"ns":"2016-12-31T23:59:60Z","us":"31.12.2016 23:59:60"}"#,
        r#"{"ns":"2016-12-31T23:59:59.600000001Z","us":"31.12.2060 23:59:59"}"#,
    ];
    insta::assert_snapshot!(committed(&plan, &records, None).1, @r#"
    ns: Timestamp(ns, "UTC")
    ns__v_string: Utf8
    us: Timestamp(µs, "UTC")
    us__v_string: Utf8
    null | "2016-12-31T23:59:60Z" | null | "31.12.2016 23:59:60"
    "2016-12-31T23:59:59.600000001Z" | null | "2060-12-31T23:59:59Z" | null
    "#);
}

#[test]
fn the_cursor_is_found_wherever_it_lies() {
    let path = |keys: &[&str]| {
        let mut plan = followed(rules(Direction::Up, None));
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        if let Some(cursor) = &mut plan.cursor {
            cursor.path = CursorPath::Keys(keys);
        }
        plan
    };
    let deep = ["a"; 20];
    let as_json = |mut plan: DecodePlan| {
        plan.columns
            .insert("a".to_owned(), hint(DeclaredType::Json, None));
        plan
    };
    let object = wide(WIDE_OBJECT_KEYS, "\"n\":7");
    for (plan, record) in [
        (path(&["a", "n"]), format!("{{\"a\":{object}}}")),
        (as_json(path(&["a", "n"])), r#"{"a":{"n":7}}"#.to_owned()),
        (
            path(&deep),
            format!("{}7{}", "{\"a\":".repeat(20), "}".repeat(20)),
        ),
    ] {
        for (start, rows) in [("7", 1), ("8", 0)] {
            let decoder = Decoder::new(plan.clone(), "load");
            let mut memory = SliceMemory::default();
            let slice = between(Some(start), None);
            let found = decoder.decode(&slice, &page(&[&record]), &mut memory);
            assert_eq!(found.unwrap().batch.num_rows(), rows);
        }
    }
}

#[test]
fn types_that_values_do_not_show_stay_without_their_hint() {
    let plan = plan_of(vec![
        ("time", hint(DeclaredType::Time, None)),
        ("bytes", hint(DeclaredType::Binary, None)),
        ("ns", hint(DeclaredType::TimestampNanoseconds, None)),
    ]);
    let records = [r#"{"time":"01:02:03","bytes":"AQ==","ns":"2024-01-01T00:00:00.000000001Z"}"#];
    let (table, _) = committed(&plan, &records, None);
    let decoder = Decoder::new(DecodePlan::default(), "load").for_table(Some(&table));
    let records = [
        r#"{"time":"04:05:06.5","bytes":"Ag==","ns":"2024-01-01T00:00:00.000000002Z"}"#,
        r#"{"time":"later","bytes":"?","ns":3}"#,
    ];
    let mut memory = SliceMemory::default();
    let found = decoder.decode(&Slice::default(), &page(&records), &mut memory);
    let found = found.unwrap();
    let settled = found.schema.settle(Some(&table));
    let rows = conform(&found.batch, &found.schema, &settled).unwrap();
    insta::assert_snapshot!(show(&rows, &settled), @r#"
    time: Time64(µs)
    bytes: Binary
    ns: Timestamp(ns, "UTC")
    time__v_string: Utf8
    bytes__v_string: Utf8
    ns__v_number: Int64
    "04:05:06.5" | "Ag==" | "2024-01-01T00:00:00.000000002Z" | null | null | null
    null | null | null | "later" | "?" | 3
    "#);
    assert_eq!(decoder.misfits(), []);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn each_value_lies_in_one_column_whatever_is_declared(
        records in full_records(), more in full_records(), nested in form(), a in declared(), b in declared(),
        still_declared in any::<bool>(),
    ) {
        let mut plan = plan_of(vec![("a", a), ("b", b)]);
        plan.nested = nested;
        let (table, rows) = commit(&plan, &[&borrowed(&records)], None);
        one_column_each(&records, &rows, &table)?;
        if !still_declared {
            plan.columns.clear();
        }
        let decoder = Decoder::new(plan, "load").for_table(Some(&table));
        let page = page(&borrowed(&more));
        let found = decoder.decode(&Slice::default(), &page, &mut SliceMemory::default()).unwrap();
        let settled = found.schema.settle(Some(&table));
        let rows = conform(&found.batch, &found.schema, &settled).unwrap();
        one_column_each(&more, &rows, &settled)?;
    }
}

fn declared() -> impl Strategy<Value = ColumnHint> {
    let types = vec![
        None,
        Some(DeclaredType::Text),
        Some(DeclaredType::Double),
        Some(DeclaredType::Bool),
        Some(DeclaredType::Timestamp),
        Some(DeclaredType::TimestampNanoseconds),
        Some(DeclaredType::Date),
        Some(DeclaredType::Time),
        Some(DeclaredType::Bigint),
        Some(DeclaredType::Binary),
        Some(DeclaredType::Decimal {
            precision: 5,
            scale: 2,
        }),
        Some(DeclaredType::Json),
    ];
    let nested = prop::option::of(form());
    (prop::sample::select(types), nested).prop_map(|(data_type, nested)| ColumnHint {
        data_type,
        nested,
        ..ColumnHint::default()
    })
}

fn one_column_each(
    records: &[String],
    rows: &RecordBatch,
    schema: &TableSchema,
) -> Result<(), TestCaseError> {
    let layout = schema.layout();
    for (row, record) in records.iter().enumerate() {
        let record: HashMap<String, Box<RawValue>> = serde_json::from_str(record).unwrap();
        for column in layout.iter() {
            let key = column.source.top_level();
            let of_key = layout.iter().zip(rows.columns());
            let filled = of_key
                .filter(|(other, values)| other.source.top_level() == key && values.is_valid(row))
                .map(|(column, _)| &column.source);
            let filled: Vec<&Source> = filled.collect();
            let apart = filled.iter().all(|source| !source.within.is_empty());
            let expected = usize::from(record.contains_key(key));
            let fits = if apart && expected == 1 {
                !filled.is_empty()
            } else {
                filled.len() == expected
            };
            prop_assert!(fits, "{key} of {record:?} lies in {filled:?}");
        }
        for key in record.keys() {
            let mut columns = layout.iter().map(|column| column.source.top_level());
            prop_assert!(columns.any(|known| known == key), "{key} has no column");
        }
    }
    Ok(())
}
