use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

/// The records' texts, or `missing`.
fn records(path: &str, body: &str) -> String {
    let selection = selector(path).records(body.as_bytes()).unwrap();
    if selection.missing {
        assert!(selection.records.is_empty());
        return "missing".to_owned();
    }
    let texts: Vec<&str> = selection
        .records
        .iter()
        .map(|range| body.get(range.clone()).unwrap())
        .collect();
    texts.join(" ")
}

#[test]
fn takes_records_by_the_rule_of_one_match() {
    assert_eq!(records("data", r#"{"data": [{"a":1}, 2]}"#), r#"{"a":1} 2"#);
    assert_eq!(records("$", "[1, [2]]"), "1 [2]");
    assert_eq!(records("$", r#" {"a":1} "#), r#"{"a":1}"#);
    assert_eq!(
        records("$.data[*]", r#"{"data": [{"a":1},{}]}"#),
        r#"{"a":1} {}"#
    );
    assert_eq!(
        records("people.*", r#"{"people": {"x": {"id":1}, "y": {"id":2}}}"#),
        r#"{"id":1} {"id":2}"#
    );
    assert_eq!(
        records("people.*", r#"{"people": {"x": {"id":1}}}"#),
        r#"{"id":1}"#
    );
    assert_eq!(records("data[*]", r#"{"data": [[1, 2]]}"#), "1 2");
    assert_eq!(records("data[1]", r#"{"data": [1, 2.50]}"#), "2.50");
    assert_eq!(records("data[-1:]", r#"{"data": [1, 2.50]}"#), "2.50");
    assert_eq!(
        records("data[?@.a == 2]", r#"{"data": [{"a":1}, {"a":2.0}]}"#),
        r#"{"a":2.0}"#
    );
    assert_eq!(records("..id", r#"{"id": 1, "b": {"id": 1}}"#), "1 1");
}

#[test]
fn tells_an_empty_page_from_a_missing_one() {
    for empty in ["null", "[]", "{}"] {
        let body = format!(r#"{{"people": {empty}}}"#);
        assert_eq!(records("people.*", &body), "");
        assert_eq!(records("people[?@.id]", &body), "");
        assert_eq!(records("people[0:2]", &body), "");
    }
    assert_eq!(records("people", r#"{"people": null}"#), "");
    assert_eq!(records("people", r#"{"people": []}"#), "");
    assert_eq!(records("people", "{\"people\": { \n}}"), "");
    assert_eq!(records("people", r#"{"people": [{}]}"#), "{}");
    assert_eq!(records("people.*", r#"{"error": "no"}"#), "missing");
    assert_eq!(records("people.*", r#"{"people": "no"}"#), "missing");
    assert_eq!(records("people.items", r#"{"people": {}}"#), "missing");
    assert_eq!(
        records("people[?@.id].x", r#"{"people": [{"id": 1}]}"#),
        "missing"
    );
    assert_eq!(records("..people", r"{}"), "missing");
    assert_eq!(records("a[*].b[*]", r#"{"a": [{"b": []}, {}]}"#), "");
    assert_eq!(
        records("a[*].b[*].c", r#"{"a": [{"b": []}, {"b": [{}]}]}"#),
        "missing"
    );
}

#[test]
fn finds_values_with_their_exact_text() {
    let body = br#"{"total": 12345678901234567890.10, "a": {"next": "x\"y"}, "@odata.nextLink": "u", "b-c": 1}"#;
    let value = |path: &str| {
        selector(path)
            .value(body)
            .unwrap()
            .map(|text| String::from_utf8(text.to_vec()).unwrap())
    };
    assert_eq!(value("total").as_deref(), Some("12345678901234567890.10"));
    assert_eq!(value("$.a.next").as_deref(), Some(r#""x\"y""#));
    assert_eq!(value("['@odata.nextLink']").as_deref(), Some(r#""u""#));
    assert_eq!(value(r#"$["@odata.nextLink"]"#).as_deref(), Some(r#""u""#));
    assert_eq!(value("b-c").as_deref(), Some("1"));
    assert_eq!(value("a.none"), None);
}

#[test]
fn takes_the_last_of_repeated_keys() {
    assert_eq!(records("a.b", r#"{"a": {"b": [1]}, "a": {"b": [2]}}"#), "2");
    assert_eq!(records("a.b", r#"{"a": {"b": [1]}, "a": 2}"#), "missing");
    assert_eq!(records("a[0:1]", r#"{"a": [1], "a": [2]}"#), "2");
}

#[test]
fn reads_records_and_values_together() {
    let body = br#"{"n": 1, "items": [{"n": 2}, {"n": 3}], "total": 7}"#;
    let total = selector("total");
    let last = selector("items[-1].n");
    let reading = selector("items")
        .read(&[&total, &last, &selector("none")], body, None)
        .unwrap();
    assert_eq!(reading.selection, selector("items").records(body).unwrap());
    let texts: Vec<_> = reading
        .values
        .into_iter()
        .map(|range| range.map(|range| &body[range]))
        .collect();
    assert_eq!(texts, [Some(b"7".as_slice()), Some(b"3"), None]);
}

#[test]
fn refuses_bodies_that_are_not_one_json_document() {
    let error = |body: &[u8]| selector("a").records(body).unwrap_err();
    assert_eq!(error(b" \n"), BodyError::Empty);
    assert_eq!(
        error(b"{\"a\": \"\xff\"}"),
        BodyError::NotUtf8 { offset: 7 }
    );
    insta::assert_snapshot!(error(b"{\"a\": [1, 2"), @"the body is not valid JSON at byte 11: EOF while parsing a list");
    insta::assert_snapshot!(error(b"{\"a\": 1} x"), @"the body is not valid JSON at byte 9: trailing characters");
    insta::assert_snapshot!(error(b"<html>"), @"the body is not valid JSON at byte 0: expected value");
    for bad in [
        "{\"b\": 01}",
        "{\"b\": [1,]}",
        "{\"b\": tru}",
        "{\"b\" 1}",
        "{\"b\": NaN}",
        "{\"b\": \"\\x\"}",
        "{\"b\": {\"c\": -}}",
    ] {
        assert!(
            matches!(error(bad.as_bytes()), BodyError::Malformed { .. }),
            "{bad}"
        );
    }
}

#[test]
fn bounds_the_depth() {
    let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    for path in ["a", "b", "..b"] {
        assert!(
            selector(path)
                .records(nested(DEPTH_LIMIT - 2).as_bytes())
                .is_ok(),
            "{path}"
        );
        let error = selector(path)
            .records(nested(DEPTH_LIMIT - 1).as_bytes())
            .unwrap_err();
        assert_eq!(
            error,
            BodyError::TooDeep {
                offset: DEPTH_LIMIT + 4
            },
            "{path}"
        );
    }
}

#[test]
fn detects_the_records_as_dlt_does() {
    let detected = |body: &str| {
        Selector::detect(body.as_bytes())
            .unwrap()
            .as_str()
            .to_owned()
    };
    assert_eq!(detected("[1]"), "$");
    assert_eq!(detected("5"), "$");
    assert_eq!(detected(r#"{"id": 1}"#), "$");
    assert_eq!(
        detected(r#"{"errors": [], "page": {"items": []}}"#),
        "page.items"
    );
    assert_eq!(detected(r#"{"people": [], "teams": []}"#), "people");
    assert_eq!(
        detected(r#"{"a": {"b": {"c": {"data": []}}}, "x": []}"#),
        "x"
    );
    assert_eq!(detected(r#"{"a.b": {"it's": []}}"#), r"['a.b']['it\'s']");
    let body = br#"{"a.b": {"it's": [7]}}"#;
    let written = Selector::detect(body).unwrap();
    assert_eq!(
        selector(written.as_str()).records(body).unwrap(),
        written.records(body).unwrap()
    );
}

#[test]
fn names_the_paths_that_would_match() {
    let candidates = |body: &str| Selector::candidates(body.as_bytes()).join(" ");
    assert_eq!(
        candidates(r#"{"people": {"x": {"roles": [{}]}}, "total": 1, "a": {"b": [{}]}, "c": [1]}"#),
        "people.* a.b"
    );
    assert_eq!(candidates("[{}]"), "$");
    assert_eq!(candidates(r#"{"x": {"id": 1}, "y": {"id": 2}}"#), "*");
    assert_eq!(candidates(r#"{"error": "no"}"#), "");
    assert_eq!(candidates("<html>"), "");
    let many: serde_json::Map<String, Value> =
        (0..20).map(|n| (format!("k{n}"), json!([{}]))).collect();
    assert_eq!(
        Selector::candidates(Value::from(many).to_string().as_bytes()).len(),
        10
    );
}

#[test]
fn explains_what_is_no_path() {
    insta::assert_snapshot!(Selector::parse(" ").unwrap_err(), @"parse selector ` `: expected a JSONPath such as `data.items` or `people.*`");
    for bad in ["a..", "a[", "$x", "a[01]", "a['x", "1a"] {
        let error = Selector::parse(bad).unwrap_err();
        assert!(
            !error.reason.is_empty() && !error.reason.contains('\n'),
            "{error}"
        );
    }
}

/// Bodies with few distinct keys, so that paths often match.
fn any_body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a\"\\\\é\u{1}]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[abé]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        3 => "[abé]".prop_map(|key| format!(".{key}")),
        2 => Just(".*".to_owned()),
        1 => Just("[*]".to_owned()),
        1 => "[abé]".prop_map(|key| format!("['{key}']")),
        1 => (0..3).prop_map(|index| format!("[{index}]")),
    ];
    prop::collection::vec(step, 0..4).prop_map(|steps| format!("${}", steps.concat()))
}

proptest! {
    #[test]
    fn the_fast_path_gives_what_the_full_evaluator_gives(body in any_body(), path in any_path(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) }.unwrap();
        let fast = selector(&path);
        prop_assert!(matches!(fast.route, Route::Chain(_)));
        let full = Selector { text: path.clone(), route: Route::Query(parse_json_path(&path).unwrap()) };
        prop_assert_eq!(fast.records(text.as_bytes()), full.records(text.as_bytes()));
        prop_assert_eq!(fast.value(text.as_bytes()), full.value(text.as_bytes()));
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u012ntrue \xc3\xa9".to_vec()), 0..40)) {
        for path in ["$", "a.*", "..a"] {
            let accepted = selector(path).records(&body).is_ok();
            prop_assert_eq!(accepted, serde_json::from_slice::<Value>(&body).is_ok());
        }
        Selector::candidates(&body);
    }
}
