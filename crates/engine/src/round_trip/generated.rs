//! Records of any shape, as JSON text.
//!
//! A table is drawn first, then its records: most values under a key are of one theme, so that columns of every type
//! come about, and some values surprise it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::Union;

type Text = BoxedStrategy<String>;

/// Up to `most` records of one table.
pub(super) fn records(most: usize) -> impl Strategy<Value = Vec<String>> {
    object_theme(key(), theme())
        .prop_flat_map(move |record| prop::collection::vec(record, 1..=most))
}

/// Several groups of records of one table.
pub(super) fn groups(count: usize, most: usize) -> impl Strategy<Value = Vec<Vec<String>>> {
    object_theme(key(), theme()).prop_flat_map(move |record| {
        prop::collection::vec(prop::collection::vec(record, 0..=most), count)
    })
}

/// What the values of one place have in common.
fn theme() -> impl Strategy<Value = Text> {
    let plain = prop_oneof![
        3 => Just(small_integer()),
        1 => Just(any_integer()),
        2 => Just(decimal()),
        1 => Just(any_number()),
        2 => Just(timestamp()),
        1 => Just(odd_timestamp()),
        2 => Just(date()),
        2 => Just(text()),
        1 => Just(prop_oneof![Just("true".to_owned()), Just("false".to_owned())].boxed()),
        1 => Just(empty()),
    ];
    plain.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            2 => object_theme(key(), inner.clone()),
            1 => inner.clone().prop_flat_map(|value| object_theme(data_key(), Just(value))),
            1 => object_theme(data_key(), inner.clone()),
            2 => inner.clone().prop_map(list_of),
            1 => (inner.clone(), inner.clone()).prop_map(|(most, few)| prop_oneof![7 => most, 1 => few].boxed()),
            1 => inner.prop_map(|most| prop_oneof![5 => most, 1 => empty()].boxed()),
        ]
    })
}

/// Objects whose keys have a theme each; any key may be missing.
fn object_theme(
    key: impl Strategy<Value = String> + 'static,
    theme: impl Strategy<Value = Text> + 'static,
) -> BoxedStrategy<Text> {
    prop::collection::btree_map(key, theme, 0..5)
        .prop_map(|members| {
            let members: Vec<_> = members
                .into_iter()
                .map(|(key, value)| {
                    (Just(key), prop::option::weighted(0.8, value), any::<bool>()).boxed()
                })
                .collect();
            members
                .prop_map(|members| {
                    let members = members.into_iter().filter_map(|(key, value, escaped)| {
                        Some(format!("{}: {}", spelled(&key, escaped), value?))
                    });
                    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
                })
                .boxed()
        })
        .boxed()
}

fn list_of(element: Text) -> Text {
    prop::collection::vec(element, 0..4)
        .prop_map(|values| format!("[{}]", values.join(",")))
        .boxed()
}

/// Keys that clash in all ways that names can.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-d]",
        1 => "[AÉé]|value|_load_id|_LOAD_ID|_extracted_at",
        1 => "a__v_(string|number|json|object|list|bool)_?|a_|b__V_String",
        1 => Just(String::new()),
        1 => "[ \"\\\\.\n\u{0}ß😀]{1,2}",
    ]
}

/// Keys of objects that are used as maps.
fn data_key() -> impl Strategy<Value = String> {
    "-?[0-9]{1,2}|2024-01-0[1-9]"
}

/// A string of JSON, with an escape for each character if asked.
fn spelled(text: &str, escaped: bool) -> String {
    if !escaped {
        return serde_json::Value::from(text).to_string();
    }
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
    format!("\"{}\"", units.collect::<String>())
}

fn quoted(text: impl Strategy<Value = String> + 'static) -> Text {
    text.prop_map(|text| format!("\"{text}\"")).boxed()
}

fn small_integer() -> Text {
    prop_oneof![9 => (-3_i64..4).prop_map(|number| number.to_string()), 1 => Just("-0".to_owned())]
        .boxed()
}

fn any_integer() -> Text {
    prop_oneof![
        2 => any::<i64>().prop_map(|number| number.to_string()),
        2 => any::<u64>().prop_map(|number| number.to_string()),
        1 => "-?[1-9][0-9]{17,45}",
        1 => Just("9007199254740993".to_owned()),
    ]
    .boxed()
}

fn decimal() -> Text {
    prop_oneof![
        3 => "-?(0|[1-9][0-9]{0,5})\\.[0-9]{1,3}",
        1 => "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,40}",
    ]
    .boxed()
}

fn any_number() -> Text {
    prop_oneof![
        2 => any::<f64>().prop_filter("JSON has finite numbers", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        1 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,3}",
        1 => Just("0e0".to_owned()),
        1 => Just("1e400".to_owned()),
        1 => Just("-0.0".to_owned()),
    ]
    .boxed()
}

/// What most APIs write.
fn timestamp() -> Text {
    let day = "20[0-9]{2}-0[1-9]-[0-2][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9]";
    let tail = prop_oneof![
        Just("Z".to_owned()),
        Just(".000Z".to_owned()),
        Just("+00:00".to_owned()),
        Just("+05:30".to_owned()),
        "(\\.[0-9]{3})?Z".boxed(),
        "\\.[0-9]{1,6}(Z|\\+00:00)".boxed(),
    ];
    quoted((day, tail).prop_map(|(day, tail)| day + &tail))
}

/// What RFC 3339 allows, and what looks like it.
fn odd_timestamp() -> Text {
    quoted(
        "(0000|1582|1969|9999|20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt](0[0-9]|2[34]):[0-5][0-9]:(0[0-9]|59|60)(\\.[0-9]{1,9})?([Zz]|[+-](0[0-9]|2[0-3]):(00|30|59))",
    )
}

fn date() -> Text {
    quoted("(0000|1582|1900|2000|20[0-9]{2}|9999)-(0[1-9]|1[0-3])-(0[1-9]|[12][0-9]|3[01])")
}

fn text() -> Text {
    prop_oneof![
        2 => quoted("[a-c]{0,2}"),
        1 => quoted("-?[0-9]{1,20}(\\.[0-9]{1,3})?(e5)?|true|null|NaN|\\{\\}|\\[1\\]"),
        1 => (any::<String>(), any::<bool>()).prop_map(|(text, escaped)| spelled(&text, escaped)),
        1 => quoted("(\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-fA-F]{2}|\\\\ud83d\\\\ude00|é|😀){0,4}"),
    ]
    .boxed()
}

fn empty() -> Text {
    Union::new(["null", "{}", "[]", "[null]", "[{}]", "\"\""].map(|text| Just(text.to_owned())))
        .boxed()
}

/// The same records with a number each, under a key that none of them has, and in the order asked for.
pub(super) fn numbered(records: &[String], order: &[usize]) -> Vec<String> {
    let mut numbered: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for (number, record) in records.iter().enumerate() {
        let members = record.strip_prefix('{').unwrap_or_default();
        let separator = if members == "}" { "" } else { ", " };
        let place = order.get(number).copied().unwrap_or_default();
        numbered.insert(
            (place, number),
            format!("{{\"number\": {number}{separator}{members}"),
        );
    }
    numbered.into_values().collect()
}
