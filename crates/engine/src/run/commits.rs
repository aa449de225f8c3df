//! The commits of a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::checkpoint::Sealed;
use super::error::Error;
use super::expectation::hold;
use super::pipeline::Options;
use super::report::{End, Report, ResourceReport};
use super::resource::Outcome;
use crate::flow::{Event, Observer};
use crate::load::{Lake, TableReport};
use crate::plan::{MergeAction, ResourcePlan};

/// The commits of a run, and what they did together.
pub(super) struct Commits<'a> {
    lake: &'a mut Lake,
    options: &'a Options,
    tables: BTreeMap<String, TableReport>,
    /// Rows of each table before the run.
    rows_before: BTreeMap<String, u64>,
}

impl<'a> Commits<'a> {
    pub(super) fn new(lake: &'a mut Lake, options: &'a Options) -> Self {
        let tables = lake.state().tables.iter();
        let rows_before = tables
            .map(|(name, table)| (name.clone(), table.rows()))
            .collect();
        Self {
            lake,
            options,
            rows_before,
            tables: BTreeMap::new(),
        }
    }

    pub(super) fn lake(&self) -> &Lake {
        self.lake
    }

    /// Commits; with `last` the load is complete. Without it, nothing is committed where there is nothing.
    pub(super) async fn commit(&mut self, sealed: Vec<Sealed>, last: bool) -> Result<(), Error> {
        if sealed.is_empty() && !last {
            return Ok(());
        }
        let tables = sealed.into_iter().map(Sealed::into_commit).collect();
        let now = (self.options.clock)();
        let report = self.lake.commit(tables, now, last).await?;
        (self.options.observer)(Event::Committed {
            sequence: report.sequence,
            rows: report.tables.values().map(|table| table.rows_added).sum(),
        });
        for (name, table) in report.tables {
            self.tables.entry(name).or_default().add(&table);
        }
        Ok(())
    }

    /// Holds the table of a resource that was read to its end against what is expected of it.
    fn expect(&self, resource: &ResourcePlan, report: &mut ResourceReport) {
        let table = self.lake.state().tables.get(&resource.table);
        let before = self
            .rows_before
            .get(&resource.table)
            .copied()
            .unwrap_or_default();
        report.expectations = hold(&resource.expect, table, before, self.options.now);
        let failed = report.expectations.iter().filter(|one| !one.is_met);
        let failed: Vec<String> = failed
            .map(|one| format!("expected {}, and found {}", one.expected, one.found))
            .collect();
        if failed.is_empty() {
            return;
        }
        let text = failed.join("; ");
        if resource.expect.fails {
            report.error = Some(format!("{text}; what was read is committed"));
        } else {
            let resource = resource.name.clone();
            (self.options.observer)(Event::Warning { resource, text });
        }
    }

    /// Whether any row or progress of the table was committed in this run.
    fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }
}

/// Commits what is whole at the end of a run, and tells what the run did.
pub(super) async fn commit_rest(
    pipeline: String,
    outcomes: Vec<Outcome>,
    mut commits: Commits<'_>,
    started: Instant,
) -> Result<Report, Error> {
    let options = commits.options;
    let end = End::of(&outcomes);
    let is_complete = end == End::Complete;
    let mut sealed = Vec::new();
    let mut reports = Vec::with_capacity(outcomes.len());
    let mut first_error = None;
    let mut succeeded = outcomes.is_empty();
    for mut outcome in outcomes {
        let failed = outcome.error.is_some();
        let mut kept = commits.has(&outcome.resource.table);
        // An ancestor that is read for its children alone brings nothing to commit.
        let writes = outcome.output.is_some();
        if (!failed || outcome.keeps_finished)
            && let Some(mut rest) = outcome.seal(options.now).await?
        {
            kept |= rest.has_news();
            // What goes on with a load and brings nothing to it would keep its finished slices as they are for ever.
            let is_lasting = outcome
                .error
                .as_ref()
                .is_some_and(|error| !error.may_heal());
            let is_stuck = is_lasting && !kept && outcome.may_start_anew() && rest.is_within_load();
            if is_complete && is_stuck || !failed && (is_complete || outcome.may_start_anew()) {
                rest.complete();
            }
            if !failed || is_stuck || rest.has_news() {
                sealed.push(rest);
            }
        }
        succeeded |= writes && (kept || !failed);
        let report = ResourceReport {
            error: outcome.error.as_ref().map(Error::chain),
            is_stopped: outcome.error.as_ref().is_some_and(Error::is_stop),
            ..outcome.report
        };
        reports.push((Arc::clone(&outcome.resource), report, writes));
        let cause = first_error
            .as_ref()
            .is_some_and(|error: &Error| !error.follows_from_relative() && !error.is_stop());
        if !cause {
            first_error = outcome.error.or(first_error);
        }
    }
    if let Some(error) = first_error.filter(|_| !succeeded && end != End::Interrupted) {
        if !sealed.is_empty() {
            commits.commit(sealed, is_complete).await?;
        }
        // The error that is returned is one of them.
        let told = error.chain();
        for (resource, report, _) in reports {
            if let Some(text) = report.error.filter(|text| *text != told) {
                (options.observer)(Event::Failed {
                    resource: resource.name.clone(),
                    text,
                });
            }
        }
        return Err(error);
    }
    commits.commit(sealed, is_complete).await?;
    let mut resources = Vec::with_capacity(reports.len());
    for (resource, mut report, writes) in reports {
        report.table = commits.tables.remove(&resource.table).unwrap_or_default();
        let table = commits.lake.state().tables.get(&resource.table);
        let children = table.map_or_else(Vec::new, |table| table.child_tables(&resource.table));
        report.child_tables = children
            .into_iter()
            .filter_map(|name| commits.tables.remove_entry(&name))
            .collect();
        if writes && report.error.is_none() {
            commits.expect(&resource, &mut report);
        }
        tell_duplicates(
            &resource,
            report.table.duplicates_dropped,
            &options.observer,
        );
        resources.push(report);
    }
    Ok(Report {
        pipeline,
        load_id: options.load_id.clone(),
        sequence: commits.lake.state().sequence,
        end,
        resources,
        warnings: Vec::new(),
        elapsed: started.elapsed(),
    })
}

/// Tells of rows that gave way to another row of the same run.
fn tell_duplicates(resource: &ResourcePlan, duplicates: u64, observer: &Observer) {
    if duplicates == 0 {
        return;
    }
    let merge = &resource.merge;
    let same = match resource.primary_key.join("`, `") {
        key if key.is_empty() => "values".to_owned(),
        key => format!("`{key}`"),
    };
    let kept = match &merge.dedup_sort {
        Some(sort) if sort.greatest => format!("the one with the greatest `{}`", sort.column),
        Some(sort) => format!("the one with the lowest `{}`", sort.column),
        None if merge.action == MergeAction::KeepEarlier => "the first one that came".to_owned(),
        None => "the last one that came".to_owned(),
    };
    let again = format!(
        "{duplicates} rows had the same {same} as another row of this run; of each, {kept} was kept"
    );
    let resource_name = resource.name.clone();
    observer(if resource.is_divided() {
        Event::Warning {
            resource: resource_name,
            text: format!(
                "{again}. If rows of different parents or partitions have equal keys, put what tells them apart into \
                 `primary_key`: a column of `include_from_parent`, or a field"
            ),
        }
    } else {
        Event::Notice {
            resource: resource_name,
            text: again,
        }
    });
}
