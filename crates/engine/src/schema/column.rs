//! Columns: where the values of one kind of one source key lie in a table.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, TimeUnit};
use serde::{Deserialize, Serialize};

use super::spelling::Spelling;

/// Digits of the widest decimal, which is also the precision of every inferred one.
pub(crate) const DECIMAL_DIGITS: u8 = 38;

/// The kinds of JSON values, in the order in which they claim the plain column name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Object,
    List,
    String,
    Number,
    Bool,
}

impl Kind {
    /// All kinds, in their order.
    pub(crate) const ALL: [Self; 5] = [
        Self::Object,
        Self::List,
        Self::String,
        Self::Number,
        Self::Bool,
    ];

    /// Its values, in words.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Object => "objects",
            Self::List => "lists",
            Self::String => "texts",
            Self::Number => "numbers",
            Self::Bool => "booleans",
        }
    }

    /// The name at the end of a variant column's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::List => "list",
            Self::String => "string",
            Self::Number => "number",
            Self::Bool => "bool",
        }
    }
}

/// The type of a column, finer than its Arrow type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ColumnType {
    /// Only null and `{}` so far: a boolean that is true for `{}`. Never in a settled schema.
    Void,
    Bool,
    Int64,
    UInt64,
    Float64,
    /// Precision and scale.
    Decimal(u8, i8),
    /// Numbers in their canonical spelling, where no number type holds them exactly.
    NumberText,
    Text,
    /// Microseconds in UTC; with the spelling that gives back the text where it is known.
    Timestamp(Option<Spelling>),
    /// Nanoseconds in UTC; declared, never inferred.
    TimestampNanoseconds,
    Date,
    /// Microseconds since midnight; declared, never inferred.
    Time,
    /// Bytes; declared, never inferred.
    Binary,
    /// JSON text.
    Json,
    Struct(Vec<Column>),
    List(Box<Self>),
    /// Objects as entries from key to value, sorted by the bytes of the keys.
    Map(Box<Self>),
    /// Elements of several kinds in a list or a map, as a struct with one field for each. Never in a settled schema.
    Mixed(Vec<(Kind, Self)>),
}

impl ColumnType {
    /// Whether no value but null, `{}` and `[]` was seen.
    pub(crate) fn is_void(&self) -> bool {
        match self {
            Self::Void => true,
            Self::List(element) => element.is_void(),
            Self::Map(value) => match &**value {
                Self::Mixed(parts) => parts.iter().all(|(_, part)| part.is_void()),
                value => value.is_void(),
            },
            Self::Struct(columns) => columns.iter().all(|column| column.data_type.is_void()),
            _ => false,
        }
    }

    /// Whether values of both types are the same in a file: only how timestamps were spelled may differ.
    pub(crate) fn is_stored_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Timestamp(_), Self::Timestamp(_)) => true,
            (Self::List(element), Self::List(other)) => element.is_stored_as(other),
            (Self::Struct(columns), Self::Struct(others)) => {
                let same = |(column, other): (&Column, &Column)| {
                    column.source == other.source
                        && column.kind == other.kind
                        && column.name == other.name
                        && column.data_type.is_stored_as(&other.data_type)
                };
                columns.len() == others.len() && columns.iter().zip(others).all(same)
            }
            _ => self == other,
        }
    }

    /// The kind of value that a column of this type takes; `None`: any.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Void | Self::Struct(_) | Self::Map(_) => Some(Kind::Object),
            Self::List(_) => Some(Kind::List),
            Self::Text
            | Self::Timestamp(_)
            | Self::TimestampNanoseconds
            | Self::Date
            | Self::Time
            | Self::Binary => Some(Kind::String),
            Self::Int64 | Self::UInt64 | Self::Float64 | Self::Decimal(..) | Self::NumberText => {
                Some(Kind::Number)
            }
            Self::Bool => Some(Kind::Bool),
            Self::Json | Self::Mixed(_) => None,
        }
    }

    /// The Arrow type of arrays of this type.
    pub(crate) fn arrow_type(&self) -> DataType {
        match self {
            Self::Void | Self::Bool => DataType::Boolean,
            Self::Int64 => DataType::Int64,
            Self::UInt64 => DataType::UInt64,
            Self::Float64 => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::NumberText | Self::Text | Self::Json => DataType::Utf8,
            Self::Timestamp(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::TimestampNanoseconds => {
                DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
            }
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Binary => DataType::Binary,
            Self::Struct(columns) => DataType::Struct(arrow_fields(columns)),
            Self::List(element) => DataType::List(element.element_field()),
            Self::Map(value) => DataType::Map(value.entries_field(), false),
            Self::Mixed(parts) => DataType::Struct(mixed_fields(parts)),
        }
    }

    /// The Arrow field of the elements of a list of this type.
    pub(crate) fn element_field(&self) -> Arc<ArrowField> {
        Arc::new(ArrowField::new_list_field(self.arrow_type(), true))
    }

    /// The Arrow field of the entries of a map to values of this type, with the names that Parquet asks for.
    pub(crate) fn entries_field(&self) -> Arc<ArrowField> {
        let key = ArrowField::new("key", DataType::Utf8, false);
        let value = ArrowField::new("value", self.arrow_type(), true);
        let entries = DataType::Struct(vec![key, value].into());
        Arc::new(ArrowField::new("key_value", entries, false))
    }
}

/// One column: the values of one kind under one source key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Column {
    /// Where its values come from.
    #[serde(flatten)]
    pub(crate) source: Source,
    /// The kind of value that it takes; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Kind>,
    /// The column's name, unique at its level whatever the case of its letters.
    pub(crate) name: String,
    /// The column's type.
    #[serde(rename = "type")]
    pub(crate) data_type: ColumnType,
    /// Each row has a value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) required: bool,
    /// The type was declared, so it never widens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) declared: bool,
    /// Takes no more values: those of later commits go to a variant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) closed: bool,
    /// Kept as the field's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

impl Column {
    /// Whether it takes new values of a kind.
    pub(crate) fn takes(&self, kind: Kind) -> bool {
        !self.closed && self.kind.is_none_or(|taken| taken == kind)
    }

    /// The Arrow field of the column.
    pub(crate) fn arrow_field(&self) -> ArrowField {
        let field = ArrowField::new(&self.name, self.data_type.arrow_type(), !self.required);
        match &self.description {
            Some(text) => {
                field.with_metadata(HashMap::from([("description".to_owned(), text.clone())]))
            }
            None => field,
        }
    }
}

/// Where values come from: a key of the record or object, or the record's parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Source {
    /// Copied from the parent record, or given to the row, rather than read under this key.
    #[serde(
        default,
        rename = "from_parent",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub(crate) from_parent: bool,
    /// The keys of the objects around it, where a column was made of what lies in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) within: Vec<String>,
    /// The key, as spelled in the JSON.
    pub(crate) key: String,
}

impl Source {
    /// A key of a record or object.
    pub(crate) fn key(key: impl Into<String>) -> Self {
        Self {
            from_parent: false,
            within: Vec::new(),
            key: key.into(),
        }
    }

    /// What lies under a key of the objects that are under this one.
    pub(crate) fn inner(&self, key: &str) -> Self {
        let mut within = self.within.clone();
        within.push(self.key.clone());
        Self {
            from_parent: self.from_parent,
            within,
            key: key.to_owned(),
        }
    }

    /// The objects that it lies in, from the outermost on.
    pub(crate) fn around(&self) -> impl Iterator<Item = Self> + '_ {
        let keys = self.within.iter().enumerate();
        keys.map(|(depth, key)| Self {
            from_parent: self.from_parent,
            within: self.within.iter().take(depth).cloned().collect(),
            key: key.clone(),
        })
    }

    /// The key of the record that it is, or lies under.
    pub(crate) fn top_level(&self) -> &str {
        self.within.first().unwrap_or(&self.key)
    }

    /// Whether this lies in the objects that are under `other`, at any depth.
    pub(crate) fn is_in(&self, other: &Self) -> bool {
        let path = other.within.iter().chain([&other.key]);
        self.from_parent == other.from_parent
            && self.within.len() > other.within.len()
            && path.zip(&self.within).all(|(left, right)| left == right)
    }

    /// The name that a column asks for: the keys joined by `__`.
    pub(crate) fn base_name(&self) -> String {
        let keys = self.within.iter().chain([&self.key]);
        keys.map(String::as_str).collect::<Vec<_>>().join("__")
    }
}

/// Where the columns of each source are.
pub(super) type Places<'c> = HashMap<&'c Source, Vec<usize>>;

/// Where the columns of each source are among these, in their order.
pub(super) fn places(columns: &[Column]) -> Places<'_> {
    let mut places = Places::new();
    for (at, column) in columns.iter().enumerate() {
        places.entry(&column.source).or_default().push(at);
    }
    places
}

/// The Arrow fields of columns at one level.
pub(crate) fn arrow_fields(columns: &[Column]) -> Fields {
    columns.iter().map(Column::arrow_field).collect()
}

/// The Arrow fields of list elements of several kinds.
pub(crate) fn mixed_fields(parts: &[(Kind, ColumnType)]) -> Fields {
    parts
        .iter()
        .map(|(kind, part)| ArrowField::new(kind.name(), part.arrow_type(), true))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_share_an_arrow_type_are_told_apart() {
        let list = |element| ColumnType::List(Box::new(element));
        let (void, bools) = (list(ColumnType::Void), list(ColumnType::Bool));
        assert_eq!(void.arrow_type(), bools.arrow_type());
        assert!(!void.is_stored_as(&bools));
        assert!(bools.is_stored_as(&bools));
        assert!(!ColumnType::Text.is_stored_as(&ColumnType::Json));
    }
}
