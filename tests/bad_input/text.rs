//! Odd text, above all in keys.

use super::{SINGLE, records, run};

macro_rules! check {
    ($records:expr, @$expected:literal) => {
        insta::assert_snapshot!(run(&records($records), SINGLE).table(), @$expected)
    };
}

#[test]
fn any_key_becomes_a_column() {
    check!(r#"{"": 1, " ": 2, "a\u0000b": 3, "\u202eabc": 4, "\ud83d\ude00": 5, "é\n\t\"'\\": 6, "a.b": 7, "a/b": 8,
              "camelCase": 9, "Key With Space": 10, "{x}": 11, "*": 12, "select": 13}"#, @r#"
     : Int64 | 2
    *: Int64 | 12
    Key With Space: Int64 | 10
    _: Int64 | 1
    a\u{0}b: Int64 | 3
    a.b: Int64 | 7
    a/b: Int64 | 8
    camelCase: Int64 | 9
    select: Int64 | 13
    {x}: Int64 | 11
    \u{e9}\n\t\"\'\\: Int64 | 6
    \u{202e}abc: Int64 | 4
    \u{1f600}: Int64 | 5
    "#);
}

#[test]
fn keys_that_a_reader_would_mix_up_are_told_apart() {
    check!(r#"{"dup": 1, "Dup": "x", "userId": 1, "user_id": 2, "_load_id": "mine", "_EXTRACTED_AT": 3, "n__v_string": 4, "n": 5},
              {"n": "x"}"#, @"
    Dup: Utf8 | x | -
    _EXTRACTED_AT_: Int64 | 3 | -
    _load_id_: Utf8 | mine | -
    dup_: Int64 | 1 | -
    n: Utf8 | - | x
    n__v_number: Int64 | 5 | -
    n__v_string_: Int64 | 4 | -
    userId: Int64 | 1 | -
    user_id: Int64 | 2 | -
    ");
    // The same letter in two encodings is two keys.
    check!(r#"{"\u00e9": 1, "e\u0301": 2, "o": {"K": 1, "k": 2}}"#, @r#"
    e\u{301}: Int64 | 2
    o: Struct("K": Int64, "k_": Int64) | {K: 1, k_: 2}
    \u{e9}: Int64 | 1
    "#);
}

#[test]
fn a_key_of_a_million_characters_is_a_column() {
    let key = "k".repeat(1_000_000);
    let ran = run(&records(&format!("{{\"id\": 1, \"{key}\": 2}}")), SINGLE);
    ran.landed(&[1]);
    let table = crate::support::rows(&ran.lake(), "items");
    assert_eq!(table.rows[0][&key], "2");
    assert!(
        ran.finished.stdout.len() < 20_000,
        "the summary is for people"
    );
}

#[test]
fn a_mistake_under_a_long_key_is_told_in_short() {
    let key = "k".repeat(1_000_000);
    let server = records(&format!("{{\"{key}\": 1, \"{key}\": 2}}"));
    run(&server, SINGLE).failed(&["page 1", "`items`", "twice with different values"]);
}

#[test]
fn text_with_odd_characters_comes_out_as_it_is() {
    check!(r#"{"nul": "a\u0000b", "emoji": "\ud83d\ude00", "right_to_left": "\u202eabc", "mark": "\ufeffx", "last": "\uffff"}"#, @r"
    emoji: Utf8 | \u{1f600}
    last: Utf8 | \u{ffff}
    mark: Utf8 | \u{feff}x
    nul: Utf8 | a\u{0}b
    right_to_left: Utf8 | \u{202e}abc
    ");
}

#[test]
fn half_a_character_fails_the_run() {
    // Half of a pair is no character (RFC 8259, 8.2); whatever took its place would be another text.
    for record in [
        r#"{"a": "\ud800"}"#,
        r#"{"\udc00": 1}"#,
        r#"{"a": {"b\ud800x": 1}}"#,
    ] {
        run(&records(record), SINGLE).failed(&["page 1", "`items`", "slice `all`"]);
    }
}

#[test]
fn a_key_that_comes_twice_must_say_the_same() {
    check!(r#"{"a": 1, "b": {"c": [1]}, "a": 1, "b": {"c": [1]}}"#, @r#"
    a: Int64 | 1
    b: Struct("c": List(Int64)) | {c: [1]}
    "#);
    let server = records(r#"{"id": 1}, {"id": 2, "id": 3}"#);
    run(&server, SINGLE).failed(&[
        "page 1",
        "`items`",
        "key `$.id` of record `1` twice",
        "`3}`",
    ]);
}

#[test]
fn keys_that_differ_in_case_make_a_merge_no_problem() {
    let merge = "{ name: items, primary_key: id, write_disposition: merge, endpoint: { data_selector: items, paginator: single_page } }";
    let server = records(r#"{"ID": 7, "id": 1}, {"ID": 8, "id": 2}, {"ID": 9, "id": 1}"#);
    let ran = run(&server, merge);
    insta::assert_snapshot!(ran.table(), @"
    ID: Int64 | 8 | 9
    id_: Int64 | 2 | 1
    ");
}
