//! How each load went.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::minutes;
use crate::figures::{counted, duration, grouped};
use crate::load::{LoadReport, ResourceSummary, RunSummary};

/// One load, as the page tells of it.
#[derive(Serialize)]
pub(super) struct Load {
    id: String,
    /// When it ended, or was last heard of.
    pub(super) at: String,
    pub(super) outcome: Outcome,
    outcome_words: String,
    rows: String,
    /// Empty where it isn't known.
    duration: String,
    facts: Vec<String>,
    error: Option<String>,
    resources: Vec<Resource>,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Done,
    /// Some resources failed, and the others are committed.
    PartlyFailed,
    Failed,
    /// It was told to stop.
    Interrupted,
    /// It was killed, or is under way.
    Unfinished,
}

#[derive(Serialize)]
struct Resource {
    name: String,
    requests: String,
    records: String,
    retries: String,
    waited: String,
    duration: String,
    error: Option<String>,
    warnings: Vec<String>,
}

impl Load {
    pub(super) fn of(report: &LoadReport) -> Self {
        let run = report.run.as_ref();
        let outcome = Outcome::of(report);
        let resources = run.map_or(&[][..], |run| &run.resources);
        Self {
            id: report.load_id.clone(),
            at: minutes(at(report)),
            outcome,
            outcome_words: outcome.words().to_owned(),
            rows: counted(rows(report), "row"),
            duration: run.map_or_else(String::new, |run| of_milliseconds(run.elapsed_milliseconds)),
            facts: run.map_or_else(Vec::new, facts),
            error: run.and_then(|run| run.error.clone()),
            resources: resources.iter().map(Resource::of).collect(),
        }
    }
}

impl Outcome {
    fn of(report: &LoadReport) -> Self {
        let Some(run) = &report.run else {
            return if report.complete {
                Self::Done
            } else {
                Self::Unfinished
            };
        };
        let has_failures = run.resources.iter().any(|one| one.error.is_some());
        match (report.complete, &run.error) {
            (_, Some(_)) => Self::Failed,
            (true, None) if has_failures => Self::PartlyFailed,
            (true, None) => Self::Done,
            (false, None) => Self::Interrupted,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::PartlyFailed => "partly failed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Unfinished => "unfinished",
        }
    }
}

impl Resource {
    fn of(summary: &ResourceSummary) -> Self {
        Self {
            name: summary.name.clone(),
            requests: grouped(summary.requests),
            records: grouped(summary.records),
            retries: grouped(summary.retries),
            waited: unless_zero(summary.retry_milliseconds),
            // What a run knows of a resource that took it down is little.
            duration: unless_zero(summary.elapsed_milliseconds),
            error: summary.error.clone(),
            warnings: summary.warnings.clone(),
        }
    }
}

/// What a run took beside time.
pub(super) fn facts(run: &RunSummary) -> Vec<String> {
    let total = |value: fn(&ResourceSummary) -> u64| run.resources.iter().map(value).sum::<u64>();
    let mut facts = vec![counted(total(|one| one.requests), "request")];
    match total(|one| one.retries) {
        0 => facts.push("no retries".to_owned()),
        1 => facts.push("1 retry".to_owned()),
        retries => facts.push(format!("{} retries", grouped(retries))),
    }
    facts.push(match run.rate_limited_milliseconds {
        0 => "nothing lost to rate limits".to_owned(),
        lost => format!("{} lost to rate limits", of_milliseconds(lost)),
    });
    facts
}

/// Rows that a load added or updated.
pub(super) fn rows(report: &LoadReport) -> u64 {
    let tables = report.tables.values();
    tables
        .map(|table| table.rows_added + table.rows_updated)
        .sum()
}

/// How long its run took; 0 where that isn't known.
pub(super) fn milliseconds(report: &LoadReport) -> u64 {
    report
        .run
        .as_ref()
        .map_or(0, |run| run.elapsed_milliseconds)
}

/// When it ended, or was last heard of.
pub(super) fn at(report: &LoadReport) -> Timestamp {
    report.ended_at.unwrap_or(report.committed_at)
}

fn unless_zero(milliseconds: u64) -> String {
    match milliseconds {
        0 => String::new(),
        milliseconds => of_milliseconds(milliseconds),
    }
}

fn of_milliseconds(milliseconds: u64) -> String {
    duration(Duration::from_millis(milliseconds))
}
