//! Fields that other resources include and that no record has.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::decode::Decoded;
use crate::plan::DecodePlan;
use crate::spec::did_you_mean;

/// Watches for the fields of a resource's records that `include_from_parent` names.
///
/// A record may lack a field; a field that every record lacks is likely misspelt.
#[derive(Debug)]
pub(super) struct Included {
    /// Each path, with whether any record had it.
    fields: Vec<(String, AtomicBool)>,
    /// The columns of the first records.
    columns: OnceLock<Vec<String>>,
}

impl Included {
    pub(super) fn new(plan: &DecodePlan) -> Self {
        let optional = plan.parent_fields.iter().filter(|field| !field.required);
        Self {
            fields: optional
                .map(|field| (field.path.as_str().to_owned(), AtomicBool::new(false)))
                .collect(),
            columns: OnceLock::new(),
        }
    }

    /// Takes note of what the records of a page have.
    pub(super) fn watch(&self, decoded: &Decoded) {
        if decoded.parents.is_empty() {
            return;
        }
        self.columns.get_or_init(|| {
            let schema = decoded.batch.schema();
            schema
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect()
        });
        for (path, seen) in &self.fields {
            if !seen.load(Ordering::Relaxed)
                && decoded
                    .parents
                    .iter()
                    .any(|fields| fields.contains_key(path))
            {
                seen.store(true, Ordering::Relaxed);
            }
        }
    }

    /// What to tell of the fields that no record had; nothing where there were no records.
    pub(super) fn absent(&self) -> Vec<String> {
        let Some(columns) = self.columns.get() else {
            return Vec::new();
        };
        let absent = self
            .fields
            .iter()
            .filter(|(_, seen)| !seen.load(Ordering::Relaxed));
        let text = |(path, _): &(String, AtomicBool)| {
            let text =
                format!("no record has the field `{path}`, which `include_from_parent` names");
            match did_you_mean(path, columns.iter().map(String::as_str)) {
                Some(column) => format!("{text}; did you mean `{column}`?"),
                None => text,
            }
        };
        absent.map(text).collect()
    }
}
