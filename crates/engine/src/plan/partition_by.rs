//! Compiling `partition_by`.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::column_hint::{ColumnHint, DeclaredType};
use super::mistakes::{Mistakes, Place};
use crate::spec::{self, DatePart};

/// A column that divides a table's files into folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionField {
    /// Name of the column.
    pub column: String,
    /// The part of its times that counts; `None`: the whole value.
    pub part: Option<DatePart>,
}

impl PartitionField {
    /// What its folders are called, as far as the spec tells.
    fn folder(&self) -> String {
        match self.part {
            Some(part) => format!("{}_{}", self.column, part.name()),
            None => self.column.clone(),
        }
    }
}

pub(super) fn compile(
    resource: &spec::Resource,
    hints: &IndexMap<String, ColumnHint>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Vec<PartitionField> {
    let fields = &resource.partition_by;
    let place = place.key("partition_by");
    let mut folders = HashSet::new();
    let mut compiled = Vec::with_capacity(fields.len());
    for (index, spec::PartitionField { column, part }) in fields.iter().enumerate() {
        let field = PartitionField {
            column: column.clone(),
            part: *part,
        };
        let place = place.index(index);
        if column.is_empty() {
            let message = "a column without a name divides nothing";
            mistakes.add("plan::partition_by", &place.key("column"), message, None);
        }
        if !folders.insert(field.folder().to_lowercase()) {
            let message = format!("two levels of folders are called `{}`", field.folder());
            mistakes.add("plan::partition_by", &place.key("column"), message, None);
        }
        if let Some(hint) = hints.get(column) {
            check_hint(&field, hint, &place, mistakes);
        }
        compiled.push(field);
    }
    compiled
}

/// What the column is said to hold must have folders.
fn check_hint(field: &PartitionField, hint: &ColumnHint, place: &Place, mistakes: &mut Mistakes) {
    let column = &field.column;
    let nested = hint.nested.is_some() || hint.data_type == Some(DeclaredType::Json);
    if nested || hint.data_type == Some(DeclaredType::Binary) {
        let what = if nested { "objects or lists" } else { "bytes" };
        mistakes.add(
            "plan::partition_by",
            &place.key("column"),
            format!("`{column}` is declared to hold {what}, which have no folders"),
            "divide by a column of texts, numbers, booleans, dates or times".to_owned(),
        );
        return;
    }
    let (Some(part), Some(declared)) = (field.part, hint.data_type) else {
        return;
    };
    let problem = match declared {
        DeclaredType::Timestamp | DeclaredType::TimestampNanoseconds => return,
        DeclaredType::Date if part != DatePart::Hour => return,
        DeclaredType::Date => "a date, which has no hours",
        _ => "neither a timestamp nor a date",
    };
    mistakes.add(
        "plan::partition_by",
        &place.key("part"),
        format!("`{column}` is declared as {problem}"),
        "leave out `part`, or declare the column as `timestamp`".to_owned(),
    );
}
