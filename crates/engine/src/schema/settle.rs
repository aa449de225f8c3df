//! From what was observed to columns: the layout of one page, and the final one for a commit.

use super::column::{Column, ColumnType, Kind};
use super::names::{Unnamed, append_named};
use super::number::NumberSummary;
use super::observed::{Field, Observed, WIDE_OBJECT_KEYS};

/// The columns of a page whose schema may still widen: every value can be given back as it was read.
pub(super) fn unsettled_columns(fields: &[Field], reserved: &[&str]) -> Vec<Column> {
    fresh_columns(fields, reserved, Stage::Unsettled)
}

/// The final columns of a commit: those committed, widened where that is exact, then new ones.
pub(super) fn settled_columns(
    fields: &[Field],
    reserved: &[&str],
    committed: &[Column],
    committed_fields: &[Field],
) -> Vec<Column> {
    let mut columns = committed.to_vec();
    for column in &mut columns {
        let filled = fields.iter().any(|field| {
            field.source == column.source && column.declared && declares_required(field)
        });
        column.required &= filled;
    }
    let mut new = Vec::new();
    for field in fields {
        if columns.iter().any(|column| column.source == field.source) {
            let before = committed_fields
                .iter()
                .find(|before| before.source == field.source);
            new.extend(absorb(&mut columns, field, before));
        } else {
            new.extend(
                plain_and_variants(field, Stage::Settled).map(|column| Unnamed {
                    // Rows that are committed already have no value here.
                    required: column.required && committed.is_empty(),
                    ..column
                }),
            );
        }
    }
    append_named(&mut columns, reserved, new);
    columns
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Unsettled,
    Settled,
}

fn fresh_columns(fields: &[Field], reserved: &[&str], stage: Stage) -> Vec<Column> {
    let mut columns = Vec::new();
    let new = fields
        .iter()
        .flat_map(|field| plain_and_variants(field, stage))
        .collect();
    append_named(&mut columns, reserved, new);
    columns
}

/// The columns of a field that has none yet: the declared one or the first kind, then the other kinds.
fn plain_and_variants(field: &Field, stage: Stage) -> impl Iterator<Item = Unnamed> {
    let description = field
        .declared
        .as_ref()
        .and_then(|declaration| declaration.description.clone());
    let declared = field
        .declared
        .as_ref()
        .and_then(|declaration| declaration.data_type.clone());
    let observed = &field.observed;
    let typed =
        |kind| type_of_kind(observed, kind, stage).map(|data_type| (Some(kind), data_type, false));
    let filled = observed
        .kinds()
        .filter(|kind| !observed.is_void(*kind))
        .filter_map(typed);
    let void = observed
        .kinds()
        .filter(|kind| observed.is_void(*kind))
        .filter_map(typed);
    let columns: Vec<_> = declared
        .map(|data_type| (data_type.kind(), data_type, true))
        .into_iter()
        .chain(filled)
        .chain(void)
        .collect();
    let required = declares_required(field);
    columns
        .into_iter()
        .enumerate()
        .map(move |(position, (kind, data_type, declared))| Unnamed {
            source: field.source.clone(),
            kind,
            data_type,
            plain: position == 0,
            required: declared && required,
            declared,
            description: if position == 0 {
                description.clone()
            } else {
                None
            },
        })
}

/// A value that the declared type does not take leaves the plain column null.
fn declares_required(field: &Field) -> bool {
    field
        .declared
        .as_ref()
        .is_some_and(|declaration| declaration.required)
        && field.observed == Observed::default()
}

/// The type that holds all values of a kind; `None` where a settled schema has no column for them.
fn type_of_kind(observed: &Observed, kind: Kind, stage: Stage) -> Option<ColumnType> {
    let data_type = match kind {
        Kind::Object => {
            let object = observed.object.as_ref()?;
            if object.wide {
                return Some(ColumnType::Json);
            }
            let columns = fresh_columns(&object.fields, &[], stage);
            if columns.is_empty() {
                ColumnType::Void
            } else {
                ColumnType::Struct(columns)
            }
        }
        Kind::List => list_type(observed.list.as_ref()?, stage)?,
        Kind::String => {
            let string = observed.string?;
            if stage == Stage::Settled {
                string.settled_type()
            } else {
                string.unsettled_type()
            }
        }
        Kind::Number => observed.number?.column_type(),
        Kind::Bool => ColumnType::Bool,
    };
    (stage == Stage::Unsettled || data_type != ColumnType::Void).then_some(data_type)
}

fn list_type(elements: &Observed, stage: Stage) -> Option<ColumnType> {
    let kinds: Vec<Kind> = elements.kinds().collect();
    let element = match (kinds.as_slice(), stage) {
        ([], Stage::Settled) => return None,
        ([], Stage::Unsettled) => ColumnType::Void,
        ([kind], _) => type_of_kind(elements, *kind, stage)?,
        (_, Stage::Settled) => return Some(ColumnType::Json),
        (kinds, Stage::Unsettled) => ColumnType::Mixed(
            kinds
                .iter()
                .filter_map(|kind| Some((*kind, type_of_kind(elements, *kind, stage)?)))
                .collect(),
        ),
    };
    Some(ColumnType::List(Box::new(element)))
}

/// Fits the values of a field into its committed columns; what does not fit needs the variants returned.
fn absorb(columns: &mut [Column], field: &Field, before: Option<&Field>) -> Vec<Unnamed> {
    let mut new = Vec::new();
    let variant = |kind, data_type, declared| Unnamed {
        source: field.source.clone(),
        kind,
        data_type,
        plain: false,
        required: false,
        declared,
        description: None,
    };
    if let Some(declaration) = &field.declared {
        if let Some(data_type) = &declaration.data_type
            && !columns.iter().any(|column| {
                column.source == field.source
                    && column.kind == data_type.kind()
                    && column.data_type == *data_type
            })
        {
            new.push(variant(data_type.kind(), data_type.clone(), true));
        }
        let plain = columns
            .iter_mut()
            .find(|column| column.source == field.source);
        if let (Some(plain), Some(_)) = (plain, &declaration.description) {
            plain.description.clone_from(&declaration.description);
        }
    }
    let declared_now = field
        .declared
        .as_ref()
        .is_some_and(|declaration| declaration.data_type.is_some());
    for kind in field.observed.kinds() {
        let mut candidates = columns
            .iter_mut()
            .filter(|column| column.source == field.source && !column.closed)
            .filter(|column| column.kind.is_none_or(|accepted| accepted == kind))
            .peekable();
        let void = field.observed.is_void(kind);
        if void && candidates.peek().is_none() {
            continue;
        }
        let mut all_fit = false;
        for column in candidates {
            let widens = !declared_now && !column.declared;
            let widenable = before.map(|before| &before.observed).filter(|_| widens);
            match evolve(&column.data_type, &field.observed, kind, widenable) {
                Fit::All(data_type) => {
                    column.data_type = data_type;
                    all_fit = true;
                    break;
                }
                Fit::Some(data_type) => column.data_type = data_type,
                Fit::Closed => column.closed = true,
                Fit::None => {}
            }
        }
        if !all_fit {
            let inferred = type_of_kind(&field.observed, kind, Stage::Settled);
            new.push(variant(
                Some(kind),
                inferred.unwrap_or(ColumnType::Json),
                false,
            ));
        }
    }
    new
}

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

pub(super) fn evolve(
    committed: &ColumnType,
    new: &Observed,
    kind: Kind,
    before: Option<&Observed>,
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
            let added = object
                .fields
                .iter()
                .filter(|field| !known.iter().any(|known| known.source == field.source))
                .count();
            if object.wide || known.len() + added > WIDE_OBJECT_KEYS {
                return Fit::Closed;
            }
            Fit::All(ColumnType::Struct(settled_columns(
                &object.fields,
                &[],
                columns,
                known,
            )))
        }
        (ColumnType::List(element), Kind::List) => {
            let Some(elements) = &new.list else {
                return Fit::None;
            };
            evolve_list(
                element,
                elements,
                before.and_then(|before| before.list.as_deref()),
            )
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

/// A list fits if each of its elements does.
fn evolve_list(element: &ColumnType, new: &Observed, before: Option<&Observed>) -> Fit {
    let mut element = element.clone();
    let mut all = true;
    for kind in new.kinds() {
        match evolve(&element, new, kind, before) {
            Fit::All(evolved) => element = evolved,
            Fit::Some(evolved) => {
                element = evolved;
                all = false;
            }
            Fit::Closed => return Fit::Closed,
            Fit::None => all = false,
        }
    }
    let list = ColumnType::List(Box::new(element));
    if all { Fit::All(list) } else { Fit::Some(list) }
}
