//! From what was observed to columns: the layout of one page, and the final one for a commit.

use std::collections::{HashMap, HashSet};

use super::column::{Column, ColumnType, Kind, Source, places};
use super::evolve::{Fit, evolve};
use super::form::{Form, is_map};
use super::names::{Unnamed, append_named};
use super::observed::{Field, ObjectSummary, Observed};

/// The columns of a page whose schema may still widen: every value can be given back as it was read.
pub(super) fn unsettled_columns(fields: &[Field], reserved: &[&str]) -> Vec<Column> {
    fresh_columns(fields, reserved, Stage::Unsettled)
}

/// The final columns of a commit: those committed, widened where that is exact, then new ones. What has columns of its own
/// lies beside the other fields.
pub(super) fn settled_columns(
    fields: &[Field],
    reserved: &[&str],
    form: Form,
    committed: &[Column],
    committed_fields: &[Field],
) -> Vec<Column> {
    let mut columns = committed.to_vec();
    let required = fields.iter().filter(|field| declares_required(field));
    let required: HashSet<&Source> = required.map(|field| &field.source).collect();
    for column in &mut columns {
        column.required &= column.declared && required.contains(&column.source);
    }
    let places = places(committed);
    let before = committed_fields.iter().map(|field| (&field.source, field));
    let before: HashMap<&Source, &Field> = before.collect();
    let mut new = Vec::new();
    for field in fields {
        if let Some(places) = places.get(&field.source) {
            let before = before.get(&field.source).copied();
            new.extend(absorb(&mut columns, places, field, before, form));
        } else {
            new.extend(
                plain_and_variants(field, Stage::Settled(form)).map(|column| Unnamed {
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
    /// In the form that nested values take.
    Settled(Form),
}

impl Stage {
    /// The stage of a field's values.
    fn of(self, field: &Field) -> Self {
        match self {
            Self::Unsettled => self,
            Self::Settled(form) => Self::Settled(form.of(field)),
        }
    }

    /// The stage of what lies in a struct or a map.
    fn inside(self) -> Self {
        match self {
            Self::Unsettled => self,
            Self::Settled(form) => Self::Settled(form.inside()),
        }
    }

    /// Whether nested values become JSON text.
    fn is_text(self) -> bool {
        matches!(
            self,
            Self::Settled(Form::Json | Form::Flatten | Form::Tables)
        )
    }
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
    let stage = stage.of(field);
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
    if stage != Stage::Unsettled && observed.is_void(kind) {
        return None;
    }
    Some(match kind {
        Kind::Object | Kind::List if stage.is_text() => ColumnType::Json,
        Kind::Object => object_type(observed.object.as_ref()?, stage)?,
        Kind::List => list_type(observed.list.as_ref()?, stage)?,
        Kind::String => {
            let string = observed.string?;
            if stage == Stage::Unsettled {
                string.unsettled_type()
            } else {
                string.settled_type()
            }
        }
        Kind::Number => observed.number?.column_type(),
        Kind::Bool => ColumnType::Bool,
    })
}

fn object_type(object: &ObjectSummary, stage: Stage) -> Option<ColumnType> {
    if object.deep {
        return Some(ColumnType::Json);
    }
    let maps = match stage {
        Stage::Unsettled => object.values.is_some(),
        Stage::Settled(form) => is_map(object, form),
    };
    if maps {
        let values = object.all_values();
        let value = element_type(&values, stage.inside())?;
        return Some(ColumnType::Map(Box::new(value)));
    }
    let columns = fresh_columns(&object.fields, &[], stage.inside());
    Some(if columns.is_empty() {
        ColumnType::Void
    } else {
        ColumnType::Struct(columns)
    })
}

/// A list of mixed kinds is JSON as a whole.
fn list_type(elements: &Observed, stage: Stage) -> Option<ColumnType> {
    if stage != Stage::Unsettled && elements.kinds().count() > 1 {
        return Some(ColumnType::Json);
    }
    let element = element_type(elements, stage)?;
    Some(ColumnType::List(Box::new(element)))
}

/// The type of the elements of a list, or of the values of a map: JSON where they are of several kinds.
fn element_type(elements: &Observed, stage: Stage) -> Option<ColumnType> {
    let kinds: Vec<Kind> = elements.kinds().collect();
    match (kinds.as_slice(), stage) {
        ([], Stage::Settled(_)) => None,
        ([], Stage::Unsettled) => Some(ColumnType::Void),
        ([kind], _) => type_of_kind(elements, *kind, stage),
        (_, Stage::Settled(_)) => Some(ColumnType::Json),
        (kinds, Stage::Unsettled) => Some(ColumnType::Mixed(
            kinds
                .iter()
                .filter_map(|kind| Some((*kind, type_of_kind(elements, *kind, stage)?)))
                .collect(),
        )),
    }
}

/// Fits the values of a field into its committed columns, which are at `places`; what does not fit needs the variants
/// returned.
fn absorb(
    columns: &mut [Column],
    places: &[usize],
    field: &Field,
    before: Option<&Field>,
    form: Form,
) -> Vec<Unnamed> {
    let is_map = |at: &usize| matches!(columns[*at].data_type, ColumnType::Map(_));
    let form = if places.iter().any(is_map) {
        Form::Map
    } else {
        form.of(field)
    };
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
            && !places
                .iter()
                .map(|at| &columns[*at])
                .any(|column| column.kind == data_type.kind() && column.data_type == *data_type)
        {
            new.push(variant(data_type.kind(), data_type.clone(), true));
        }
        if let (Some(plain), Some(_)) = (places.first(), &declaration.description) {
            columns[*plain]
                .description
                .clone_from(&declaration.description);
        }
    }
    let declared_now = field
        .declared
        .as_ref()
        .is_some_and(|declaration| declaration.data_type.is_some());
    for kind in field.observed.kinds() {
        let candidates = places.iter().copied();
        let candidates: Vec<usize> = candidates.filter(|at| columns[*at].takes(kind)).collect();
        let void = field.observed.is_void(kind);
        if void && candidates.is_empty() {
            continue;
        }
        let mut all_fit = false;
        for at in candidates {
            let column = &mut columns[at];
            let widens = !declared_now && !column.declared;
            let widenable = before.map(|before| &before.observed).filter(|_| widens);
            match evolve(&column.data_type, &field.observed, kind, widenable, form) {
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
            let inferred = type_of_kind(&field.observed, kind, Stage::Settled(form));
            new.push(variant(
                Some(kind),
                inferred.unwrap_or(ColumnType::Json),
                false,
            ));
        }
    }
    new
}
