//! What a run would do, told before its first request.

mod requests;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::again::{Range, resources_of_range};
use super::changes::{self, renames};
use super::error::Error;
use super::heard::{Heard, Told};
use super::pipeline::{Scope, Selected, keeps_finished, owner, progress, selected};
use super::slices::{Reading, Slices};
use crate::extract::slice::PlannedSlice;
use crate::flow::{Observer, Progress};
use crate::load::{DataFile, State, TableState};
use crate::plan::{Plan, ResourcePlan, WriteDisposition};
pub use requests::Requests;

/// What the caller decides about the run.
pub struct OutlookOptions {
    /// The API that is read, as the commit log names it; see [`Options::api`](super::Options::api).
    pub api: String,
    /// The run's start: windows end here.
    pub now: Timestamp,
    /// Names of the resources to read, parents of theirs included by themselves; empty: all.
    pub resources: Vec<String>,
    /// What is read.
    pub scope: Scope,
}

/// What a run would do.
#[derive(Debug, Serialize)]
pub struct Outlook {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Where the tables are.
    pub destination: String,
    /// The newest commit there; 0 where there is none.
    pub commit: u64,
    /// The load that has not come to its end, and that the run goes on with.
    pub unfinished_load: Option<String>,
    /// The resources that would be read, each behind its parents.
    pub resources: Vec<ResourceOutlook>,
    /// Requests of all resources together; those for records of parents, whose number isn't known, are left out.
    pub requests: Requests,
    /// The same with as many parent records as the tables hold now; `None` where no table tells.
    pub requests_expected: Option<u64>,
    /// The least time that the least number of requests takes under the rate limit, those expected for parent records
    /// included, in seconds; `None` without a limit.
    pub least_seconds: Option<f64>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What a run would do with one resource.
#[derive(Debug, Serialize)]
pub struct ResourceOutlook {
    /// Name of the resource.
    pub resource: String,
    /// Name of its table.
    pub table: String,
    /// Whether rows are written: not where it is read for its children only.
    pub writes: bool,
    /// How rows join the table.
    pub write_disposition: WriteDisposition,
    /// The resources for whose records it is read.
    pub parents: Vec<String>,
    /// Slices: all of them, or those for each parent record.
    pub slices: u64,
    /// From the start of the first window to the end of the last one, where they are read in windows.
    pub windows: Option<[Timestamp; 2]>,
    /// Parent records, by the tables as they are now; `None` where they don't tell.
    pub parent_records: Option<u64>,
    /// Requests: all of them, or those for each parent record.
    pub requests: Requests,
    /// What is not read, since earlier runs have.
    pub skips: Vec<String>,
    /// How far earlier runs have read.
    pub state: Progress,
    /// Rows in the table now.
    pub rows: u64,
    /// Files of the table now.
    pub files: u64,
    /// Which of its rows others take the place of.
    pub replaces: Replaces,
    /// Files that go for sure.
    pub replaced_files: Vec<String>,
}

/// Which rows of a table others take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replaces {
    /// None: rows are added.
    Nothing,
    /// All.
    All,
    /// Those with the keys of rows that come.
    SameKeys,
    /// Those of windows that are read again.
    Windows,
    /// Those of the range of time that is read again.
    Range,
}

/// Tells what a run would do. Nothing is asked of the API, and the destination is only read.
///
/// # Errors
/// What would keep a run from its first request: names, ranges and tables that don't go together, or a destination that
/// can't be read.
pub async fn outlook(plan: &Plan, options: OutlookOptions) -> Result<Outlook, Error> {
    let heard = Heard::default();
    let observer = heard.listen(Arc::new(|_| {}));
    let resources = match &options.scope {
        Scope::Again(range) => {
            let names = resources_of_range(plan, &options.resources, range, &observer)?;
            selected(plan, &names, false)?
        }
        Scope::New | Scope::Fresh => selected(plan, &options.resources, true)?,
    };
    let owner = owner(plan, &options.api);
    let place = &plan.destination;
    let state = State::found_by(&owner, &renames(plan), &place.url, &place.store).await?;
    if options.scope != Scope::Fresh {
        let written = resources.iter().filter(|selected| selected.writes);
        changes::check(
            written.map(|selected| &selected.resource),
            &state,
            &observer,
        )?;
    }
    changes::tell_orphans(plan, &state, &observer);
    let with_children: BTreeSet<&str> = resources
        .iter()
        .flat_map(|one| &one.resource.parents)
        .filter(|parent| parent.is_parent())
        .map(|parent| parent.resource.as_str())
        .collect();
    let look = Look {
        plan,
        state: &state,
        options: &options,
        observer: &observer,
    };
    let mut told: Vec<ResourceOutlook> = Vec::new();
    for one in &resources {
        let has_children = with_children.contains(one.resource.name.as_str());
        told.push(look.at(one, has_children, &told)?);
    }
    let requests = requests::total(&told);
    let requests_expected = requests::expected(&told);
    let limit = plan.client.rate_limit.as_ref();
    Ok(Outlook {
        pipeline: plan.name.clone(),
        destination: plan.destination.url.clone(),
        commit: state.sequence,
        unfinished_load: state.unfinished_load.clone(),
        resources: told,
        least_seconds: limit.map(|limit| {
            requests::least_seconds(limit, requests_expected.unwrap_or(requests.least))
        }),
        requests,
        requests_expected,
        notes: notes(heard.take()),
    })
}

fn notes(told: Told) -> Vec<String> {
    let all = told.notes.into_iter().chain(told.warnings);
    all.map(|(resource, text)| format!("{resource}: {text}"))
        .collect()
}

/// What all resources of a run have in common.
struct Look<'a> {
    plan: &'a Plan,
    state: &'a State,
    options: &'a OutlookOptions,
    observer: &'a Observer,
}

impl Look<'_> {
    fn at(
        &self,
        Selected { resource, writes }: &Selected,
        has_children: bool,
        earlier: &[ResourceOutlook],
    ) -> Result<ResourceOutlook, Error> {
        let table = self.state.tables.get(&resource.table);
        let is_fresh = self.options.scope == Scope::Fresh;
        let before = progress(resource, table.filter(|_| !is_fresh), self.observer)?;
        let range = self.range(resource);
        let keeps_finished =
            self.options.scope == Scope::New && keeps_finished(self.plan, resource, has_children);
        let how = Reading {
            remembers: keeps_finished,
            has_children,
            range,
        };
        let mut slices = Slices::new(before.clone(), how);
        let parents: Vec<String> = resource
            .parents
            .iter()
            .filter(|parent| parent.is_parent())
            .map(|parent| parent.resource.clone())
            .collect();
        // Those of a parent record are as many as they are without one, where no part has a cursor of its own.
        slices.plan(resource, &[], self.options.now)?;
        let between = slices.read_again();
        let planned: Vec<PlannedSlice> = slices.waiting.into();
        let windows = planned.first().zip(planned.last());
        let windows = windows
            .and_then(|(first, last)| Some([first.slice.window?.start, last.slice.window?.end]));
        let replaces = self.replaces(resource, &before, range, between.is_some());
        let count = u64::try_from(planned.len()).unwrap_or(u64::MAX);
        Ok(ResourceOutlook {
            resource: resource.name.clone(),
            table: resource.table.clone(),
            writes: *writes,
            write_disposition: resource.write_disposition,
            slices: count,
            windows,
            parent_records: requests::parent_records(self.plan, resource, earlier),
            requests: Requests::of(resource).times(count),
            skips: match range {
                Some(_) => Vec::new(),
                None => skips(&before, planned.first()),
            },
            state: before,
            rows: table.map_or(0, TableState::rows),
            files: table.map_or(0, |table| table.files.len() as u64),
            replaces: if *writes { replaces } else { Replaces::Nothing },
            replaced_files: match table.filter(|_| *writes) {
                Some(table) => replaced_files(table, replaces, &planned),
                None => Vec::new(),
            },
            parents,
        })
    }

    fn range(&self, resource: &ResourcePlan) -> Option<Range> {
        match self.options.scope {
            Scope::Again(range) if resource.incremental.is_some() => Some(range),
            _ => None,
        }
    }

    /// Which rows others take the place of.
    fn replaces(
        &self,
        resource: &ResourcePlan,
        before: &Progress,
        range: Option<Range>,
        reads_again: bool,
    ) -> Replaces {
        match resource.write_disposition {
            _ if self.options.scope == Scope::Fresh => Replaces::All,
            WriteDisposition::Replace => Replaces::All,
            WriteDisposition::Merge => Replaces::SameKeys,
            WriteDisposition::Append if range.is_some() && reads_again => Replaces::Range,
            WriteDisposition::Append
                if resource.incremental.is_some() && *before != Progress::default() =>
            {
                Replaces::Windows
            }
            WriteDisposition::Append | WriteDisposition::Skip => Replaces::Nothing,
        }
    }
}

/// The files that go whatever comes.
fn replaced_files(table: &TableState, replaces: Replaces, planned: &[PlannedSlice]) -> Vec<String> {
    let names: BTreeSet<String> = match replaces {
        Replaces::Windows => planned.iter().map(|one| one.slice.id()).collect(),
        _ => BTreeSet::new(),
    };
    let goes = |file: &&DataFile| match (replaces, &file.slice) {
        (Replaces::All, _) => true,
        (Replaces::Windows, Some(slice)) => names.contains(slice),
        _ => false,
    };
    let files = table.files.iter().filter(goes);
    files.map(|file| file.path.clone()).collect()
}

/// What earlier runs have read that is not read again.
fn skips(before: &Progress, first: Option<&PlannedSlice>) -> Vec<String> {
    let mut skips = Vec::new();
    if let Some(value) = &before.whole.last_value
        && before.whole.watermark.is_none()
    {
        skips.push(format!("what is not beyond the last value, {value}"));
    }
    if let Some(watermark) = before.whole.watermark {
        let window = first.and_then(|planned| planned.slice.window);
        let start = window.map_or(watermark, |window| window.start);
        skips.push(format!("what lies before {start} (watermark {watermark})"));
    }
    let finished = before.whole.finished.len();
    if finished > 0 {
        skips.push(format!("{finished} finished windows behind it"));
    }
    if !before.open.is_empty() {
        skips.push(format!(
            "{} finished slices of the load that goes on",
            before.open.len()
        ));
    }
    let parts = before.parts.len();
    if parts > 0 {
        skips.push(format!(
            "what {parts} parts have read, each to its own cursor"
        ));
    }
    skips
}
