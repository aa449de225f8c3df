//! What a plan declares of the columns, as decoding needs it.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::plan::{
    ColumnHint, CursorColumn, CursorFormat, CursorPath, DeclaredType, DecodePlan, TimeFormat,
};
use crate::schema::{ColumnType, Declaration, Field, TableSchema};

/// Between the keys of a path in the name of a column; see [`Form::Flatten`](crate::schema::Form::Flatten).
const SEPARATOR: &str = "__";

/// What is declared of a top-level column.
#[derive(Clone, Debug)]
pub(super) struct Hint {
    /// What the schema keeps.
    pub(super) declaration: Declaration,
    /// How values are read, where that is not as they come.
    pub(super) reading: Option<Reading>,
}

/// How the values of a declared column are read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// `None` where the type is found from the values.
    pub(super) data_type: Option<DeclaredType>,
    /// How times are written: the first that fits counts.
    pub(super) formats: Vec<CursorFormat>,
    /// What values are said to keep to; see [`ColumnHint::limit`].
    pub(super) limit: Option<u32>,
    /// `""` is no value.
    pub(super) empty_as_null: bool,
}

/// The hints of a plan by source name; the cursor is declared as a time unless a hint says otherwise.
pub(super) fn hints(plan: &DecodePlan) -> IndexMap<String, Hint> {
    let cursor = plan.cursor.as_ref().and_then(declared_cursor);
    let mut hints: IndexMap<String, Hint> = plan
        .columns
        .iter()
        .map(|(name, column)| {
            let followed = cursor.filter(|(cursor, _)| *cursor == name);
            (
                name.clone(),
                hint(column, followed.map(|(_, format)| format)),
            )
        })
        .collect();
    if let Some((name, format)) = cursor {
        hints
            .entry(name.to_owned())
            .or_insert_with(|| hint(&ColumnHint::default(), Some(format)));
    }
    hints
}

/// Declares what the plan no longer does of a table's columns: the types that are never found from values. Text that reads
/// as such a type goes on to its column. Gives the names of these.
pub(super) fn keep_declared(plan: &mut DecodePlan, table: &TableSchema) -> HashSet<String> {
    let mut kept = HashSet::new();
    for (name, data_type) in table.declared_only() {
        let declared = match data_type {
            ColumnType::Time => DeclaredType::Time,
            ColumnType::Binary => DeclaredType::Binary,
            _ => DeclaredType::TimestampNanoseconds,
        };
        let hint = plan.columns.entry(name.clone()).or_default();
        if hint.data_type.is_none() {
            hint.data_type = Some(declared);
            kept.insert(name);
        }
    }
    kept
}

/// Whether a name is the path, joined by `__`, of a key in an object.
pub(super) fn lies_within(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| {
        let rest = name.strip_prefix(&field.source.key);
        let object = field.observed.object.as_ref();
        let (Some(rest), Some(object)) =
            (rest.and_then(|rest| rest.strip_prefix(SEPARATOR)), object)
        else {
            return false;
        };
        let mut inner = object.fields.iter();
        inner.any(|inner| inner.source.key == rest) || lies_within(&object.fields, rest)
    })
}

/// The column of a cursor and its only format, where that is one that columns have.
fn declared_cursor(cursor: &CursorColumn) -> Option<(&str, TimeFormat)> {
    match (&cursor.path, cursor.formats.as_slice()) {
        (CursorPath::Keys(keys), [CursorFormat::Named(format)]) if keys.len() == 1 => {
            Some((keys.first()?.as_str(), *format))
        }
        _ => None,
    }
}

fn hint(column: &ColumnHint, cursor: Option<TimeFormat>) -> Hint {
    let time = cursor.map(|format| match format {
        TimeFormat::Date => DeclaredType::Date,
        _ => DeclaredType::Timestamp,
    });
    let data_type = column.data_type.or(time);
    let own = CursorFormat::Named(match data_type {
        Some(DeclaredType::Date) => TimeFormat::Date,
        _ => TimeFormat::Rfc3339,
    });
    let mut formats = match cursor {
        Some(format) if column.formats.is_empty() => vec![CursorFormat::Named(format)],
        _ => column.formats.clone(),
    };
    // What can't be anything else is always taken.
    if !formats.contains(&own) {
        formats.push(own);
    }
    let reads = data_type.is_some() || column.empty_as_null;
    Hint {
        declaration: Declaration {
            data_type: data_type.map(column_type),
            form: column.nested,
            required: !column.nullable,
            description: column.description.clone(),
        },
        reading: reads.then_some(Reading {
            data_type,
            formats,
            limit: column.limit,
            empty_as_null: column.empty_as_null,
        }),
    }
}

pub(crate) fn column_type(declared: DeclaredType) -> ColumnType {
    match declared {
        DeclaredType::Text => ColumnType::Text,
        DeclaredType::Double => ColumnType::Float64,
        DeclaredType::Bool => ColumnType::Bool,
        DeclaredType::Timestamp => ColumnType::Timestamp(None),
        DeclaredType::TimestampNanoseconds => ColumnType::TimestampNanoseconds,
        DeclaredType::Date => ColumnType::Date,
        DeclaredType::Time => ColumnType::Time,
        DeclaredType::Bigint => ColumnType::Int64,
        DeclaredType::Binary => ColumnType::Binary,
        DeclaredType::Decimal { precision, scale } => ColumnType::Decimal(precision, scale),
        DeclaredType::Json => ColumnType::Json,
    }
}
