//! Values that a table can't take as they are: each comes out exactly, or the run says why not.

use super::{SINGLE, records, run};

/// Runs over records and compares columns and rows.
macro_rules! check {
    ($records:expr, @$expected:literal) => {
        insta::assert_snapshot!(run(&records($records), SINGLE).table(), @$expected)
    };
}

#[test]
fn large_and_odd_numbers_keep_their_value() {
    check!(r#"{"a": 9223372036854775807, "b": 9223372036854775808, "c": 18446744073709551616, "d": 1e400,
              "e": 12345678901234567890.123456789, "f": -0, "g": 1e2, "h": 0.1, "i": -9223372036854775808,
              "j": 1111111111222222222233333333334444444444555555555566666666667777777777888888888899999999990000000000}"#, @"
    a: Int64 | 9223372036854775807
    b: UInt64 | 9223372036854775808
    c: Decimal128(38, 0) | 18446744073709551616
    d: Utf8 | 1e400
    e: Decimal128(38, 9) | 12345678901234567890.123456789
    f: Int64 | 0
    g: Float64 | 100.0
    h: Float64 | 0.1
    i: Int64 | -9223372036854775808
    j: Utf8 | 1111111111222222222233333333334444444444555555555566666666667777777777888888888899999999990000000000
    ");
    check!(r#"{"a": 1, "b": -1, "c": 1, "d": 1e400}, {"a": 18446744073709551615, "b": 18446744073709551615, "c": 0.5, "d": 1}"#, @"
    a: UInt64 | 1 | 18446744073709551615
    b: Decimal128(38, 0) | -1 | 18446744073709551615
    c: Float64 | 1.0 | 0.5
    d: Utf8 | 1e400 | 1
    ");
}

#[test]
fn kinds_that_change_go_apart() {
    check!(r#"{"int_text": 1, "int_float": 1, "bool_text": true, "text_int": "a", "object_text": {"k": 1}, "scalar_list": 1},
              {"int_text": "1", "int_float": 2.5, "bool_text": "yes", "text_int": 490, "object_text": "x", "scalar_list": [1]}"#, @r#"
    bool_text: Utf8 | - | yes
    bool_text__v_bool: Boolean | true | -
    int_float: Float64 | 1.0 | 2.5
    int_text: Utf8 | - | 1
    int_text__v_number: Int64 | 1 | -
    object_text: Struct("k": Int64) | {k: 1} | -
    object_text__v_string: Utf8 | - | x
    scalar_list: List(Int64) | - | [1]
    scalar_list__v_number: Int64 | 1 | -
    text_int: Utf8 | a | -
    text_int__v_number: Int64 | - | 490
    "#);
    check!(r#"{"bool": true, "time": "2026-01-02T03:04:05Z"}, {"bool": 5, "time": 5}, {"bool": 0.5, "time": "soon"}"#, @"
    bool: Float64 | - | 5.0 | 0.5
    bool__v_bool: Boolean | true | - | -
    time: Utf8 | 2026-01-02T03:04:05Z | - | soon
    time__v_number: Int64 | - | 5 | -
    ");
    check!(r#"{"mixed": [1, "two", null]}, {"mixed": [[]]}, {"mixed": null}"#, @r#"mixed: Utf8 | [1,\"two\",null] | [[]] | -"#);
}

#[test]
fn nothing_makes_no_column_until_there_is_something() {
    check!(r#"{"id": 1, "null": null, "object": {}, "list": [], "late": null}, {"id": 2, "late": 7}"#, @"
    id: Int64 | 1 | 2
    late: Int64 | - | 7
    ");
}

#[test]
fn times_keep_their_instant_and_text_its_spelling() {
    check!(r#"{"time": "2026-01-02T03:04:05Z", "date": "2026-01-02", "long": "2026-01-02T03:04:05.123456789Z"},
              {"time": "2026-01-02T04:04:05+01:00", "date": "2026-02-30", "long": "2026-01-02T03:04:05Z"}"#, @r#"
    date: Utf8 | 2026-01-02 | 2026-02-30
    long: Utf8 | 2026-01-02T03:04:05.123456789Z | 2026-01-02T03:04:05Z
    time: Timestamp(µs, "UTC") | 2026-01-02T03:04:05Z | 2026-01-02T03:04:05Z
    "#);
}

#[test]
fn records_that_are_no_objects_are_values() {
    check!(r#"1, "two", null, [3]"#, @"
    value: List(Int64) | - | - | - | [3]
    value__v_number: Int64 | 1 | - | - | -
    value__v_string: Utf8 | - | two | - | -
    ");
}

#[test]
fn a_page_of_many_sparse_keys_is_read() {
    let records: Vec<String> = (0..4_000)
        .map(|id| {
            format!(
                "{{\"id\": {id}, \"k{}\": {id}, \"t{}\": \"x\"}}",
                id % 400,
                id % 400
            )
        })
        .collect();
    let ran = run(&super::records(&records.join(",")), SINGLE);
    let ids: Vec<u64> = (0..4_000).collect();
    ran.landed(&ids);
}

#[test]
fn more_columns_than_a_table_has_fail_the_run() {
    let members: Vec<String> = (0..10_001).map(|key| format!("\"{key}\": 1")).collect();
    let server = records(&format!("{{{}}}", members.join(",")));
    run(&server, SINGLE).failed(&["page 1", "`items`", "more than `10000` keys"]);
}
