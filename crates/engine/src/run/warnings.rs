//! Warnings of a run, kept for its report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::report::Report;
use crate::flow::{Event, Observer};

/// Listens to a run and keeps each warning once.
#[derive(Clone, Default)]
pub(super) struct Warnings(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl Warnings {
    /// An observer that keeps the warnings, and passes every event on but a warning that it knows.
    pub(super) fn listen(&self, observer: Observer) -> Observer {
        let kept = Arc::clone(&self.0);
        Arc::new(move |event| {
            if let Event::Warning { resource, text } = &event {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let texts = kept.entry(resource.clone()).or_default();
                if texts.contains(text) {
                    return;
                }
                if texts.len() < MOST_KEPT {
                    texts.push(text.clone());
                }
            }
            observer(event);
        })
    }

    /// Puts the warnings beside what each resource did.
    pub(super) fn add_to(&self, report: &mut Report) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in &mut report.resources {
            resource.warnings = kept.remove(&resource.name).unwrap_or_default();
        }
    }
}

/// Warnings that are kept for each resource; the first ones tell what there is to tell.
const MOST_KEPT: usize = 20;
