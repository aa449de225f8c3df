//! The parser against `serde_json`: what is JSON, what it says, and where it is wrong.

use proptest::prelude::*;
use serde_json::Value;

use super::{JsonError, JsonResult, Peek, Problem, Reader};

/// Reads the whole text through the parser.
fn read(text: &str) -> JsonResult<Value> {
    let mut reader = Reader::new(text);
    let peek = reader.peek()?;
    let value = read_value(&mut reader, peek)?;
    reader.finish()?;
    Ok(value)
}

fn read_value(reader: &mut Reader<'_>, peek: Peek) -> JsonResult<Value> {
    Ok(match peek {
        Peek::Null => {
            reader.known_null()?;
            Value::Null
        }
        Peek::True | Peek::False => reader.known_bool(peek)?.into(),
        Peek::String => reader.known_str()?.into(),
        Peek::Number => serde_json::from_str(reader.known_number()?).unwrap_or_default(),
        Peek::Array => {
            let mut elements = Vec::new();
            let mut next = reader.known_array()?;
            while let Some(peek) = next {
                elements.push(read_value(reader, peek)?);
                next = reader.array_step()?;
            }
            elements.into()
        }
        Peek::Object => {
            let mut members = serde_json::Map::new();
            let mut key = reader.known_object()?.map(str::to_owned);
            while let Some(name) = key {
                let peek = reader.peek()?;
                members.insert(name, read_value(reader, peek)?);
                key = reader.next_key()?.map(str::to_owned);
            }
            members.into()
        }
    })
}

/// Passes over the whole text.
fn skip(text: &str) -> JsonResult {
    let mut reader = Reader::new(text);
    let peek = reader.peek()?;
    reader.skip(peek, 128)?;
    reader.finish()
}

fn check(text: &str) {
    let expected = serde_json::from_str::<Value>(text);
    let (found, skipped) = (read(text), skip(text));
    match expected {
        Ok(value) => {
            assert_eq!(found, Ok(value), "{text:?}");
            assert_eq!(skipped, Ok(()), "{text:?}");
        }
        // `serde_json` goes no further than such a number; the parser hands out its digits.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(error) => {
            assert!(found.is_err(), "{text:?}: {error}");
            assert_eq!(skipped, found.map(drop), "{text:?}: {error}");
        }
    }
}

/// Where a text is wrong, and how.
fn told(error: JsonError) -> String {
    match error.problem {
        Problem::Malformed(reason) => format!("{} {reason}", error.index),
        Problem::TooDeep => format!("{} too deep", error.index),
    }
}

#[test]
fn texts_are_json_or_not() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "null",
        " true ",
        "falsy",
        "-",
        "-0",
        "0",
        "00",
        "01",
        "-01",
        "1.",
        "1.5",
        ".5",
        "1e",
        "1e+",
        "1E-7",
        "1e5x",
        "+1",
        "NaN",
        "Infinity",
        "-Infinity",
        "[",
        "[]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1, [2, {}], \"x\"]",
        "{",
        "{}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\" : 1 , \"b\" : [ ] }",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "[1}",
        "{\"a\":1]",
        "1 1",
        "\"",
        "\"a",
        "\"a\"",
        "\"a\nb\"",
        "\"\u{1f}\"",
        "\"\u{7f}\"",
        r#""\n\t\"\\\/\b\f\r""#,
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\u00e9""#,
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\n12345""#,
        r#""\ude00""#,
        r#""\ud83d\ud83d""#,
        r#""abcdefgh\u0041ijklmnopqrstuvw""#,
        "\"ééééééééé\"",
        "\"abcdefghijklmnop\"",
        r#""\"#,
        r#""\u"#,
        r#""\ud83d\u"#,
    ] {
        check(text);
    }
}

#[test]
fn faults_are_told_with_their_place() {
    let fault = |text: &str| {
        let error = skip(text).unwrap_err();
        assert_eq!(read(text).unwrap_err(), error);
        told(error)
    };
    insta::assert_snapshot!(fault("{\"a\": [1, 2"), @"11 EOF while parsing a list");
    insta::assert_snapshot!(fault("{\"a\":tru}"), @"8 expected ident");
    insta::assert_snapshot!(fault("{\"a\":01}"), @"6 invalid number");
    insta::assert_snapshot!(fault("[x]"), @"1 expected value");
    insta::assert_snapshot!(fault("[\"ab\ncd\"]"), @"4 control character (\\u0000-\\u001F) found while parsing a string");
    insta::assert_snapshot!(fault("[\"ab\\q\"]"), @"5 invalid escape");
    insta::assert_snapshot!(fault("[\"ab\\ud83d\"]"), @"9 lone leading surrogate in hex escape");
    insta::assert_snapshot!(fault("[\"ab\\ud8"), @"8 EOF while parsing a string");
}

#[test]
fn open_containers_are_counted() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(skip(&nested(128)), Ok(()));
    let error = skip(&nested(129)).unwrap_err();
    assert_eq!(told(error), "128 too deep");
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let mut reader = Reader::of_bytes(b"[\"ab\xff\"]");
    let peek = reader.peek().unwrap();
    let error = reader.skip(peek, 128).unwrap_err();
    assert_eq!(told(error), "4 invalid unicode code point");
    let mut reader = Reader::of_bytes(b"1\xff");
    reader.skip(Peek::Number, 128).unwrap();
    assert!(reader.finish().is_err());
}

#[test]
fn a_known_key_is_passed_over_at_once() {
    for text in [r#"{"a":1,"b":2}"#, "{ \"a\" : 1 ,\n \"b\"\t: 2 }"] {
        let mut reader = Reader::new(text);
        reader.peek().unwrap();
        assert!(!reader.at_member(b'{', "\"b\""));
        assert!(!reader.at_member(b',', "\"a\""));
        assert!(reader.at_member(b'{', "\"a\""));
        reader.peek().unwrap();
        assert_eq!(reader.known_number(), Ok("1"));
        assert!(!reader.at_member(b',', "\"a\""));
        assert!(reader.at_member(b',', "\"b\""));
        reader.peek().unwrap();
        assert_eq!(reader.known_number(), Ok("2"));
        assert!(!reader.at_member(b',', "\"b\""));
        assert_eq!(reader.next_key(), Ok(None));
        reader.finish().unwrap();
    }
}

fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-z\"\\\\\n\u{e9}\u{1F600}]{0,20}", ".{0,12}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |value| {
        prop_oneof![
            prop::collection::vec(value.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), value, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_was_written_is_read(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        check(&text.unwrap());
    }

    #[test]
    fn what_was_damaged_is_judged_the_same(value in json(), cut in any::<prop::sample::Index>(), put in "[\\[\\]{}:,\"\\\\0-9eE.+ ntf\u{1}-]{0,2}") {
        let text = value.to_string();
        let places: Vec<usize> = text.char_indices().map(|(index, _)| index).chain([text.len()]).collect();
        let (from, to) = (cut.index(places.len()), (cut.index(places.len()) + 1).min(places.len() - 1));
        let (before, after) = (text.split_at(places[from]).0, text.split_at(places[to]).1);
        check(&format!("{before}{put}{after}"));
        check(before);
    }
}
