//! The whole spec.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::byte_size::ByteSize;
use super::checkpoint::Checkpoint;
use super::client::Client;
use super::compression::Compression;
use super::resource::Resource;
use super::store_option::StoreOption;
use super::value::OneOrMany;
use super::var::Var;

/// A pipeline: one API, what is read from it, and where it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "engine pipeline")]
pub struct Pipeline {
    /// The version of the spec's language. Default: 1, the only one.
    #[serde(default = "first_version")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The pipeline's name: part of the default destination and of every commit. Letters, digits, `_` and `-`. Default:
    /// the name of the spec's file, without its ending.
    #[serde(default)]
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$"))]
    pub name: String,
    /// What the pipeline is for, for people: `engine docs` prints it. Default: none.
    pub description: Option<String>,
    /// Names that the pipeline had before. Tables of such a name are gone on with; those of any other pipeline are refused.
    /// Default: none.
    #[serde(default)]
    pub renamed_from: OneOrMany,
    /// Files whose keys are put into this spec, with paths from this file on. What this file says comes first: mappings are
    /// put together key by key, `resources` are put behind those that are included, all else is taken as a whole.
    #[serde(default, rename = "include")]
    #[schemars(schema_with = "super::schema::one_or_more_paths")]
    pub included_files: serde::de::IgnoredAny,
    /// Values that a run may set by `--var name=value` or by an environment variable of that name: each a default, or a
    /// mapping. `${name}` puts a value in.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::vars")]
    pub vars: IndexMap<String, Var>,
    /// How to reach the API.
    pub client: Client,
    /// What every resource gets that doesn't say it itself. `params` and `json` of the endpoint merge key by key, columns
    /// hint by hint, all else as a whole; null in a resource resets to the built-in default. A `path` of its endpoint has
    /// no effect, as in dlt: each resource has its own.
    #[serde(default, rename = "resource_defaults")]
    #[schemars(schema_with = "super::schema::resource_defaults")]
    pub merged_defaults: serde::de::IgnoredAny,
    /// What is read: each a mapping, or a string where name and path are the same.
    #[schemars(schema_with = "super::schema::resources")]
    pub resources: Vec<Resource>,
    /// How much memory a run takes, about: bytes, or a size such as `512MiB`. At least 128 MiB. Default: `256MiB`. Answers
    /// wait for one another within it; one that is larger than an eighth of it is kept in the folder for temporary files
    /// (`TMPDIR`, which should be on a disk) and read in parts, where keys alone lead to its records. Not counted are what a high compression level takes, the keys of a
    /// merge, and the rows of many tables that are read side by side.
    #[serde(default)]
    pub memory_budget: Option<ByteSize>,
    /// How often a run commits what is finished, so that a run that is stopped or killed is gone on with: a size of rows that
    /// wait (in memory, before compression), such as `256MiB`, a length of time such as `5m`, or a mapping of both (`size`,
    /// `every`); whichever comes first counts. Default: `{ size: 256MiB, every: 5m }`, and what isn't given keeps its default.
    /// A commit is made where slices end: what is read in one slice, a table that is replaced, and a parent whose children
    /// still read are committed at the end. A merge joins the rows of each commit to its table.
    #[serde(default)]
    pub checkpoint: Checkpoint,
    /// Where the tables are written. Default: `./data/<name>`, and in it a folder for each value of `vars` that tells one
    /// account from another, such as `./data/shop/account=acme`.
    #[serde(default)]
    pub destination: Destination,
}

fn first_version() -> u32 {
    1
}

/// Where and how tables are written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Destination {
    /// A folder, such as `./data/assembled`, or a URL: `file://`, `s3://bucket/prefix`, `gs://bucket/prefix`,
    /// `az://container/prefix`, `memory://` (gone with the run). Relative paths start where the command runs.
    pub url: Option<String>,
    /// Settings of the store that the URL leads to, such as `endpoint`, `region`, `allow_http` or `skip_signature`: all keys
    /// of the library `object_store`, see `docs/destinations.md`. They come before what the environment says.
    pub options: IndexMap<String, StoreOption>,
    /// Compression of the Parquet pages: `zstd`, `snappy`, `lz4` (Parquet's `LZ4_RAW`), `gzip` or `none`. The effort may
    /// follow in brackets: `zstd(1)` to `zstd(22)`, by default 3, and `gzip(1)` to `gzip(9)`, by default 6. Default:
    /// `zstd`.
    pub compression: Compression,
    /// Encoded size in bytes at which a row group ends, at the latest after 1048576 rows. Readers skip and share out work
    /// by row groups; while a file is written, one is held in memory for each file that is open. Default: 33554432 (32 MiB).
    #[schemars(range(min = 1_048_576))]
    pub row_group_bytes: Option<u64>,
    /// Size in bytes at which a data file is closed and the next one begun. Default: 134217728 (128 MiB).
    #[schemars(range(min = 1_048_576))]
    pub file_size_bytes: Option<u64>,
}

/// Encoded size at which a row group ends: enough for readers to skip by, little enough for several open files.
pub const DEFAULT_ROW_GROUP_BYTES: u64 = 32 * 1024 * 1024;

/// Size at which a data file is closed: large enough for readers to stream, small enough to rewrite.
pub const DEFAULT_FILE_SIZE_BYTES: u64 = 128 * 1024 * 1024;

/// Size in memory of the rows that wait at which a run commits: a file or two of the usual size.
pub const DEFAULT_CHECKPOINT_BYTES: u64 = 256 * 1024 * 1024;

/// Time since the last commit at which a run commits, in seconds: what is lost at most where slices are short.
pub const DEFAULT_CHECKPOINT_SECONDS: u64 = 300;
