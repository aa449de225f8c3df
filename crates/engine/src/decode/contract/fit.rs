//! What is observed of a page held against the columns and tables that a contract knows.

use super::Contract;
use super::columns::Columns;
use crate::plan::ContractMode;
use crate::schema::{Column, Field, Form, ObjectSummary, Observed, Source, element_fields};

/// The table that fields are columns of.
#[derive(Clone, Copy)]
pub(super) struct Place<'c> {
    pub(super) columns: &'c Columns,
    /// In a child table, the form that lists have; `None` in the table of the records.
    pub(super) form: Option<Form>,
}

impl Contract {
    /// Whether all values of a field with columns of its own are let in.
    pub(super) fn lets_in(&self, field: &Field, place: Place<'_>) -> bool {
        if let Some(lists) = &field.observed.list
            && self.puts_apart(&field.source, place)
        {
            let mut rest = field.clone();
            rest.observed.list = None;
            return self.lets_lists_in(lists, &field.source, place) && self.lets_in(&rest, place);
        }
        let object = field.observed.object.as_ref();
        let Some(object) = object.filter(|_| place.columns.lie_apart_in(&field.source)) else {
            let columns: Vec<&Column> = place.columns.of(&field.source).iter().collect();
            return columns.is_empty() && self.may_add(&field.source, place)
                || field.fits(&columns);
        };
        let mut rest = field.clone();
        rest.observed.object = None;
        let mut inner = object.fields.iter().map(|inner| Field {
            source: field.source.inner(&inner.source.key),
            ..inner.clone()
        });
        object.has_fields()
            && inner.all(|field| self.lets_in(&field, place))
            && self.lets_in(&rest, place)
    }

    /// Whether the elements of the lists of a source are let in as rows of a table.
    fn lets_lists_in(&self, lists: &Observed, source: &Source, place: Place<'_>) -> bool {
        let Some(table) = place.columns.table(source) else {
            return *lists == Observed::default() || self.modes.tables == ContractMode::Evolve;
        };
        let has_fields = |object| ObjectSummary::has_fields(object);
        let whole_objects =
            table.hold_whole_objects() || !lists.object.as_ref().is_none_or(has_fields);
        element_fields(lists, whole_objects)
            .iter()
            .all(|field| self.lets_in(field, self.in_table(table, source, place)))
    }

    /// The table of the records.
    pub(super) fn root(&self) -> Place<'_> {
        Place {
            columns: &self.columns,
            form: None,
        }
    }

    /// The table of the lists of a source.
    pub(super) fn in_table<'c>(
        &self,
        table: &'c Columns,
        source: &Source,
        place: Place<'_>,
    ) -> Place<'c> {
        Place {
            columns: table,
            form: Some(self.form_of(source, place)),
        }
    }

    /// Whether lists of a source are, or become, rows of a table.
    pub(super) fn puts_apart(&self, source: &Source, place: Place<'_>) -> bool {
        place.columns.put_apart(source, self.form_of(source, place))
    }

    fn form_of(&self, source: &Source, place: Place<'_>) -> Form {
        let own = Some(source).filter(|source| !source.from_parent);
        let hint = own.and_then(|source| self.forms.get(source.top_level()));
        place.form.or(hint.copied()).unwrap_or(self.form)
    }

    /// Whether a source may get its first column; what lies in objects has others beside it.
    pub(super) fn may_add(&self, source: &Source, place: Place<'_>) -> bool {
        if self.modes.columns == ContractMode::Evolve {
            return true;
        }
        let is_named = source.from_parent || self.named.contains(&source.key);
        place.form.is_none() && (self.is_baseline || is_named && source.within.is_empty())
    }
}
