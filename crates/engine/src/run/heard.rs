//! What happened while pages were read for somebody who looks at them, from its events.

use std::sync::{Arc, Mutex, PoisonError};

use super::preview::{Choice, Step};
use crate::flow::{Event, Observer};

/// Listens to what happens.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Told>>);

/// What was heard.
#[derive(Clone, Default)]
pub(super) struct Told {
    pub(super) steps: Vec<Step>,
    /// What was found of each resource, by its name and the key of the spec.
    pub(super) detected: Vec<(String, &'static str, Choice)>,
    /// By the name of the resource.
    pub(super) notes: Vec<(String, String)>,
    pub(super) warnings: Vec<(String, String)>,
}

impl Heard {
    /// An observer that passes every event on.
    pub(super) fn listen(&self, observer: Observer) -> Observer {
        let heard = self.clone();
        Arc::new(move |event: Event| {
            heard.hear(event.clone());
            observer(event);
        })
    }

    pub(super) fn warn(&self, resource: &str, text: String) {
        self.told(|told| told.warnings.push((resource.to_owned(), text)));
    }

    /// What was heard since the last time.
    pub(super) fn take(&self) -> Told {
        self.told(std::mem::take)
    }

    fn told<T>(&self, with: impl FnOnce(&mut Told) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hear(&self, event: Event) {
        self.told(|told| match event {
            Event::Exchanged(exchange) => told.steps.push(Step::Request(exchange)),
            Event::Retrying {
                resource,
                wait_milliseconds,
                reason,
                ..
            } => told.steps.push(Step::Retry {
                resource,
                wait_milliseconds,
                reason,
            }),
            Event::PageTurned {
                resource,
                page,
                goes_on,
                reason,
            } => told.steps.push(Step::Page {
                resource,
                page,
                records: 0,
                goes_on,
                reason,
            }),
            // The decision about the page has just been told, where there was one.
            Event::PageRead {
                resource: of,
                records: count,
                ..
            } => match told.steps.last_mut() {
                Some(Step::Page {
                    resource, records, ..
                }) if *resource == of => *records = count,
                _ => {}
            },
            Event::Detected {
                resource,
                key,
                value,
                reason,
            } => told.detected.push((
                resource,
                key,
                Choice {
                    value: Some(value),
                    found: true,
                    reason,
                },
            )),
            Event::Notice { resource, text } => push_new(&mut told.notes, (resource, text)),
            Event::Warning { resource, text } => push_new(&mut told.warnings, (resource, text)),
            Event::Requested { .. }
            | Event::Waiting { .. }
            | Event::Failed { .. }
            | Event::SliceFinished { .. }
            | Event::SlicesPlanned { .. }
            | Event::Committed { .. } => {}
        });
    }
}

fn push_new(texts: &mut Vec<(String, String)>, text: (String, String)) {
    if !texts.contains(&text) {
        texts.push(text);
    }
}
