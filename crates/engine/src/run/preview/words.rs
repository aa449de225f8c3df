//! What a preview says in words.

use super::{Choice, Step};
use crate::decode::Decoded;
use crate::plan::{PaginatorPlan, ResourcePlan};
use crate::run::first_pages::Beginning;

/// Completes why the pages end, where it is the preview that ends them.
pub(super) fn explain_end(
    steps: &mut [Step],
    resource: &ResourcePlan,
    beginning: &Beginning,
    limit: u64,
) {
    let own = |step: &&mut Step| match step {
        Step::Page { resource: name, .. } => *name == resource.name,
        Step::Request(_) | Step::Retry { .. } => false,
    };
    let Some(Step::Page {
        goes_on, reason, ..
    }) = steps.iter_mut().rfind(own)
    else {
        return;
    };
    if !*goes_on {
        return;
    }
    if beginning.is_enough {
        *goes_on = false;
        "the records behind it lie outside the range, as `row_order` says".clone_into(reason);
    } else {
        let pages = if limit == 1 { "page" } else { "pages" };
        *reason = format!("{reason}; the preview ends behind {limit} {pages}");
    }
}

/// What was left out of the pages, with the reasons.
pub(super) fn left_out(pages: &[Decoded]) -> Vec<String> {
    let sum = |count: fn(&Decoded) -> u64| pages.iter().map(count).sum::<u64>();
    let reasons = [
        (sum(|page| page.filtered), "did not pass a filter"),
        (
            sum(|page| page.outside_window),
            "lay outside the window that was asked for",
        ),
        (sum(|page| page.already_loaded), "are in the table already"),
        (sum(|page| page.without_cursor), "had no cursor"),
        (
            sum(|page| page.duplicates),
            "came twice, by their `primary_key`",
        ),
        (
            sum(|page| page.discarded.counts.rows),
            "were discarded by `schema_contract`",
        ),
    ];
    let told = reasons.iter().filter(|(count, _)| *count > 0);
    let records = told.map(|(count, why)| format!("{count} records {why}"));
    let values = sum(|page| page.discarded.counts.values);
    let values =
        (values > 0).then(|| format!("{values} values were discarded by `schema_contract`"));
    records.chain(values).collect()
}

/// The selector as the spec has it.
pub(super) fn declared_selector(resource: &ResourcePlan) -> Choice {
    match (&resource.data_selector, &resource.seeds) {
        (_, Some(_)) => not_found("the spec itself has the records"),
        (None, None) => not_found(NO_ANSWER),
        (Some(selector), None) => {
            let reason = match resource.paginator {
                PaginatorPlan::SingleRecord => "the path names one record",
                _ => "declared",
            };
            declared(Some(selector.as_str().to_owned()), reason)
        }
    }
}

/// The paginator as the spec has it, in words.
pub(super) fn declared_paginator(resource: &ResourcePlan) -> Choice {
    if resource.seeds.is_some() {
        return not_found("nothing is requested");
    }
    let reason = match resource.paginator {
        PaginatorPlan::Auto(_) => NO_ANSWER,
        PaginatorPlan::SingleRecord => "the path names one record",
        PaginatorPlan::SinglePage | PaginatorPlan::Counted(_) | PaginatorPlan::Chained(_) => {
            "declared"
        }
    };
    declared(resource.paginator.in_words(), reason)
}

/// Why nothing was found of what the first answer would have told.
const NO_ANSWER: &str = "not found: no answer that can be used came";

fn declared(value: Option<String>, reason: &str) -> Choice {
    Choice {
        value,
        found: false,
        reason: reason.to_owned(),
    }
}

fn not_found(reason: &str) -> Choice {
    declared(None, reason)
}
