//! Fields that the expressions of a spec name, and that no record may have: a misspelt name is quietly undefined.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::plan::{Expression, StepPlan};

/// The fields that the steps of a resource name.
#[derive(Debug)]
pub(super) struct NamedFields {
    fields: Vec<NamedField>,
    /// Whether there was any record to look into.
    looked: AtomicBool,
}

#[derive(Debug)]
struct NamedField {
    name: String,
    in_filter: bool,
    seen: AtomicBool,
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
            for name in expression.names() {
                match fields.iter_mut().find(|field| field.name == *name) {
                    Some(field) => field.in_filter |= in_filter,
                    None => fields.push(NamedField {
                        name: name.clone(),
                        in_filter,
                        seen: AtomicBool::new(false),
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
        Self {
            fields,
            looked: AtomicBool::new(false),
        }
    }

    /// Takes note of a record.
    pub(super) fn look(&self) {
        self.looked.store(true, Ordering::Relaxed);
    }

    /// Takes note of a name that stands for something.
    pub(super) fn see(&self, name: &str) {
        if let Some(field) = self.fields.iter().find(|field| field.name == name)
            && !field.seen.load(Ordering::Relaxed)
        {
            field.seen.store(true, Ordering::Relaxed);
        }
    }

    /// Those that no record had; none where there was no record.
    pub(super) fn absent(&self) -> Vec<AbsentField> {
        if !self.looked.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let absent = self
            .fields
            .iter()
            .filter(|field| !field.seen.load(Ordering::Relaxed));
        absent
            .map(|field| AbsentField {
                name: field.name.clone(),
                in_filter: field.in_filter,
            })
            .collect()
    }
}
