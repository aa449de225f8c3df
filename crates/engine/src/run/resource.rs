//! Reading one resource: its slices, some of them side by side.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use xxhash_rust::xxh3::xxh3_128;

use super::combinations::{PARENT_RECORDS_HELD, TooMany, identity};
use super::error::{Error, joined};
use super::included::Included;
use super::output::TableOutput;
use super::parents::{Child, Lineage, Parents};
use super::report::ResourceReport;
use super::slice::{SliceReport, SliceRun, blocking};
use crate::decode::{AbsentField, Decoder, DiscardCounts, Told};
use crate::extract::Client;
use crate::extract::progress::{LastValue, SliceOutcome, advance};
use crate::extract::slice::{PlannedSlice, slices};
use crate::flow::{Event, Observer, ParentRecord, Progress};
use crate::plan::{ContractMode, IncrementalMode, ResourcePlan, WriteDisposition};
use crate::spec::looks_secret;

/// All that reading one resource needs.
pub(super) struct ResourceRun {
    pub(super) resource: Arc<ResourcePlan>,
    pub(super) client: Client,
    /// Where rows go; `None` where the resource is read for its children only.
    pub(super) output: Option<TableOutput>,
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
}

/// What came of one resource.
pub(super) struct Outcome {
    pub(super) resource: Arc<ResourcePlan>,
    pub(super) report: ResourceReport,
    pub(super) output: Option<TableOutput>,
    pub(super) slices: Vec<PlannedSlice>,
    /// The last values of the slices at these places.
    pub(super) last_values: HashMap<u64, LastValue>,
    /// Places of slices whose rows are kept, and behind which the cursor may not move.
    pub(super) held_back: HashSet<u64>,
    /// Whether the pages of some slice ended though more may follow.
    pub(super) is_cut: bool,
    /// The table isn't there, and the schema contract discards all records.
    pub(super) discards_table: bool,
    pub(super) before: Progress,
    /// Whether finished windows are worth keeping where the resource failed: the next run goes on behind them.
    pub(super) keeps_windows: bool,
    pub(super) error: Option<Error>,
}

impl Outcome {
    /// How far the resource has come, where the slices at these places were finished and no others.
    pub(super) fn advance(&self, finished: &BTreeSet<u64>, now: Timestamp) -> Progress {
        if self.discards_table {
            // Once the table may be created, it gets all of them.
            return self.before.clone();
        }
        let slices = self.slices.iter().zip(0..);
        let slices = slices.map(|(planned, place)| SliceOutcome {
            planned,
            finished: finished.contains(&place) && !self.held_back.contains(&place),
            last_value: self.last_values.get(&place),
        });
        advance(&self.resource, &self.before, slices, now)
    }
}

/// The slices of a resource, in the order in which they were found.
#[derive(Default)]
struct Slices {
    waiting: VecDeque<PlannedSlice>,
    /// Those that were begun, where their windows tell how far the resource has come.
    begun: Vec<PlannedSlice>,
    last_values: HashMap<u64, LastValue>,
    held_back: HashSet<u64>,
    is_cut: bool,
    discarded: DiscardCounts,
    /// Hashes of the keys of parent records, with that of the whole record that came first.
    parents: HashMap<u128, u128>,
    /// Hashes of the slices' names: a parent record that comes twice is read once.
    seen: HashSet<u128>,
}

impl Slices {
    /// Names the records apart that lead to the same request and give their rows other fields.
    fn tell_twins(&mut self, parents: &[ParentRecord]) -> Lineage {
        let mut parents = parents.to_vec();
        let keys: Vec<String> = parents
            .iter()
            .map(|parent| format!("{:?}", parent.key))
            .collect();
        let whole: Vec<String> = parents.iter().map(identity).collect();
        let whole = xxh3_128(whole.join("\n").as_bytes());
        let first = *self
            .parents
            .entry(xxh3_128(keys.join("\n").as_bytes()))
            .or_insert(whole);
        if first != whole
            && let Some(parent) = parents.last_mut()
        {
            parent.twin = Some(format!("{whole:032x}"));
        }
        parents
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
        let mut all = Slices::default();
        let mut decoder = Decoder::new(self.resource.decode.clone(), &self.load_id);
        if let Some(output) = &self.output {
            decoder = decoder.for_table(output.schema.as_ref());
        }
        let decoder = Arc::new(decoder);
        let read = self.read_slices(&decoder, &mut all, &mut report).await;
        let read = read.and_then(|()| self.check_columns(&decoder)).err();
        let taken = self.check_tables().err();
        let is_taken = taken.is_some();
        let error = read.or(taken);
        // Windows that were never begun are holes.
        all.begun.extend(all.waiting);
        report.elapsed = started.elapsed();
        for text in self.included.absent() {
            (self.observer)(Event::Warning {
                resource: report.name.clone(),
                text,
            });
        }
        self.tell_absent_fields(&decoder, &report);
        self.tell_misfits(&decoder);
        self.tell_hints_within(&decoder);
        self.tell_what_was_left_out(&report);
        self.tell_what_was_discarded(&decoder, &all.discarded, &mut report);
        let breaks_contract = error.as_ref().is_some_and(Error::breaks_contract);
        Outcome {
            keeps_windows: self.keeps_what_was_finished() && !breaks_contract && !is_taken,
            resource: self.resource,
            report,
            output: self.output,
            discards_table: decoder.discards_table(),
            slices: all.begun,
            last_values: all.last_values,
            held_back: all.held_back,
            is_cut: all.is_cut,
            before: self.before,
            error,
        }
    }

    /// Whether the slices that were finished are worth keeping where another one fails.
    fn keeps_what_was_finished(&self) -> bool {
        let Some(incremental) = &self.resource.incremental else {
            return false;
        };
        // One state for all can't tell which parents or partitions were read: all of them are read again.
        let told_apart = match &incremental.mode {
            IncrementalMode::Windows(_) => {
                !self.resource.shares_state() || self.resource.parents.is_empty()
            }
            IncrementalMode::Follow(_) => !self.resource.shares_state(),
        };
        told_apart && !self.resource.concerns_absent()
    }

    fn tell_absent_fields(&self, decoder: &Decoder, report: &ResourceReport) {
        for name in decoder.rounded_fields() {
            (self.observer)(Event::Warning {
                resource: self.resource.name.clone(),
                text: format!(
                    "`{name}` has numbers with more digits than expressions compute with (64-bit): what `map` makes of them \
                     is rounded; the field itself, and a `map` that only names it, keep every digit"
                ),
            });
        }
        let nothing_passed = report.filtered > 0 && report.filtered == report.records;
        for AbsentField { name, in_filter } in decoder.absent_fields() {
            let resource = self.resource.name.clone();
            let names = if in_filter { "a filter" } else { "`map`" };
            let text = format!("no record has the field `{name}`, which {names} names");
            // A field may be rare; one by which a filter lets nothing pass is likely misspelt.
            (self.observer)(if in_filter && nothing_passed {
                Event::Warning { resource, text }
            } else {
                Event::Notice { resource, text }
            });
        }
    }

    fn tell_misfits(&self, decoder: &Decoder) {
        let tell = |column: &str, told: &Told, one: &str, many: &str| {
            let what = match told.count {
                0 => return,
                1 => format!("1 value of the column `{column}` {one}"),
                count => format!("{count} values of the column `{column}` {many}"),
            };
            let text = if looks_secret(column) {
                what
            } else {
                format!("{what}, such as `{}`", told.first)
            };
            self.client.warn(&self.resource.name, &text);
        };
        for (column, misfits) in decoder.misfits() {
            tell(
                &column,
                &misfits.refused,
                &format!(
                    "doesn't fit its `data_type`, and is kept in a column of its own (`{column}__v_…`)"
                ),
                &format!(
                    "don't fit its `data_type`, and are kept in a column of their own (`{column}__v_…`)"
                ),
            );
            tell(
                &column,
                &misfits.beyond,
                "is larger than its `precision`, and is kept whole",
                "are larger than its `precision`, and are kept whole",
            );
        }
    }

    fn tell_hints_within(&self, decoder: &Decoder) {
        for name in decoder.hints_within() {
            let text = format!(
                "`columns` declares `{name}`, which lies in an object: hints are for the keys of the record itself, and this one \
                 changes nothing; give the value a key of its own with `map` in `processing_steps`, and declare that"
            );
            self.client.warn(&self.resource.name, &text);
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
        let output = self.output.as_ref();
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
        let output = self.output.as_ref();
        if output.is_some_and(|output| output.is_frozen_out(&self.resource)) {
            return Err(Error::TableFrozen {
                resource: self.resource.name.clone(),
                table: self.resource.table.clone(),
            });
        }
        let mut running: JoinSet<Result<SliceReport, Error>> = JoinSet::new();
        let mut next = 0;
        let mut parents = self.parents.take();
        if parents.is_none() {
            self.plan(&[], all)?;
        }
        loop {
            while running.len() < self.resource.concurrency
                && let Some(planned) = all.waiting.pop_front()
            {
                running.spawn(self.slice_run(&planned, next, decoder).read());
                next += 1;
                if self.resource.incremental.is_some() {
                    all.begun.push(planned);
                }
            }
            let has_room = running.len() < self.resource.concurrency;
            tokio::select! {
                Some(finished) = running.join_next() => {
                    let slice = joined(finished)??;
                    report.add(&slice);
                    // What is remembered of a slice is kept together with its rows, or neither is.
                    all.discarded.add(slice.left_out.discarded);
                    if let Some(output) = slice.output {
                        blocking(&self.computing, move || output.finish()).await??;
                    }
                    all.is_cut |= slice.is_cut;
                    if !slice.moves_cursor {
                        all.held_back.insert(slice.place);
                    }
                    all.last_values.extend(slice.last_value.map(|last| (slice.place, last)));
                }
                lineage = next_lineage(&mut parents), if has_room && parents.is_some() => {
                    match lineage.map_err(|TooMany| self.too_many_parents())? {
                        Some(lineage) => self.plan(&lineage, all)?,
                        None => parents = None,
                    }
                },
                else => return Ok(()),
            }
        }
    }

    /// Adds the slices of the whole resource, or of one combination of parent records.
    fn plan(&self, parents: &[ParentRecord], all: &mut Slices) -> Result<(), Error> {
        let before = all.waiting.len();
        let parents = all.tell_twins(parents);
        let planned = slices(&self.resource, &parents, &self.before, self.now)?;
        for slice in planned {
            if all.seen.insert(xxh3_128(slice.slice.id().as_bytes())) {
                all.waiting.push_back(slice);
            }
        }
        (self.observer)(Event::SlicesPlanned {
            resource: self.resource.name.clone(),
            count: all.waiting.len() - before,
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

    fn slice_run(&self, planned: &PlannedSlice, place: usize, decoder: &Arc<Decoder>) -> SliceRun {
        // An append that reads a window again takes the earlier rows of that window back.
        let id = planned.slice.id();
        let read_again = planned.slice.window.is_some() && !planned.settled;
        let apart = self.resource.write_disposition == WriteDisposition::Append
            && (read_again || self.kept_apart.contains(&id));
        let apart = apart.then_some(id);
        SliceRun {
            place: place as u64,
            output: self
                .output
                .as_ref()
                .map(|output| output.begin(place as u64, apart)),
            resource: Arc::clone(&self.resource),
            slice: planned.slice.clone(),
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
