//! What a table's columns are, in the words of the spec, and how they changed.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use super::column::{Column, ColumnType, Kind, Source};
use super::{METADATA_NAMES, TableSchema};

/// One column, or what lies in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnDescription {
    /// Where it is: the names that lead to it, joined by dots, with `[]` for what lies in a list and `{}` for what lies in a
    /// map.
    pub path: String,
    /// Its type, in the words of `columns:` in a spec; nested ones are `object`, `list of …` and `map of …`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether the spec declares its type.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub declared: bool,
    /// What the spec says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many others it lies in.
    #[serde(skip)]
    pub depth: usize,
    /// The column's own name, without those of what it lies in.
    #[serde(skip)]
    pub name: String,
    /// Stays the same where the column gets its name by another rule.
    #[serde(skip)]
    pub(crate) key: String,
    /// The engine gives it to rows, whatever their records hold.
    #[serde(skip)]
    pub(crate) given: bool,
}

/// How one column changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnChange {
    /// The column's path; see [`ColumnDescription::path`].
    pub column: String,
    /// What happened to it.
    #[serde(flatten)]
    pub change: Change,
    /// Whether the spec declares its type.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub declared: bool,
    #[serde(skip)]
    pub(crate) key: String,
    /// The engine gives it to rows: no record brings it.
    #[serde(skip)]
    pub(crate) given: bool,
}

/// What happened to a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It was not there before.
    Added {
        /// Its type.
        #[serde(rename = "type")]
        type_name: String,
    },
    /// It takes more values than before.
    Widened {
        /// The type before.
        from: String,
        /// The type since.
        to: String,
    },
    /// It may be null now, or may not any more.
    Nullable {
        /// Whether it may be.
        nullable: bool,
    },
    /// It is not there any more.
    Removed {
        /// Its type before.
        #[serde(rename = "type")]
        type_name: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { type_name } | Self::Removed { type_name } => {
                formatter.write_str(type_name)
            }
            Self::Widened { from, to } => write!(formatter, "{from} became {to}"),
            Self::Nullable { nullable: true } => formatter.write_str("may be null now"),
            Self::Nullable { nullable: false } => formatter.write_str("is never null any more"),
        }
    }
}

impl TableSchema {
    /// The columns in their order, each before what lies in it.
    pub fn describe(&self) -> Vec<ColumnDescription> {
        let mut found = Vec::new();
        describe_columns(&self.layout(), &Above::default(), &mut found);
        if self.metadata_columns {
            let types = ["text", "timestamp"];
            let metadata = METADATA_NAMES.into_iter().zip(types);
            found.extend(metadata.map(|(name, type_name)| ColumnDescription {
                path: name.to_owned(),
                type_name: type_name.to_owned(),
                nullable: false,
                declared: false,
                description: None,
                depth: 0,
                name: name.to_owned(),
                key: name.to_owned(),
                given: true,
            }));
        }
        found
    }
}

/// What changed from one schema to a later one: what is new or different in the order of the later one, then what is gone.
///
/// Of a column that is new as a whole, what lies in it is not told apart.
pub fn changes(before: Option<&TableSchema>, after: Option<&TableSchema>) -> Vec<ColumnChange> {
    let describe =
        |schema: Option<&TableSchema>| schema.map_or_else(Vec::new, TableSchema::describe);
    let (before, after) = (describe(before), describe(after));
    let known = by_key(&before);
    let mut changes = differences(&after, &known, |column, earlier| match earlier {
        None => Some(Change::Added {
            type_name: column.type_name.clone(),
        }),
        Some(earlier) if earlier.type_name != column.type_name => Some(Change::Widened {
            from: earlier.type_name.clone(),
            to: column.type_name.clone(),
        }),
        Some(earlier) => (earlier.nullable != column.nullable).then_some(Change::Nullable {
            nullable: column.nullable,
        }),
    });
    changes.extend(differences(&before, &by_key(&after), |column, later| {
        later.is_none().then(|| Change::Removed {
            type_name: column.type_name.clone(),
        })
    }));
    changes
}

type ByKey<'c> = HashMap<&'c str, &'c ColumnDescription>;

fn by_key(columns: &[ColumnDescription]) -> ByKey<'_> {
    let entries = columns.iter().map(|column| (column.key.as_str(), column));
    entries.collect()
}

fn differences(
    columns: &[ColumnDescription],
    others: &ByKey<'_>,
    difference: impl Fn(&ColumnDescription, Option<&ColumnDescription>) -> Option<Change>,
) -> Vec<ColumnChange> {
    let mut found = Vec::new();
    // The depth of a column that the others lack: what lies in it goes with it.
    let mut whole: Option<usize> = None;
    for column in columns {
        if whole.is_some_and(|depth| column.depth > depth) {
            continue;
        }
        let other = others.get(column.key.as_str()).copied();
        whole = other.is_none().then_some(column.depth);
        if let Some(change) = difference(column, other) {
            found.push(ColumnChange {
                column: column.path.clone(),
                change,
                declared: column.declared,
                key: column.key.clone(),
                given: column.given,
            });
        }
    }
    found
}

/// What a column lies in.
#[derive(Clone, Default)]
struct Above {
    /// Its path, with what joins it to the names in it.
    path: String,
    key: String,
    depth: usize,
}

fn describe_columns(columns: &[Column], above: &Above, found: &mut Vec<ColumnDescription>) {
    for (column, key) in columns.iter().zip(keys(&above.key, columns)) {
        let path = format!("{}{}", above.path, column.name);
        let given = column.declared && column.source.from_parent;
        found.push(ColumnDescription {
            path: path.clone(),
            type_name: type_name(&column.data_type),
            nullable: !column.required,
            declared: column.declared && !given,
            description: column.description.clone(),
            depth: above.depth,
            name: column.name.clone(),
            key: key.clone(),
            given,
        });
        let above = Above {
            path,
            key,
            depth: above.depth + 1,
        };
        describe_inside(&column.data_type, above, found);
    }
}

fn describe_inside(data_type: &ColumnType, mut above: Above, found: &mut Vec<ColumnDescription>) {
    match data_type {
        ColumnType::Struct(columns) => {
            above.path.push('.');
            above.key.push('.');
            describe_columns(columns, &above, found);
        }
        ColumnType::List(element) => {
            above.path.push_str("[]");
            above.key.push_str("[]");
            describe_inside(element, above, found);
        }
        ColumnType::Map(value) => {
            above.path.push_str("{}");
            above.key.push_str("{}");
            describe_inside(value, above, found);
        }
        _ => {}
    }
}

/// The key of each column of a level, in what has the key `above`: where its values come from, of what kind they are, and which
/// of the columns for such values it is.
pub(super) fn keys(above: &str, columns: &[Column]) -> Vec<String> {
    let mut counts: HashMap<(&Source, Option<Kind>), usize> = HashMap::new();
    let mut keys = Vec::with_capacity(columns.len());
    for Column { source, kind, .. } in columns {
        let count = counts.entry((source, *kind)).or_default();
        *count += 1;
        let parent = if source.from_parent { "^" } else { "" };
        let kind = kind.map_or("any", Kind::name);
        let name = source.base_name();
        keys.push(format!("{above}{parent}{name}\u{0}{kind}{count}\u{0}"));
    }
    keys
}

/// A type in the words of a spec.
pub(crate) fn type_name(data_type: &ColumnType) -> String {
    match data_type {
        ColumnType::Void => "nothing yet".to_owned(),
        ColumnType::Bool => "bool".to_owned(),
        ColumnType::Int64 => "bigint".to_owned(),
        ColumnType::UInt64 => "unsigned bigint".to_owned(),
        ColumnType::Float64 => "double".to_owned(),
        ColumnType::Decimal(precision, scale) => format!("decimal({precision}, {scale})"),
        ColumnType::NumberText => "text of numbers".to_owned(),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Timestamp(_) => "timestamp".to_owned(),
        ColumnType::TimestampNanoseconds => "timestamp(9)".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Time => "time".to_owned(),
        ColumnType::Binary => "binary".to_owned(),
        ColumnType::Json => "json".to_owned(),
        ColumnType::Struct(_) => "object".to_owned(),
        ColumnType::List(element) => format!("list of {}", type_name(element)),
        ColumnType::Map(value) => format!("map of {}", type_name(value)),
        ColumnType::Mixed(_) => "mixed".to_owned(),
    }
}
