//! Reading one resource: its slices, some of them side by side.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::again::replaced;
use super::checkpoint::{PartRequests, Sealed};
use super::combinations::{PARENT_RECORDS_HELD, TooMany};
use super::decoded;
use super::error::{Error, joined};
use super::included::Included;
use super::output::TableOutput;
use super::parents::{Child, Lineage, Parents};
use super::report::ResourceReport;
use super::slice::{SliceReport, SliceRun, blocking};
use super::slices::{NextSlice, Reading, Slices};
use super::stop::Stop;
use crate::decode::{Decoder, DiscardCounts};
use crate::extract::Client;
use crate::extract::again::Range;
use crate::flow::{Event, Observer, ParentRecord, Progress};
use crate::load::Replaced;
use crate::plan::{ContractMode, IncrementalMode, ResourcePlan, WriteDisposition};

/// All that reading one resource needs.
pub(super) struct ResourceRun {
    pub(super) resource: Arc<ResourcePlan>,
    pub(super) client: Client,
    /// Where rows go; `None` where the resource is read for its children only.
    pub(super) output: Option<Arc<TableOutput>>,
    /// Bounds the decoding and encoding that goes on at the same time.
    pub(super) computing: Arc<Semaphore>,
    pub(super) observer: Observer,
    pub(super) load_id: String,
    pub(super) now: Timestamp,
    /// How far earlier runs have come.
    pub(super) before: Progress,
    /// Names of the slices whose rows earlier runs have kept in files of their own.
    pub(super) kept_apart: HashSet<String>,
    /// The parents' records, as they are read; `None` where the resource has no parents.
    pub(super) parents: Option<Parents>,
    /// Where this resource's own records go, for its children.
    pub(super) children: Vec<Child>,
    /// Watches for the fields that other resources include.
    pub(super) included: Arc<Included>,
    /// Whether what was finished is worth keeping while other slices are not, or fail.
    pub(super) keeps_finished: bool,
    /// What is read again, instead of what is new.
    pub(super) range: Option<Range>,
    /// Its rows take the place of all that its table holds.
    pub(super) is_fresh: bool,
    /// Asks for what can be committed while reading goes on.
    pub(super) requests: PartRequests,
    /// What the run has been told.
    pub(super) stop: watch::Receiver<Stop>,
}

/// What came of one resource.
pub(super) struct Outcome {
    pub(super) resource: Arc<ResourcePlan>,
    pub(super) report: ResourceReport,
    pub(super) output: Option<Arc<TableOutput>>,
    pub(super) slices: Slices,
    /// The table isn't there, and the schema contract discards all records.
    pub(super) discards_table: bool,
    /// Whether finished slices are worth keeping where the resource failed: the next run goes on behind them.
    pub(super) keeps_finished: bool,
    /// Its rows take the place of all that its table holds.
    pub(super) is_fresh: bool,
    pub(super) error: Option<Error>,
}

impl Outcome {
    /// What can be committed while the run goes on.
    pub(super) async fn seal_for_checkpoint(
        &mut self,
        now: Timestamp,
    ) -> Result<Option<Sealed>, Error> {
        if !self.keeps_finished || self.discards_table {
            return Ok(None);
        }
        let sealed = self.seal(now).await?;
        Ok(sealed.filter(Sealed::has_news))
    }

    /// What of it can be committed; `None` where it is read for its children only.
    pub(super) async fn seal(&mut self, now: Timestamp) -> Result<Option<Sealed>, Error> {
        let Some(output) = &self.output else {
            return Ok(None);
        };
        let before = self.slices.before().clone();
        let mut sealed = Sealed::take(&self.resource, output, &mut self.slices, now).await?;
        if self.discards_table {
            // Once the table may be created, it gets all of them.
            sealed.keep_progress(before);
        }
        if self.is_fresh {
            sealed.replace(Replaced::All);
        } else if let Some(range) = replaced(&self.resource, self.slices.read_again()) {
            sealed.replace(Replaced::Range(range));
        }
        Ok(Some(sealed))
    }

    /// Whether its rows, committed now, would come twice: where the run ends early, the next one reads it again.
    pub(super) fn would_come_twice(&self) -> bool {
        let is_append = self.resource.write_disposition == WriteDisposition::Append;
        is_append && self.resource.incremental.is_none() && !self.keeps_finished
    }
}

impl ResourceRun {
    /// Reads every slice. An error is part of the outcome: what was finished before it may be kept.
    pub(super) async fn read(mut self) -> Outcome {
        let started = Instant::now();
        let mut report = ResourceReport {
            name: self.resource.name.clone(),
            ..ResourceReport::default()
        };
        let mut all = Slices::new(std::mem::take(&mut self.before), self.reading());
        let mut decoder = Decoder::new(self.resource.decode.clone(), &self.load_id);
        if let Some(output) = &self.output {
            decoder = decoder.for_table(output.schema.as_ref());
        }
        let decoder = Arc::new(decoder);
        let read = Box::pin(self.read_slices(&decoder, &mut all, &mut report)).await;
        let read = read.and_then(|()| self.check_columns(&decoder)).err();
        let taken = self.check_tables().err();
        let is_taken = taken.is_some();
        let error = read.or(taken);
        report.elapsed = started.elapsed();
        for text in self.included.absent() {
            (self.observer)(Event::Warning {
                resource: report.name.clone(),
                text,
            });
        }
        let nothing_passed = report.filtered > 0 && report.filtered == report.records;
        decoded::tell(&decoder, &self.resource, &self.client, nothing_passed);
        self.tell_what_was_left_out(&report);
        self.tell_what_was_discarded(&decoder, &all.discarded, &mut report);
        let breaks_contract = error.as_ref().is_some_and(Error::breaks_contract);
        Outcome {
            keeps_finished: self.keeps_finished && !breaks_contract && !is_taken,
            resource: self.resource,
            report,
            output: self.output,
            discards_table: decoder.discards_table(),
            slices: all,
            is_fresh: self.is_fresh,
            error,
        }
    }

    fn tell_what_was_left_out(&self, report: &ResourceReport) {
        let tell = |count: u64, why: &str| {
            if count > 0 {
                (self.observer)(Event::Notice {
                    resource: report.name.clone(),
                    text: format!(
                        "{count} of {} records {why}, and were left out",
                        report.records
                    ),
                });
            }
        };
        let incremental = self.resource.incremental.as_ref();
        let in_windows =
            incremental.is_some_and(|plan| matches!(plan.mode, IncrementalMode::Windows(_)));
        // An API that can't be asked for what is new gives old records as a matter of course.
        if in_windows {
            tell(
                report.outside_window,
                "lay outside the window that was asked for",
            );
        }
        tell(report.filtered, "did not pass a filter");
        tell(report.without_cursor, "had no cursor");
        tell(report.duplicates, "came twice, by their `primary_key`");
    }

    fn tell_what_was_discarded(
        &self,
        decoder: &Decoder,
        discarded: &DiscardCounts,
        report: &mut ResourceReport,
    ) {
        let warn = |text: String| {
            (self.observer)(Event::Warning {
                resource: self.resource.name.clone(),
                text,
            });
        };
        (report.rows_discarded, report.values_discarded) = (discarded.rows, discarded.values);
        for line in discarded.lines(report.records) {
            warn(match &self.resource.rejected {
                Some(folder) => format!("{line}; `{folder}/{}` keeps them", self.resource.table),
                None => format!("{line}; `rejected: <folder>` would keep them"),
            });
        }
        let mixed = decoder.mixed_columns();
        if !mixed.is_empty() && !self.has_frozen_types() {
            warn(format!(
                "`{}` holds values of several kinds, and nothing says which is right: each kind got a column of its own; \
                 declare the `data_type` under `columns`",
                mixed.join("`, `")
            ));
        }
    }

    fn has_frozen_types(&self) -> bool {
        self.resource.decode.contract.data_type == ContractMode::Freeze
    }

    /// What only all pages together can show of a frozen contract.
    fn check_columns(&self, decoder: &Decoder) -> Result<(), Error> {
        let mixed = decoder.mixed_columns();
        if mixed.is_empty() || !self.has_frozen_types() {
            return Ok(());
        }
        Err(Error::MixedColumns {
            resource: self.resource.name.clone(),
            columns: format!("`{}`", mixed.join("`, `")),
        })
    }

    /// Whether each child table has a name of its own, which only all lists together can show.
    fn check_tables(&self) -> Result<(), Error> {
        let output = self.output.as_deref();
        match output.and_then(TableOutput::taken_table) {
            Some(table) => Err(Error::ChildTableTaken {
                resource: self.resource.name.clone(),
                table,
            }),
            None => Ok(()),
        }
    }

    async fn read_slices(
        &mut self,
        decoder: &Arc<Decoder>,
        all: &mut Slices,
        report: &mut ResourceReport,
    ) -> Result<(), Error> {
        let output = self.output.as_deref();
        if output.is_some_and(|output| output.is_frozen_out(&self.resource)) {
            return Err(Error::TableFrozen {
                resource: self.resource.name.clone(),
                table: self.resource.table.clone(),
            });
        }
        let mut running: JoinSet<Result<SliceReport, Error>> = JoinSet::new();
        let mut parents = self.parents.take();
        if parents.is_none() {
            self.plan(&[], all)?;
        }
        let mut stopped = None;
        loop {
            let stop = self.stop.borrow_and_update().clone();
            if stop != Stop::Not && stopped.is_none() {
                let is_left = parents.is_some() || !all.waiting.is_empty();
                stopped = is_left.then(|| stop.error());
                // A parent waits for nobody.
                parents = None;
            }
            if !stop.lets_slices_end() && !running.is_empty() {
                stopped = Some(stop.error());
                running.shutdown().await;
            }
            while stop == Stop::Not
                && running.len() < self.resource.concurrency
                && let Some(next) = all.begin(&self.resource)
            {
                running.spawn(self.slice_run(next, decoder).read());
            }
            if running.is_empty() && parents.is_none() {
                return stopped.map_or(Ok(()), Err);
            }
            let has_room = stop == Stop::Not && running.len() < self.resource.concurrency;
            tokio::select! {
                Some(finished) = running.join_next() => {
                    self.finish(joined(finished)??, all, report).await?;
                }
                lineage = next_lineage(&mut parents), if has_room && parents.is_some() => {
                    let lineage: Option<Lineage> =
                        lineage.map_err(|TooMany| self.too_many_parents())?;
                    match lineage {
                        Some(lineage) => self.plan(&lineage, all)?,
                        None => parents = None,
                    }
                },
                Some(answer) = self.requests.next() => {
                    answer.give(self.seal(decoder, all).await);
                }
                Ok(()) = self.stop.changed(), if stop.lets_slices_end() => {}
                else => return Ok(()),
            }
        }
    }

    /// Takes what a slice has brought that was read to its end.
    async fn finish(
        &self,
        slice: SliceReport,
        all: &mut Slices,
        report: &mut ResourceReport,
    ) -> Result<(), Error> {
        report.add(&slice);
        all.discarded.add(slice.left_out.discarded.clone());
        let place = slice.place;
        // What is remembered of a slice is kept together with its rows, or neither is.
        if let Some((output, slice_output)) = self.output.clone().zip(slice.output) {
            let discarded = slice.left_out.discarded;
            blocking(&self.computing, move || {
                output.finish(place, slice_output, &discarded)
            })
            .await??;
        }
        all.is_cut |= slice.is_cut;
        if !slice.moves_cursor {
            all.held_back.insert(place);
        }
        all.last_values
            .extend(slice.last_value.map(|last| (place, last)));
        self.requests.tell_of_finished();
        Ok(())
    }

    /// What can be committed while reading goes on.
    async fn seal(&self, decoder: &Decoder, all: &mut Slices) -> Result<Option<Sealed>, Error> {
        let Some(output) = &self.output else {
            return Ok(None);
        };
        // What is wrong comes to an end with the resource.
        let is_wrong = self.check_columns(decoder).is_err() || self.check_tables().is_err();
        if is_wrong || decoder.discards_table() {
            return Ok(None);
        }
        let sealed = Sealed::take(&self.resource, output, all, self.now).await?;
        Ok(Some(sealed).filter(Sealed::has_news))
    }

    /// Adds the slices of the whole resource, or of one combination of parent records.
    fn plan(&self, parents: &[ParentRecord], all: &mut Slices) -> Result<(), Error> {
        let count = all.plan(&self.resource, parents, self.now)?;
        if self.range.is_some() && count == 0 {
            (self.observer)(Event::Notice {
                resource: self.resource.name.clone(),
                text: "no run has read anything of that range: there is nothing to read again"
                    .to_owned(),
            });
        }
        (self.observer)(Event::SlicesPlanned {
            resource: self.resource.name.clone(),
            count,
        });
        Ok(())
    }

    fn too_many_parents(&self) -> Error {
        let parents = self.resource.parents.iter();
        let parents = parents.filter(|plan| plan.is_parent());
        let names: Vec<&str> = parents.map(|plan| plan.resource.as_str()).collect();
        Error::TooManyParents {
            resource: self.resource.name.clone(),
            parents: names.join("`, `"),
            limit: PARENT_RECORDS_HELD,
        }
    }

    fn reading(&self) -> Reading {
        Reading {
            remembers: self.keeps_finished,
            has_children: !self.children.is_empty(),
            range: self.range,
        }
    }

    fn slice_run(&self, next: NextSlice, decoder: &Arc<Decoder>) -> SliceRun {
        let NextSlice {
            place,
            planned,
            is_loaded,
        } = next;
        // An append that reads a window again takes the earlier rows of that window back.
        let id = planned.slice.id();
        let read_again = planned.slice.window.is_some() && !planned.settled;
        let apart = self.resource.write_disposition == WriteDisposition::Append
            && (read_again || self.kept_apart.contains(&id));
        let apart = apart.then_some(id);
        let output = self.output.as_ref();
        let mut output = output.map(|output| output.begin(place, apart));
        if is_loaded {
            // The place in the order ends here.
            output = None;
        }
        SliceRun {
            place,
            output,
            resource: Arc::clone(&self.resource),
            slice: planned.slice,
            client: self.client.clone(),
            decoder: Arc::clone(decoder),
            computing: Arc::clone(&self.computing),
            observer: Arc::clone(&self.observer),
            children: self.children.clone(),
            included: Arc::clone(&self.included),
        }
    }
}

async fn next_lineage(parents: &mut Option<Parents>) -> Result<Option<Lineage>, TooMany> {
    match parents {
        Some(parents) => parents.next().await,
        None => Ok(None),
    }
}

impl ResourceReport {
    fn add(&mut self, slice: &SliceReport) {
        self.slices += 1;
        self.requests += slice.requests;
        self.pages += slice.pages;
        self.records += slice.records;
        self.outside_window += slice.left_out.outside_window;
        self.filtered += slice.left_out.filtered;
        self.already_loaded += slice.left_out.already_loaded;
        self.without_cursor += slice.left_out.without_cursor;
        self.duplicates += slice.left_out.duplicates;
        self.body_bytes += slice.body_bytes;
    }
}
