//! `write_disposition`: how rows join those that the table already holds.

use schemars::JsonSchema;
use serde::Deserialize;

/// How rows join those that the table already holds, and by which strategy a merge does it.
///
/// The short form `merge` stands for `{ disposition: merge }`, and so on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteDisposition {
    /// `append`, `replace`, `merge` or `skip`.
    pub disposition: Disposition,
    /// Which rows a `merge` takes away and which it adds. Default: `delete-insert`.
    pub strategy: Option<MergeStrategy>,
    /// For `scd2`: the names of the two columns that say from when and until when a version is valid. Default:
    /// `[_dlt_valid_from, _dlt_valid_to]`.
    pub validity_column_names: Option<Vec<String>>,
    /// For `scd2`: what the second of these columns holds while a version is valid, in RFC 3339 or as a date, such as
    /// `9999-12-31`. Default: null.
    pub active_record_timestamp: Option<String>,
    /// For `scd2`: from when new versions are valid, and until when those are that they end, in RFC 3339 or as a date.
    /// Default: the start of the run.
    pub boundary_timestamp: Option<String>,
    /// For `scd2`: the column whose value changes whenever a record does; records are compared by it alone. Default: all
    /// columns are compared.
    pub row_version_column_name: Option<String>,
    /// For `delete-insert`: that each key comes once in a load. Keys are compared all the same, so that it changes
    /// nothing. Default: false.
    pub deduplicated: Option<bool>,
    /// For `upsert` and `cdc`: that rows which have not changed are not written again. They never are, so that it changes
    /// nothing. Default: true.
    pub skip_unchanged_rows: Option<bool>,
}

/// How rows join those that the table already holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Adds the rows; earlier ones stay.
    #[default]
    Append,
    /// The rows of this run take the place of all earlier ones.
    Replace,
    /// A row takes the place of an earlier one with the same primary key; see `strategy` for other ways.
    Merge,
    /// Reads the resource for its children only; writes nothing.
    Skip,
}

/// Which rows a merge takes away and which it adds. Of rows with the same `primary_key` in one load, one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MergeStrategy {
    /// Takes away all rows with a `primary_key` of the load, and all with a `merge_key` of the load; then adds the rows.
    /// Needs one of these keys.
    #[default]
    DeleteInsert,
    /// A row takes the place of the one with the same `primary_key`; all others stay.
    Upsert,
    /// Adds the rows whose `primary_key` the table doesn't hold, the first of each; earlier rows stay as they are.
    InsertOnly,
    /// As `upsert`, and takes away the rows whose `primary_key` is not in the load: all, or, where there is a `merge_key`,
    /// those with a `merge_key` of the load.
    Cdc,
    /// Keeps the history: a record that changed, or that is not in the load, stays as a version that is no longer valid, and
    /// what is new becomes a version that is. With a `merge_key`, only records with a `merge_key` of the load count as
    /// absent from it.
    Scd2,
}

impl MergeStrategy {
    /// The name in specs.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeleteInsert => "delete-insert",
            Self::Upsert => "upsert",
            Self::InsertOnly => "insert-only",
            Self::Cdc => "cdc",
            Self::Scd2 => "scd2",
        }
    }
}

/// Which of two rows counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DedupSort {
    /// The one with the lowest value.
    Asc,
    /// The one with the greatest value.
    Desc,
}
