//! The whole spec.

use schemars::JsonSchema;
use serde::Deserialize;

use super::client::Client;
use super::resource::Resource;

/// A pipeline: one API, what is read from it, and where it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "engine pipeline")]
pub struct Pipeline {
    /// The version of the spec's language. Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The pipeline's name: part of the default destination and of every commit. Letters, digits, `_` and `-`.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$"))]
    pub name: String,
    /// How to reach the API.
    pub client: Client,
    /// What every resource gets that doesn't say it itself. `params` and `json` of the endpoint merge key by key, columns
    /// hint by hint, all else as a whole; null in a resource resets to the built-in default.
    #[serde(default, rename = "resource_defaults")]
    #[schemars(schema_with = "super::schema::resource_defaults")]
    pub merged_defaults: serde::de::IgnoredAny,
    /// What is read: each a mapping, or a string where name and path are the same.
    #[schemars(schema_with = "super::schema::resources")]
    pub resources: Vec<Resource>,
    /// Where the tables are written. Default: `./data/<name>`.
    #[serde(default)]
    pub destination: Destination,
}

/// Where and how tables are written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Destination {
    /// A folder, such as `./data/assembled`, or a `file://` URL. Relative paths start where the command runs.
    pub url: Option<String>,
    /// Compression of the Parquet pages. Default: `zstd`.
    pub compression: Compression,
    /// Effort of the compression, 1 to 22. Default: 3.
    #[schemars(range(min = 1, max = 22))]
    pub compression_level: Option<i32>,
    /// Size in bytes at which a data file is closed and the next one begun. Default: 134217728 (128 MiB).
    #[schemars(range(min = 1_048_576))]
    pub file_size_bytes: Option<u64>,
}

/// Compression of the Parquet pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Zstandard.
    #[default]
    Zstd,
}

/// Effort of the compression: the level at which more effort stops paying for records of an API.
pub const DEFAULT_COMPRESSION_LEVEL: i32 = 3;

/// Size at which a data file is closed: large enough for readers to stream, small enough to rewrite.
pub const DEFAULT_FILE_SIZE_BYTES: u64 = 128 * 1024 * 1024;
