//! `destination.compression`: a codec and, for some, its level.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer};

/// Level of `zstd` that names none: the one at which more effort stops paying for records of an API.
pub const DEFAULT_ZSTD_LEVEL: i32 = 3;

/// Level of `gzip` that names none, as in gzip itself.
pub const DEFAULT_GZIP_LEVEL: u32 = 6;

const ZSTD_LEVELS: RangeInclusive<i32> = 1..=22;
const GZIP_LEVELS: RangeInclusive<u32> = 1..=9;

/// Compression of the Parquet pages, written as `zstd`, `zstd(9)`, `snappy`, `lz4`, `gzip`, `gzip(9)` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard, with its level.
    Zstd(i32),
    /// Snappy.
    Snappy,
    /// LZ4 blocks without a frame, Parquet's `LZ4_RAW`.
    Lz4,
    /// gzip, with its level.
    Gzip(u32),
    /// Pages as they are.
    None,
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(DEFAULT_ZSTD_LEVEL)
    }
}

impl Compression {
    /// `None` where the text is no codec, or its level out of range.
    fn parse(text: &str) -> Option<Self> {
        let (codec, level) = match text.strip_suffix(')').map(|text| text.split_once('(')) {
            Some(Some((codec, level))) => (codec, Some(level)),
            Some(None) => return None,
            None => (text, None),
        };
        match (codec, level) {
            ("zstd", None) => Some(Self::Zstd(DEFAULT_ZSTD_LEVEL)),
            ("zstd", Some(level)) => {
                let level = level.parse().ok();
                level
                    .filter(|level| ZSTD_LEVELS.contains(level))
                    .map(Self::Zstd)
            }
            ("gzip", None) => Some(Self::Gzip(DEFAULT_GZIP_LEVEL)),
            ("gzip", Some(level)) => {
                let level = level.parse().ok();
                level
                    .filter(|level| GZIP_LEVELS.contains(level))
                    .map(Self::Gzip)
            }
            ("snappy", None) => Some(Self::Snappy),
            ("lz4", None) => Some(Self::Lz4),
            ("none", None) => Some(Self::None),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Compression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is not a compression; write `zstd`, `zstd(1)` to `zstd(22)`, `snappy`, `lz4`, `gzip`, \
                 `gzip(1)` to `gzip(9)`, or `none`"
            ))
        })
    }
}

impl JsonSchema for Compression {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Compression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^(zstd(\(([1-9]|1[0-9]|2[0-2])\))?|snappy|lz4|gzip(\([1-9]\))?|none)$",
            "examples": ["zstd", "zstd(9)", "snappy", "lz4", "gzip", "none"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_stands_alone_or_with_its_level() {
        let check = |text, expected| assert_eq!(Compression::parse(text), expected, "{text}");
        check("zstd", Some(Compression::Zstd(3)));
        check("zstd(1)", Some(Compression::Zstd(1)));
        check("zstd(22)", Some(Compression::Zstd(22)));
        check("gzip", Some(Compression::Gzip(6)));
        check("gzip(9)", Some(Compression::Gzip(9)));
        check("snappy", Some(Compression::Snappy));
        check("lz4", Some(Compression::Lz4));
        check("none", Some(Compression::None));
        for wrong in [
            "",
            "ZSTD",
            "zstd()",
            "zstd(0)",
            "zstd(23)",
            "zstd(-1)",
            "zstd(3",
            "zstd3)",
            "gzip(0)",
            "gzip(10)",
            "snappy(1)",
            "lz4(1)",
            "none(1)",
            "brotli",
        ] {
            check(wrong, None);
        }
    }
}
