//! How often a run commits.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::byte_size::ByteSize;
use super::value::TimeSpan;

/// After how much a run commits what is finished; what isn't given has its default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checkpoint {
    /// Size in memory of the rows that wait for a commit.
    pub size: Option<ByteSize>,
    /// Time since the last commit.
    pub every: Option<TimeSpan>,
}

#[derive(Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Mapping {
    /// Size in memory of the rows that wait for a commit, such as `256MiB`. Default: `256MiB`.
    size: Option<ByteSize>,
    /// Time since the last commit, such as `5m`. Default: `5m`.
    every: Option<TimeSpan>,
}

impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CheckpointVisitor;

        impl<'de> Visitor<'de> for CheckpointVisitor {
            type Value = Checkpoint;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "a size such as `256MiB`, a length of time such as `5m`, or a mapping of `size` and `every`",
                )
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Checkpoint, E> {
                Ok(Checkpoint {
                    size: Some(ByteSize(value)),
                    every: None,
                })
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Checkpoint, E> {
                let size = ByteSize::deserialize(StrDeserializer::<E>::new(text)).ok();
                let every = TimeSpan::deserialize(StrDeserializer::<E>::new(text)).ok();
                match (size, every) {
                    (None, None) => Err(E::custom(format!(
                        "`{text}` is neither a size, such as `256MiB`, nor a length of time, such as `5m`"
                    ))),
                    // A bare number is a size.
                    (Some(size), _) => Ok(Checkpoint {
                        size: Some(size),
                        every: None,
                    }),
                    (None, every) => Ok(Checkpoint { size: None, every }),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Checkpoint, A::Error> {
                let Mapping { size, every } =
                    Mapping::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(Checkpoint { size, every })
            }
        }

        deserializer.deserialize_any(CheckpointVisitor)
    }
}

impl JsonSchema for Checkpoint {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Checkpoint".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                ByteSize::json_schema(generator),
                TimeSpan::json_schema(generator),
                Mapping::json_schema(generator),
            ]
        })
    }
}
