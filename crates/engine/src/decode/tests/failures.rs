//! What is wrong with a record is said plainly, and nothing panics.

use proptest::prelude::*;

use crate::schema::{TableSchema, conform};

use super::*;

fn failure(records: &[&str]) -> String {
    decode(&DecodePlan::default(), records)
        .unwrap_err()
        .to_string()
}

#[test]
fn malformed_records_are_named() {
    insta::assert_snapshot!(failure(&["{}", r#"{"a":[1,{"b":tru}]}"#]), @"parse `$.a[1].b` of record `1`: expected ident, at `}]}`");
    insta::assert_snapshot!(failure(&[r#"{"a":1"#]), @"parse `$` of record `0`: EOF while parsing an object, at ``");
    insta::assert_snapshot!(failure(&[r#"{"a":NaN}"#]), @"parse `$.a` of record `0`: expected value, at `NaN}`");
    insta::assert_snapshot!(failure(&[r#"{"a":01}"#]), @"parse `$.a` of record `0`: invalid number, at `1}`");
    insta::assert_snapshot!(failure(&["1 2"]), @"parse `$` of record `0`: trailing characters, at `2`");
    insta::assert_snapshot!(failure(&[""]), @"parse `$` of record `0`: EOF while parsing a value, at ``");
    insta::assert_snapshot!(failure(&[r#"{"a":"\ud800"}"#]), @r##"
    parse `$.a` of record `0`: lone leading surrogate in hex escape, at `0"}`
    "##);
}

#[test]
fn a_key_may_come_twice_only_with_the_same_value() {
    let decoded = decode_all(&DecodePlan::default(), &[r#"{"a":[1],"b":2,"a":[1]}"#]);
    assert_eq!(
        restore(&decoded.batch, &decoded.schema),
        [r#"{"a":[1],"b":2}"#]
    );
    insta::assert_snapshot!(failure(&[r#"{"b":{"a":1,"a":2}}"#]), @"read key `$.b.a` of record `0` twice with different values, at `2}}`");
    insta::assert_snapshot!(failure(&[r#"{"a":null,"a":1}"#]), @"read key `$.a` of record `0` twice with different values, at `1}`");
}

#[test]
fn nesting_has_a_limit() {
    let lists = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
    decode_all(&DecodePlan::default(), &[&lists(MAXIMUM_LIST_DEPTH - 1)]);
    let text = failure(&[&lists(MAXIMUM_LIST_DEPTH)]);
    assert!(text.contains("nested more than `20` levels deep"), "{text}");
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    decode_all(&DecodePlan::default(), &[&objects(walk::MAXIMUM_DEPTH)]);
    for levels in [walk::MAXIMUM_DEPTH + 1, 100_000] {
        let text = failure(&[&objects(levels)]);
        assert!(
            text.contains("nested more than `128` levels deep"),
            "{text}"
        );
    }
}

#[test]
fn the_schema_of_deep_objects_can_be_stored_and_read() {
    let levels = walk::MAXIMUM_DEPTH - 4;
    let deep = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let lists = format!("{{\"l\":{}{deep}{}}}", "[".repeat(2), "]".repeat(2)).replacen('1', "2", 1);
    for record in [&deep, &lists] {
        let decoded = decode(&DecodePlan::default(), &[record]).unwrap();
        let settled = decoded.schema.settle(None);
        let text = serde_json::to_string(&settled).unwrap();
        let read: TableSchema = serde_json::from_str(&text).unwrap();
        assert_eq!(read, settled);
        conform(&decoded.batch, &decoded.schema, &settled).unwrap();
    }
}

#[test]
fn keys_are_required() {
    let plan = DecodePlan {
        primary_key: vec!["id".to_owned()],
        ..DecodePlan::default()
    };
    decode_all(&plan, &[r#"{"id":0}"#, r#"{"id":""}"#]);
    for record in [r#"{"id":null}"#, r#"{"a":1}"#] {
        let failure = decode(&plan, &[r#"{"id":0}"#, record]).unwrap_err();
        assert!(
            matches!(failure, Error::MissingPrimaryKey { record: 1, .. }),
            "{failure}"
        );
    }
}

#[test]
fn a_map_selected_as_a_record_is_refused() {
    let members: Vec<String> = (0..=10_000).map(|key| format!("\"{key}\":1")).collect();
    let record = format!("{{{}}}", members.join(","));
    insta::assert_snapshot!(failure(&[&record]), @"read more than `10000` keys in the records up to record `0`");
}

#[test]
fn excerpts_are_short_and_whole_characters() {
    let record = format!("{{\"a\":x{}", "é".repeat(200));
    let Err(Error::Malformed { excerpt, .. }) = decode(&DecodePlan::default(), &[&record]) else {
        panic!("expected a malformed record");
    };
    assert_eq!(excerpt.chars().count(), 80);
    assert!(excerpt.ends_with('é'));
}

#[test]
fn records_outside_the_body_are_refused() {
    let mut page = page(&["{}"]);
    page.records[0].end = 1000;
    let decoder = Decoder::new(DecodePlan::default(), "load");
    let failure = decoder
        .decode(&Slice::default(), &page, &mut SliceMemory::default())
        .unwrap_err();
    assert!(matches!(failure, Error::OutsideBody { record: 0 }));
}

fn decode_bytes(bytes: Vec<u8>) -> Result<Decoded, Error> {
    let range = 0..bytes.len();
    let page = Page {
        body: bytes.into(),
        records: vec![range],
        ..page(&[])
    };
    Decoder::new(DecodePlan::default(), "load").decode(
        &Slice::default(),
        &page,
        &mut SliceMemory::default(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_bytes_are_decoded_as_serde_json_would_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if decode_bytes(bytes.clone()).is_ok() {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok());
        }
    }

    #[test]
    fn damaged_json_is_decoded_as_serde_json_would_or_refused(
        text in r#"[\[\]{}:,"a0-9eE.+\-tfn\\u ]{0,24}"#,
    ) {
        let decoded = decode_bytes(text.clone().into_bytes());
        if decoded.is_ok() {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }

    #[test]
    fn truncated_records_are_refused(cut in 1_usize..60) {
        let record = r#"{"a":[1.5e3,"x\u00e9",{"b":null}],"c":{"d":true},"e":"é","f":-1}"#;
        let cut = record.len() - cut.min(record.len());
        prop_assert!(decode_bytes(record.as_bytes()[..cut].to_vec()).is_err());
    }
}
