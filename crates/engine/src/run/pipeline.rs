//! One run of a whole pipeline.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::error::{Error, joined};
use super::report::{Report, ResourceReport};
use super::resource::{Outcome, ResourceRun};
use crate::extract::Client;
use crate::extract::slice::Advance;
use crate::flow::{Event, Observer, ParentRecord};
use crate::load::{Destination, Lake, Progress, SpoolSettings, TableCommit};
use crate::plan::{Plan, ResourcePlan, WriteDisposition};

/// Parent records that wait for one child resource; a parent that is further ahead is held back.
const PARENT_RECORDS_IN_FLIGHT: usize = 256;

/// What the caller decides about a run.
pub struct Options {
    /// Name of the load: part of each data file's name. Unique, sorting by time.
    pub load_id: String,
    /// The run's start: windows end here.
    pub now: Timestamp,
    /// Tells the time for what is stamped during the run.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Names of the resources to read, parents of theirs included by themselves; empty: all.
    pub resources: Vec<String>,
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
    let resources = selected(&plan, &options.resources)?;
    let destination = Destination::open(&plan.destination.url)?;
    let lake = Lake::open(destination, &plan.name, &options.load_id, options.now).await?;
    let client = Client::new(
        plan.client.clone(),
        Arc::clone(&options.clock),
        Arc::clone(&options.observer),
    )
    .map_err(|source| Error::Client(Box::new(source)))?;
    let read = read_all(&plan, resources, &lake, &client, &options);
    let outcomes = tokio::select! {
        outcomes = read => outcomes,
        () = interrupted => Err(Error::Interrupted),
    };
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => {
            lake.abandon().await?;
            return Err(error);
        }
    };
    commit(plan.name, outcomes, lake, &options, started).await
}

/// The resources to read, in the order of the plan: those named and all their ancestors.
fn selected(plan: &Plan, names: &[String]) -> Result<Vec<ResourcePlan>, Error> {
    let mut wanted = BTreeSet::new();
    for name in names {
        let mut next = Some(name);
        while let Some(name) = next {
            let resource = plan
                .resources
                .iter()
                .find(|resource| resource.name == *name);
            let resource = resource.ok_or_else(|| Error::UnknownResource(name.clone()))?;
            wanted.insert(&resource.name);
            next = resource.parent.as_ref();
        }
    }
    let read = |resource: &&ResourcePlan| names.is_empty() || wanted.contains(&resource.name);
    let mut resources: Vec<_> = plan.resources.iter().filter(read).cloned().collect();
    for resource in &mut resources {
        // An ancestor that was not asked for is read for its children, and its table stays as it is.
        if !names.is_empty() && !names.contains(&resource.name) {
            resource.write_disposition = WriteDisposition::Skip;
        }
    }
    Ok(resources)
}

async fn read_all(
    plan: &Plan,
    resources: Vec<ResourcePlan>,
    lake: &Lake,
    client: &Client,
    options: &Options,
) -> Result<Vec<Outcome>, Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let computing = Arc::new(Semaphore::new(cores));
    let mut senders: HashMap<String, Vec<mpsc::Sender<ParentRecord>>> = HashMap::new();
    let mut receivers = HashMap::new();
    for resource in &resources {
        if let Some(parent) = &resource.parent {
            let (sender, receiver) = mpsc::channel(PARENT_RECORDS_IN_FLIGHT);
            senders.entry(parent.clone()).or_default().push(sender);
            receivers.insert(resource.name.clone(), receiver);
        }
    }
    let mut tasks = JoinSet::new();
    for (order, resource) in resources.into_iter().enumerate() {
        let spool = match resource.write_disposition {
            WriteDisposition::Skip => None,
            _ => Some(lake.spool(&resource.name, SpoolSettings::from(&plan.destination))?),
        };
        let table = lake.state().tables.get(&resource.name);
        let before = match (table, resource.write_disposition) {
            // The whole table is read anew.
            (_, WriteDisposition::Replace) | (None, _) => Advance::default(),
            (Some(table), _) => Advance {
                watermark: table.progress.watermark,
                finished: table.progress.finished.clone(),
            },
        };
        let files = table.into_iter().flat_map(|table| &table.files);
        let kept_apart = files.filter_map(|file| file.slice.clone()).collect();
        let run = ResourceRun {
            children: senders.remove(&resource.name).unwrap_or_default(),
            parents: receivers.remove(&resource.name),
            client: client.clone(),
            computing: Arc::clone(&computing),
            observer: Arc::clone(&options.observer),
            load_id: options.load_id.clone(),
            now: options.now,
            resource: Arc::new(resource),
            spool,
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
    mark_orphans(&mut outcomes);
    Ok(outcomes)
}

/// A child whose parent failed has seen only some of the parent's records.
fn mark_orphans(outcomes: &mut [Outcome]) {
    let mut failed = BTreeSet::new();
    for outcome in outcomes {
        if let Some(parent) = outcome
            .resource
            .parent
            .clone()
            .filter(|parent| failed.contains(parent))
            && outcome.error.is_none()
        {
            outcome.error = Some(Error::ParentFailed { parent });
        }
        if outcome.error.is_some() {
            failed.insert(outcome.resource.name.clone());
        }
    }
}

async fn commit(
    pipeline: String,
    outcomes: Vec<Outcome>,
    mut lake: Lake,
    options: &Options,
    started: Instant,
) -> Result<Report, Error> {
    if !outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.error.is_some()) {
        lake.abandon().await?;
        let first = outcomes.into_iter().find_map(|outcome| outcome.error);
        return Err(first.expect("every outcome has an error, and there is one"));
    }
    let mut tables = Vec::new();
    let mut reports = Vec::with_capacity(outcomes.len());
    for mut outcome in outcomes {
        let failed = outcome.error.is_some();
        // Of a failed resource only finished windows are worth keeping: the next run goes on behind them.
        let keeps_windows = outcome.resource.incremental.is_some()
            && outcome.resource.write_disposition != WriteDisposition::Replace;
        if let Some(spool) = outcome.spool.take()
            && (!failed || keeps_windows)
        {
            let sealed = spool.seal()?;
            let after = outcome.advance(sealed.orders().end, options.now);
            tables.push(TableCommit {
                table: outcome.resource.name.clone(),
                sealed,
                write_disposition: outcome.resource.write_disposition,
                primary_key: outcome.resource.primary_key.clone(),
                progress: Progress {
                    watermark: after.watermark,
                    finished: after.finished,
                },
            });
        }
        reports.push(ResourceReport {
            error: outcome.error.map(|error| error.chain()),
            ..outcome.report
        });
    }
    let mut committed = lake.commit(tables, (options.clock)(), true).await?;
    for report in &mut reports {
        if let Some(table) = committed.tables.remove(&report.name) {
            report.table = table;
        }
    }
    (options.observer)(Event::Committed {
        sequence: committed.sequence,
        rows: reports.iter().map(|report| report.table.rows_added).sum(),
    });
    Ok(Report {
        pipeline,
        load_id: options.load_id.clone(),
        sequence: Some(committed.sequence),
        resources: reports,
        elapsed: started.elapsed(),
    })
}
