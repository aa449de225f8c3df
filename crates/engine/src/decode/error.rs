//! What can be wrong with a page.

use arrow::error::ArrowError;

use crate::schema::ConformError;

/// Why a page could not be decoded. Nothing of the page was kept; the same bytes fail again.
///
/// Records are counted from 0 within the page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The record is not valid JSON: the body was cut or damaged, and may be whole when read again.
    #[error("parse `{path}` of record `{record}`: {reason}, at `{excerpt}`")]
    Malformed {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the value.
        path: String,
        /// What the parser expected.
        reason: String,
        /// At most 80 characters of the JSON from the mistake on.
        excerpt: String,
    },
    /// Values are nested more than 128 levels deep.
    #[error("parse `{path}` of record `{record}`: nested more than `{limit}` levels deep")]
    TooDeep {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the value, shortened.
        path: String,
        /// The greatest depth that is read.
        limit: usize,
    },
    /// An object has the same key twice, with different values: one of them would be lost.
    #[error("read key `{path}` of record `{record}` twice with different values, at `{excerpt}`")]
    DuplicateKey {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the key.
        path: String,
        /// At most 80 characters of the second value.
        excerpt: String,
    },
    /// A number's exponent has more than 18 digits, and the number can't be computed with exactly.
    #[error(
        "read number `{path}` of record `{record}`: an exponent of more than 18 digits, at `{excerpt}`; `data_type: text` \
         for its column keeps it as it is spelled, and so does `json` where it lies in an object or a list"
    )]
    ImmenseExponent {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the number.
        path: String,
        /// At most 80 characters of the JSON from the number on.
        excerpt: String,
    },
    /// The records have more top-level keys than a table can have columns: a map was selected as a record.
    #[error("read more than `{limit}` keys in the records up to record `{record}`")]
    TooManyColumns {
        /// Position of the record within the page.
        record: usize,
        /// Columns that a table can have.
        limit: usize,
    },
    /// A column of the primary key is null or missing.
    #[error("read primary key `{key}` of record `{record}`: null or missing, in `{excerpt}`")]
    MissingPrimaryKey {
        /// Position of the record within the page.
        record: usize,
        /// The key's source name.
        key: String,
        /// At most 80 characters of the record.
        excerpt: String,
    },
    /// A column declared `nullable: false` is null or missing.
    #[error("read column `{column}` of record `{record}`: null or missing, in `{excerpt}`")]
    MissingValue {
        /// Position of the record within the page.
        record: usize,
        /// The column's source name.
        column: String,
        /// At most 80 characters of the record.
        excerpt: String,
    },
    /// The cursor is null or missing.
    #[error("read cursor `{path}` of record `{record}`: null or missing, in `{excerpt}`")]
    MissingCursor {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the cursor.
        path: String,
        /// At most 80 characters of the record.
        excerpt: String,
    },
    /// The cursor is no time in its declared format.
    #[error(
        "read cursor `{path}` of record `{record}`: `{excerpt}` is not written as `{format}`{}",
        written.map(|name| format!("; `format: {name}` reads it")).unwrap_or_default()
    )]
    UnreadableCursor {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the cursor.
        path: String,
        /// The declared formats.
        format: String,
        /// The name of a format that reads it.
        written: Option<&'static str>,
        /// At most 80 characters of the value.
        excerpt: String,
    },
    /// The cursor is of another kind than the value that it is compared with.
    #[error(
        "compare cursor `{path}` of record `{record}`: {value} can't be compared with {other}; a cursor holds numbers, \
         times or other texts, and `incremental.format` tells how its times are written"
    )]
    MixedCursor {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the cursor.
        path: String,
        /// The value.
        value: String,
        /// What it is compared with: the start or the end of the slice, or the value of another record.
        other: String,
    },
    /// A value that requests of child resources need is null or missing.
    #[error("read `{path}` of record `{record}`: null or missing; the record has `{available}`")]
    MissingParentKey {
        /// Position of the record within the page.
        record: usize,
        /// The path that the child's template names.
        path: String,
        /// Paths that the record has.
        available: String,
    },
    /// An expression of a processing step fails for a record.
    #[error("process record `{record}`, `{excerpt}`")]
    Step {
        /// Position of the record within the page.
        record: usize,
        /// At most 80 characters of the record.
        excerpt: String,
        /// The cause.
        source: crate::plan::ExpressionError,
    },
    /// A field would get the name of another one.
    #[error(
        "rename a field of record `{record}` to `{field}`: it has that one already, in `{excerpt}`"
    )]
    FieldTaken {
        /// Position of the record within the page.
        record: usize,
        /// The new name.
        field: String,
        /// At most 80 characters of the record.
        excerpt: String,
    },
    /// A value that a frozen schema contract doesn't let in.
    #[error(
        "read `{column}` of record `{record}`, the value `{excerpt}`: {reason}, and `schema_contract` has `{frozen}: freeze`; {help}"
    )]
    ContractBroken {
        /// Position of the record within the page.
        record: usize,
        /// Path from the record to the value's key.
        column: String,
        /// At most 80 characters of the value.
        excerpt: String,
        /// What is wrong with it.
        reason: String,
        /// The key of the contract: `columns` or `data_type`.
        frozen: &'static str,
        /// What lets it in.
        help: &'static str,
    },
    /// A record lies outside the body: a mistake in this program.
    #[error("find record `{record}` in the body")]
    OutsideBody {
        /// Position of the record within the page.
        record: usize,
    },
    /// The page is too large to decode in one piece.
    #[error("decode a page of `{bytes}` bytes where `{limit}` are possible")]
    TooLarge {
        /// Size of the body and of the values copied from the parent record.
        bytes: usize,
        /// Greatest size.
        limit: usize,
    },
    /// The columns do not fit together: a mistake in this program.
    #[error("build the columns")]
    Arrow(#[from] ArrowError),
    /// Numbers could not be converted: a mistake in this program.
    #[error("convert the numbers")]
    Convert(#[from] ConformError),
}

impl Error {
    /// The same of a part of a page, before which so many records come.
    pub(super) fn behind(mut self, records: usize) -> Self {
        match &mut self {
            Self::Malformed { record, .. }
            | Self::TooDeep { record, .. }
            | Self::DuplicateKey { record, .. }
            | Self::ImmenseExponent { record, .. }
            | Self::TooManyColumns { record, .. }
            | Self::MissingPrimaryKey { record, .. }
            | Self::MissingValue { record, .. }
            | Self::MissingCursor { record, .. }
            | Self::UnreadableCursor { record, .. }
            | Self::MixedCursor { record, .. }
            | Self::MissingParentKey { record, .. }
            | Self::Step { record, .. }
            | Self::FieldTaken { record, .. }
            | Self::ContractBroken { record, .. }
            | Self::OutsideBody { record } => *record += records,
            Self::TooLarge { .. } | Self::Arrow(_) | Self::Convert(_) => {}
        }
        self
    }
}
