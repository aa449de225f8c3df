//! What a merge does with the rows of a load and with those that the table holds.

/// Name of the column that says from when a version is valid, unless the spec names another.
pub const DEFAULT_VALID_FROM: &str = "_dlt_valid_from";

/// Name of the column that says until when a version is valid, unless the spec names another.
pub const DEFAULT_VALID_TO: &str = "_dlt_valid_to";

/// Which rows a merge takes away and which it adds, beside the primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergePlan {
    /// What becomes of earlier rows that a load concerns.
    pub action: MergeAction,
    /// Which earlier rows a load concerns though it doesn't hold them.
    pub absent: AbsentRows,
    /// Source name of the column that marks deleted records.
    pub hard_delete: Option<String>,
    /// Which of the rows with one primary key counts; `None`: the last one, or the first where earlier rows stay.
    pub dedup_sort: Option<DedupColumn>,
}

/// What becomes of the earlier rows that a load concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeAction {
    /// They go, and the load's rows take their place.
    Replace,
    /// They stay, and those of the load with their keys are left out.
    KeepEarlier,
    /// They stay, and are no longer valid.
    KeepVersions(VersionsPlan),
}

/// Which earlier rows are concerned by a load that doesn't hold their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbsentRows {
    /// None.
    Unconcerned,
    /// Those that agree in these columns, by their source names, with a row of the load.
    InGroups(Vec<String>),
    /// All.
    Concerned,
}

/// The columns that tell versions of a record apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionsPlan {
    /// Name of the column that says from when a version is valid.
    pub valid_from: String,
    /// Name of the column that says until when; itself not included.
    pub valid_to: String,
    /// What `valid_to` holds while a version is valid, in microseconds since 1970 in UTC; `None`: null.
    pub active: Option<i64>,
    /// When versions begin and end, in microseconds since 1970 in UTC; `None`: with the load.
    pub boundary: Option<i64>,
    /// Source name of the column that changes with the record; `None`: all columns are compared.
    pub row_version: Option<String>,
}

/// A column that decides between rows with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupColumn {
    /// Source name.
    pub column: String,
    /// The greatest value counts, not the lowest.
    pub greatest: bool,
}

impl MergePlan {
    /// Rows take the place of those with the same primary key.
    pub const UPSERT: Self = Self {
        action: MergeAction::Replace,
        absent: AbsentRows::Unconcerned,
        hard_delete: None,
        dedup_sort: None,
    };

    /// Whether what a load doesn't hold may change the table, so that a part of a load would change too much.
    pub fn concerns_absent(&self) -> bool {
        self.absent != AbsentRows::Unconcerned
    }

    /// The columns by which groups of rows go; none where there are no groups.
    pub fn groups(&self) -> &[String] {
        match &self.absent {
            AbsentRows::InGroups(merge_key) => merge_key,
            AbsentRows::Unconcerned | AbsentRows::Concerned => &[],
        }
    }

    /// The columns of versions.
    pub fn versions(&self) -> Option<&VersionsPlan> {
        match &self.action {
            MergeAction::KeepVersions(versions) => Some(versions),
            _ => None,
        }
    }
}

impl Default for MergePlan {
    fn default() -> Self {
        Self::UPSERT
    }
}
