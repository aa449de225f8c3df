//! Sizes in bytes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A size: bytes, or a number and a unit, such as `256MiB` or `1 GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 7] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

impl ByteSize {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(digits)?;
        let unit = unit.trim().to_ascii_lowercase();
        let (_, bytes) = UNITS
            .iter()
            .find(|(name, _)| *name == unit || (unit.is_empty() && *name == "b"))?;
        number.parse::<u64>().ok()?.checked_mul(*bytes).map(Self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByteSizeVisitor;

        impl Visitor<'_> for ByteSizeVisitor {
            type Value = ByteSize;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of bytes, or a size such as `256MiB` or `1GB`")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(value))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                ByteSize::parse(text).ok_or_else(|| {
                    E::custom(format!(
                        "`{text}` is not a size; write bytes, or a number and a unit: `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`"
                    ))
                })
            }
        }

        deserializer.deserialize_any(ByteSizeVisitor)
    }
}

impl JsonSchema for ByteSize {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^ *[0-9]+ *(([KkMmGg][Ii]?)?[Bb])? *$" },
            ],
            "examples": ["256MiB", "1GB"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_the_usual_units() {
        let size = |text: &str| serde_yaml::from_str::<ByteSize>(text).map(|size| size.0);
        assert_eq!(size("1048576").unwrap(), 1 << 20);
        assert_eq!(size("256MiB").unwrap(), 256 << 20);
        assert_eq!(size("1 GB").unwrap(), 1_000_000_000);
        assert_eq!(size("'64 kib'").unwrap(), 64 << 10);
        for wrong in ["big", "-1", "1.5GB", "1TB", "99999999999GiB"] {
            let error = size(wrong).unwrap_err().to_string();
            assert!(error.contains("size"), "{wrong}: {error}");
        }
    }
}
