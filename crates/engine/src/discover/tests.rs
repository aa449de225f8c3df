//! What answers of well-known shapes give.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::finding::{Discovered, Finding, Paging};
use super::sample::Sample;
use super::setup::Setup;
use super::{cursor, key, records, render, times};
use crate::plan::compile;
use crate::spec::{Source, Variables};

/// Where the records are, and how certain that is.
fn records_of(endpoint: &str, body: &Value) -> String {
    let endpoint = Endpoint::parse(endpoint).unwrap();
    match records::find(body.to_string().as_bytes(), &endpoint) {
        Ok(found) => {
            let Finding {
                value, certainty, ..
            } = found.finding;
            format!("{value} ({certainty}, {})", found.ranges.len())
        }
        Err(missing) => format!("{missing:?}"),
    }
}

fn sample(records: &[Value]) -> Sample {
    let body = Value::from(records).to_string();
    let ranges = crate::plan::Selector::root()
        .records(body.as_bytes())
        .unwrap()
        .records;
    let mut sample = Sample::default();
    sample.add(1, body.as_bytes(), &ranges);
    sample
}

/// So many records, each made of its number.
fn numbered(count: u64, record: impl Fn(u64) -> Value) -> Sample {
    sample(&(0..count).map(record).collect::<Vec<_>>())
}

fn key_of(sample: &Sample) -> String {
    match key::find(sample, &["orders"]) {
        Some(Finding {
            value, certainty, ..
        }) => format!("{} ({certainty})", value.join(", ")),
        None => "none".to_owned(),
    }
}

fn cursor_of(sample: &Sample) -> String {
    match cursor::find(sample) {
        Some(found) => {
            let cursor = found.value;
            let format = cursor.format.unwrap_or("text");
            format!(
                "{} ({format}, from {}, {})",
                cursor.path, cursor.initial_value, found.certainty
            )
        }
        None => "none".to_owned(),
    }
}

fn times_of(sample: &Sample) -> String {
    let found = times::find(sample).into_iter();
    let found: Vec<String> = found
        .map(|time| format!("{} {}", time.value.field, time.value.format))
        .collect();
    found.join(", ")
}

#[test]
fn records_lie_in_lists_and_in_objects() {
    let check = |endpoint: &str, body: Value, expected: &str| {
        assert_eq!(records_of(endpoint, &body), expected, "{body}");
    };
    // GitHub.
    check(
        "repos/a/b/issues",
        json!([{"id": 1, "labels": [{"id": 7}]}]),
        "$ (certain, 1)",
    );
    // Stripe.
    check(
        "v1/charges",
        json!({"object": "list", "data": [{"id": "ch_1", "refunds": {"data": []}}], "has_more": true}),
        "data (certain, 1)",
    );
    // Shopify.
    check(
        "orders.json",
        json!({"orders": [{"id": 1, "line_items": [{"id": 2}]}]}),
        "orders (certain, 1)",
    );
    // Assembled.
    check(
        "people",
        json!({"people": {"a1": {"id": "a1", "teams": ["t"]}, "a2": {"id": "a2"}}, "total": 2, "teams": {"t": {"id": "t"}}}),
        "people.* (certain, 2)",
    );
    // Airtable.
    check(
        "v0/app/Table",
        json!({"records": [{"id": "rec1", "fields": {"Name": "x"}}], "offset": "itr/rec1"}),
        "records (certain, 1)",
    );
    // Notion: `results` beside objects that are empty.
    check(
        "v1/users",
        json!({"object": "list", "results": [{"id": "u"}], "next_cursor": null, "user": {}}),
        "results (certain, 1)",
    );
    // HAL: what is linked is no record.
    check(
        "orders",
        json!({"_links": {"self": {"href": "/a"}, "next": {"href": "/b"}}, "_embedded": {"orders": [{"id": 1}]}}),
        "_embedded.orders (certain, 1)",
    );
    // JSON:API: what is included is more, and something else.
    check(
        "articles",
        json!({"data": [{"id": "1"}], "included": [{"id": "2"}, {"id": "3"}]}),
        "data (likely, 1)",
    );
    check(
        "orders",
        json!({"included": [{"id": "2"}, {"id": "3"}], "orders": [{"id": "1"}]}),
        "orders (likely, 1)",
    );
    // Rates by currency: objects of one kind, under keys that are no ids of theirs.
    check(
        "rates",
        json!({"EUR": {"rate": 1, "day": "2024-01-01"}, "USD": {"rate": 2, "day": "2024-01-01"}}),
        "* (guess, 2)",
    );
}

#[test]
fn one_object_is_one_record() {
    let check = |body: Value, expected: &str| {
        assert_eq!(records_of("pokemon/1", &body), expected, "{body}");
    };
    check(
        json!({"id": 1, "moves": [{"name": "a"}, {"name": "b"}]}),
        "$ (guess, 1)",
    );
    check(
        json!({"data": {"id": 1, "name": "x"}, "meta": {"version": {"major": 1}}}),
        "data (guess, 1)",
    );
    check(json!({"name": "x", "size": 3}), "$ (guess, 1)");
    check(json!({"name": "x", "tags": ["a"]}), "$ (guess, 1)");
    check(
        json!({"sha": "a1", "message": "fix", "author": "ann", "parents": []}),
        "$ (guess, 1)",
    );
}

#[test]
fn an_answer_may_have_no_records() {
    let check =
        |body: Value, expected: &str| assert_eq!(records_of("things", &body), expected, "{body}");
    check(json!([]), r#"EmptyList("$")"#);
    check(json!({"data": [], "total": 0}), r#"EmptyList("data")"#);
    check(json!(null), "Nothing");
    check(json!({}), "Nothing");
    check(json!(["a", "b"]), "NoObjects");
    check(json!({"names": ["a"]}), "NoObjects");
    check(json!(17), "NoObjects");
    check(json!({"ok": false, "error": "invalid_auth"}), "Failure");
    check(
        json!({"errors": [{"title": "x"}], "message": "no"}),
        "Failure",
    );
}

#[test]
fn keys_are_unique_and_named_like_ids() {
    assert_eq!(
        key_of(&numbered(
            30,
            |n| json!({"name": n, "id": n, "uuid": format!("u{n}")})
        )),
        "id (certain)"
    );
    assert_eq!(key_of(&numbered(3, |n| json!({"id": n}))), "id (likely)");
    // Of an id that comes twice, another field takes the place.
    assert_eq!(
        key_of(&numbered(30, |n| json!({"id": n / 2, "order_id": n}))),
        "order_id (certain)"
    );
    assert_eq!(
        key_of(&numbered(30, |n| json!({"orderId": n, "customerId": 1}))),
        "orderId (certain)"
    );
    assert_eq!(
        key_of(&numbered(
            30,
            |n| json!({"slug": format!("s{n}"), "size": n})
        )),
        "slug (guess)"
    );
    // What is missing, null, empty or no whole number in one record is no key.
    assert_eq!(
        key_of(&numbered(30, |n| if n == 7 {
            json!({"a": 1})
        } else {
            json!({"id": n})
        })),
        "none"
    );
    assert_eq!(
        key_of(&numbered(30, |n| json!({"id": (n != 7).then_some(n)}))),
        "none"
    );
    assert_eq!(
        key_of(&numbered(
            30,
            |n| json!({"id": if n == 7 { String::new() } else { n.to_string() }})
        )),
        "none"
    );
    assert_eq!(
        key_of(&numbered(
            30,
            |n| json!({"id": f64::from(u32::try_from(n).unwrap()) + 0.5})
        )),
        "none"
    );
    // A number that is unique by accident is none either.
    assert_eq!(key_of(&numbered(30, |n| json!({"amount": n}))), "none");
    assert_eq!(key_of(&sample(&[])), "none");
    assert_eq!(key_of(&sample(&[json!("a"), json!("b")])), "none");
}

#[test]
fn keys_may_be_of_several_fields() {
    let states = |n: u64| json!({"agent_id": n / 10, "platform": format!("p{}", n % 2), "start_time": 1_700_000_000 + n % 10, "state": "x"});
    assert_eq!(
        key_of(&numbered(40, states)),
        "agent_id, start_time (guess)"
    );
    let three = |n: u64| json!({"agent_id": n / 8, "channel": format!("c{}", n % 2), "date": format!("2024-01-0{}", 1 + n / 2 % 4)});
    assert_eq!(
        key_of(&numbered(32, three)),
        "agent_id, date, channel (guess)"
    );
    // Times and kinds alone don't say what a record is about.
    assert_eq!(
        key_of(&numbered(20, |n| json!({"date": n / 2, "type": n % 2}))),
        "none"
    );
}

#[test]
fn cursors_move_with_the_record() {
    let at = "2023-05-01T10:00:00Z";
    assert_eq!(
        cursor_of(&sample(&[json!({"created_at": at, "updated_at": at})])),
        "updated_at (text, from 2023-01-01, likely)"
    );
    assert_eq!(
        cursor_of(&sample(&[json!({"createdAt": at})])),
        "createdAt (text, from 2023-01-01, guess)"
    );
    assert_eq!(
        cursor_of(&sample(&[json!({"last_edited_time": at})])),
        "last_edited_time (text, from 2023-01-01, likely)"
    );
    assert_eq!(
        cursor_of(&sample(&[json!({"fields": {"updated": at}})])),
        "fields.updated (text, from 2023-01-01, likely)"
    );
    assert_eq!(
        cursor_of(&sample(&[json!({"modified": "2021-03-04"})])),
        "modified (date, from 2021-01-01, likely)"
    );
    assert_eq!(
        cursor_of(&sample(&[json!({"updated": 1_700_000_000})])),
        "updated (unix, from 2023-01-01, likely)"
    );
    assert_eq!(
        cursor_of(&sample(&[json!({"updatedAt": 1_700_000_000_000_u64})])),
        "updatedAt (unix_ms, from 2023-01-01, likely)"
    );
    // Who updated it is no time, and neither is a text of another form.
    assert_eq!(
        cursor_of(&sample(&[
            json!({"updated_by": "ann", "is_modified": true})
        ])),
        "none"
    );
    assert_eq!(
        cursor_of(&sample(&[json!({"updated_at": "last week"})])),
        "none"
    );
    // Each record must have it.
    assert_eq!(
        cursor_of(&sample(&[
            json!({"updated_at": at}),
            json!({"updated_at": null})
        ])),
        "none"
    );
}

#[test]
fn numbers_that_are_times_get_a_hint() {
    let record = json!({
        "created_at": 1_700_000_000, "endedAt": 1_700_000_000_123_u64, "timestamp": 1_700_000_000,
        "wait_time": 35, "start_date": "1700000000", "expires": 1_700_000_000.5, "views": 1_700_000_000, "seen_at": null,
    });
    assert_eq!(
        times_of(&sample(&[record])),
        "created_at unix, endedAt unix_ms, timestamp unix"
    );
    // One number that is none spoils it.
    assert_eq!(
        times_of(&sample(&[
            json!({"created_at": 1_700_000_000}),
            json!({"created_at": 0})
        ])),
        ""
    );
    assert_eq!(
        times_of(&sample(&[
            json!({"created_at": 1_700_000_000}),
            json!({"created_at": null})
        ])),
        "created_at unix"
    );
}

/// Any JSON, with names that mean something among its keys.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "\\PC{0,3}",
        prop::sample::select(vec![
            "id",
            "data",
            "items",
            "links",
            "next",
            "total",
            "page",
            "offset",
            "limit",
            "has_more",
            "updated_at",
            "error",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (1_600_000_000_i64..1_700_000_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("2024-01-01T00:00:00Z")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let members = prop::collection::vec((name.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_answer_gives_a_spec_or_a_reason(body in any_json()) {
        let body = body.to_string();
        let endpoint = Endpoint::parse("things").unwrap();
        let Ok(found) = records::find(body.as_bytes(), &endpoint) else { return Ok(()) };
        let mut sample = Sample::default();
        sample.add(1, body.as_bytes(), &found.ranges);
        let key = key::find(&sample, &["things"]);
        if let Some(key) = &key {
            prop_assert!(!key.value.is_empty());
        }
        let discovered = Discovered {
            records: found.finding,
            other_records: found.others,
            paging: Paging::NoneSeen(body.clone()),
            primary_key: key,
            cursor: cursor::find(&sample),
            times: times::find(&sample),
        };
        let setup = Setup {
            name: "shop".to_owned(),
            base_url: "https://api.example.com".to_owned(),
            endpoints: vec![endpoint],
            ..Setup::default()
        };
        let yaml = render(&setup, &[Some(discovered)]);
        let (source, pipeline) = Source::read("shop.yaml", &yaml, &Variables::default()).unwrap();
        let planned = source.finish(compile(&pipeline));
        prop_assert!(planned.is_ok(), "{:?}\n{yaml}", planned.map(drop).map_err(|wrong| wrong.summary()));
    }
}
