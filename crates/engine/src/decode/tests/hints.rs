//! What hints say beyond the type: quotes, formats, precision, empty text; and what is told of misfits.

use super::declared::{check_one, hint, plan_of};
use super::*;
use crate::plan::{ColumnHint, CursorFormat, DeclaredType, TimeFormat};
use crate::schema::Form;

#[test]
fn declared_types_take_what_is_written_in_quotes() {
    let decimal = DeclaredType::Decimal {
        precision: 38,
        scale: 0,
    };
    insta::assert_snapshot!(check_one(decimal, None, &["\"1000000000000000000000000\"", "\"0x1\"", "\"\""]), @r##"
    a: Decimal128(38, 0)
    a__v_string: Utf8
    1e24 | null
    null | "0x1"
    null | ""
    "##);
    insta::assert_snapshot!(check_one(DeclaredType::Bool, None, &["\"true\"", "\"false\"", "\"TRUE\""]), @r##"
    a: Boolean
    a__v_string: Utf8
    true | null
    false | null
    null | "TRUE"
    "##);
    insta::assert_snapshot!(check_one(DeclaredType::Binary, None, &["\"0x00fF\"", "\"AP8=\"", "\"0x0\"", "\"AP8\"", "7"]), @r##"
    a: Binary
    a__v_string: Utf8
    a__v_number: Int64
    "AP8=" | null | null
    "AP8=" | null | null
    null | "0x0" | null
    null | "AP8" | null
    null | null | 7
    "##);
    insta::assert_snapshot!(check_one(DeclaredType::Time, None, &["\"23:59:59.5\"", "\"00:00:00\"", "\"24:00:00\"", "\"1:00:00\"", "\"01:00:00.1234567\"", "\"01:00\""]), @r##"
    a: Time64(µs)
    a__v_string: Utf8
    "23:59:59.5" | null
    "00:00:00" | null
    null | "24:00:00"
    null | "1:00:00"
    null | "01:00:00.1234567"
    null | "01:00"
    "##);
}

#[test]
fn hints_for_what_lies_in_objects_are_told() {
    let names = ["a__b", "a__b__c", "a__x", "x__a__b", "f__g"];
    let hints = names.map(|name| (name, hint(DeclaredType::Text, None)));
    let mut plan = plan_of(hints.to_vec());
    plan.nested = Form::Flatten;
    let decoder = Decoder::new(plan, "load");
    let records = [
        r#"{"a":{"b":{"c":1}}}"#,
        r#"{"f":{"g":1},"f__g":2}"#,
        r#"{"x":{"a":7}}"#,
    ];
    let mut memory = SliceMemory::default();
    let found = decoder.decode(&Slice::default(), &page(&records), &mut memory);
    found.unwrap();
    assert_eq!(decoder.hints_within(), ["a__b", "a__b__c"]);
}

#[test]
fn timestamps_can_be_exact_to_the_nanosecond() {
    let nanoseconds = DeclaredType::TimestampNanoseconds;
    insta::assert_snapshot!(check_one(nanoseconds, None, &[
        "\"2024-01-01T00:00:00.123456789Z\"",
        "\"2024-01-01T01:00:00+01:00\"",
        "\"2300-01-01T00:00:00Z\"",
        "\"2024-01-01T00:00:00.1234567891Z\"",
        "5",
    ]), @r##"
    a: Timestamp(ns, "UTC")
    a__v_string: Utf8
    a__v_number: Int64
    "2024-01-01T00:00:00.123456789Z" | null | null
    "2024-01-01T00:00:00Z" | null | null
    null | "2300-01-01T00:00:00Z" | null
    null | "2024-01-01T00:00:00.1234567891Z" | null
    null | null | 5
    "##);
    insta::assert_snapshot!(check_one(nanoseconds, Some(TimeFormat::Unix), &["0.000000001", "\"1704067200\"", "0.0000000001"]), @r##"
    a: Timestamp(ns, "UTC")
    a__v_number: Float64
    "1970-01-01T00:00:00.000000001Z" | null
    "2024-01-01T00:00:00Z" | null
    null | 0.0000000001
    "##);
}

#[test]
fn times_are_read_in_the_first_format_that_fits() {
    let hint = ColumnHint {
        formats: vec![
            CursorFormat::Pattern("%d.%m.%Y %H:%M".to_owned()),
            CursorFormat::Pattern("%Y%m%d".to_owned()),
            CursorFormat::Named(TimeFormat::Unix),
        ],
        ..hint(DeclaredType::Timestamp, None)
    };
    let records = [
        r#"{"a":"31.01.2024 12:30"}"#,
        r#"{"a":20240131}"#,
        r#"{"a":"1704067200"}"#,
        r#"{"a":"2024-01-31T12:30:00Z"}"#,
    ];
    insta::assert_snapshot!(committed(&plan_of(vec![("a", hint)]), &records, None).1, @r##"
    a: Timestamp(µs, "UTC")
    "2024-01-31T12:30:00Z"
    "2024-01-31T00:00:00Z"
    "2024-01-01T00:00:00Z"
    "2024-01-31T12:30:00Z"
    "##);
}

#[test]
fn an_empty_text_can_stand_for_no_value() {
    let empty_as_null = ColumnHint {
        empty_as_null: true,
        ..ColumnHint::default()
    };
    let plan = plan_of(vec![
        ("a", empty_as_null.clone()),
        (
            "b",
            ColumnHint {
                data_type: Some(DeclaredType::Bigint),
                ..empty_as_null.clone()
            },
        ),
        (
            "c",
            ColumnHint {
                data_type: Some(DeclaredType::Json),
                ..empty_as_null
            },
        ),
    ]);
    let records = [
        r#"{"a":"","b":"","c":"","d":""}"#,
        r#"{"a":7,"b":"7","c":" "}"#,
        r#"{"a":" ","b":"x"}"#,
    ];
    insta::assert_snapshot!(committed(&plan, &records, None).1, @r##"
    a: Utf8
    a__v_number: Int64
    b: Int64
    b__v_string: Utf8
    c: Utf8
    d: Utf8
    null | null | null | null | null | ""
    null | 7 | 7 | null | " " | null
    " " | null | null | "x" | null | null
    "##);
}

#[test]
fn what_does_not_fit_is_counted() {
    let limited = |data_type, limit| ColumnHint {
        limit: Some(limit),
        ..hint(data_type, None)
    };
    let plan = plan_of(vec![
        ("a", hint(DeclaredType::Bigint, None)),
        ("b", limited(DeclaredType::Text, 2)),
        ("c", limited(DeclaredType::Bigint, 8)),
        ("d", limited(DeclaredType::Binary, 1)),
    ]);
    let decoder = Decoder::new(plan, "load");
    let pages: [&[&str]; 2] = [
        &[r#"{"a":2.5,"b":"äö","c":127}"#, r#"{"a":[1, 2],"c":-129}"#],
        &[
            r#"{"a":"x","b":"abc","c":128,"d":"0x0102"}"#,
            r#"{"a":null,"b":1234,"c":-128,"d":"AA=="}"#,
        ],
    ];
    for (number, records) in [(2, pages[1]), (1, pages[0])] {
        let page = Page {
            number,
            ..page(records)
        };
        decoder
            .decode(&Slice::default(), &page, &mut SliceMemory::default())
            .unwrap();
    }
    let shown: Vec<String> = decoder
        .misfits()
        .iter()
        .map(|(column, misfits)| {
            let show = |told: &Told| format!("{}[{}]", told.count, told.first);
            format!(
                "{column}: refused {}, beyond {}",
                show(&misfits.refused),
                show(&misfits.beyond)
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r##"
    a: refused 3[2.5], beyond 0[]
    b: refused 0[], beyond 2["abc"]
    c: refused 0[], beyond 2[-129]
    d: refused 0[], beyond 1["0x0102"]
    "##);
}
