//! Commits while a run goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};

use super::error::{Error, joined};
use super::output::TableOutput;
use super::slices::Slices;
use crate::flow::Progress;
use crate::load::{Basis, Discards, Replaced, SealedSpool, TableCommit};
use crate::plan::{CheckpointPlan, ResourcePlan, WriteDisposition};

/// What of a resource can be committed: rows of finished slices, and how far the resource has come with them.
#[derive(Debug)]
pub(super) struct Sealed {
    table: String,
    write_disposition: WriteDisposition,
    basis: Basis,
    rows: SealedSpool,
    discards: Discards,
    progress: Progress,
    replaced: Replaced,
}

impl Sealed {
    /// Takes it. From now on the resource counts as having come so far: where the commit fails, so does the run.
    pub(super) async fn take(
        resource: &ResourcePlan,
        output: &Arc<TableOutput>,
        slices: &mut Slices,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let output = Arc::clone(output);
        // Not one of those that wait for a core: reading goes on behind it.
        let sealing = tokio::task::spawn_blocking(move || output.seal());
        let (rows, discards) = joined(sealing.await)??;
        let progress = slices.advance(resource, rows.finished(), now);
        slices.commit(rows.finished(), progress.clone());
        Ok(Self {
            table: resource.table.clone(),
            write_disposition: resource.write_disposition,
            basis: Basis::of(resource),
            rows,
            discards,
            progress,
            replaced: Replaced::Nothing,
        })
    }

    /// Whether any slice was finished since the last commit.
    pub(super) fn has_news(&self) -> bool {
        !self.rows.finished().is_empty()
    }

    /// Whether some slices of the load are finished and others are not.
    pub(super) fn is_within_load(&self) -> bool {
        !self.progress.open.is_empty()
    }

    /// Where the load has come to its end, a next one starts anew.
    pub(super) fn complete(&mut self) {
        self.progress.open.clear();
    }

    /// How far the resource was read stays as it was before.
    pub(super) fn keep_progress(&mut self, before: Progress) {
        self.progress = before;
    }

    /// This of the table leaves.
    pub(super) fn replace(&mut self, replaced: Replaced) {
        self.replaced = replaced;
    }

    /// Its part of a commit.
    pub(super) fn into_commit(self) -> TableCommit {
        TableCommit {
            table: self.table,
            sealed: self.rows,
            write_disposition: self.write_disposition,
            basis: Some(self.basis),
            progress: self.progress,
            discards: self.discards,
            replaced: self.replaced,
        }
    }
}

/// What is asked of a resource that is being read, as that one sees it.
pub(super) struct PartRequests {
    requests: mpsc::Receiver<Answer>,
    finished: Arc<Notify>,
}

/// Waits for what can be committed.
pub(super) struct Answer(oneshot::Sender<Result<Option<Sealed>, Error>>);

impl Answer {
    pub(super) fn give(self, sealed: Result<Option<Sealed>, Error>) {
        // Where nobody waits any more, the run is over.
        let _heard = self.0.send(sealed);
    }
}

impl PartRequests {
    /// The next request; `None` where none comes any more.
    pub(super) async fn next(&mut self) -> Option<Answer> {
        self.requests.recv().await
    }

    /// Tells that a slice was finished.
    pub(super) fn tell_of_finished(&self) {
        self.finished.notify_one();
    }
}

/// When a run commits while it goes on, and of which resources.
pub(super) struct Checkpoints {
    plan: CheckpointPlan,
    /// By the place of the resource.
    resources: BTreeMap<usize, CheckpointedResource>,
    finished: Arc<Notify>,
    last: Instant,
}

struct CheckpointedResource {
    requests: mpsc::Sender<Answer>,
    output: Arc<TableOutput>,
}

impl Checkpoints {
    pub(super) fn new(plan: CheckpointPlan) -> Self {
        Self {
            plan,
            resources: BTreeMap::new(),
            finished: Arc::default(),
            last: Instant::now(),
        }
    }

    /// Connects a resource, whose finished rows are committed as the run goes on where there is an output.
    pub(super) fn connect(
        &mut self,
        place: usize,
        output: Option<&Arc<TableOutput>>,
    ) -> PartRequests {
        let (requests, received) = mpsc::channel(1);
        if let Some(output) = output {
            let output = Arc::clone(output);
            let resource = CheckpointedResource { requests, output };
            self.resources.insert(place, resource);
        }
        PartRequests {
            requests: received,
            finished: Arc::clone(&self.finished),
        }
    }

    /// Whether what a resource has finished is committed while the run goes on.
    pub(super) fn has(&self, place: usize) -> bool {
        self.resources.contains_key(&place)
    }

    /// What a resource has brought waits for the end of the run.
    pub(super) fn forget(&mut self, place: usize) {
        self.resources.remove(&place);
    }

    /// Completes when it is time for a commit. Nothing is lost where the future is dropped before.
    pub(super) async fn due(&self) {
        let outputs = || self.resources.values().map(|resource| &resource.output);
        let is_sealable = || outputs().any(|output| output.is_sealable());
        loop {
            let left = self.plan.every.saturating_sub(self.last.elapsed());
            tokio::select! {
                () = self.finished.notified() => {}
                () = tokio::time::sleep(left), if is_sealable() => {}
            }
            let waiting: u64 = outputs().map(|output| output.sealable_bytes()).sum();
            let is_late = self.last.elapsed() >= self.plan.every;
            if waiting >= self.plan.bytes || is_late && is_sealable() {
                return;
            }
        }
    }

    /// Takes what can be committed now of the resources that are being read, and notes the time. Those that were read to
    /// their end have no answer.
    pub(super) async fn take(&mut self) -> Result<Vec<Sealed>, Error> {
        self.last = Instant::now();
        let mut answers = Vec::with_capacity(self.resources.len());
        for resource in self.resources.values() {
            let (tell, told) = oneshot::channel();
            if resource.requests.send(Answer(tell)).await.is_ok() {
                answers.push((told, &resource.requests));
            }
        }
        let mut sealed = Vec::with_capacity(answers.len());
        for (answer, requests) in answers {
            // A request that comes at the moment in which a resource ends is neither taken nor dropped.
            let answer = tokio::select! {
                biased;
                answer = answer => answer.ok(),
                () = requests.closed() => None,
            };
            if let Some(answer) = answer {
                sealed.extend(answer?);
            }
        }
        Ok(sealed)
    }
}
