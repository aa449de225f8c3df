//! What the events of a run told, kept for its report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::report::Report;
use crate::flow::{Event, Observer};

/// Listens to a run, keeps each warning once, and counts what was read, also of slices that failed.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<String, Heard>>>);

/// What was heard of a resource.
#[derive(Default)]
struct Heard {
    warnings: Vec<String>,
    requests: u64,
    pages: u64,
    bytes: u64,
}

impl Tally {
    /// An observer that passes every event on but a warning that it knows.
    pub(super) fn listen(&self, observer: Observer) -> Observer {
        let tally = self.clone();
        Arc::new(move |event| {
            if tally.hear(&event) {
                observer(event);
            }
        })
    }

    /// Whether the event tells anything new.
    fn hear(&self, event: &Event) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Requested { resource } => all.entry(resource.clone()).or_default().requests += 1,
            Event::PageRead {
                resource, bytes, ..
            } => {
                let heard = all.entry(resource.clone()).or_default();
                heard.pages += 1;
                heard.bytes += u64::try_from(*bytes).unwrap_or(u64::MAX);
            }
            Event::Warning { resource, text } => {
                let warnings = &mut all.entry(resource.clone()).or_default().warnings;
                if warnings.contains(text) {
                    return false;
                }
                if warnings.len() < MOST_KEPT {
                    warnings.push(text.clone());
                }
            }
            _ => {}
        }
        true
    }

    /// Puts what was heard beside what each resource did.
    pub(super) fn add_to(&self, report: &mut Report) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in &mut report.resources {
            let heard = all.remove(&resource.name).unwrap_or_default();
            resource.warnings = heard.warnings;
            if resource.error.is_some() {
                resource.requests = heard.requests;
                resource.pages = heard.pages;
                resource.body_bytes = heard.bytes;
            }
        }
    }
}

/// Warnings that are kept for each resource; the first ones tell what there is to tell.
const MOST_KEPT: usize = 20;
