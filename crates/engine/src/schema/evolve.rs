//! What a committed type makes of new values: an exact widening, or a variant for those that it can't hold.

use std::collections::HashSet;

use super::column::{ColumnType, Kind, Source};
use super::form::Form;
use super::number::NumberSummary;
use super::observed::{ObjectSummary, Observed, WIDE_OBJECT_KEYS};
use super::settle::settled_columns;

/// How many of the new values of a kind a committed type can hold.
pub(super) enum Fit {
    /// All, in this type, which is the committed one or an exact widening of it.
    All(ColumnType),
    /// Perhaps some, in this type.
    Some(ColumnType),
    /// None from this commit on: objects that grew too many keys.
    Closed,
    /// None.
    None,
}

impl Fit {
    /// The same for what holds elements of this type.
    fn within(self, outer: impl FnOnce(Box<ColumnType>) -> ColumnType) -> Self {
        match self {
            Self::All(element) => Self::All(outer(Box::new(element))),
            Self::Some(element) => Self::Some(outer(Box::new(element))),
            other => other,
        }
    }
}

/// Fits the new values of a kind into a committed type; `before` is what was seen of the values that it holds, where it
/// may widen.
pub(super) fn evolve(
    committed: &ColumnType,
    new: &Observed,
    kind: Kind,
    before: Option<&Observed>,
    form: Form,
) -> Fit {
    let fits = |all: bool| {
        if all {
            Fit::All(committed.clone())
        } else {
            Fit::Some(committed.clone())
        }
    };
    match (committed, kind) {
        (ColumnType::Json, _)
        | (ColumnType::Bool, Kind::Bool)
        | (ColumnType::Text, Kind::String)
        | (ColumnType::NumberText, Kind::Number) => fits(true),
        (ColumnType::Timestamp(_), Kind::String) => {
            fits(new.string.is_some_and(|string| string.timestamps.is_some()))
        }
        (ColumnType::Date, Kind::String) => fits(new.string.is_some_and(|string| string.dates)),
        (_, Kind::Number) => match new.number {
            Some(number) => {
                evolve_number(committed, number, before.and_then(|before| before.number))
            }
            None => Fit::None,
        },
        (ColumnType::Struct(columns), Kind::Object) => {
            let Some(object) = &new.object else {
                return Fit::None;
            };
            let before = before.and_then(|before| before.object.as_ref());
            let known = before.map_or(&[][..], |object| object.fields.as_slice());
            let sources: HashSet<&Source> = known.iter().map(|field| &field.source).collect();
            let added = object.fields.iter();
            let added = added
                .filter(|field| !sources.contains(&field.source))
                .count();
            if object.deep || object.values.is_some() || known.len() + added > WIDE_OBJECT_KEYS {
                return Fit::Closed;
            }
            Fit::All(ColumnType::Struct(settled_columns(
                &object.fields,
                &[],
                form.inside(),
                columns,
                known,
            )))
        }
        (ColumnType::Map(value), Kind::Object) => {
            let Some(object) = new.object.as_ref().filter(|object| !object.deep) else {
                return Fit::None;
            };
            let before = before.and_then(|before| before.object.as_ref());
            let before = before.map(ObjectSummary::all_values);
            evolve_elements(value, &object.all_values(), before.as_ref(), form.inside())
                .within(ColumnType::Map)
        }
        (ColumnType::List(element), Kind::List) => {
            let Some(elements) = &new.list else {
                return Fit::None;
            };
            let before = before.and_then(|before| before.list.as_deref());
            evolve_elements(element, elements, before, form).within(ColumnType::List)
        }
        _ => Fit::None,
    }
}

fn evolve_number(committed: &ColumnType, new: NumberSummary, before: Option<NumberSummary>) -> Fit {
    let all = match committed {
        ColumnType::Int64 if new.int64 => true,
        ColumnType::Int64 => {
            if new.float64 && before.is_some_and(|before| before.float64) {
                return Fit::All(ColumnType::Float64);
            }
            false
        }
        ColumnType::UInt64 => new.uint64,
        ColumnType::Float64 => new.float64,
        ColumnType::Decimal(precision, scale) => new.fits_decimal(*precision, *scale),
        _ => return Fit::None,
    };
    if all {
        Fit::All(committed.clone())
    } else {
        Fit::Some(committed.clone())
    }
}

/// A list or a map fits if each of its elements does.
fn evolve_elements(
    element: &ColumnType,
    new: &Observed,
    before: Option<&Observed>,
    form: Form,
) -> Fit {
    let mut element = element.clone();
    let mut all = true;
    for kind in new.kinds() {
        match evolve(&element, new, kind, before, form) {
            Fit::All(evolved) => element = evolved,
            Fit::Some(evolved) => {
                element = evolved;
                all = false;
            }
            Fit::Closed => return Fit::Closed,
            Fit::None => all = false,
        }
    }
    if all {
        Fit::All(element)
    } else {
        Fit::Some(element)
    }
}
