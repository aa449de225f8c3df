//! What a schema contract compares: values with the columns that a table has, and a load with itself.

use std::collections::HashSet;

use super::TableSchema;
use super::child_table::{ChildTable, Level};
use super::column::{Column, ColumnType, Kind, Source, places};
use super::evolve::{Fit, evolve};
use super::form::Form;
use super::observed::{Field, ObjectSummary, Observed};

/// The path of a key within the value at `parent`; empty for the record itself.
pub(crate) fn key_path(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}

/// The path of the elements of the list at `list`.
pub(crate) fn elements_path(list: &str) -> String {
    format!("{list}[]")
}

/// The path of the values of the map at `map`.
fn values_path(map: &str) -> String {
    key_path(map, "*")
}

impl Source {
    /// The path of what lies there within the value at `parent`.
    pub(crate) fn path(&self, parent: &str) -> String {
        let keys = self.within.iter().chain([&self.key]);
        keys.fold(parent.to_owned(), |path, key| key_path(&path, key))
    }
}

impl Column {
    /// What the column holds, for messages.
    pub(crate) fn noun(&self) -> String {
        match (&self.data_type, self.kind) {
            (ColumnType::Json, Some(Kind::Object)) => "objects".to_owned(),
            (ColumnType::Json, Some(Kind::List)) => "lists".to_owned(),
            (data_type, _) => data_type.noun(),
        }
    }
}

/// Whether one of `columns`, those of one source, holds all values of a kind as it is.
///
/// `{}`, `[]` and objects that hold nothing but such need no column, however many come together.
pub(crate) fn has_place(columns: &[&Column], observed: &Observed, kind: Kind) -> bool {
    let mut candidates = columns
        .iter()
        .filter(|column| column.takes(kind))
        .peekable();
    if candidates.peek().is_none() {
        return match kind {
            Kind::Object => observed.object.as_ref().is_none_or(is_empty),
            Kind::List => observed
                .list
                .as_ref()
                .is_none_or(|list| **list == Observed::default()),
            _ => false,
        };
    }
    candidates.any(|column| column.data_type.takes(observed, kind))
}

fn is_empty(object: &ObjectSummary) -> bool {
    let fields = object.fields.iter().map(|field| &field.observed);
    let mut all = fields.chain(object.values.as_deref());
    !object.deep && all.all(|observed| all_fit(observed, &[]))
}

impl ColumnType {
    /// Whether the type holds all values of a kind exactly, without being widened.
    pub(crate) fn takes(&self, observed: &Observed, kind: Kind) -> bool {
        matches!(evolve(self, observed, kind, None, Form::default()), Fit::All(evolved) if evolved == *self)
    }

    /// What a column of the type holds, for messages.
    pub(crate) fn noun(&self) -> String {
        match self {
            Self::Bool => "booleans".to_owned(),
            Self::Int64 => "64-bit integers".to_owned(),
            Self::UInt64 => "unsigned 64-bit integers".to_owned(),
            Self::Float64 => "64-bit floating-point numbers".to_owned(),
            Self::Decimal(precision, scale) => {
                format!("decimals of {precision} digits, {scale} behind the point")
            }
            Self::NumberText => "numbers".to_owned(),
            Self::Text => "texts".to_owned(),
            Self::Timestamp(_) | Self::TimestampNanoseconds => "timestamps".to_owned(),
            Self::Date => "dates".to_owned(),
            Self::Time => "times of day".to_owned(),
            Self::Binary => "bytes".to_owned(),
            Self::Void | Self::Struct(_) => "objects".to_owned(),
            Self::List(element) => format!("lists of {}", element.noun()),
            Self::Map(value) => format!("maps to {}", value.noun()),
            Self::Json | Self::Mixed(_) => "any JSON".to_owned(),
        }
    }
}

impl Kind {
    /// A value of the kind, for messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Bool => "a boolean",
        }
    }
}

impl Field {
    /// Whether `columns`, those of the same source, hold each value as they are.
    pub(crate) fn fits(&self, columns: &[&Column]) -> bool {
        all_fit(&self.observed, columns)
    }
}

fn all_fit(observed: &Observed, columns: &[&Column]) -> bool {
    let mut kinds = observed.kinds();
    kinds.all(|kind| has_place(columns, observed, kind))
}

/// A key whose values need more than one column, and a table that has but one, or none, for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mixture {
    /// The top-level key that it is, or lies under.
    pub(crate) key: String,
    /// The path from the record to the key.
    pub(crate) path: String,
    /// What the columns hold.
    pub(crate) kinds: Vec<&'static str>,
    /// It lies in objects or lists of which the load says the type: more of their values may make them maps of JSON text,
    /// or JSON text, with no columns within.
    pub(crate) may_end: bool,
}

impl TableSchema {
    /// The source keys of the table's columns whose types are only declared, never found from values, with these types.
    pub(crate) fn declared_only(&self) -> Vec<(String, ColumnType)> {
        let layout = self.layout();
        let declared = layout.iter().filter(|column| {
            let is_own = column.source.within.is_empty() && !column.source.from_parent;
            let is_declared_only = matches!(
                column.data_type,
                ColumnType::Time | ColumnType::Binary | ColumnType::TimestampNanoseconds
            );
            is_own && is_declared_only && !column.closed
        });
        let found = declared.map(|column| (column.source.key.clone(), column.data_type.clone()));
        found.collect()
    }

    /// Whether the table has columns beside those of the metadata.
    pub(crate) fn has_columns(&self) -> bool {
        !self.layout().is_empty()
    }

    /// The keys whose values need a variant column that the table hasn't, in the order of the columns.
    pub(crate) fn mixtures(&self, committed: Option<&Self>) -> Vec<Mixture> {
        let settled = self.settle(committed);
        let before = committed.and_then(|committed| committed.columns.as_deref());
        let mut found = Vec::new();
        let before = before.unwrap_or_default();
        collect(&settled.layout(), before, None, &mut found);
        let tables = committed.map_or(&[][..], |committed| &committed.tables);
        collect_tables(&settled.tables, tables, None, &mut found);
        found
    }
}

/// Child tables are there already, or stand behind those that are.
fn collect_tables(
    tables: &[ChildTable],
    before: &[ChildTable],
    parent: Option<Parent<'_>>,
    found: &mut Vec<Mixture>,
) {
    for table in tables {
        let level = Level {
            columns: &[],
            tables: before,
        };
        let before = level.table(&table.source);
        let path = table.source.path(parent.map_or("", |parent| parent.path));
        let parent = Parent {
            key: parent.map_or(table.source.top_level(), |parent| parent.key),
            path: &elements_path(&path),
            may_end: false,
        };
        let (columns, tables) = before.map_or((&[][..], &[][..]), |before| {
            (&before.columns, &before.tables)
        });
        collect(&table.columns, columns, Some(parent), found);
        collect_tables(&table.tables, tables, Some(parent), found);
    }
}

/// Where columns lie: the top-level key that they lie under, and the path of the value whose members they are.
#[derive(Clone, Copy)]
struct Parent<'a> {
    key: &'a str,
    path: &'a str,
    /// See [`Mixture::may_end`].
    may_end: bool,
}

/// New columns stand behind those that there were.
fn collect(
    columns: &[Column],
    before: &[Column],
    parent: Option<Parent<'_>>,
    found: &mut Vec<Mixture>,
) {
    let places = places(columns);
    let mut told = HashSet::new();
    for (at, column) in columns.iter().enumerate() {
        let path = column.source.path(parent.map_or("", |parent| parent.path));
        let key = parent.map_or(column.source.top_level(), |parent| parent.key);
        let is_apart = !column.source.within.is_empty();
        let may_end = is_apart || parent.is_some_and(|parent| parent.may_end);
        let of_source = places.get(&column.source).map_or(&[][..], Vec::as_slice);
        let is_new = at >= before.len() && !column.declared;
        let is_variant = of_source.first().is_some_and(|first| *first < at);
        if is_new && is_variant && told.insert(&column.source) {
            let kinds = of_source.iter().map(|at| columns[*at].kind);
            let kinds = kinds.map(|kind| kind.map_or("json", Kind::name));
            found.push(Mixture {
                key: key.to_owned(),
                path: path.clone(),
                kinds: kinds.collect(),
                may_end,
            });
        }
        let before = before.get(at).map(|column| &column.data_type);
        let parent = Parent {
            key,
            path: &path,
            may_end,
        };
        collect_nested(&column.data_type, before, parent, found);
    }
}

fn collect_nested(
    data_type: &ColumnType,
    before: Option<&ColumnType>,
    parent: Parent<'_>,
    found: &mut Vec<Mixture>,
) {
    match data_type {
        ColumnType::Struct(columns) => {
            let (before, may_end) = match before {
                Some(ColumnType::Struct(before)) => (before.as_slice(), parent.may_end),
                _ => (&[][..], true),
            };
            collect(columns, before, Some(Parent { may_end, ..parent }), found);
        }
        ColumnType::List(element) | ColumnType::Map(element) => {
            let before = match before {
                Some(ColumnType::List(before) | ColumnType::Map(before)) => Some(&**before),
                _ => None,
            };
            let path = match data_type {
                ColumnType::Map(_) => values_path(parent.path),
                _ => elements_path(parent.path),
            };
            let parent = Parent {
                path: &path,
                may_end: parent.may_end || before.is_none(),
                ..parent
            };
            collect_nested(element, before, parent, found);
        }
        _ => {}
    }
}
