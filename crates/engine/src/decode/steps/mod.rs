//! What a spec does with each record before it becomes a row: filters, and fields that are set, renamed or left out.
//!
//! Fields that no step touches keep the bytes that came, so that no number changes.

mod record;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use self::record::Record;
use super::Error;
use super::named::NamedFields;
use super::walk::excerpt;
use crate::flow::Page;
use crate::plan::{ExpressionError, StepPlan};

/// A page behind the steps.
pub(super) struct Processed {
    pub(super) page: Page,
    /// Records that a filter left out.
    pub(super) filtered: u64,
}

/// What expressions may name beside the fields of the record.
pub(super) struct Surroundings<'a> {
    /// Fields that come from the slice's parents, each with its JSON text.
    pub(super) copied: &'a [(String, String)],
    /// The slice's values of `for_each`; empty where there is none.
    pub(super) partition: &'a BTreeMap<String, Value>,
    /// What is noted of the names.
    pub(super) named: &'a NamedFields,
}

impl Surroundings<'_> {
    /// Whether a name stands for the values of `for_each`, whatever field the record has.
    fn is_partition(&self, name: &str) -> bool {
        name == "partition" && !self.partition.is_empty()
    }
}

/// Takes the records of a page through the steps.
pub(super) fn process(
    steps: &[StepPlan],
    surroundings: &Surroundings<'_>,
    page: &Page,
) -> Result<Processed, Error> {
    let changes = steps.iter().any(StepPlan::changes);
    let mut body = Vec::new();
    let mut records = Vec::with_capacity(page.records.len());
    for (position, range) in page.records.iter().enumerate() {
        let data = page
            .body
            .get(range.clone())
            .ok_or(Error::OutsideBody { record: position })?;
        let failed = |fault: Fault| fault.into_error(position, data);
        let mut record = Record::parse(data).map_err(failed)?;
        if !record.take_through(steps, surroundings).map_err(failed)? {
            continue;
        }
        if !changes {
            records.push(range.clone());
            continue;
        }
        let start = body.len();
        record.write(&mut body);
        records.push(start..body.len());
    }
    let filtered = (page.records.len() - records.len()) as u64;
    let page = Page {
        number: page.number,
        body: if changes {
            Bytes::from(body)
        } else {
            page.body.clone()
        },
        records,
        fetched_at: page.fetched_at,
    };
    Ok(Processed { page, filtered })
}

/// What is wrong with one record.
enum Fault {
    Json(serde_json::Error),
    Expression(ExpressionError),
    /// Two fields would have the same name.
    Taken(String),
}

impl Fault {
    fn into_error(self, record: usize, data: &[u8]) -> Error {
        let excerpt = excerpt(data);
        match self {
            Self::Json(error) => Error::Malformed {
                record,
                path: String::new(),
                reason: error.to_string(),
                excerpt,
            },
            Self::Expression(source) => Error::Step {
                record,
                excerpt,
                source,
            },
            Self::Taken(field) => Error::FieldTaken {
                record,
                field,
                excerpt,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::plan::Expression;

    fn step(filter: &str, map: &[(&str, &str)]) -> StepPlan {
        let parse = |text: &str| Expression::parse(text, &[]).unwrap();
        StepPlan {
            filter: (!filter.is_empty()).then(|| parse(filter)),
            map: map
                .iter()
                .map(|(field, text)| ((*field).to_owned(), parse(text)))
                .collect(),
            ..StepPlan::default()
        }
    }

    fn page(records: &[&str]) -> Page {
        let body = records.join(" ");
        let mut start = 0;
        let ranges = records.iter().map(|record| {
            let range = start..start + record.len();
            start = range.end + 1;
            range
        });
        Page {
            number: 1,
            records: ranges.collect(),
            body: Bytes::from(body),
            fetched_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn run(steps: &[StepPlan], records: &[&str]) -> Result<Vec<String>, String> {
        let copied = [("_posts_title".to_owned(), "\"T\"".to_owned())];
        let surroundings = Surroundings {
            copied: &copied,
            partition: &[("channel".to_owned(), json!("phone"))].into(),
            named: &NamedFields::new(steps),
        };
        let done = process(steps, &surroundings, &page(records)).map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", source.unwrap_or_default())
        })?;
        let texts = done.page.records.iter().map(|range| {
            let bytes = &done.page.body[range.clone()];
            String::from_utf8(bytes.to_vec()).unwrap()
        });
        Ok(texts.collect())
    }

    #[test]
    fn a_filter_leaves_every_byte_as_it_is() {
        let kept = r#"{ "n": 12345678901234567890.123, "s": "a" }"#;
        let done = run(
            &[step("s == 'a' and _posts_title == 'T'", &[])],
            &[kept, r#"{"s":"b"}"#, "7"],
        );
        assert_eq!(done.unwrap(), [kept]);
    }

    #[test]
    fn fields_are_set_renamed_and_left_out() {
        let mut change = step(
            "",
            &[("full", "a ~ '-' ~ _posts_title"), ("a", "a | upper")],
        );
        change.rename = vec![("n".to_owned(), "m".to_owned())];
        change.drop = vec!["secret".to_owned()];
        let record = r#"{"a":"x","n":1.50,"secret":{"k":[1]},"é\"":null}"#;
        assert_eq!(
            run(&[change], &[record]).unwrap(),
            [r#"{"a":"X","m":1.50,"é\"":null,"full":"x-T"}"#]
        );
    }

    #[test]
    fn steps_follow_each_other() {
        let steps = [
            step("", &[("b", "a + 1")]),
            step("b > 2", &[("c", "record.b * 10")]),
        ];
        assert_eq!(
            run(&steps, &[r#"{"a":1}"#, r#"{"a":2}"#]).unwrap(),
            [r#"{"a":2,"b":3,"c":30}"#]
        );
        assert_eq!(
            run(&[step("", &[("v", "value ~ partition.channel")])], &["5"]).unwrap(),
            [r#"{"value":5,"v":"5phone"}"#]
        );
    }

    #[test]
    fn what_fails_is_told() {
        let failing = run(&[step("", &[("b", "a + []")])], &[r#"{"a":1}"#]);
        insta::assert_snapshot!(failing.unwrap_err(), @r#"process record `0`, `{"a":1}`: evaluate `a + []`: invalid operation: tried to use + operator on unsupported types number and sequence"#);
        let mut renaming = step("", &[]);
        renaming.rename = vec![("a".to_owned(), "b".to_owned())];
        let taken = run(&[renaming], &[r#"{"a":1,"b":2}"#]);
        insta::assert_snapshot!(taken.unwrap_err(), @r#"rename a field of record `0` to `b`: it has that one already, in `{"a":1,"b":2}`:"#);
        // Of a key that comes twice, both stay for the decoder to see.
        let twice = run(&[step("", &[("c", "1")])], &[r#"{"a":1,"a":2}"#]);
        assert_eq!(twice.unwrap(), [r#"{"a":1,"a":2,"c":1}"#]);
    }

    #[test]
    fn a_field_that_is_named_alone_keeps_its_spelling() {
        let exact = r#"{"n":0.30000000000000000001,"o":{"k":[12345678901234567890123]}}"#;
        let step = step("", &[("m", "n"), ("p", " o "), ("n", "n")]);
        assert_eq!(
            run(&[step], &[exact]).unwrap(),
            [
                r#"{"n":0.30000000000000000001,"o":{"k":[12345678901234567890123]},"m":0.30000000000000000001,"p":{"k":[12345678901234567890123]}}"#
            ]
        );
    }
}
