//! A look at the first pages of one resource: what is asked for, what comes, and what would become of it.

mod sample;
mod words;

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::changes::renames;
use super::error::Error;
use super::first_pages::{Beginning, FirstPages, impatient};
use super::heard::{Heard, Told};
use super::pipeline::owner;
use crate::extract::Client;
use crate::flow::{Exchange, Observer, Progress, Slice};
use crate::load::State;
use crate::plan::{Plan, ResourcePlan, ancestors};
pub use sample::SampledColumn;
use sample::{Sample, sample};
use words::{declared_paginator, declared_selector, explain_end, left_out};

/// What the caller decides about a preview.
pub struct PreviewOptions {
    /// The API that is read, as the commit log names it; see [`Options::api`](super::Options::api).
    pub api: String,
    /// The start of the run that is looked at: windows end here.
    pub now: Timestamp,
    /// Tells the time for what is stamped.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Pages to read of the resource; at least 1. Of its parents, one is read.
    pub pages: u64,
    /// Records to show.
    pub records: usize,
    /// Leaves out what the destination knows of earlier runs.
    pub fresh: bool,
    /// Gets everything that happens.
    pub observer: Observer,
}

/// What was asked for and came. No text in it holds a credential.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// Name of the resource.
    pub resource: String,
    /// Name of its table.
    pub table: String,
    /// Name of the slice that was read; `None` where reading didn't come so far.
    pub slice: Option<String>,
    /// Slices that a run would read: of a child, for one record of each parent.
    pub slices: usize,
    /// What happened, in its order; requests for parents come first.
    pub steps: Vec<Step>,
    /// Where the records are.
    pub data_selector: Choice,
    /// How pages follow each other.
    pub paginator: Choice,
    /// Rows that the pages gave.
    pub rows: usize,
    /// Records that were left out, and why.
    pub left_out: Vec<String>,
    /// The first rows, by column; a value that looks like a secret by its name is `***`.
    pub records: Vec<IndexMap<String, Box<RawValue>>>,
    /// The columns that the table would have.
    pub columns: Vec<SampledColumn>,
    /// Keys that get no column, since no record has a value for them.
    pub keys_without_values: Vec<String>,
    /// Tables that the elements of lists would become.
    pub child_tables: Vec<String>,
    /// How far earlier runs have read; `None` where each run reads everything.
    pub state_before: Option<Progress>,
    /// How far a run will have read once it has read all slices, as far as these pages show it.
    pub state_after: Option<Progress>,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// What may mean that something is wrong.
    pub warnings: Vec<String>,
    /// Why it ended early.
    pub error: Option<Error>,
}

/// Something that a spec says, or that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The value, as a spec writes it, or in a few words; `None` where nothing was found.
    pub value: Option<String>,
    /// Whether it was found rather than declared.
    pub found: bool,
    /// Why.
    pub reason: String,
}

/// A step of a preview.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A request and its answer.
    Request(Box<Exchange>),
    /// A request that failed is sent again.
    Retry {
        /// Name of the resource.
        resource: String,
        /// Wait before it, in milliseconds.
        wait_milliseconds: u64,
        /// Why it failed.
        reason: String,
    },
    /// A page was read.
    Page {
        /// Name of the resource.
        resource: String,
        /// Position within the slice, from 1.
        page: u64,
        /// Records on it.
        records: usize,
        /// Whether a run would ask for another page.
        goes_on: bool,
        /// Why.
        reason: String,
    },
}

/// Reads the first pages of a resource, and those of its parents that it takes. Nothing is written, and no state changes;
/// where the resource has a job, one is created. What fails is tried twice at most.
///
/// # Errors
/// There is no such resource, or no client can be set up. What goes wrong while it is read is part of the preview; a
/// destination that can't be read is a warning.
pub async fn preview(
    plan: &Plan,
    resource: &str,
    options: PreviewOptions,
) -> Result<Preview, Error> {
    let plan = &impatient(plan);
    let mut all = plan.resources.iter();
    let resource = all
        .find(|one| one.name == resource)
        .ok_or_else(|| Error::UnknownResource(resource.to_owned()))?;
    let heard = Heard::default();
    let observer = heard.listen(Arc::clone(&options.observer));
    let state = match state(plan, &options).await {
        Ok(state) => state,
        Err(error) => {
            let error = error.chain();
            let text = format!("{error}: the preview goes on as if no run had been");
            heard.warn(&resource.name, text);
            State::default()
        }
    };
    let clock = Arc::clone(&options.clock);
    let client = Client::telling_exchanges(plan.client.clone(), clock, Arc::clone(&observer))
        .map_err(|source| Error::Client(Box::new(source)))?;
    let mut pages = FirstPages::new(&client, &state, (options.now, "preview"), observer);
    let beginning = match read_ancestors(plan, resource, &mut pages).await {
        None => pages.read(resource, options.pages).await,
        Some(error) => Beginning {
            error: Some(error),
            ..Beginning::default()
        },
    };
    let committed = state.tables.get(&resource.table);
    let committed = committed.and_then(|table| table.schema.as_ref());
    let sample = sample(&beginning.pages, committed, options.records, &client);
    let sample = sample.unwrap_or_else(|error| {
        let text = format!("the records can't be shown as rows: {error}");
        heard.warn(&resource.name, text);
        Sample::default()
    });
    Ok(assemble(
        resource,
        beginning,
        sample,
        heard.take(),
        options.pages,
    ))
}

/// What the destination holds.
async fn state(plan: &Plan, options: &PreviewOptions) -> Result<State, Error> {
    if options.fresh {
        return Ok(State::default());
    }
    let owner = owner(plan, &options.api);
    let place = &plan.destination;
    Ok(State::found_by(&owner, &renames(plan), &place.url, &place.store).await?)
}

/// Reads a page of each ancestor; gives why one of them can't be read.
async fn read_ancestors(
    plan: &Plan,
    resource: &ResourcePlan,
    pages: &mut FirstPages<'_>,
) -> Option<Error> {
    let above = ancestors(&plan.resources, &resource.name);
    let all = plan.resources.iter();
    for ancestor in all.filter(|one| above.contains(one.name.as_str())) {
        if let Some(error) = pages.read(ancestor, 1).await.error {
            return Some(error);
        }
    }
    None
}

fn assemble(
    resource: &ResourcePlan,
    beginning: Beginning,
    sample: Sample,
    told: Told,
    pages: u64,
) -> Preview {
    let name = &resource.name;
    let mut steps = told.steps;
    let mut notes = texts(told.notes, name);
    if beginning.is_from_start {
        notes.push("nothing is new since the last run: this is read from the start".to_owned());
    }
    if beginning.is_last_slice {
        notes.push("the first slice has no records: this is the last one".to_owned());
    }
    if beginning.error.is_none() {
        explain_end(&mut steps, resource, &beginning, pages);
    }
    let choice = |key: &str, declared: Choice| {
        let mut found = told.detected.iter().rev();
        let found = found.find(|(of, known, _)| of == name && *known == key);
        found.map_or(declared, |(_, _, choice)| choice.clone())
    };
    let incremental = resource.incremental.is_some() && beginning.slice.is_some();
    Preview {
        resource: name.clone(),
        table: resource.table.clone(),
        slice: beginning.slice.as_ref().map(Slice::id),
        slices: beginning.slices,
        steps,
        data_selector: choice("data_selector", declared_selector(resource)),
        paginator: choice("paginator", declared_paginator(resource)),
        rows: sample.rows,
        left_out: left_out(&beginning.pages),
        records: sample.records,
        columns: sample.columns,
        keys_without_values: sample.keys_without_values,
        child_tables: sample.child_tables,
        state_before: incremental.then_some(beginning.before),
        state_after: incremental.then_some(beginning.after),
        notes,
        warnings: texts(told.warnings, name),
        error: beginning.error,
    }
}

/// What was told; what is said of another resource names it.
fn texts(told: Vec<(String, String)>, own: &str) -> Vec<String> {
    let named = told.into_iter().map(|(name, text)| match name {
        name if name == own => text,
        name => format!("{name}: {text}"),
    });
    named.collect()
}
