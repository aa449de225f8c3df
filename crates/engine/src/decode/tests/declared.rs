//! Declared columns, the cursor, parents.

use super::*;
use crate::flow::ParentRecord;
use crate::plan::{
    ColumnHint, CursorColumn, CursorFormat, CursorPath, DeclaredType, FieldPath, MissingCursor,
    ParentField, TimeFormat,
};
use serde_json::json;

pub(super) fn hint(data_type: DeclaredType, format: Option<TimeFormat>) -> ColumnHint {
    ColumnHint {
        data_type: Some(data_type),
        formats: format.into_iter().map(CursorFormat::Named).collect(),
        ..ColumnHint::default()
    }
}

pub(super) fn plan_of(columns: Vec<(&str, ColumnHint)>) -> DecodePlan {
    DecodePlan {
        resource: "things".to_owned(),
        columns: columns
            .into_iter()
            .map(|(name, hint)| (name.to_owned(), hint))
            .collect(),
        ..DecodePlan::default()
    }
}

fn field(path: &str, required: bool) -> ParentField {
    ParentField {
        path: FieldPath::parse(path).unwrap(),
        required,
    }
}

fn cursor_plan(path: &[&str], format: TimeFormat) -> DecodePlan {
    let path = path.iter().map(|key| (*key).to_owned()).collect();
    DecodePlan {
        cursor: Some(CursorColumn {
            path: CursorPath::Keys(path),
            formats: vec![CursorFormat::Named(format)],
            missing: MissingCursor::Raise,
            follow: None,
        }),
        ..DecodePlan::default()
    }
}

pub(super) fn check_one(
    declared: DeclaredType,
    format: Option<TimeFormat>,
    values: &[&str],
) -> String {
    let records: Vec<String> = values
        .iter()
        .map(|value| format!("{{\"a\":{value}}}"))
        .collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    committed(
        &plan_of(vec![("a", hint(declared, format))]),
        &records,
        None,
    )
    .1
}

#[test]
fn declared_types_take_what_is_exact_in_them() {
    let decimal = DeclaredType::Decimal {
        precision: 5,
        scale: 2,
    };
    insta::assert_snapshot!(check_one(DeclaredType::Text, None, &["1.50", "true", "\"x\"", "[1]", "null"]), @r##"
    a: Utf8
    a__v_list: List(Int64)
    "1.50" | null
    "true" | null
    "x" | null
    null | [1]
    null | null
    "##);
    insta::assert_snapshot!(check_one(DeclaredType::Double, None, &["1", "0.5", "9007199254740993", "\"1\""]), @r##"
    a: Float64
    a__v_number: Int64
    1 | null
    0.5 | null
    null | 9007199254740993
    1 | null
    "##);
    insta::assert_snapshot!(check_one(DeclaredType::Bigint, None, &["1", "2.0", "2.5"]), @r##"
    a: Int64
    a__v_number: Float64
    1 | null
    2 | null
    null | 2.5
    "##);
    insta::assert_snapshot!(check_one(DeclaredType::Bool, None, &["true", "5", "\"yes\""]), @r##"
    a: Boolean
    a__v_string: Utf8
    a__v_number: Int64
    true | null | null
    null | null | 5
    null | "yes" | null
    "##);
    insta::assert_snapshot!(check_one(decimal, None, &["1.25", "999.99", "1000"]), @r##"
    a: Decimal128(5, 2)
    a__v_number: Int64
    1.25 | null
    999.99 | null
    null | 1000
    "##);
    insta::assert_snapshot!(check_one(DeclaredType::Json, None, &["{ \"b\": 1.0, \"a\": null }", "\"\\u0041\"", "null"]), @r##"
    a: Utf8
    { "b": 1.0, "a": null }
    "\u0041"
    null
    "##);
}

#[test]
fn declared_times_are_read_in_their_format() {
    use DeclaredType::{Date, Timestamp};
    insta::assert_snapshot!(check_one(Timestamp, Some(TimeFormat::Unix), &["1704067200", "0.000001", "0.0000001", "\"x\""]), @r##"
    a: Timestamp(µs, "UTC")
    a__v_string: Utf8
    a__v_number: Float64
    "2024-01-01T00:00:00Z" | null | null
    "1970-01-01T00:00:00.000001Z" | null | null
    null | null | 0.0000001
    null | "x" | null
    "##);
    insta::assert_snapshot!(check_one(Timestamp, Some(TimeFormat::UnixMs), &["1704067200000", "1.5"]), @r##"
    a: Timestamp(µs, "UTC")
    "2024-01-01T00:00:00Z"
    "1970-01-01T00:00:00.0015Z"
    "##);
    insta::assert_snapshot!(check_one(Timestamp, None, &["\"2024-01-01T01:00:00+01:00\"", "\"2024-01-01\"", "5"]), @r##"
    a: Timestamp(µs, "UTC")
    a__v_string: Date32
    a__v_number: Int64
    "2024-01-01T00:00:00Z" | null | null
    null | "2024-01-01" | null
    null | null | 5
    "##);
    insta::assert_snapshot!(check_one(Timestamp, Some(TimeFormat::Date), &["\"2024-01-01\""]), @r##"
    a: Timestamp(µs, "UTC")
    "2024-01-01T00:00:00Z"
    "##);
    insta::assert_snapshot!(check_one(Date, None, &["\"2024-01-01\"", "\"2024-01-01T00:00:00Z\""]), @r##"
    a: Date32
    a__v_string: Timestamp(µs, "UTC")
    "2024-01-01" | null
    null | "2024-01-01T00:00:00Z"
    "##);
    insta::assert_snapshot!(check_one(Date, Some(TimeFormat::Unix), &["1704067200", "1704067201"]), @r##"
    a: Date32
    a__v_number: Int64
    "2024-01-01" | null
    null | 1704067201
    "##);
}

#[test]
fn declared_columns_exist_without_values() {
    let described = ColumnHint {
        data_type: Some(DeclaredType::Bigint),
        nullable: false,
        description: Some("how many".to_owned()),
        ..ColumnHint::default()
    };
    let plan = plan_of(vec![("a", described)]);
    let empty = decode_all(&plan, &[]);
    let schema = empty.schema.settle(None).arrow_schema();
    assert_eq!(empty.batch.num_rows(), 0);
    assert_eq!(schema.field(0).metadata()["description"], "how many");
    assert!(!schema.field(0).is_nullable());
    let (_, shown) = committed(&plan, &[r#"{"a":1}"#, r#"{"a":2}"#], None);
    insta::assert_snapshot!(shown, @r##"
    a: Int64 required
    1
    2
    "##);
    let (_, shown) = committed(&plan, &[r#"{"a":1}"#, r#"{"a":"x"}"#], None);
    insta::assert_snapshot!(shown, @r##"
    a: Int64
    a__v_string: Utf8
    1 | null
    null | "x"
    "##);
    let failure = decode(&plan, &[r#"{"a":1}"#, r#"{"a":null}"#]).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "read column `a` of record `1`: null or missing, in `{\"a\":null}`"
    );
}

#[test]
fn a_declaration_that_comes_after_a_commit_leaves_the_column_alone() {
    let (before, _) = committed(&DecodePlan::default(), &[r#"{"a":1}"#], None);
    let plan = plan_of(vec![("a", hint(DeclaredType::Text, None))]);
    let (schema, shown) = committed(&plan, &[r#"{"a":"x"}"#, r#"{"a":2}"#], Some(&before));
    insta::assert_snapshot!(shown, @r##"
    a: Int64
    a__v_string: Utf8
    null | "x"
    null | "2"
    "##);
    let (_, shown) = committed(
        &DecodePlan::default(),
        &[r#"{"a":"x"}"#, r#"{"a":2}"#],
        Some(&schema),
    );
    insta::assert_snapshot!(shown, @r##"
    a: Int64
    a__v_string: Utf8
    null | "x"
    2 | null
    "##);
}

#[test]
fn a_declaration_that_goes_away_leaves_the_column_alone() {
    let plan = plan_of(vec![(
        "a",
        hint(DeclaredType::Timestamp, Some(TimeFormat::Unix)),
    )]);
    let (before, _) = committed(&plan, &[r#"{"a":0}"#], None);
    let (_, shown) = committed(
        &DecodePlan::default(),
        &[r#"{"a":0}"#, r#"{"a":"1970-01-01T00:00:00Z"}"#],
        Some(&before),
    );
    insta::assert_snapshot!(shown, @r##"
    a: Timestamp(µs, "UTC")
    a__v_number: Int64
    null | 0
    "1970-01-01T00:00:00Z" | null
    "##);
    let plan = plan_of(vec![("a", hint(DeclaredType::Json, None))]);
    let (before, _) = committed(&plan, &[r#"{"a":{ }}"#], None);
    let (_, shown) = committed(
        &DecodePlan::default(),
        &[r#"{"a":{"b":1.0}}"#, r#"{"a":"x"}"#],
        Some(&before),
    );
    insta::assert_snapshot!(shown, @r##"
    a: Utf8
    {"b":1}
    "x"
    "##);
}

#[test]
fn rows_outside_the_window_leave_no_trace() {
    let slice = Slice {
        window: Some(Window {
            start: "1970-01-01T00:00:10Z".parse().unwrap(),
            end: "1970-01-01T00:00:20Z".parse().unwrap(),
        }),
        ..Slice::default()
    };
    let records = [
        r#"{"t":9,"gone":1}"#,
        r#"{"t":10}"#,
        r#"{"t":19.5,"id":2}"#,
        r#"{"id":"x","t":20}"#,
    ];
    let plan = DecodePlan {
        parent_fields: vec![field("t", true)],
        ..cursor_plan(&["t"], TimeFormat::Unix)
    };
    let decoded = Decoder::new(plan, "load")
        .decode(&slice, &page(&records), &mut SliceMemory::default())
        .unwrap();
    insta::assert_snapshot!(show(&decoded.batch, &decoded.schema), @r##"
    t: Timestamp(µs, "UTC")
    id: Int64
    "1970-01-01T00:00:10Z" | null
    "1970-01-01T00:00:19.5Z" | 2
    "##);
    assert_eq!(decoded.outside_window, 2);
    assert_eq!(decoded.parents.len(), 2);
}

#[test]
fn a_nested_cursor_is_found() {
    let plan = cursor_plan(&["meta", "updated"], TimeFormat::Rfc3339);
    let decoded = decode_all(
        &plan,
        &[r#"{"updated":1,"meta":{"x":{"updated":2},"updated":"2024-01-01T00:00:00Z"}}"#],
    );
    assert_eq!(decoded.batch.num_rows(), 1);
    let failure = decode(&plan, &[r#"{"meta":{"updated":null}}"#]).unwrap_err();
    assert!(
        matches!(failure, Error::MissingCursor { record: 0, .. }),
        "{failure}"
    );
}

#[test]
fn values_of_the_parent_become_columns() {
    let parent = ParentRecord {
        resource: "people".to_owned(),
        key: [("id".to_owned(), json!("p1"))].into(),
        included: [
            ("_people_email".to_owned(), json!("a@b").to_string()),
            ("_people_age".to_owned(), json!(7).to_string()),
            ("_people_gone".to_owned(), json!(null).to_string()),
        ]
        .into(),
        ..ParentRecord::default()
    };
    let slice = Slice {
        parents: vec![parent],
        ..Slice::default()
    };
    let decoded = Decoder::new(DecodePlan::default(), "load")
        .decode(
            &slice,
            &page(&[r#"{"id":1,"_people_email":true}"#, r#"{"id":2}"#]),
            &mut SliceMemory::default(),
        )
        .unwrap();
    insta::assert_snapshot!(show(&decoded.batch, &decoded.schema), @r##"
    id: Int64
    _people_email_: Boolean
    _people_age: Int64
    _people_email: Utf8
    1 | true | 7 | "a@b"
    2 | null | 7 | "a@b"
    "##);
    let settled = decoded.schema.settle(None);
    assert_eq!(settled.column_names()[4..], ["_load_id", "_extracted_at"]);
}

#[test]
fn parents_keep_keys_as_they_are_spelled() {
    let plan = DecodePlan {
        parent_fields: vec![
            field("id", true),
            field("author.id", true),
            field("email", false),
            field("gone", false),
            field("tags[1].n", false),
        ],
        ..plan_of(vec![])
    };
    let decoded = decode_all(
        &plan,
        &[
            r#"{"id":123456789012345678901234,"author":{"id":1},"email":{"n":123456789012345678901.25},"tags":[0,{"n":2.50}]}"#,
        ],
    );
    let fields = decoded.parents[0].iter();
    let fields: Vec<String> = fields
        .map(|(path, json)| format!("{path}: {json}"))
        .collect();
    insta::assert_snapshot!(fields.join("\n"), @r#"
    author.id: 1
    email: {"n":123456789012345678901.25}
    id: 123456789012345678901234
    tags[1].n: 2.50
    "#);
    assert_eq!(
        key_value(&decoded.parents[0]["id"]),
        Some(json!("123456789012345678901234"))
    );
    assert_eq!(key_value(&decoded.parents[0]["author.id"]), Some(json!(1)));
    assert_eq!(key_value("null"), None);
    let failure = decode(&plan, &[r#"{"id":1,"author":{"name":2,"no":null}}"#]).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "read `author.id` of record `0`: null or missing; the record has `id`, `author.name`"
    );
}

#[test]
fn a_decoder_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Decoder>();
}

#[test]
fn a_page_that_could_outgrow_a_column_is_refused() {
    let parent = ParentRecord {
        included: [("a".to_owned(), json!("x".repeat(1 << 20)).to_string())].into(),
        ..ParentRecord::default()
    };
    let slice = Slice {
        parents: vec![parent],
        ..Slice::default()
    };
    let decoder = Decoder::new(DecodePlan::default(), "load");
    let failure = decoder
        .decode(&slice, &page(&["{}"; 300]), &mut SliceMemory::default())
        .unwrap_err();
    assert!(matches!(failure, Error::TooLarge { .. }), "{failure}");
}
