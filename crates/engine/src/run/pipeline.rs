//! One run of a whole pipeline.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::changes;
use super::error::{Error, joined};
use super::included::Included;
use super::output::TableOutput;
use super::parents::{Child, Parents};
use super::report::{Report, ResourceReport};
use super::resource::{Outcome, ResourceRun};
use super::tally::Tally;
use crate::extract::Client;
use crate::extract::progress::{goes_on, grid};
use crate::flow::{Event, Observer, Progress};
use crate::load::{
    Basis, Destination, Discards, Lake, Lease, Owner, Patience, TableCommit, TableState,
};
use crate::plan::{MergeAction, Plan, ResourcePlan, WriteDisposition, ancestors};

/// What the caller decides about a run.
pub struct Options {
    /// Name of the load: part of each data file's name. Unique, sorting by time.
    pub load_id: String,
    /// The API that is read, as the commit log names it: the origin of its base URL, or `sandbox`. Tables that were read
    /// from another API are refused.
    pub api: String,
    /// The run's start: windows end here.
    pub now: Timestamp,
    /// Tells the time for what is stamped during the run.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Names of the resources to read, parents of theirs included by themselves; empty: all.
    pub resources: Vec<String>,
    /// What to do where another run works on the destination.
    pub patience: Patience,
    /// Gets everything that happens.
    pub observer: Observer,
}

/// Runs a pipeline to its end, or until `interrupted` completes: then nothing is committed.
///
/// Where a resource fails, the others are read and committed all the same, and the report names the failure.
///
/// # Errors
/// The destination can't be used, the API refuses the credentials, or every resource failed.
pub async fn run(
    plan: Plan,
    options: Options,
    interrupted: impl Future<Output = ()>,
) -> Result<Report, Error> {
    let started = Instant::now();
    let tally = Tally::default();
    let options = Options {
        observer: tally.listen(options.observer),
        ..options
    };
    let resources = selected(&plan, &options.resources)?;
    let destination = Destination::open(&plan.destination.url)?;
    let observer = Arc::clone(&options.observer);
    let tell = move |text| observer(Event::Waiting { text });
    let lease = Lease::acquire(&destination, &options.load_id, options.patience, &tell);
    tokio::pin!(interrupted);
    let lease = tokio::select! {
        lease = lease => lease?,
        () = &mut interrupted => return Err(Error::Interrupted),
    };
    let report = run_alone(plan, resources, destination, &options, started, interrupted).await;
    lease.release().await;
    let mut report = report?;
    tally.add_to(&mut report);
    Ok(report)
}

/// Runs it while no other run works on the destination.
async fn run_alone(
    plan: Plan,
    resources: Vec<Selected>,
    destination: Destination,
    options: &Options,
    started: Instant,
    interrupted: impl Future<Output = ()>,
) -> Result<Report, Error> {
    let owner = Owner {
        pipeline: plan.identity.clone(),
        api: options.api.clone(),
        earlier_pipelines: plan.earlier_identities.clone(),
        earlier_apis: plan.client.moved_from.clone(),
    };
    let mut lake = Lake::open(destination, &owner, &options.load_id, options.now).await?;
    lake.rename(&changes::renames(&plan), options.now).await?;
    let written = resources.iter().filter(|selected| selected.writes);
    let written = written.map(|selected| &selected.resource);
    changes::check(written, lake.state(), &options.observer)?;
    changes::tell_orphans(&plan, lake.state(), &options.observer);
    let client = Client::new(
        plan.client.clone(),
        Arc::clone(&options.clock),
        Arc::clone(&options.observer),
    )
    .map_err(|source| Error::Client(Box::new(source)))?;
    let read = read_all(&plan, resources, &lake, &client, options);
    let outcomes = tokio::select! {
        outcomes = read => outcomes,
        () = interrupted => Err(Error::Interrupted),
    };
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => {
            // Work that was under way may still write there: what can't be removed now, the next run sweeps.
            let _swept_later = lake.abandon().await;
            return Err(error);
        }
    };
    commit(plan.name, outcomes, lake, options, started).await
}

/// The resources to read, in the order of the plan: those named, or else all that are selected, and all their ancestors.
fn selected(plan: &Plan, names: &[String]) -> Result<Vec<Selected>, Error> {
    let find = |name: &str| {
        plan.resources
            .iter()
            .find(|resource| resource.name == *name)
    };
    if let Some(unknown) = names.iter().find(|name| find(name).is_none()) {
        return Err(Error::UnknownResource(unknown.clone()));
    }
    let asked_for = |resource: &ResourcePlan| match names {
        [] => resource.selected,
        names => names.contains(&resource.name),
    };
    let mut written = BTreeSet::new();
    // Children get a parent's windows only when these are read: they are read along, and their children too.
    let mut read_along = BTreeSet::new();
    for resource in &plan.resources {
        let passes_windows_on = |name: &str| {
            let found = find(name).filter(|_| read_along.contains(name));
            found.is_some_and(|parent| parent.incremental.is_some() || !parent.parents.is_empty())
        };
        let follows = resource
            .parents
            .iter()
            .any(|parent| passes_windows_on(&parent.resource));
        if asked_for(resource) || follows {
            read_along.insert(resource.name.as_str());
            if asked_for(resource) || resource.selected {
                written.insert(resource.name.as_str());
            }
        }
    }
    let mut wanted = written.clone();
    for name in &written {
        wanted.extend(ancestors(&plan.resources, name));
    }
    let read = |resource: &&ResourcePlan| wanted.contains(resource.name.as_str());
    let selected = |resource: &ResourcePlan| Selected {
        // An ancestor that was not asked for is read for its children, and its table stays as it is.
        writes: resource.write_disposition != WriteDisposition::Skip
            && written.contains(resource.name.as_str()),
        resource: resource.clone(),
    };
    Ok(plan.resources.iter().filter(read).map(selected).collect())
}

/// A resource that a run reads.
struct Selected {
    resource: ResourcePlan,
    /// Whether its rows go into its table.
    writes: bool,
}

async fn read_all(
    plan: &Plan,
    resources: Vec<Selected>,
    lake: &Lake,
    client: &Client,
    options: &Options,
) -> Result<Vec<Outcome>, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let computing = Arc::new(Semaphore::new(cores));
    let mut children: HashMap<String, Vec<Child>> = HashMap::new();
    let mut parents = HashMap::new();
    for Selected { resource, .. } in &resources {
        if let Some((own, senders)) = Parents::connect(resource) {
            parents.insert(resource.name.clone(), own);
            for (parent, child) in senders {
                children.entry(parent).or_default().push(child);
            }
        }
    }
    let mut tasks = JoinSet::new();
    for (order, Selected { resource, writes }) in resources.into_iter().enumerate() {
        let output = if writes {
            let tables = plan.resources.iter().map(|other| &other.table);
            let output = TableOutput::new(
                &resource,
                tables,
                lake,
                &plan.destination,
                &options.load_id,
                options.now,
            )?;
            Some(output)
        } else {
            None
        };
        let table = lake.state().tables.get(&resource.table);
        let before = progress(&resource, table, &options.observer)?;
        let files = table.into_iter().flat_map(|table| &table.files);
        let kept_apart = files.filter_map(|file| file.slice.clone()).collect();
        let run = ResourceRun {
            children: children.remove(&resource.name).unwrap_or_default(),
            included: Arc::new(Included::new(&resource.decode)),
            parents: parents.remove(&resource.name),
            client: client.with_concurrency(resource.concurrency),
            computing: Arc::clone(&computing),
            observer: Arc::clone(&options.observer),
            load_id: options.load_id.clone(),
            now: options.now,
            resource: Arc::new(resource),
            output,
            before,
            kept_apart,
        };
        tasks.spawn(async move { (order, run.read().await) });
    }
    let mut outcomes = Vec::new();
    while let Some(finished) = tasks.join_next().await {
        let (order, outcome) = joined(finished)?;
        match outcome.error {
            Some(error) if error.concerns_all() => return Err(error),
            _ => outcomes.push((order, outcome)),
        }
    }
    outcomes.sort_by_key(|(order, _)| *order);
    let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    hold_back_children(&mut outcomes, &options.observer);
    fail_relatives(&mut outcomes);
    Ok(outcomes)
}

/// How far earlier runs have read a resource.
fn progress(
    resource: &ResourcePlan,
    table: Option<&TableState>,
    observer: &Observer,
) -> Result<Progress, Error> {
    let Some(table) = table.filter(|_| resource.write_disposition != WriteDisposition::Replace)
    else {
        return Ok(Progress::default());
    };
    let Some(now) = grid(resource) else {
        return Ok(table.progress.clone());
    };
    match &table.progress.grid {
        Some(before) if *before != now => {
            let (resource, before) = (resource.clone(), before.clone());
            if resource.write_disposition == WriteDisposition::Append {
                let resource = resource.name;
                return Err(Error::GridChanged {
                    resource,
                    before,
                    now,
                });
            }
            let goes_on = goes_on(&before, &now);
            let consequence = if goes_on {
                "what lies before the time that earlier runs have reached is not read again"
            } else {
                "it starts anew at `initial_value`"
            };
            observer(Event::Notice {
                resource: resource.name,
                text: format!("it was read {before} and is now read {now}; {consequence}"),
            });
            if !goes_on {
                return Ok(Progress::default());
            }
        }
        _ => {}
    }
    Ok(table.progress.clone())
}

/// Keeps the one cursor of a child where it was whose parent, or a parent's parent, was not read whole: the records that
/// are missing may have children that lie before it.
fn hold_back_children(outcomes: &mut [Outcome], observer: &Observer) {
    let mut cut = BTreeSet::new();
    for outcome in outcomes.iter_mut() {
        let resource = Arc::clone(&outcome.resource);
        let mut parents = resource.parents.iter();
        let parent = parents.find(|parent| cut.contains(&parent.resource));
        if outcome.is_cut || parent.is_some() {
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
        let keeps_rows = !matches!(
            resource.write_disposition,
            WriteDisposition::Replace | WriteDisposition::Skip
        );
        let concerned = keeps_rows && resource.shares_state() && outcome.error.is_none();
        let Some(parent) = parent.filter(|_| concerned) else {
            continue;
        };
        if resource.write_disposition == WriteDisposition::Append {
            outcome.error = Some(Error::ParentCut {
                parent: parent.resource.clone(),
            });
            continue;
        }
        outcome.held_back.extend(0..outcome.slices.len() as u64);
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

/// Fails what can't be kept because a relative failed.
///
/// A child whose parent failed has seen only some of the parent's records. And an incremental parent whose child failed
/// must be read again, since the child gets its records from it.
fn fail_relatives(outcomes: &mut [Outcome]) {
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
        if outcome.error.is_some() {
            failed.insert(outcome.resource.name.clone());
        }
    }
    let mut child_of: HashMap<String, String> = HashMap::new();
    for outcome in outcomes.iter_mut().rev() {
        let name = &outcome.resource.name;
        if let Some(child) = child_of.get(name).cloned() {
            outcome.keeps_windows = false;
            if outcome.resource.incremental.is_some() && outcome.error.is_none() {
                outcome.error = Some(Error::ChildFailed { child });
            }
        }
        if outcome.error.is_some() || child_of.contains_key(name) {
            for parent in &outcome.resource.parents {
                child_of.insert(parent.resource.clone(), name.clone());
            }
        }
    }
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

async fn commit(
    pipeline: String,
    outcomes: Vec<Outcome>,
    mut lake: Lake,
    options: &Options,
    started: Instant,
) -> Result<Report, Error> {
    let mut tables = Vec::new();
    let mut reports = Vec::with_capacity(outcomes.len());
    let mut first_error = None;
    let mut succeeded = outcomes.is_empty();
    for mut outcome in outcomes {
        let failed = outcome.error.is_some();
        let writes = outcome.output.is_some();
        let mut kept = false;
        if let Some(output) = outcome.output.take()
            && (!failed || outcome.keeps_windows)
        {
            let (sealed, discards) = output.seal()?;
            let progress = outcome.advance(sealed.finished(), options.now);
            kept = failed && !sealed.finished().is_empty();
            if kept || !failed {
                tables.push(TableCommit {
                    table: outcome.resource.table.clone(),
                    sealed,
                    write_disposition: outcome.resource.write_disposition,
                    basis: Some(Basis::of(&outcome.resource)),
                    progress,
                    discards: Discards {
                        rows: outcome.report.rows_discarded,
                        values: outcome.report.values_discarded,
                        ..discards
                    },
                });
            }
        }
        // An ancestor that is read for its children alone brings nothing to commit.
        succeeded |= writes && (kept || !failed);
        let report = ResourceReport {
            error: outcome.error.as_ref().map(Error::chain),
            ..outcome.report
        };
        reports.push((Arc::clone(&outcome.resource), report));
        let cause = first_error
            .as_ref()
            .is_some_and(|error: &Error| !error.follows_from_relative());
        if !cause {
            first_error = outcome.error.or(first_error);
        }
    }
    if let Some(error) = first_error.filter(|_| !succeeded) {
        // The error that is returned is one of them.
        let told = error.chain();
        for (resource, report) in reports {
            if let Some(text) = report.error.filter(|text| *text != told) {
                (options.observer)(Event::Failed {
                    resource: resource.name.clone(),
                    text,
                });
            }
        }
        let _swept_later = lake.abandon().await;
        return Err(error);
    }
    let mut committed = lake.commit(tables, (options.clock)(), true).await?;
    let mut resources = Vec::with_capacity(reports.len());
    for (resource, mut report) in reports {
        report.table = committed.tables.remove(&resource.table).unwrap_or_default();
        let table = lake.state().tables.get(&resource.table);
        let children = table.map_or_else(Vec::new, |table| table.child_tables(&resource.table));
        report.child_tables = children
            .into_iter()
            .filter_map(|name| committed.tables.remove_entry(&name))
            .collect();
        tell_duplicates(
            &resource,
            report.table.duplicates_dropped,
            &options.observer,
        );
        resources.push(report);
    }
    (options.observer)(Event::Committed {
        sequence: committed.sequence,
        rows: resources
            .iter()
            .flat_map(ResourceReport::tables)
            .map(|table| table.rows_added)
            .sum(),
    });
    Ok(Report {
        pipeline,
        load_id: options.load_id.clone(),
        sequence: committed.sequence,
        resources,
        elapsed: started.elapsed(),
    })
}
