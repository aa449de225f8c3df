//! What the events of a run told, kept for its report.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::report::{Report, ResourceReport, milliseconds};
use crate::flow::{Event, Observer};
use crate::load::RunSummary;

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
    retries: u64,
    retry_wait: Duration,
    /// Why it failed, where all resources did.
    error: Option<String>,
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
            Event::Retrying {
                resource,
                wait_milliseconds,
                ..
            } => {
                let heard = all.entry(resource.clone()).or_default();
                heard.retries += 1;
                heard.retry_wait += Duration::from_millis(*wait_milliseconds);
            }
            Event::Failed { resource, text } => {
                all.entry(resource.clone()).or_default().error = Some(text.clone());
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
            if resource.error.is_some() {
                resource.requests = heard.requests;
                resource.pages = heard.pages;
                resource.body_bytes = heard.bytes;
            }
            resource.retries = heard.retries;
            resource.retry_wait = heard.retry_wait;
            resource.warnings = heard.warnings;
        }
    }

    /// What the report of the load keeps of the run.
    pub(super) fn summary(
        &self,
        result: &Result<Report, Error>,
        elapsed: Duration,
        rate_limited: Duration,
    ) -> RunSummary {
        let summary = |resources: &[ResourceReport]| {
            let resources = resources.iter();
            resources.map(ResourceReport::summary).collect()
        };
        RunSummary {
            elapsed_milliseconds: milliseconds(elapsed),
            rate_limited_milliseconds: milliseconds(rate_limited),
            error: result.as_ref().err().map(Error::chain),
            resources: match result {
                Ok(report) => summary(&report.resources),
                Err(_) => summary(&self.resources()),
            },
        }
    }

    /// What was heard of each resource of a run that came to no report, in no order of the run.
    fn resources(&self) -> Vec<ResourceReport> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_resource = |(name, heard): (&String, &Heard)| ResourceReport {
            name: name.clone(),
            requests: heard.requests,
            pages: heard.pages,
            body_bytes: heard.bytes,
            retries: heard.retries,
            retry_wait: heard.retry_wait,
            warnings: heard.warnings.clone(),
            error: heard.error.clone(),
            ..ResourceReport::default()
        };
        all.iter().map(of_resource).collect()
    }
}

/// Warnings that are kept for each resource; the first ones tell what there is to tell.
const MOST_KEPT: usize = 20;
