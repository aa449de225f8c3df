//! What a resource's failure, or pages that were cut short, mean for those that depend on it, and on which it depends.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::error::Error;
use super::resource::Outcome;
use crate::flow::{Event, Observer};
use crate::plan::WriteDisposition;

/// Keeps the one cursor of a child where it was whose parent, or a parent's parent, was not read whole: the records that
/// are missing may have children that lie before it.
pub(super) fn hold_back_children(outcomes: &mut [Outcome], observer: &Observer) {
    let mut cut = BTreeSet::new();
    for outcome in outcomes.iter_mut() {
        let resource = Arc::clone(&outcome.resource);
        let mut parents = resource.parents.iter();
        let parent = parents.find(|parent| cut.contains(&parent.resource));
        if outcome.slices.is_cut || parent.is_some() {
            cut.insert(resource.name.clone());
        }
        let is_merge = resource.write_disposition == WriteDisposition::Merge;
        if let Some(parent) = parent
            && is_merge
            && resource.concerns_absent()
            && outcome.error.is_none()
        {
            outcome.error = Some(Error::AbsentUnknown {
                resource: resource.name.clone(),
                reason: format!("the pages of `{}` were cut short", parent.resource),
            });
            continue;
        }
        let concerned = resource.keeps_rows() && resource.shares_state() && outcome.error.is_none();
        let Some(parent) = parent.filter(|_| concerned) else {
            continue;
        };
        if resource.write_disposition == WriteDisposition::Append {
            outcome.error = Some(Error::ParentCut {
                parent: parent.resource.clone(),
            });
            continue;
        }
        outcome.slices.hold_all_back();
        observer(Event::Warning {
            resource: resource.name.clone(),
            text: format!(
                "the pages of `{}` were cut short: the cursor stays where it was, and the next run reads the same records \
                 again",
                parent.resource
            ),
        });
    }
}

/// Fails what was read to its end by a run that ends early, where the next run reads it once more and adds its rows again.
pub(super) fn fail_what_is_read_again(outcomes: &mut [Outcome]) {
    for outcome in outcomes {
        if outcome.error.is_none() && outcome.would_come_twice() {
            outcome.error = Some(Error::ReadAgain);
        }
    }
}

/// Fails what can't be kept because a relative failed.
///
/// A child whose parent failed has seen only some of the parent's records. An incremental parent whose child failed must be
/// read again, since the child gets its records from it, and other children get them again, too.
pub(super) fn fail_relatives(outcomes: &mut [Outcome]) {
    let mut failed = BTreeSet::new();
    for outcome in outcomes.iter_mut() {
        let mut parents = outcome.resource.parents.iter();
        let parent = parents.find(|parent| failed.contains(&parent.resource));
        if let Some(parent) = parent
            && outcome.error.is_none()
        {
            let parent = parent.resource.clone();
            outcome.error = Some(Error::ParentFailed { parent });
        }
        // What was read to its end has given its children all of its records.
        let is_unread = outcome
            .error
            .as_ref()
            .is_some_and(|error| !matches!(error, Error::ReadAgain));
        if is_unread {
            failed.insert(outcome.resource.name.clone());
        }
    }
    while fail_incremental_parents(outcomes) | fail_what_would_come_twice(outcomes) {}
}

/// Fails the incremental ancestors of what failed; tells whether any was new.
fn fail_incremental_parents(outcomes: &mut [Outcome]) -> bool {
    let mut has_news = false;
    let mut child_of: HashMap<String, String> = HashMap::new();
    for outcome in outcomes.iter_mut().rev() {
        let name = &outcome.resource.name;
        if let Some(child) = child_of.get(name).cloned() {
            outcome.keeps_finished = false;
            if outcome.resource.incremental.is_some() && outcome.error.is_none() {
                outcome.error = Some(Error::ChildFailed { child });
                has_news = true;
            }
        }
        if outcome.error.is_some() || child_of.contains_key(name) {
            for parent in &outcome.resource.parents {
                child_of.insert(parent.resource.clone(), name.clone());
            }
        }
    }
    has_news
}

/// Fails the appends below a parent whose child failed: the next run gives them the same records once more. Tells whether any
/// was new.
fn fail_what_would_come_twice(outcomes: &mut [Outcome]) -> bool {
    let mut has_news = false;
    let mut read_again = BTreeSet::new();
    for outcome in outcomes.iter_mut() {
        let mut parents = outcome.resource.parents.iter();
        let parent = parents.find(|parent| read_again.contains(&parent.resource));
        let is_below = parent.is_some();
        if let Some(parent) = parent
            && outcome.error.is_none()
            && outcome.would_come_twice()
        {
            let parent = parent.resource.clone();
            outcome.error = Some(Error::ParentReadAgain { parent });
            has_news = true;
        }
        if is_below || matches!(outcome.error, Some(Error::ChildFailed { .. })) {
            read_again.insert(outcome.resource.name.clone());
        }
    }
    has_news
}
