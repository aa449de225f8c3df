//! What was observed of the values under a key: a join semilattice, so that the order of records never matters.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::column::{ColumnType, Kind, Source};
use super::form::Form;
use super::number::NumberSummary;
use super::spelling::StringSummary;

/// Keys of one object field above which it is kept as a map instead of a struct.
pub const WIDE_OBJECT_KEYS: usize = 1_000;

/// What is known of all values of a field, by kind. Nulls leave no trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Observed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<ObjectSummary>,
    /// The elements of all lists together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) list: Option<Box<Self>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string: Option<StringSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<NumberSummary>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) bool: bool,
}

impl Observed {
    /// What is known of both sets of values together.
    pub(crate) fn join(&self, other: &Self) -> Self {
        Self {
            object: join_options(
                self.object.as_ref(),
                other.object.as_ref(),
                ObjectSummary::join,
            ),
            list: join_options(self.list.as_ref(), other.list.as_ref(), |left, right| {
                Box::new(left.join(right))
            }),
            string: join_options(
                self.string.as_ref(),
                other.string.as_ref(),
                |left, right| left.join(*right),
            ),
            number: join_options(
                self.number.as_ref(),
                other.number.as_ref(),
                |left, right| left.join(*right),
            ),
            bool: self.bool || other.bool,
        }
    }

    /// The kinds that were seen, in their order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(|kind| match kind {
            Kind::Object => self.object.is_some(),
            Kind::List => self.list.is_some(),
            Kind::String => self.string.is_some(),
            Kind::Number => self.number.is_some(),
            Kind::Bool => self.bool,
        })
    }

    /// Whether all values of a kind are `{}`, `[]` or hold nothing but such.
    pub(crate) fn is_void(&self, kind: Kind) -> bool {
        match kind {
            Kind::Object => self.object.as_ref().is_none_or(ObjectSummary::is_void),
            Kind::List => self
                .list
                .as_ref()
                .is_none_or(|elements| elements.is_empty_or_void()),
            _ => false,
        }
    }

    /// Whether there is no value but null, `{}` and `[]`.
    pub(crate) fn is_empty_or_void(&self) -> bool {
        let mut kinds = self.kinds();
        let first = kinds.next();
        kinds.next().is_none() && first.is_none_or(|kind| self.is_void(kind))
    }
}

/// What is known of all objects of a field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectSummary {
    /// The keys seen, in order of appearance; empty where there were too many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<Field>,
    /// The most keys that one object had; 0 where there were too many.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) most_keys: usize,
    /// The values under all keys together, where more than [`WIDE_OBJECT_KEYS`] keys were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<Box<Observed>>,
    /// Nested too deep for columns of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) deep: bool,
}

impl ObjectSummary {
    /// The summary of objects that are nested too deep.
    pub(crate) const DEEP: Self = Self {
        fields: Vec::new(),
        most_keys: 0,
        values: None,
        deep: true,
    };

    /// Whether it is known key by key what lies in the objects.
    pub(crate) fn has_fields(&self) -> bool {
        !self.deep && self.values.is_none()
    }

    /// What is known of the values under all keys together.
    pub(crate) fn all_values(&self) -> Observed {
        let mut all = self.values.as_deref().cloned().unwrap_or_default();
        for field in &self.fields {
            all = all.join(&field.observed);
        }
        all
    }

    fn join(&self, other: &Self) -> Self {
        if self.deep || other.deep {
            return Self::DEEP;
        }
        let fields = join_fields(&self.fields, &other.fields);
        let most_keys = self.most_keys.max(other.most_keys);
        let is_wide = self.values.is_some() || other.values.is_some();
        if is_wide || fields.len() > WIDE_OBJECT_KEYS {
            let values = self.all_values().join(&other.all_values());
            return Self {
                values: Some(Box::new(values)),
                ..Self::default()
            };
        }
        Self {
            fields,
            most_keys,
            ..Self::default()
        }
    }

    fn is_void(&self) -> bool {
        let is_void = |observed: &Observed| observed.kinds().all(|kind| observed.is_void(kind));
        let values = self.values.iter().map(AsRef::as_ref);
        let mut all = self
            .fields
            .iter()
            .map(|field| &field.observed)
            .chain(values);
        !self.deep && all.all(is_void)
    }
}

/// What is known of one key at one level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    #[serde(flatten)]
    pub(crate) source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) declared: Option<Declaration>,
    /// Values that the declared type does not take, or all where no type is declared.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) observed: Observed,
}

/// What the plan says of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Declaration {
    /// The type that the plain column has; `None` leaves it to inference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data_type: Option<ColumnType>,
    /// The form that objects and lists take; `None`: that of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) form: Option<Form>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// Joins the fields of one level; the order is that of first appearance, `left` first.
pub(crate) fn join_fields(left: &[Field], right: &[Field]) -> Vec<Field> {
    let mut joined = left.to_vec();
    let positions: HashMap<&Source, usize> = left
        .iter()
        .enumerate()
        .map(|(position, field)| (&field.source, position))
        .collect();
    for field in right {
        match positions.get(&field.source) {
            Some(position) => {
                let mine = &mut joined[*position];
                mine.observed = mine.observed.join(&field.observed);
                mine.declared = join_options(
                    mine.declared.as_ref(),
                    field.declared.as_ref(),
                    join_declarations,
                );
            }
            None => joined.push(field.clone()),
        }
    }
    joined
}

/// All pages of a load are read by one plan; where two differ all the same, either will do, but always the same one.
fn join_declarations(left: &Declaration, right: &Declaration) -> Declaration {
    if format!("{left:?}") >= format!("{right:?}") {
        left.clone()
    } else {
        right.clone()
    }
}

fn join_options<T: Clone>(
    left: Option<&T>,
    right: Option<&T>,
    join: impl FnOnce(&T, &T) -> T,
) -> Option<T> {
    match (left, right) {
        (Some(left), Some(right)) => Some(join(left, right)),
        (one, other) => one.or(other).cloned(),
    }
}

/// Whether a value needs not be stored.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
