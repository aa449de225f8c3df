//! Fields that the expressions of a spec name, and what else would stay quiet of them: that no record has one, which is
//! undefined then, or that its numbers are rounded.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::plan::{Expression, StepPlan, is_global};

/// The fields that the steps of a resource name.
#[derive(Debug)]
pub(super) struct NamedFields(Vec<NamedField>);

#[derive(Debug)]
struct NamedField {
    name: String,
    in_filter: bool,
    seen: AtomicBool,
    /// A record that was looked into had no such field.
    missed: AtomicBool,
    /// Some value has more digits than expressions compute with.
    rounded: AtomicBool,
}

/// A field that an expression names, and that no record had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentField {
    /// Its name.
    pub name: String,
    /// Whether a filter names it, so that it decides over records.
    pub in_filter: bool,
}

impl NamedFields {
    pub(super) fn new(steps: &[StepPlan]) -> Self {
        let mut fields: Vec<NamedField> = Vec::new();
        let mut add = |expression: &Expression, in_filter: bool| {
            for name in expression.names().iter().filter(|name| !is_global(name)) {
                match fields.iter_mut().find(|field| field.name == *name) {
                    Some(field) => field.in_filter |= in_filter,
                    None => fields.push(NamedField {
                        name: name.clone(),
                        in_filter,
                        seen: AtomicBool::new(false),
                        missed: AtomicBool::new(false),
                        rounded: AtomicBool::new(false),
                    }),
                }
            }
        };
        for step in steps {
            step.filter.iter().for_each(|filter| add(filter, true));
            for (_, expression) in &step.map {
                add(expression, false);
            }
        }
        Self(fields)
    }

    /// Takes note of a name that stands for something.
    pub(super) fn see(&self, name: &str) {
        self.note(name, |field| &field.seen);
    }

    /// Takes note of a name that a record doesn't have.
    pub(super) fn miss(&self, name: &str) {
        self.note(name, |field| &field.missed);
    }

    /// Takes note of a name of which an expression computes with fewer digits than it has.
    pub(super) fn round(&self, name: &str) {
        self.note(name, |field| &field.rounded);
    }

    /// Those of which an expression computed with fewer digits than they have.
    pub(super) fn rounded(&self) -> Vec<String> {
        let rounded = self
            .0
            .iter()
            .filter(|field| field.rounded.load(Ordering::Relaxed));
        rounded.map(|field| field.name.clone()).collect()
    }

    fn note(&self, name: &str, flag: impl Fn(&NamedField) -> &AtomicBool) {
        if let Some(field) = self.0.iter().find(|field| field.name == name) {
            flag(field).store(true, Ordering::Relaxed);
        }
    }

    /// Those that no record had into which an expression looked.
    pub(super) fn absent(&self) -> Vec<AbsentField> {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let absent = self
            .0
            .iter()
            .filter(|field| is_set(&field.missed) && !is_set(&field.seen));
        absent
            .map(|field| AbsentField {
                name: field.name.clone(),
                in_filter: field.in_filter,
            })
            .collect()
    }
}
