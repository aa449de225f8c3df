//! The test file: cases, their runs, and what is expected of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use indexmap::IndexMap;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The version of the test file's format.
pub const TEST_FILE_VERSION: u32 = 1;

/// Tests of one pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// The version of the format: 1.
    pub version: u32,
    /// The cases. Each begins with an empty destination.
    pub cases: Vec<Case>,
}

/// Runs that follow each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case is called in the output. Unique.
    pub name: String,
    /// `true` to read the simulated API from the fixture `sandbox/<pipeline>.yaml` beside the spec, or the path of another
    /// fixture, from the test file's folder. Without it, each run names a cassette.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Fixture>,
    /// What the spec's variables are. Neither the environment nor a `.env` file is looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The resources to read, as with `--resource`; all that are selected by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The runs, in order.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The folder that `engine run --record` has written, from the test file's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cassette: Option<String>,
    /// The run's start (RFC 3339); a sandbox's clock is moved there too. By default that of the cassette or the fixture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub now: Option<Timestamp>,
    /// What it is expected to do. Without it, the run must end without failures and warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

/// What is expected of a run. What isn't mentioned isn't looked at, except for failures and warnings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// How many requests may be sent, retries included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_at_most: Option<u64>,
    /// Parts of the texts of warnings that may come; any other warning is a mismatch. None by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The tables as they are behind the run, by name.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub tables: IndexMap<String, ExpectedTable>,
}

/// What is expected of a table behind a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTable {
    /// How many rows the table has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Columns that are there, with their types in the words of `data_type`: `text`, `bigint`, `timestamp`… Nested ones are
    /// `object` and `list`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub columns: IndexMap<String, String>,
    /// Columns that together tell rows apart: no two rows have the same values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<String>,
    /// How far the resource was read, as `engine state show` tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Single values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ExpectedValue>,
}

/// Values of the one row that is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedValue {
    /// The row: columns and the values that it alone has together.
    #[serde(rename = "where")]
    pub place: IndexMap<String, Scalar>,
    /// Other columns and their values.
    pub is: IndexMap<String, Scalar>,
}

/// A value as its text; `None` for null. Times are written as `2024-01-31T12:00:00Z`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar(pub Option<String>);

/// Which fixture is served; `None` for the one beside the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixture(pub Option<String>);

/// Why a test file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TestFileError {
    /// It is not YAML, or has a key or value that no test file has.
    #[error("{0}")]
    Malformed(#[from] serde_yaml::Error),
    /// It contradicts itself.
    #[error("{0}")]
    Inconsistent(String),
}

impl TestFile {
    /// Reads and checks a test file.
    pub fn parse(yaml: &str) -> Result<Self, TestFileError> {
        let file: Self = serde_yaml::from_str(yaml)?;
        let problem = |text: String| Err(TestFileError::Inconsistent(text));
        if file.version != TEST_FILE_VERSION {
            return problem(format!(
                "`version` is {}, and {TEST_FILE_VERSION} is what can be read",
                file.version
            ));
        }
        if file.cases.is_empty() {
            return problem("`cases` is empty: it would prove nothing".to_owned());
        }
        let mut names = BTreeSet::new();
        for case in &file.cases {
            let name = &case.name;
            if !names.insert(name) {
                return problem(format!("two cases are called `{name}`"));
            }
            if case.runs.is_empty() {
                return problem(format!("case `{name}` has no `runs`"));
            }
            for (position, run) in case.runs.iter().enumerate() {
                let place = format!("case `{name}`, run {}", position + 1);
                match (&case.sandbox, &run.cassette) {
                    (None, None) => {
                        return problem(format!(
                            "{place} needs a `cassette`, or its case `sandbox`"
                        ));
                    }
                    (Some(_), Some(_)) => {
                        return problem(format!(
                            "{place} has a `cassette`, and its case `sandbox`: choose one"
                        ));
                    }
                    _ => {}
                }
            }
        }
        Ok(file)
    }

    /// The file as YAML, behind the comments that `before` begins with; others in it are lost.
    pub fn to_yaml(&self, before: &str) -> String {
        let comments = before
            .lines()
            .take_while(|line| line.starts_with('#') || line.trim().is_empty());
        let mut text: String = comments.flat_map(|line| [line, "\n"]).collect();
        text.push_str(&serde_yaml::to_string(self).unwrap_or_default());
        text
    }
}

/// The JSON Schema of a test file, for editors.
pub fn test_schema() -> Schema {
    let mut schema = schemars::schema_for!(TestFile);
    schema.insert("title".to_owned(), "Tests of a pipeline".into());
    schema
}

impl fmt::Display for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_deref().unwrap_or("null"))
    }
}

/// Takes a text, a number or a boolean as its text.
struct AnyText;

impl Visitor<'_> for AnyText {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number, a boolean or null")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        // As rows are written out: `1.0`, not `1`.
        Ok(Some(format!("{value:?}")))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText).map(Self)
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean", "null"] })
    }
}

impl<'de> Deserialize<'de> for Fixture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(AnyText)? {
            Some(text) if text == "true" => Ok(Self(None)),
            Some(text) if text != "false" => Ok(Self(Some(text))),
            _ => Err(D::Error::custom(
                "`sandbox` is `true` or the path of a fixture; leave it out where there is none",
            )),
        }
    }
}

impl Serialize for Fixture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_bool(true),
            Some(path) => serializer.serialize_str(path),
        }
    }
}

impl JsonSchema for Fixture {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fixture".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": true }, { "type": "string" }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_current() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../schemas/test.schema.json"
        );
        let current = serde_json::to_string_pretty(&test_schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == current,
            "schemas/test.schema.json is out of date; run `UPDATE_SCHEMAS=1 cargo test --workspace schema`"
        );
    }

    #[test]
    fn mistakes_are_told() {
        let check = |yaml: &str, expected: &str| {
            let error = TestFile::parse(yaml).unwrap_err().to_string();
            assert!(error.contains(expected), "{yaml}: {error}");
        };
        check("version: 2\ncases: []", "`version` is 2");
        check("version: 1\ncases: []", "`cases` is empty");
        check("version: 1\ncases: [{ name: a, runs: [] }]", "no `runs`");
        check(
            "version: 1\ncases: [{ name: a, runs: [{}] }]",
            "run 1 needs a `cassette`",
        );
        check(
            "version: 1\ncases: [{ name: a, sandbox: true, runs: [{ cassette: x }] }]",
            "choose one",
        );
        check(
            "version: 1\ncases: [{ name: a, sandbox: false, runs: [{}] }]",
            "`true` or the path",
        );
        check("version: 1\ncases: [{ nam: a }]", "unknown field `nam`");
        check(
            "version: 1\ncases:\n  - { name: a, sandbox: true, runs: [{}] }\n  - { name: a, sandbox: true, runs: [{}] }",
            "two cases are called `a`",
        );
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let yaml = "# About\nversion: 1\ncases:\n- name: a\n  sandbox: true\n  runs:\n  - expect:\n      tables:\n        t:\n          values:\n          - where:\n              id: '1'\n            is:\n              x: null\n";
        let file = TestFile::parse(yaml).unwrap();
        assert_eq!(file.to_yaml(yaml), yaml);
    }
}
