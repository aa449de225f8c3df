//! One run of a whole pipeline.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::again::{Range, check_parts, resources_of_range};
use super::changes;
use super::checkpoint::Checkpoints;
use super::commits::{Commits, commit_rest};
use super::error::{Error, joined};
use super::included::Included;
use super::output::TableOutput;
use super::parents::{Child, Parents};
use super::relatives::{fail_relatives, fail_what_is_read_again, hold_back_children};
use super::report::{End, Report};
use super::resource::{Outcome, ResourceRun};
use super::stop::{GRACE, Stop, stop_when};
use super::tally::Tally;
use crate::extract::Client;
use crate::extract::cassette::Traffic;
use crate::extract::progress::{goes_on, grid};
use crate::flow::{Event, Observer, Progress};
use crate::load::{Destination, Lake, Lease, Owner, Patience, TableState};
use crate::plan::{Plan, ResourcePlan, WriteDisposition, ancestors};

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
    /// What is read.
    pub scope: Scope,
    /// Stops at the first resource that fails.
    pub fail_fast: bool,
    /// How requests reach the API.
    pub traffic: Traffic,
    /// Gets everything that happens.
    pub observer: Observer,
}

/// What a run reads of its resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// What is new.
    #[default]
    New,
    /// All from the start: the rows take the place of what the tables hold, once a resource is read to its end.
    Fresh,
    /// A range of time, which takes the place of what the tables hold of it; how far the resources were read stays as it is.
    Again(Range),
}

/// Runs a pipeline to its end, or until `interrupted` completes: then no slice is begun any more, those that end soon are
/// waited for, and what is whole is committed. The future may be dropped at any moment: what is committed stays, and the next
/// run goes on from there.
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
    let resources = match &options.scope {
        Scope::Again(range) => {
            let names = resources_of_range(&plan, &options.resources, range, &options.observer)?;
            selected(&plan, &names, false)?
        }
        Scope::New | Scope::Fresh => selected(&plan, &options.resources, true)?,
    };
    let destination = Destination::open_with(&plan.destination.url, &plan.destination.store)?;
    let observer = Arc::clone(&options.observer);
    let tell = move |text| observer(Event::Waiting { text });
    let lease = Lease::acquire(&destination, &options.load_id, options.patience, &tell);
    tokio::pin!(interrupted);
    let lease = tokio::select! {
        lease = lease => lease?,
        () = &mut interrupted => return Err(Error::StoppedAtOnce),
    };
    let observer = Arc::clone(&options.observer);
    let interrupted = async {
        interrupted.await;
        let text = format!(
            "stopping: no slice is begun any more; those that are being read have {} s to end, and what is whole is committed",
            GRACE.as_secs()
        );
        observer(Event::Waiting { text });
    };
    let place = destination.clone();
    let alone = run_alone(plan, resources, destination, &options, &tally, interrupted);
    let report = alone.await;
    lease.release().await;
    let mut report = report?;
    report.elapsed = started.elapsed();
    report.warnings.extend(place.warnings());
    Ok(report)
}

/// Runs it while no other run works on the destination.
async fn run_alone(
    plan: Plan,
    resources: Vec<Selected>,
    destination: Destination,
    options: &Options,
    tally: &Tally,
    interrupted: impl Future<Output = ()>,
) -> Result<Report, Error> {
    let started = Instant::now();
    let owner = owner(&plan, &options.api);
    let mut lake = Lake::open(destination, &owner, &options.load_id, options.now).await?;
    lake.rename(&changes::renames(&plan), options.now).await?;
    let written = resources.iter().filter(|selected| selected.writes);
    let written = written.map(|selected| &selected.resource);
    if options.scope != Scope::Fresh {
        changes::check(written, lake.state(), &options.observer)?;
    }
    changes::tell_orphans(&plan, lake.state(), &options.observer);
    let client = Client::with_traffic(
        plan.client.clone(),
        Arc::clone(&options.clock),
        Arc::clone(&options.observer),
        options.traffic.clone(),
    )
    .map_err(|source| Error::Client(Box::new(source)))?;
    let (stop, _) = watch::channel(Stop::Not);
    let mut commits = Commits::new(&mut lake, options);
    let read = read_all(&plan, resources, &mut commits, &client, options, &stop);
    let outcomes = tokio::select! {
        outcomes = read => outcomes,
        never = stop_when(interrupted, &stop) => match never {},
    };
    let mut result = match outcomes {
        Ok(outcomes) => commit_rest(plan.name, outcomes, commits, started).await,
        Err(error) => Err(error),
    };
    if let Ok(report) = &mut result {
        tally.add_to(report);
    }
    let summary = tally.summary(&result, started.elapsed(), client.held_back());
    lake.report_run(summary, (options.clock)()).await;
    if !result.as_ref().is_ok_and(Report::is_complete) {
        // Work that was under way may still write there: what can't be removed now, the next run sweeps.
        let _swept_later = lake.abandon().await;
    }
    result
}

/// Whose tables a run writes; `api` as in [`Options`].
pub(super) fn owner(plan: &Plan, api: &str) -> Owner {
    Owner {
        pipeline: plan.identity.clone(),
        api: api.to_owned(),
        earlier_pipelines: plan.earlier_identities.clone(),
        earlier_apis: plan.client.moved_from.clone(),
    }
}

/// The resources to read, in the order of the plan: those named, or else all that are selected, and all their ancestors.
/// `with_children`: and those that get what is new of their parents only now.
pub(super) fn selected(
    plan: &Plan,
    names: &[String],
    with_children: bool,
) -> Result<Vec<Selected>, Error> {
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
        if asked_for(resource) || follows && with_children {
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
pub(super) struct Selected {
    pub(super) resource: ResourcePlan,
    /// Whether its rows go into its table.
    pub(super) writes: bool,
}

async fn read_all(
    plan: &Plan,
    resources: Vec<Selected>,
    commits: &mut Commits<'_>,
    client: &Client,
    options: &Options,
    stop: &watch::Sender<Stop>,
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
    let mut checkpoints = Checkpoints::new(plan.checkpoint);
    let mut tasks = JoinSet::new();
    for (order, Selected { resource, writes }) in resources.into_iter().enumerate() {
        let lake = commits.lake();
        let output = if writes {
            let tables = plan.resources.iter().map(|other| &other.table);
            let output = TableOutput::new(
                &resource,
                tables,
                lake,
                &plan.destination,
                &options.load_id,
                (options.clock)(),
            )?;
            Some(Arc::new(output))
        } else {
            None
        };
        let table = lake.state().tables.get(&resource.table);
        let is_fresh = options.scope == Scope::Fresh;
        let range = match options.scope {
            Scope::Again(range) if resource.incremental.is_some() => Some(range),
            _ => None,
        };
        let known = table.filter(|_| !is_fresh);
        let before = progress(&resource, known, &options.observer)?;
        if range.is_some() {
            check_parts(&resource, &before)?;
        }
        if !before.open.is_empty() {
            tell_unfinished(&resource, before.open.len(), &options.observer);
        }
        let files = known.into_iter().flat_map(|table| &table.files);
        let kept_apart = files.filter_map(|file| file.slice.clone()).collect();
        let children = children.remove(&resource.name).unwrap_or_default();
        let keeps_finished =
            options.scope == Scope::New && keeps_finished(plan, &resource, !children.is_empty());
        let is_checkpointed =
            keeps_finished && children.is_empty() && !resource.is_committed_once();
        let run = ResourceRun {
            requests: checkpoints.connect(order, output.as_ref().filter(|_| is_checkpointed)),
            keeps_finished,
            is_fresh,
            range,
            stop: stop.subscribe(),
            children,
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
    let mut outcomes = outcomes(tasks, checkpoints, commits, options, stop).await?;
    if End::of(&outcomes) != End::Complete {
        fail_what_is_read_again(&mut outcomes);
    }
    hold_back_children(&mut outcomes, &options.observer);
    fail_relatives(&mut outcomes);
    Ok(outcomes)
}

/// Waits for all resources, in the order of the plan, and commits meanwhile what they have finished.
async fn outcomes(
    mut tasks: JoinSet<(usize, Outcome)>,
    mut checkpoints: Checkpoints,
    commits: &mut Commits<'_>,
    options: &Options,
    stop: &watch::Sender<Stop>,
) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = BTreeMap::new();
    loop {
        tokio::select! {
            finished = tasks.join_next() => {
                let Some(finished) = finished else { break };
                let (order, outcome) = joined(finished)?;
                if !outcome.keeps_finished {
                    checkpoints.forget(order);
                }
                if options.fail_fast && outcome.error.as_ref().is_some_and(|error| !error.is_stop()) {
                    stop.send_replace(Stop::Failed(outcome.resource.name.clone()));
                }
                match outcome.error {
                    Some(error) if error.concerns_all() => return Err(error),
                    _ => outcomes.insert(order, outcome),
                };
            }
            () = checkpoints.due() => {
                let mut sealed = checkpoints.take().await?;
                for (order, outcome) in &mut outcomes {
                    if checkpoints.has(*order) {
                        sealed.extend(outcome.seal_for_checkpoint(options.now).await?);
                    }
                }
                commits.commit(sealed, false).await?;
            }
        }
    }
    Ok(outcomes.into_values().collect())
}

/// Tells that the run goes on with a load that an earlier one has begun.
fn tell_unfinished(resource: &ResourcePlan, finished: usize, observer: &Observer) {
    let slices = if finished == 1 { "slice" } else { "slices" };
    observer(Event::Notice {
        resource: resource.name.clone(),
        text: format!(
            "an earlier run has read {finished} {slices} of it and was stopped or failed before the others: this run reads the \
             others, and the next one all of them (`--fresh -r {}` starts over)",
            resource.name
        ),
    });
}

/// Whether slices that a run has finished are worth keeping while others are not, or fail.
///
/// Without a cursor of its own, a resource doesn't go on where it has children, which must get its records again; nor below
/// one that is read incrementally: which version of a parent's record its rows belong to isn't known.
pub(super) fn keeps_finished(plan: &Plan, resource: &ResourcePlan, has_children: bool) -> bool {
    let ancestors = ancestors(&plan.resources, &resource.name);
    let mut others = plan.resources.iter();
    let is_below_incremental =
        others.any(|other| other.incremental.is_some() && ancestors.contains(other.name.as_str()));
    let by_cursor = resource.incremental.is_some();
    resource.keeps_finished_slices() && (by_cursor || !has_children && !is_below_incremental)
}

/// How far earlier runs have read a resource.
pub(super) fn progress(
    resource: &ResourcePlan,
    table: Option<&TableState>,
    observer: &Observer,
) -> Result<Progress, Error> {
    let Some(table) = table.filter(|_| resource.write_disposition != WriteDisposition::Replace)
    else {
        return Ok(Progress::default());
    };
    let now = grid(resource);
    let before = &table.progress.grid;
    if *before == now {
        return Ok(table.progress.clone());
    }
    if table.rows() == 0 {
        // There is nothing that could come twice.
        return Ok(Progress::default());
    }
    let text = |grid: &Option<String>| grid.clone().unwrap_or_else(|| "as a whole".to_owned());
    let (before, now) = (text(before), text(&now));
    if resource.write_disposition == WriteDisposition::Append {
        return Err(Error::GridChanged {
            resource: resource.name.clone(),
            before,
            now,
        });
    }
    let goes_on = goes_on(&before, &now);
    let consequence = if goes_on {
        "what lies before the time that earlier runs have reached is not read again"
    } else if resource.incremental.is_some() {
        "it starts anew at `initial_value`"
    } else {
        "every run reads all of it"
    };
    observer(Event::Notice {
        resource: resource.name.clone(),
        text: format!("it was read {before} and is now read {now}; {consequence}"),
    });
    Ok(if goes_on {
        table.progress.clone()
    } else {
        Progress::default()
    })
}
