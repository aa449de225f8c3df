//! Which type and which column a value gets.

use super::*;

/// Commits the records and compares columns and rows.
macro_rules! check {
    ($records:expr, @$expected:literal) => {
        let (_, shown) = committed(&DecodePlan::default(), &$records, None);
        insta::assert_snapshot!(shown, @$expected);
    };
}

/// Commits some records, then others, and compares the rows of the second commit.
macro_rules! check_second {
    ($first:expr, $second:expr, @$expected:literal) => {
        let plan = DecodePlan::default();
        let (before, _) = committed(&plan, &$first, None);
        let (_, shown) = committed(&plan, &$second, Some(&before));
        insta::assert_snapshot!(shown, @$expected);
    };
}

#[test]
fn a_kind_that_comes_late_gets_a_variant() {
    check!([r#"{"a":1,"b":true}"#, r#"{"a":"x","b":"yes"}"#], @r##"
    a: Utf8
    a__v_number: Int64
    b: Utf8
    b__v_bool: Boolean
    null | 1 | null | true
    "x" | null | "yes" | null
    "##);
    check!([r#"{"a":"x"}"#, r#"{"a":490}"#], @r##"
    a: Utf8
    a__v_number: Int64
    "x" | null
    null | 490
    "##);
    check!([r#"{"a":{"k":1}}"#, r#"{"a":"x"}"#], @r##"
    a: Struct("k": Int64)
    a__v_string: Utf8
    {"k":1} | null
    null | "x"
    "##);
    check!([r#"{"a":1}"#, r#"{"a":[1]}"#], @r##"
    a: List(Int64)
    a__v_number: Int64
    null | 1
    [1] | null
    "##);
}

#[test]
fn numbers_join_exactly() {
    check!([r#"{"a":1}"#, r#"{"a":2.5}"#], @r##"
    a: Float64
    1
    2.5
    "##);
    check!([r#"{"a":2.5}"#, r#"{"a":1}"#], @r##"
    a: Float64
    2.5
    1
    "##);
    check!([r#"{"a":1}"#, r#"{"a":18446744073709551615}"#], @r##"
    a: UInt64
    1
    18446744073709551615
    "##);
    check!([r#"{"a":-1}"#, r#"{"a":18446744073709551615}"#], @r##"
    a: Decimal128(38, 0)
    -1
    18446744073709551615
    "##);
    check!([r#"{"a":12345678901234567890.123456789}"#, r#"{"a":1}"#, r#"{"a":0.25}"#], @r##"
    a: Decimal128(38, 9)
    12345678901234567890.123456789
    1
    0.25
    "##);
    check!([r#"{"a":9007199254740993}"#, r#"{"a":0.5}"#], @r##"
    a: Decimal128(38, 1)
    9007199254740993
    0.5
    "##);
    check!([r#"{"a":1e400}"#, r#"{"a":1.50}"#, r#"{"a":7}"#], @r##"
    a: Utf8
    1e400
    1.5
    7
    "##);
    check!([r#"{"a":-0}"#, r#"{"a":-0.0}"#], @r##"
    a: Float64
    0
    0
    "##);
    check!([r#"{"a":100000000000000000000000000000000000000000}"#, r#"{"a":0.5}"#], @r##"
    a: Float64
    1e41
    0.5
    "##);
}

#[test]
fn strings_are_times_only_if_all_are() {
    check!([r#"{"a":"2026-01-02T03:04:05Z"}"#, r#"{"a":"2026-01-02T03:04:05.5Z"}"#], @r##"
    a: Timestamp(µs, "UTC")
    "2026-01-02T03:04:05Z"
    "2026-01-02T03:04:05.5Z"
    "##);
    check!([r#"{"a":"2026-01-02T03:04:05Z"}"#, r#"{"a":"2026-01-02T05:04:05+02:00"}"#], @r##"
    a: Timestamp(µs, "UTC")
    "2026-01-02T03:04:05Z"
    "2026-01-02T03:04:05Z"
    "##);
    check!([r#"{"a":"2026-01-02T03:04:05.000Z"}"#, r#"{"a":"n/a"}"#], @r##"
    a: Utf8
    "2026-01-02T03:04:05.000Z"
    "n/a"
    "##);
    check!([r#"{"a":"2026-01-02"}"#, r#"{"a":"2024-02-29"}"#], @r##"
    a: Date32
    "2026-01-02"
    "2024-02-29"
    "##);
    check!([r#"{"a":"2026-01-02"}"#, r#"{"a":"2026-02-30"}"#], @r##"
    a: Utf8
    "2026-01-02"
    "2026-02-30"
    "##);
    check!([r#"{"a":"2026-01-02"}"#, r#"{"a":"2026-01-02T00:00:00Z"}"#], @r##"
    a: Utf8
    "2026-01-02"
    "2026-01-02T00:00:00Z"
    "##);
}

#[test]
fn empty_values_make_no_column_until_a_value_comes() {
    check!([r#"{"a":null,"b":{},"c":[],"d":[null],"e":{"x":[]},"f":[{}],"id":1}"#], @r##"
    id: Int64
    1
    "##);
    check!([r#"{"a":null}"#, r#"{"a":1}"#], @r##"
    a: Int64
    null
    1
    "##);
    check!([r#"{"a":{}}"#, r#"{"a":null}"#, r#"{"a":{"x":1}}"#], @r##"
    a: Struct("x": Int64)
    {}
    null
    {"x":1}
    "##);
    check!([r#"{"a":[]}"#, r#"{"a":null}"#, r#"{"a":[1]}"#, r#"{"a":[null]}"#], @r##"
    a: List(Int64)
    []
    null
    [1]
    [null]
    "##);
    check!([r#"{"a":[[]]}"#, r#"{"a":[[1],null]}"#, r#"{"a":[{}]}"#], @r##"
    a: Utf8
    [[]]
    [[1],null]
    [{}]
    "##);
    check!([r#"{"a":{}}"#, r#"{"a":1}"#], @r##"
    a: Int64
    null
    1
    "##);
}

#[test]
fn nested_data_stays_nested() {
    check!([r#"{"a":{"b":1,"c":"x"}}"#, r#"{"a":{"c":2}}"#, r#"{"b":0}"#], @r##"
    a: Struct("b": Int64, "c": Utf8, "c__v_number": Int64)
    b: Int64
    {"b":1,"c":"x"} | null
    {"c":2} | null
    null | 0
    "##);
    check!([r#"{"a":[{"b":1},{"c":[true]}]}"#, r#"{"a":[{"b":"x"},null]}"#], @r##"
    a: List(Struct("b": Utf8, "b__v_number": Int64, "c": List(Boolean)))
    [{"b":1},{"c":[true]}]
    [{"b":"x"},null]
    "##);
    check!([r#"{"a":[1,"two",null]}"#, r#"{"a":[3.50]}"#, r#"{"a":[{"z":1,"b":null,"a":"\n"}]}"#], @r##"
    a: Utf8
    [1,"two",null]
    [3.5]
    [{"a":"\n","z":1}]
    "##);
    check!([r#"{"a":[{},1]}"#], @r##"
    a: Utf8
    [{},1]
    "##);
}

#[test]
fn names_are_unique_whatever_the_case() {
    check!([r#"{"dup":1,"Dup":"x"}"#], @r##"
    dup_: Int64
    Dup: Utf8
    1 | "x"
    "##);
    check!([r#"{"a":1,"a__v_number":2}"#, r#"{"a":"x"}"#], @r##"
    a: Utf8
    a__v_number: Int64
    a__v_number_: Int64
    null | 1 | 2
    "x" | null | null
    "##);
    check!([r#"{"_load_id":1,"_Extracted_At":2,"":3}"#], @r##"
    _load_id_: Int64
    _Extracted_At_: Int64
    _: Int64
    1 | 2 | 3
    "##);
}

#[test]
fn records_that_are_no_objects_get_a_key() {
    check!(["1", r#"{"value":2}"#, "null", r#""x""#], @r##"
    value: Utf8
    value__v_number: Int64
    null | 1
    null | 2
    null | null
    "x" | null
    "##);
}

#[test]
fn committed_types_stay() {
    check_second!([r#"{"a":1}"#], [r#"{"a":2.5}"#, r#"{"a":3}"#], @r##"
    a: Float64
    2.5
    3
    "##);
    check_second!([r#"{"a":9007199254740993}"#], [r#"{"a":2.5}"#, r#"{"a":3}"#], @r##"
    a: Int64
    a__v_number: Float64
    null | 2.5
    3 | null
    "##);
    check_second!([r#"{"a":"2026-01-02T03:04:05Z"}"#], [r#"{"a":"n/a"}"#, r#"{"a":"2026-01-02T05:04:05+02:00"}"#], @r##"
    a: Timestamp(µs, "UTC")
    a__v_string: Utf8
    null | "n/a"
    "2026-01-02T03:04:05Z" | null
    "##);
    check_second!([r#"{"a":"2026-01-02"}"#], [r#"{"a":"2026-01-02T03:04:05Z"}"#, r#"{"a":"2026-01-03"}"#], @r##"
    a: Date32
    a__v_string: Utf8
    null | "2026-01-02T03:04:05Z"
    "2026-01-03" | null
    "##);
    check_second!([r#"{"a":"x"}"#], [r#"{"a":"2026-01-02T03:04:05Z"}"#, r#"{"a":{"k":1}}"#], @r##"
    a: Utf8
    a__v_object: Struct("k": Int64)
    "2026-01-02T03:04:05Z" | null
    null | {"k":1}
    "##);
    check_second!([r#"{"a":[1]}"#], [r#"{"a":[2,"x"]}"#, r#"{"a":[3]}"#, r#"{"a":["y"]}"#, r#"{"a":[]}"#], @r##"
    a: List(Int64)
    a__v_list: Utf8
    null | [2,"x"]
    [3] | null
    null | ["y"]
    [] | null
    "##);
    check_second!([r#"{"a":[1]}"#], [r#"{"a":[2.5]}"#], @r##"
    a: List(Float64)
    [2.5]
    "##);
    check_second!([r#"{"a":{"k":1}}"#], [r#"{"a":{"l":true,"k":"x"},"b":1}"#], @r##"
    a: Struct("k": Int64, "l": Boolean, "k__v_string": Utf8)
    b: Int64
    {"k":"x","l":true} | 1
    "##);
    check_second!([r#"{"a":[{"k":1}]}"#], [r#"{"a":[{"l":true,"k":"x"}]}"#], @r##"
    a: List(Struct("k": Int64, "l": Boolean, "k__v_string": Utf8))
    [{"k":"x","l":true}]
    "##);
    check_second!([r#"{"a":0.5}"#], [r#"{"a":9007199254740993}"#, r#"{"a":7}"#], @r##"
    a: Float64
    a__v_number: Int64
    null | 9007199254740993
    7 | null
    "##);
}

#[test]
fn a_third_type_of_a_kind_gets_a_third_column() {
    let plan = DecodePlan::default();
    let (first, _) = committed(&plan, &[r#"{"a":9007199254740993}"#], None);
    let (second, _) = committed(&plan, &[r#"{"a":0.5}"#], Some(&first));
    let (third, shown) = committed(
        &plan,
        &[r#"{"a":1e400}"#, r#"{"a":0.25}"#, r#"{"a":2}"#],
        Some(&second),
    );
    insta::assert_snapshot!(shown, @r##"
    a: Int64
    a__v_number: Float64
    a__v_number_: Utf8
    null | null | 1e400
    null | 0.25 | null
    2 | null | null
    "##);
    assert_eq!(third.settle(Some(&third)), third);
    assert_eq!(third.settle(None), third);
    assert_eq!(third.new_columns(Some(&second)), ["a__v_number_"]);
}

#[test]
fn an_object_with_too_many_keys_is_a_map() {
    let wide = |first: usize, count: usize| {
        let members: Vec<String> = (first..first + count)
            .map(|key| format!("\"k{key:04}\":{key}.0"))
            .collect();
        format!("{{\"id\":1,\"a\":{{{}}}}}", members.join(","))
    };
    let (narrow, left, right) = (wide(0, 2), wide(0, 600), wide(600, 401));
    let records = [
        narrow.as_str(),
        r#"{"a":{}}"#,
        &left,
        &right,
        r#"{"a":null}"#,
        &narrow,
    ];
    let plan = DecodePlan::default();
    let (schema, shown) = committed(&plan, &records, None);
    assert_eq!(
        schema.column_names(),
        ["id", "a", "_load_id", "_extracted_at"]
    );
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "id: Int64",
            r#"a: Map("key_value": non-null Struct("key": non-null Utf8, "value": Float64), unsorted)"#,
            r#"1 | {"k0000":0,"k0001":1}"#,
            "null | {}"
        ]
    );
    assert_eq!(lines[7], r#"1 | {"k0000":0,"k0001":1}"#);

    let (before, _) = committed(&plan, &[&narrow], None);
    let (schema, _) = committed(&plan, &records, Some(&before));
    assert_eq!(
        schema.column_names(),
        ["id", "a", "a__v_object", "_load_id", "_extracted_at"]
    );
}

#[test]
fn a_page_of_one_wide_object_is_a_map_too() {
    let members: Vec<String> = (0..1001).map(|key| format!("\"{key}\":[{key}]")).collect();
    let record = format!("{{\"a\":{{{}}}}}", members.join(","));
    let decoded = decode_all(
        &DecodePlan::default(),
        &[r#"{"a":{"b":[],"a":"2024-01-01"}}"#, &record],
    );
    let restored = restore(&decoded.batch, &decoded.schema);
    assert_eq!(restored[0], r#"{"a":{"a":"2024-01-01","b":[]}}"#);
    assert_eq!(restored[1], canonical::canonical_json(&record).unwrap());
}

#[test]
fn committed_rows_stay_in_a_column_that_closes() {
    let plan = DecodePlan::default();
    let first = r#"{"a":{"t":"2024-01-01T00:00:00Z"},"b":[{"t":"2024-01-01T00:00:00Z"}]}"#;
    let members: Vec<String> = (0..1001).map(|key| format!("\"{key}\":{key}")).collect();
    let wide = format!("{{{}}}", members.join(","));
    let second = format!("{{\"a\":{wide},\"b\":[{wide}]}}");
    let (before, rows) = commit(&plan, &[&[first]], None);
    let (after, _) = committed(&plan, &[&second, first], Some(&before));
    let rewritten = conform(&rows, &before, &after).unwrap();
    let names = [
        "a",
        "b",
        "a__v_object",
        "b__v_list",
        "_load_id",
        "_extracted_at",
    ];
    assert_eq!(after.column_names(), names);
    assert_eq!(rewritten.columns()[..2], rows.columns()[..2]);
}

#[test]
fn a_variant_of_a_page_goes_where_its_values_fit() {
    let plan = DecodePlan::default();
    let (first, _) = committed(&plan, &[r#"{"a":9007199254740993}"#], None);
    let (_, shown) = committed(
        &plan,
        &[r#"{"a":1.0}"#, r#"{"a":2.5}"#, r#"{"a":"x"}"#],
        Some(&first),
    );
    insta::assert_snapshot!(shown, @r##"
    a: Int64
    a__v_string: Utf8
    a__v_number: Float64
    1 | null | null
    null | null | 2.5
    null | "x" | null
    "##);
}
