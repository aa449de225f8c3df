//! The forms that nested values take in columns, and when an object is taken for a map.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::child_table::Level;
use super::column::{Column, Kind, Source};
use super::observed::{Declaration, Field, ObjectSummary};

/// Keys from which on an object whose records share few of them is taken for a map.
const MAP_KEYS: usize = 50;

/// How many times the keys of the largest object all keys together must be.
const MAP_SPREAD: usize = 4;

/// The form of nested values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Structs and lists; objects that are used as maps become maps.
    #[default]
    Auto,
    /// Structs and lists; maps only where there are too many keys for a struct.
    Struct,
    /// Maps for objects.
    Map,
    /// JSON text.
    Json,
    /// Columns of their own for what lies in objects, and JSON text for lists.
    Flatten,
    /// Columns of their own for what lies in objects, and tables of their own for the elements of lists.
    Tables,
}

impl Form {
    /// The form of a field's values, which is this one unless its declaration says otherwise.
    pub(super) fn of(self, field: &Field) -> Self {
        let declared = field.declared.as_ref();
        declared
            .and_then(|declaration| declaration.form)
            .unwrap_or(self)
    }

    /// The form of what lies in a struct or a map of this form.
    pub(super) fn inside(self) -> Self {
        match self {
            // The values of a map are judged by themselves.
            Self::Map => Self::Auto,
            // What was committed together stays so.
            Self::Flatten | Self::Tables => Self::Struct,
            form => form,
        }
    }

    /// Whether new lists become rows of a table of their own, where their source has these columns.
    pub(crate) fn puts_lists_apart<'c>(
        self,
        columns: impl IntoIterator<Item = &'c Column>,
    ) -> bool {
        self == Self::Tables && !columns.into_iter().any(|column| column.takes(Kind::List))
    }
}

/// Whether objects become maps: a function of the set of objects, whatever their order and however often each comes.
///
/// They do where
/// - there are too many keys for a struct;
/// - or every key is data rather than a name, as [`is_data`] tells;
/// - or there are 50 keys or more, no object has more than a quarter of them, and all values are of one kind.
pub(super) fn is_map(object: &ObjectSummary, form: Form) -> bool {
    match form {
        Form::Map => true,
        Form::Auto => {
            let keys = &object.fields;
            object.values.is_some()
                || (!keys.is_empty() && keys.iter().all(|field| is_data(&field.source.key)))
                || (keys.len() >= MAP_KEYS
                    && keys.len() >= MAP_SPREAD * object.most_keys
                    && object.all_values().kinds().count() == 1)
        }
        Form::Struct | Form::Json | Form::Flatten | Form::Tables => object.values.is_some(),
    }
}

/// Whether a key is written as a number, a date, a time or a UUID, which no field is named after.
fn is_data(key: &str) -> bool {
    let unsigned = key.strip_prefix('-').unwrap_or(key);
    let is_number = unsigned.starts_with(|letter: char| letter.is_ascii_digit())
        && unsigned
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-+:./ TZ".contains(&byte));
    let groups: Vec<&str> = key.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_number || is_uuid
}

/// The fields of a row once those of objects in the forms [`Form::Flatten`] and [`Form::Tables`] lie beside the others.
///
/// What is committed stays: an object that has a column, together, and one whose fields have columns, apart.
pub(super) fn flattened<'f>(
    fields: &'f [Field],
    form: Form,
    committed: Level<'_>,
) -> Cow<'f, [Field]> {
    let splits = |field: &&Field| {
        let object = field.observed.object.as_ref();
        object.is_some_and(ObjectSummary::has_fields)
            && splits(&field.source, form.of(field), committed)
    };
    if !fields.iter().any(|field| splits(&field)) {
        return Cow::Borrowed(fields);
    }
    let mut flat = Vec::new();
    for field in fields {
        let Some(object) = Some(field)
            .filter(splits)
            .and_then(|field| field.observed.object.as_ref())
        else {
            flat.push(field.clone());
            continue;
        };
        let mut rest = field.clone();
        rest.observed.object = None;
        if rest.declared.is_some() || rest.observed.kinds().next().is_some() {
            flat.push(rest);
        }
        let inner: Vec<Field> = object
            .fields
            .iter()
            .map(|inner| Field {
                source: field.source.inner(&inner.source.key),
                // Lists in the objects of a column are what the column's hint makes of lists.
                declared: inner.declared.clone().or_else(|| field.puts_lists_apart()),
                ..inner.clone()
            })
            .collect();
        flat.extend(flattened(&inner, form.of(field), committed).into_owned());
    }
    Cow::Owned(flat)
}

/// Whether what lies in the objects of a source becomes columns of its own, or has become so.
fn splits(source: &Source, form: Form, committed: Level<'_>) -> bool {
    let stays_together = committed
        .columns
        .iter()
        .any(|column| column.source == *source && column.takes(Kind::Object));
    let flattens = matches!(form, Form::Flatten | Form::Tables);
    !stays_together && (flattens || committed.has_within(source))
}

impl Field {
    /// The hint by which lists in the field become tables, if it has one.
    fn puts_lists_apart(&self) -> Option<Declaration> {
        let form = self.declared.as_ref()?.form?;
        (form == Form::Tables).then_some(Declaration {
            data_type: None,
            form: Some(form),
            required: false,
            description: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_data_are_told_from_names() {
        for data in [
            "17",
            "-1.5",
            "2024-01-31",
            "2024-01-31T12:00:00Z",
            "12:30",
            "7F9C24E5-2b1a-4f0e-9c3d-0123456789ab",
        ] {
            assert!(is_data(data), "{data}");
        }
        for name in [
            "", "-", "a1", "v2", "T", "1st", "7f9c24e5", "de-DE", "facade-a",
        ] {
            assert!(!is_data(name), "{name}");
        }
    }
}
