//! What is to be true of a table behind a run.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::value::TimeSpan;

/// What is to be true of a resource's table behind a run that read it to its end. Without any key nothing is expected.
///
/// What the run has read is committed before; the report and the summary say what was found.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = super::schema::absent_or_null)]
pub struct Expect {
    /// The table has at least so many rows.
    pub rows: Option<u64>,
    /// The newest value of the cursor is not older than this at the run's start, such as `2d`.
    pub newest: Option<TimeSpan>,
    /// The number of rows differs from what it was before the run by at most this part of it, such as `20%`. A first load
    /// always passes.
    pub growth: Option<Percent>,
    /// What becomes of the run otherwise. Default: `warn`.
    pub otherwise: Otherwise,
}

/// What an expectation that is not met does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// A warning tells of it.
    #[default]
    Warn,
    /// The resource counts as failed, so that the exit code is 3. Its rows stay.
    Fail,
}

/// A part of a whole in hundredths, written with its sign, such as `20%` or `0.5%`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PercentVisitor;

        impl Visitor<'_> for PercentVisitor {
            type Value = Percent;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number with a percent sign, such as `20%`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                let number = text.trim().strip_suffix('%').map(str::trim_end);
                let number = number.and_then(|number| number.parse::<f64>().ok());
                let number = number.filter(|number| number.is_finite() && *number >= 0.0);
                number.map(Percent).ok_or_else(|| {
                    E::custom(format!("`{text}` is no part of a whole; write a number and a percent sign, such as `20%`"))
                })
            }
        }

        deserializer.deserialize_str(PercentVisitor)
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> Cow<'static, str> {
        "Percent".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+([.][0-9]+)? *%$" })
    }
}
