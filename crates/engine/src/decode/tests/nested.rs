//! The forms of nested values: maps, JSON text, columns of their own.

use serde_json::{Value, json};

use super::declared::plan_of;
use super::*;
use crate::plan::ColumnHint;
use crate::schema::{Form, WIDE_OBJECT_KEYS};

fn form(nested: Form) -> DecodePlan {
    DecodePlan {
        nested,
        ..DecodePlan::default()
    }
}

fn texts(records: &[Value]) -> Vec<String> {
    records.iter().map(Value::to_string).collect()
}

fn shown(plan: &DecodePlan, records: &[Value], before: Option<&TableSchema>) -> String {
    let texts = texts(records);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    committed(plan, &texts, before).1
}

fn type_of(records: &[Value]) -> String {
    let shown = shown(&DecodePlan::default(), records, None);
    shown.lines().next().unwrap_or_default().to_owned()
}

const MAP_OF_INTEGERS: &str =
    r#"a: Map("key_value": non-null Struct("key": non-null Utf8, "value": Int64), unsorted)"#;

#[test]
fn keys_that_are_data_make_a_map() {
    let records = [
        json!({"a": {"2024-01-02": 2, "2024-01-01": 1}}),
        json!({"a": {}}),
        json!({"a": {"2024-01-03": null, "2024-01-04": 4}}),
        json!({"a": null}),
    ];
    insta::assert_snapshot!(shown(&DecodePlan::default(), &records, None), @r##"
    a: Map("key_value": non-null Struct("key": non-null Utf8, "value": Int64), unsorted)
    {"2024-01-01":1,"2024-01-02":2}
    {}
    {"2024-01-04":4}
    null
    "##);
    // One name among them, and it is a struct.
    let named = [json!({"a": {"17": 1, "total": 1}})];
    insta::assert_snapshot!(shown(&DecodePlan::default(), &named, None), @r##"
    a: Struct("17": Int64, "total": Int64)
    {"17":1,"total":1}
    "##);
    let mixed = [json!({"a": {"1": [true], "2": "x", "3": 1.50, "4": {"b": {}}}})];
    insta::assert_snapshot!(shown(&DecodePlan::default(), &mixed, None), @r##"
    a: Map("key_value": non-null Struct("key": non-null Utf8, "value": Utf8), unsorted)
    {"1":[true],"2":"x","3":1.5,"4":{"b":{}}}
    "##);
}

#[test]
fn many_keys_of_which_each_object_has_few_make_a_map() {
    let records = |keys: usize, each: usize, value: fn(usize) -> Value| -> Vec<Value> {
        let keys: Vec<usize> = (0..keys).collect();
        keys.chunks(each)
            .map(|keys| {
                let members = keys.iter().map(|key| (format!("k{key}"), value(*key)));
                json!({ "a": members.collect::<serde_json::Map<_, _>>() })
            })
            .collect()
    };
    let number = |key: usize| json!(key);
    assert_eq!(type_of(&records(52, 13, number)), MAP_OF_INTEGERS);
    assert!(type_of(&records(52, 14, number)).starts_with("a: Struct"));
    assert!(type_of(&records(49, 1, number)).starts_with("a: Struct"));
    let mixed = |key: usize| if key == 7 { json!("x") } else { json!(key) };
    assert!(type_of(&records(52, 1, mixed)).starts_with("a: Struct"));
    // What comes twice changes nothing.
    let mut twice = records(52, 13, number);
    twice.extend(twice.clone());
    assert_eq!(type_of(&twice), MAP_OF_INTEGERS);
}

#[test]
fn too_many_keys_make_a_map_in_any_page() {
    let wide = |first: usize, count: usize| {
        let members = (first..first + count).map(|key| (format!("k{key:05}"), json!(key)));
        json!({ "a": members.collect::<serde_json::Map<_, _>>() })
    };
    // In one object, in one page, and only in all pages together: `committed` splits the records.
    let records = [wide(0, 600), wide(500, 600), wide(0, WIDE_OBJECT_KEYS + 1)];
    let structs = form(Form::Struct);
    for (plan, records) in [
        (&DecodePlan::default(), &records[..]),
        (&DecodePlan::default(), &records[..2]),
        (&structs, &records[..]),
    ] {
        let texts = texts(records);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (schema, shown) = committed(plan, &texts, None);
        assert_eq!(shown.lines().next(), Some(MAP_OF_INTEGERS));
        let (_, rows) = commit(plan, &[&texts], None);
        let given: Vec<Value> = restore(&rows, &schema)
            .iter()
            .map(|row| serde_json::from_str(row).unwrap())
            .collect();
        assert_eq!(given, records);
    }
    let text = form(Form::Json);
    assert!(shown(&text, &records, None).starts_with("a: Utf8\n"));
    let flat = form(Form::Flatten);
    assert!(shown(&flat, &records, None).starts_with("a: Utf8\n"));
}

#[test]
fn an_object_that_outgrows_its_struct_in_a_page_keeps_every_value() {
    let mut first = serde_json::Map::new();
    first.insert("when".to_owned(), json!("2024-01-01T00:00:00+02:00"));
    first.insert("x".to_owned(), json!([1, {"b": 1.0}]));
    let many: serde_json::Map<_, _> = (0..WIDE_OBJECT_KEYS)
        .map(|key| (format!("k{key}"), json!(key.to_string())))
        .collect();
    let records = [
        json!({"a": first}),
        json!({"a": null}),
        json!({"a": {}}),
        json!({"a": many}),
        json!({"a": {"x": true}}),
    ];
    let shown = shown(&DecodePlan::default(), &records, None);
    let mut lines = shown.lines();
    insta::assert_snapshot!(lines.next().unwrap(), @r##"a: Map("key_value": non-null Struct("key": non-null Utf8, "value": Utf8), unsorted)"##);
    insta::assert_snapshot!(lines.next().unwrap(), @r##"{"when":"2024-01-01T00:00:00+02:00","x":[1,{"b":1}]}"##);
    assert_eq!(lines.last(), Some(r#"{"x":true}"#));
    let repeated = format!(r#"{{"a":{{{},"k1":2}}}}"#, {
        let members = (0..=WIDE_OBJECT_KEYS).map(|key| format!("\"k{key}\":1"));
        members.collect::<Vec<_>>().join(",")
    });
    let refused = decode(&DecodePlan::default(), &[&repeated]).unwrap_err();
    insta::assert_snapshot!(refused, @r##"read key `$.a.k1` of record `0` twice with different values, at `2}}`"##);
}

#[test]
fn a_committed_column_keeps_its_form() {
    let none = DecodePlan::default();
    let first = [r#"{"a": {"1": 1}, "b": {"x": 1}, "c": {"y": {"z": 1}}}"#];
    let (before, _) = committed(&none, &first, None);
    let later = [
        json!({"a": {"name": 2}, "b": {"1": 3}, "c": {"y": {"z": 2, "w": 3}}}),
        json!({"a": {"name": "x", "2": 5}}),
    ];
    for nested in [Form::Auto, Form::Flatten] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&form(nested), &later, Some(&before)), @r##"
            a: Map("key_value": non-null Struct("key": non-null Utf8, "value": Int64), unsorted)
            b: Struct("x": Int64, "1": Int64)
            c: Struct("y": Struct("z": Int64, "w": Int64))
            a__v_object: Map("key_value": non-null Struct("key": non-null Utf8, "value": Utf8), unsorted)
            {"name":2} | {"1":3} | {"y":{"w":3,"z":2}} | null
            null | null | null | {"2":5,"name":"x"}
            "##);
        }
    }
    let (flat, _) = committed(&form(Form::Flatten), &first, None);
    insta::assert_snapshot!(shown(&none, &later, Some(&flat)), @r##"
    a__1: Int64
    b__x: Int64
    c__y__z: Int64
    a__name: Utf8
    a__name__v_number: Int64
    a__2: Int64
    b__1: Int64
    c__y__w: Int64
    null | null | 2 | null | 2 | null | 3 | 3
    null | null | null | "x" | null | 5 | null | null
    "##);
}

#[test]
fn nested_values_can_be_json_text() {
    let records = [
        json!({"a": {"b": 1.0, "a": null}, "l": [1, "x"], "s": "x", "e": {}, "n": []}),
        json!({"a": {}, "l": [], "s": {"t": "2024-01-01T00:00:00+02:00"}}),
        json!({"a": null, "l": null}),
    ];
    insta::assert_snapshot!(shown(&form(Form::Json), &records, None), @r##"
    a: Utf8
    l: Utf8
    s: Utf8
    s__v_string: Utf8
    {"b":1} | [1,"x"] | null | "x"
    {} | [] | {"t":"2024-01-01T00:00:00+02:00"} | null
    null | null | null | null
    "##);
}

#[test]
fn the_fields_of_objects_can_be_columns() {
    let records = [
        json!({"a": {"b": 1, "c": {"d": "x"}}, "a__b": true, "l": [{"b": 1}], "e": {}}),
        json!({"a": "text", "l": null}),
        json!({"a": {"b": "x", "c": {"D": 2}, "l": []}, "e": {"f": [1]}}),
        json!({"a": null}),
    ];
    insta::assert_snapshot!(shown(&form(Form::Flatten), &records, None), @r##"
    a: Utf8
    a__b_: Utf8
    a__b___v_number: Int64
    a__c__d_: Utf8
    a__c__D: Int64
    a__b: Boolean
    l: Utf8
    e__f: Utf8
    null | null | 1 | "x" | null | true | [{"b":1}] | null
    "text" | null | null | null | null | null | null | null
    null | "x" | null | null | 2 | null | null | [1]
    null | null | null | null | null | null | null | null
    "##);
}

#[test]
fn a_column_can_have_a_form_of_its_own() {
    let hint = |nested| ColumnHint {
        nested: Some(nested),
        ..ColumnHint::default()
    };
    let plan = plan_of(vec![
        ("m", hint(Form::Map)),
        ("s", hint(Form::Struct)),
        ("j", hint(Form::Json)),
        ("f", hint(Form::Flatten)),
    ]);
    let value = json!({"1": {"x": 1}, "2": {"y": 2}});
    let records = [json!({"m": value, "s": value, "j": value, "f": value, "l": [value]})];
    insta::assert_snapshot!(shown(&plan, &records, None), @r##"
    m: Map("key_value": non-null Struct("key": non-null Utf8, "value": Struct("x": Int64, "y": Int64)), unsorted)
    s: Struct("1": Struct("x": Int64), "2": Struct("y": Int64))
    j: Utf8
    f__1__x: Int64
    f__2__y: Int64
    l: List(Map("key_value": non-null Struct("key": non-null Utf8, "value": Struct("x": Int64, "y": Int64)), unsorted))
    {"1":{"x":1},"2":{"y":2}} | {"1":{"x":1},"2":{"y":2}} | {"1":{"x":1},"2":{"y":2}} | 1 | 2 | [{"1":{"x":1},"2":{"y":2}}]
    "##);
}
