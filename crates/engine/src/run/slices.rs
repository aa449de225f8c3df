//! The slices of a resource, from their planning to their commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use super::combinations::identity;
use super::parents::Lineage;
use crate::decode::DiscardCounts;
use crate::extract::again::{Range, slices_again};
use crate::extract::progress::{LastValue, SliceOutcome, advance, grid};
use crate::extract::slice::{PlannedSlice, SlicesError, slices};
use crate::flow::{ParentRecord, Progress, SliceHash};
use crate::plan::ResourcePlan;

/// How the slices of a resource are found, and what becomes of those that are finished.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Finished slices are remembered where no cursor tells of them.
    pub(super) remembers: bool,
    /// Children need the records of all slices, also of those that an earlier run of the same load has committed.
    pub(super) has_children: bool,
    /// What is read again, instead of what is new.
    pub(super) range: Option<Range>,
}

/// A slice to read.
#[derive(Debug)]
pub(super) struct NextSlice {
    /// Its place among those of the resource.
    pub(super) place: u64,
    pub(super) planned: PlannedSlice,
    /// Its rows are in the table: it is read for the children only.
    pub(super) is_loaded: bool,
}

/// The slices of a resource, in the order in which they were found.
#[derive(Default)]
pub(super) struct Slices {
    how: Reading,
    /// Slices that an earlier run of the same load has committed.
    open: BTreeSet<SliceHash>,
    /// How far the resource has come, by what is committed.
    before: Progress,
    /// Not begun yet.
    pub(super) waiting: VecDeque<PlannedSlice>,
    /// Those that were begun and are not committed, by their place, where they tell how far the resource has come.
    begun: BTreeMap<u64, PlannedSlice>,
    /// The last values of the slices at these places.
    pub(super) last_values: HashMap<u64, LastValue>,
    /// Places of slices whose rows are kept, and behind which the cursor may not move.
    pub(super) held_back: HashSet<u64>,
    /// Whether the pages of some slice ended though more may follow.
    pub(super) is_cut: bool,
    pub(super) discarded: DiscardCounts,
    /// From the start of the first window to the end of the last one.
    between: Option<(Timestamp, Timestamp)>,
    /// The place of the slice that is begun next.
    next: u64,
    /// Hashes of the keys of parent records, with that of the whole record that came first.
    parents: HashMap<u128, u128>,
    /// A parent record that comes twice is read once.
    seen: HashSet<SliceHash>,
}

impl Slices {
    /// None yet of a resource that has come this far.
    pub(super) fn new(before: Progress, how: Reading) -> Self {
        Self {
            how,
            open: before.open.clone(),
            before,
            ..Self::default()
        }
    }

    /// Adds the slices of the whole resource, or of one combination of parent records; gives their number.
    pub(super) fn plan(
        &mut self,
        resource: &ResourcePlan,
        parents: &[ParentRecord],
        now: Timestamp,
    ) -> Result<usize, SlicesError> {
        let before = self.waiting.len();
        let parents = self.tell_twins(parents);
        let planned = match &self.how.range {
            Some(range) => slices_again(resource, &parents, &self.before, range, now)?,
            None => slices(resource, &parents, &self.before, now)?,
        };
        for planned in planned {
            let is_known = self.open.contains(&planned.slice.hash()) && !self.how.has_children;
            if !is_known && self.seen.insert(planned.slice.hash()) {
                if let Some(window) = &planned.slice.window {
                    let (start, end) = self.between.unwrap_or((window.start, window.end));
                    self.between = Some((start.min(window.start), end.max(window.end)));
                }
                self.waiting.push_back(planned);
            }
        }
        Ok(self.waiting.len() - before)
    }

    /// The slice to begin next.
    pub(super) fn begin(&mut self, resource: &ResourcePlan) -> Option<NextSlice> {
        let planned = self.waiting.pop_front()?;
        let place = self.next;
        self.next += 1;
        if resource.incremental.is_some() || self.how.remembers {
            self.begun.insert(place, planned.clone());
        }
        Some(NextSlice {
            place,
            is_loaded: !self.open.is_empty() && self.open.contains(&planned.slice.hash()),
            planned,
        })
    }

    /// The range that is read again, from the start of the first window to the end of the last one.
    pub(super) fn read_again(&self) -> Option<(Timestamp, Timestamp)> {
        self.how.range.and(self.between)
    }

    /// Holds the cursor back behind every slice.
    pub(super) fn hold_all_back(&mut self) {
        self.held_back.extend(0..self.next);
    }

    /// How far the resource has come once the rows of the slices at these places are committed, beside those that are.
    pub(super) fn advance(
        &self,
        resource: &ResourcePlan,
        finished: &BTreeSet<u64>,
        now: Timestamp,
    ) -> Progress {
        if self.how.range.is_some() {
            return Progress {
                grid: grid(resource),
                ..self.before.clone()
            };
        }
        let outcome = |planned, place| SliceOutcome {
            planned,
            finished: finished.contains(place) && !self.held_back.contains(place),
            last_value: self.last_values.get(place),
        };
        let begun = self.begun.iter();
        let begun = begun.map(|(place, planned)| outcome(planned, place));
        // Windows that were never begun are holes.
        let waiting = self.waiting.iter().map(|planned| SliceOutcome {
            planned,
            finished: false,
            last_value: None,
        });
        advance(resource, &self.before, begun.chain(waiting), now)
    }

    /// Forgets the slices at these places: the resource has come this far with them. What stays is what is still to come,
    /// and the holes.
    pub(super) fn commit(&mut self, finished: &BTreeSet<u64>, progress: Progress) {
        for place in finished {
            if !self.held_back.contains(place) {
                self.begun.remove(place);
                self.last_values.remove(place);
            }
        }
        self.before = progress;
    }

    /// How far the resource has come, by what is committed.
    pub(super) fn before(&self) -> &Progress {
        &self.before
    }

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
