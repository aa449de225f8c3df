//! The columns of a table in words: for people who look at what was inferred.

use std::fmt;

use serde::Serialize;

use super::column::{Column, ColumnType, Kind, Source};
use super::number::NumberSummary;
use super::observed::{Field, Observed};
use super::{METADATA_NAMES, TableSchema};

/// A column of a settled schema, and why it is as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedColumn {
    /// The column's name.
    pub name: String,
    /// Its type, such as `int64`, `list<text>` or `struct<city: text>`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether rows may have no value.
    pub nullable: bool,
    /// What was declared or seen that led to the type.
    pub reason: String,
}

impl TableSchema {
    /// The columns of a settled schema in the order of [`Self::arrow_schema`]; `committed` is what the table had before.
    pub fn explain(&self, committed: Option<&Self>) -> Vec<ExplainedColumn> {
        let columns = self.layout();
        let before = committed.map_or_else(Vec::new, Self::column_names);
        let is_variant = |at: usize| {
            columns[..at]
                .iter()
                .any(|one| one.source == columns[at].source)
        };
        let mut explained: Vec<ExplainedColumn> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let mut reason = self.reason(column);
                if is_variant(at) {
                    reason.push_str(", beside values of another kind");
                }
                if before.contains(&column.name) {
                    reason.push_str("; the table has the column");
                }
                ExplainedColumn {
                    name: column.name.clone(),
                    data_type: column.data_type.to_string(),
                    nullable: !column.required,
                    reason,
                }
            })
            .collect();
        let metadata = METADATA_NAMES.iter().zip(["text", "timestamp"]);
        let metadata = metadata.filter(|_| self.metadata_columns);
        explained.extend(metadata.map(|(name, data_type)| ExplainedColumn {
            name: (*name).to_owned(),
            data_type: data_type.to_owned(),
            nullable: false,
            reason: "added to each row".to_owned(),
        }));
        explained
    }

    /// The keys of records that get no column, since no record has a value for them but null, `{}` and `[]`.
    pub fn keys_without_values(&self) -> Vec<String> {
        let has_column = |source: &Source| {
            let mut columns = self.layout().into_owned().into_iter();
            columns.any(|column| column.source == *source || column.source.is_in(source))
        };
        let fields = self.fields.iter();
        let without = fields.filter(|field| {
            let is_list_table = self.tables.iter().any(|table| table.source == field.source);
            !is_list_table && field.observed.is_empty_or_void() && !has_column(&field.source)
        });
        without.map(|field| field.source.base_name()).collect()
    }

    fn reason(&self, column: &Column) -> String {
        let of_parent = if column.source.from_parent {
            "copied from the parent: "
        } else {
            ""
        };
        if column.declared {
            return format!("{of_parent}declared");
        }
        let Some(observed) = observed(&self.fields, &column.source) else {
            return format!("{of_parent}no value in these records");
        };
        let kind = column.kind.or_else(|| observed.kinds().next());
        match kind {
            Some(kind) if observed.kinds().any(|seen| seen == kind) => {
                format!("{of_parent}{}", of_kind(observed, kind, &column.data_type))
            }
            _ => format!("{of_parent}no value in these records"),
        }
    }
}

/// What was seen under a source, which may lie within objects that became columns of their own.
fn observed<'f>(fields: &'f [Field], source: &Source) -> Option<&'f Observed> {
    if let Some(field) = fields.iter().find(|field| field.source == *source) {
        return Some(&field.observed);
    }
    let mut keys = source.within.iter().chain([&source.key]);
    let outermost = keys.next()?;
    let mut field = fields.iter().find(|field| {
        field.source.key == *outermost && field.source.from_parent == source.from_parent
    })?;
    for key in keys {
        let inner = &field.observed.object.as_ref()?.fields;
        field = inner.iter().find(|field| field.source.key == *key)?;
    }
    Some(&field.observed)
}

/// What was seen of one kind, as far as it decides the type.
fn of_kind(observed: &Observed, kind: Kind, data_type: &ColumnType) -> String {
    match (kind, data_type) {
        (Kind::Number, _) => observed.number.map_or_else(String::new, of_numbers),
        (Kind::String, ColumnType::Timestamp(_)) => "all are RFC 3339 times".to_owned(),
        (Kind::String, ColumnType::Date) => "all are dates, `YYYY-MM-DD`".to_owned(),
        (Kind::String, _) => "texts".to_owned(),
        (Kind::Bool, _) => "`true` or `false`".to_owned(),
        (Kind::Object, ColumnType::Map(_)) => "objects whose keys are data: a map".to_owned(),
        (Kind::Object, ColumnType::Struct(columns)) => match columns.len() {
            1 => "objects with 1 key".to_owned(),
            count => format!("objects with {count} keys"),
        },
        (Kind::Object, _) => "objects, kept as JSON".to_owned(),
        (Kind::List, data_type) => {
            let kinds = observed.list.iter().flat_map(|elements| elements.kinds());
            let kinds: Vec<&str> = kinds.map(Kind::plural).collect();
            let kept = if *data_type == ColumnType::Json {
                ", kept as JSON"
            } else {
                ""
            };
            format!("lists of {}{kept}", kinds.join(" and "))
        }
    }
}

fn of_numbers(numbers: NumberSummary) -> String {
    match numbers.column_type() {
        ColumnType::Int64 => "whole numbers".to_owned(),
        ColumnType::UInt64 => "whole numbers, some too large for int64".to_owned(),
        ColumnType::Float64 => "numbers with a fraction".to_owned(),
        ColumnType::Decimal(..) => format!(
            "numbers of up to {} digits before the point and {} behind it: more than a float keeps",
            numbers.integer_digits, numbers.scale
        ),
        _ => "numbers that no type of numbers holds exactly".to_owned(),
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void => formatter.write_str("void"),
            Self::Bool => formatter.write_str("bool"),
            Self::Int64 => formatter.write_str("int64"),
            Self::UInt64 => formatter.write_str("uint64"),
            Self::Float64 => formatter.write_str("float64"),
            Self::Decimal(precision, scale) => write!(formatter, "decimal({precision}, {scale})"),
            Self::NumberText | Self::Text => formatter.write_str("text"),
            Self::Timestamp(_) => formatter.write_str("timestamp"),
            Self::TimestampNanoseconds => formatter.write_str("timestamp(ns)"),
            Self::Date => formatter.write_str("date"),
            Self::Time => formatter.write_str("time"),
            Self::Binary => formatter.write_str("binary"),
            Self::Json => formatter.write_str("json"),
            Self::Struct(columns) => {
                formatter.write_str("struct<")?;
                for (at, column) in columns.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(formatter, "{comma}{}: {}", column.name, column.data_type)?;
                }
                formatter.write_str(">")
            }
            Self::List(element) => write!(formatter, "list<{element}>"),
            Self::Map(value) => write!(formatter, "map<text, {value}>"),
            Self::Mixed(_) => formatter.write_str("mixed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, SliceMemory};
    use crate::flow::{Page, Slice};
    use crate::plan::DecodePlan;
    use crate::schema::Form;

    fn settled(records: &[&str], nested: Form) -> TableSchema {
        let plan = DecodePlan {
            nested,
            ..DecodePlan::default()
        };
        let decoder = Decoder::new(plan, "load");
        let page = Page::of_records(records);
        let read = decoder.decode(&Slice::default(), &page, &mut SliceMemory::default());
        read.unwrap().schema.settle(None)
    }

    fn explained(records: &[&str], nested: Form) -> String {
        let schema = settled(records, nested);
        let columns = schema.explain(None).into_iter();
        let own = columns.filter(|column| !METADATA_NAMES.contains(&column.name.as_str()));
        let lines =
            own.map(|column| format!("{}: {} ({})", column.name, column.data_type, column.reason));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_type_has_its_reason() {
        let records = [
            r#"{"i": 1, "u": 18446744073709551615, "f": 0.5, "d": 9007199254740993.5, "big": 1e400}"#,
            r#"{"t": "a", "at": "2024-01-31T00:00:00Z", "day": "2024-01-31", "b": true}"#,
            r#"{"o": {"x": 1, "y": {"z": "a"}}, "l": [1, 2], "m": [1, "a"], "n": null, "e": {}, "v": 1}"#,
            r#"{"v": "a"}"#,
        ];
        insta::assert_snapshot!(explained(&records, Form::Auto), @"
        i: int64 (whole numbers)
        u: uint64 (whole numbers, some too large for int64)
        f: float64 (numbers with a fraction)
        d: decimal(38, 1) (numbers of up to 16 digits before the point and 1 behind it: more than a float keeps)
        big: text (numbers that no type of numbers holds exactly)
        t: text (texts)
        at: timestamp (all are RFC 3339 times)
        day: date (all are dates, `YYYY-MM-DD`)
        b: bool (`true` or `false`)
        o: struct<x: int64, y: struct<z: text>> (objects with 2 keys)
        l: list<int64> (lists of numbers)
        m: json (lists of texts and numbers, kept as JSON)
        v: text (texts)
        v__v_number: int64 (whole numbers, beside values of another kind)
        ");
        let schema = settled(&records, Form::Auto);
        assert_eq!(schema.keys_without_values(), ["n", "e"]);
    }

    #[test]
    fn columns_of_what_lies_in_objects_have_theirs() {
        let records = [r#"{"o": {"x": 1, "y": {"z": "2024-01-31"}}, "l": [{"a": 1}]}"#];
        insta::assert_snapshot!(explained(&records, Form::Flatten), @"
        o__x: int64 (whole numbers)
        o__y__z: date (all are dates, `YYYY-MM-DD`)
        l: json (lists of objects, kept as JSON)
        ");
    }

    #[test]
    fn what_the_table_has_is_told() {
        let before = settled(&[r#"{"a": 1}"#], Form::Auto);
        let now = settled(&[r#"{"a": 2, "b": 1}"#], Form::Auto).settle(Some(&before));
        let columns = now.explain(Some(&before));
        assert_eq!(columns[0].reason, "whole numbers; the table has the column");
        assert_eq!(columns[1].reason, "whole numbers");
    }
}
