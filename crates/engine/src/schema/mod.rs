//! The schema of a table: what was observed of its records, and the columns that follow from it.
//!
//! Each page is decoded by itself and has its own schema. Schemas join, in any order, to what is known of all
//! records together; [`TableSchema::settle`] makes of that the final columns of a commit, and [`conform`] brings
//! the batches of each page into them.
//!
//! **Invariant:** nothing here reads JSON or touches a file.

mod calendar;
mod child_table;
mod column;
mod conform;
mod contract;
mod description;
mod evolve;
mod exact_number;
mod explain;
mod first_rows;
mod form;
mod names;
mod number;
mod observed;
mod settle;
mod spelling;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

pub use conform::{ConformError, conform, conform_with_children};
pub use description::{Change, ColumnChange, ColumnDescription, changes};
pub use explain::ExplainedColumn;
pub use form::Form;
pub use observed::WIDE_OBJECT_KEYS;

pub(crate) use calendar::{parse_date, write_date};
pub(crate) use child_table::{
    ChildTable, Level, PARENT_ID, ROW_ID, element_fields, holds_whole_objects, row_id,
};
pub(crate) use column::{Column, ColumnType, Kind, Source, arrow_fields};
pub(crate) use conform::{convert_numbers, map_array, mixed_array, render_json, write_json_string};
pub(crate) use contract::{Mixture, elements_path, has_place, key_path};
pub(crate) use description::type_name;
pub(crate) use exact_number::ExactNumber;
pub(crate) use first_rows::{Wanted, first_rows};
pub(crate) use names::METADATA_NAMES;
pub(crate) use number::{NumberSummary, decimal_digits, integer_is_exact_in_float64};
pub(crate) use observed::{Declaration, Field, ObjectSummary, Observed};
pub(crate) use spelling::{Spellings, StringSummary, parse_timestamp};

/// Columns that a table can have.
pub const MAXIMUM_COLUMNS: usize = 10_000;

/// Version of the stored form.
const STORED_VERSION: u32 = 1;

/// What is known of a table's records and, once settled, its columns.
///
/// Stored in the commit log as a small JSON object with a `version`. The default is the schema of no records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSchema {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    /// The columns `_load_id` and `_extracted_at` follow the others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    metadata_columns: bool,
    /// The form that nested values are to take; of no meaning once the schema is settled.
    #[serde(default, skip_serializing_if = "observed::is_default")]
    form: Form,
    /// The final columns; `None` where values may still change them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<Column>>,
    /// The tables that lists have become.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tables: Vec<ChildTable>,
}

impl TableSchema {
    /// The unsettled schema of records that end in the metadata columns.
    pub(crate) fn of_records(fields: Vec<Field>, form: Form) -> Self {
        Self {
            fields,
            form,
            metadata_columns: true,
            ..Self::default()
        }
    }

    /// What is known of both sets of records together.
    ///
    /// Commutative up to the order of columns (that of first appearance, `self` first), associative and
    /// idempotent. The result is unsettled unless both have the same final columns.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let (columns, tables) = if (&self.columns, &self.tables) == (&other.columns, &other.tables)
        {
            (self.columns.clone(), self.tables.clone())
        } else {
            (None, Vec::new())
        };
        Self {
            version: STORED_VERSION,
            fields: observed::join_fields(&self.fields, &other.fields),
            metadata_columns: self.metadata_columns || other.metadata_columns,
            // One plan reads all pages, so that only a schema of no records differs.
            form: self.form.max(other.form),
            columns,
            tables,
        }
    }

    /// The final schema of a commit, relative to what the table already holds.
    ///
    /// Committed columns keep name, place and type, unless a wider type is exact for all committed values;
    /// values that do not fit get a variant column, and new columns come behind. A settled schema settles to itself.
    #[must_use]
    pub fn settle(&self, committed: Option<&Self>) -> Self {
        if self.columns.is_some() && committed.is_none_or(|committed| committed == self) {
            return self.clone();
        }
        let committed_fields = committed.map_or(&[][..], |committed| committed.fields.as_slice());
        let (columns, mut tables) = child_table::settled_level(
            &self.fields,
            &METADATA_NAMES,
            self.form,
            committed.map_or_else(Level::default, Self::level),
            committed_fields,
        );
        child_table::name_tables(&mut tables);
        Self {
            version: STORED_VERSION,
            fields: observed::join_fields(committed_fields, &self.fields),
            metadata_columns: self.metadata_columns
                || committed.is_some_and(|committed| committed.metadata_columns),
            form: Form::default(),
            columns: Some(columns),
            tables,
        }
    }

    /// The Arrow schema of batches laid out under this schema.
    ///
    /// A settled schema has the columns that have a value or are declared. An unsettled one also has a column
    /// for fields of which only `{}` and `[]` were seen, since a later page may show what type those have.
    pub fn arrow_schema(&self) -> SchemaRef {
        let mut fields: Vec<ArrowField> = self.layout().iter().map(Column::arrow_field).collect();
        if self.metadata_columns {
            let [load_id, extracted_at] = METADATA_NAMES;
            fields.push(ArrowField::new(load_id, DataType::Utf8, false));
            let instant = ColumnType::Timestamp(None).arrow_type();
            fields.push(ArrowField::new(extracted_at, instant, false));
        }
        Arc::new(Schema::new(fields))
    }

    /// Whether files of both schemas, settled ones, have the same columns for the same values.
    pub(crate) fn has_layout_of(&self, other: &Self) -> bool {
        self.columns.is_some()
            && self.columns == other.columns
            && self.metadata_columns == other.metadata_columns
    }

    /// Where the columns of this schema lie among those of a settled one, metadata columns included; `None` unless each is
    /// there with the same type, so that rows laid out there can be given back in this layout.
    pub(crate) fn places_in(&self, settled: &Self) -> Option<Vec<usize>> {
        let there = settled.columns.as_deref()?;
        let of_source = column::places(there);
        let place = |column: &Column| {
            let mut candidates = of_source.get(&column.source)?.iter().copied();
            candidates.find(|at| {
                there[*at].kind == column.kind
                    && column.data_type.is_stored_as(&there[*at].data_type)
            })
        };
        let places: Option<Vec<usize>> = self.layout().iter().map(place).collect();
        let metadata = if self.metadata_columns {
            METADATA_NAMES.len()
        } else {
            0
        };
        Some(
            places?
                .into_iter()
                .chain((0..metadata).map(|column| there.len() + column))
                .collect(),
        )
    }

    /// The names of the columns of [`arrow_schema`](Self::arrow_schema), in order.
    pub fn column_names(&self) -> Vec<String> {
        self.arrow_schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    }

    /// The names of the columns that `before` has not; all where it is `None`.
    pub fn new_columns(&self, before: Option<&Self>) -> Vec<String> {
        let known: HashSet<String> = before
            .map(Self::column_names)
            .unwrap_or_default()
            .into_iter()
            .collect();
        self.column_names()
            .into_iter()
            .filter(|name| !known.contains(name))
            .collect()
    }

    /// The names and types of all columns, in the order of [`Self::arrow_schema`].
    pub(crate) fn all_columns(&self) -> Vec<(String, ColumnType)> {
        let layout = self.layout();
        let own = layout
            .iter()
            .map(|column| (column.name.clone(), column.data_type.clone()));
        let metadata = [ColumnType::Text, ColumnType::Timestamp(None)];
        let metadata = METADATA_NAMES.iter().zip(metadata);
        let metadata = metadata.filter(|_| self.metadata_columns);
        own.chain(metadata.map(|(name, data_type)| ((*name).to_owned(), data_type)))
            .collect()
    }

    /// Whether a record has had this key, if only with null for its value.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        let mut fields = self.fields.iter();
        fields.any(|field| field.source.key == key && field.source.within.is_empty())
    }

    /// The columns and tables that are settled.
    pub(crate) fn level(&self) -> Level<'_> {
        Level {
            columns: self.columns.as_deref().unwrap_or_default(),
            tables: &self.tables,
        }
    }

    /// The columns without the metadata columns.
    pub(crate) fn layout(&self) -> Cow<'_, [Column]> {
        match &self.columns {
            Some(columns) => Cow::Borrowed(columns),
            None => Cow::Owned(settle::unsettled_columns(&self.fields, &METADATA_NAMES)),
        }
    }
}

impl Default for TableSchema {
    fn default() -> Self {
        Self {
            version: STORED_VERSION,
            fields: Vec::new(),
            metadata_columns: false,
            form: Form::default(),
            columns: None,
            tables: Vec::new(),
        }
    }
}

/// The columns of an object whose schema may still widen.
pub(crate) fn unsettled_object_columns(fields: &[Field]) -> Vec<Column> {
    settle::unsettled_columns(fields, &[])
}

#[cfg(test)]
impl TableSchema {
    /// The schema as JSON with the members of each level sorted, so that their order does not count.
    pub(crate) fn unordered(&self) -> serde_json::Value {
        fn sort(value: &mut serde_json::Value) {
            match value {
                serde_json::Value::Array(values) => {
                    values.iter_mut().for_each(sort);
                    values.sort_by_key(ToString::to_string);
                }
                serde_json::Value::Object(members) => members.values_mut().for_each(sort),
                _ => {}
            }
        }
        let mut value = serde_json::to_value(self).unwrap();
        sort(&mut value);
        value
    }

    /// The unsettled schema of records that fill these columns: texts, integers, fractions and booleans.
    pub(crate) fn of(schema: &Schema) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        for column in schema.fields() {
            if METADATA_NAMES.contains(&column.name().as_str()) {
                continue;
            }
            let (key, _) = column
                .name()
                .split_once("__v_")
                .unwrap_or((column.name(), ""));
            let source = Source::key(key);
            let place = fields.iter().position(|field| field.source == source);
            let place = place.unwrap_or_else(|| {
                fields.push(Field {
                    source,
                    declared: None,
                    observed: Observed::default(),
                });
                fields.len() - 1
            });
            let observed = &mut fields[place].observed;
            match column.data_type() {
                DataType::Boolean => observed.bool = true,
                DataType::Int64 => observed.number = Some(NumberSummary::of_int64(1)),
                DataType::Float64 => {
                    let fraction = ExactNumber::parse(b"1.5").unwrap();
                    observed.number = Some(NumberSummary::of(&fraction, false));
                }
                _ => observed.string = Some(StringSummary::TEXT),
            }
        }
        let metadata_columns = schema.index_of(METADATA_NAMES[0]).is_ok();
        Self {
            fields,
            metadata_columns,
            ..Self::default()
        }
    }
}
