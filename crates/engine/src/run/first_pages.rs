//! Reading the first pages of resources for somebody who looks at them; nothing is written.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, watch};

use super::combinations::TooMany;
use super::decoded;
use super::error::Error;
use super::parents::{Lineage, Parents};
use super::pipeline::progress;
use super::slice::decode;
use super::slices::{Reading, Slices};
use crate::decode::{Decoded, Decoder, PART_RECORDS, SliceMemory};
use crate::extract::progress::{LastValue, SliceOutcome, advance};
use crate::extract::slice::PlannedSlice;
use crate::extract::{Client, DecodedPages, SliceError, read_seeds, read_slice};
use crate::flow::{FetchedPage, Observer, ParentFields, ParentRecord, Progress, Slice};
use crate::load::State;
use crate::plan::{Plan, ResourcePlan};

/// How often a request that fails is tried, at most.
const TRIES: u32 = 2;

/// Reads the first pages of resources, parents before their children.
pub(super) struct FirstPages<'a> {
    client: &'a Client,
    /// What the destination holds: reading goes on from there.
    state: &'a State,
    /// The run's start.
    now: Timestamp,
    load_id: &'a str,
    observer: Observer,
    /// Bounds the decoding that goes on at the same time.
    computing: Arc<Semaphore>,
    /// The records that were read of each resource, as its children see them.
    records: HashMap<String, Vec<(ParentFields, Slice)>>,
}

/// What was read of a resource.
#[derive(Default)]
pub(super) struct Beginning {
    /// The slice that was read; `None` where there was none to read.
    pub(super) slice: Option<Slice>,
    /// How many slices a run would read: of a child, for one parent record.
    pub(super) slices: usize,
    /// How far earlier runs have read.
    pub(super) before: Progress,
    /// How far a run will have read once it has read all of these slices, as far as the pages show it.
    pub(super) after: Progress,
    /// Nothing is new: it was read from the start instead.
    pub(super) is_from_start: bool,
    /// The first slice has no records: the last one was read instead.
    pub(super) is_last_slice: bool,
    pub(super) pages: Vec<Decoded>,
    /// The records behind these pages lie outside the slice, since they come in a declared order.
    pub(super) is_enough: bool,
    pub(super) error: Option<Error>,
}

/// The pages of one slice.
#[derive(Default)]
struct SlicePages {
    pages: Vec<Decoded>,
    memory: SliceMemory,
    error: Option<Error>,
}

impl SlicePages {
    fn has_rows(&self) -> bool {
        self.pages.iter().any(|page| page.batch.num_rows() > 0)
    }
}

/// The plan for somebody who waits for the answer: what fails is tried [`TRIES`] times at most.
pub(super) fn impatient(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let own = plan.resources.iter_mut();
    let own = own.filter_map(|resource| resource.exchange.retry.as_mut());
    for retry in own.chain([&mut plan.client.retry]) {
        retry.max_attempts = retry.max_attempts.min(TRIES);
    }
    plan
}

impl<'a> FirstPages<'a> {
    pub(super) fn new(
        client: &'a Client,
        state: &'a State,
        (now, load_id): (Timestamp, &'a str),
        observer: Observer,
    ) -> Self {
        Self {
            client,
            state,
            now,
            load_id,
            observer,
            computing: Arc::new(Semaphore::new(1)),
            records: HashMap::new(),
        }
    }

    /// Reads so many pages of the first slice, or of the last one where the first has no records; a child's are those of
    /// the first record of its parents, which must have been read before.
    ///
    /// What goes wrong is part of the result, beside what came before it.
    pub(super) async fn read(&mut self, resource: &ResourcePlan, pages: u64) -> Beginning {
        let mut beginning = Beginning::default();
        if let Err(error) = self.read_into(&mut beginning, resource, pages).await {
            beginning.error = Some(error);
        }
        beginning
    }

    async fn read_into(
        &mut self,
        beginning: &mut Beginning,
        resource: &ResourcePlan,
        pages: u64,
    ) -> Result<(), Error> {
        let parents = self.first_lineage(resource).await?;
        let known = self.state.tables.get(&resource.table);
        beginning.before = progress(resource, known, &self.observer)?;
        let mut slices = self.slices(resource, &parents, &beginning.before)?;
        if slices.is_empty() {
            beginning.is_from_start = true;
            slices = self.slices(resource, &parents, &Progress::default())?;
        }
        beginning.slices = slices.len();
        let first = slices.first().map(|planned| (planned, false));
        let last = slices.last().map(|planned| (planned, true));
        let last = last.filter(|_| slices.len() > 1);
        for (planned, is_last) in first.into_iter().chain(last) {
            let slice = &planned.slice;
            beginning.slice = Some(slice.clone());
            beginning.is_last_slice = is_last;
            let read = self.read_slice(resource, slice, pages).await;
            self.keep_records(resource, slice, &read.pages);
            let has_rows = read.has_rows();
            beginning.pages = read.pages;
            beginning.is_enough = read.memory.is_enough();
            let last_value = read.memory.last_value();
            let last_value = last_value.map(|(value, records)| LastValue { value, records });
            beginning.after = self.after(
                resource,
                &beginning.before,
                &slices,
                planned,
                last_value.as_ref(),
            );
            if let Some(error) = read.error {
                return Err(error);
            }
            if has_rows {
                break;
            }
        }
        Ok(())
    }

    /// The slices that a run would read.
    fn slices(
        &self,
        resource: &ResourcePlan,
        parents: &[ParentRecord],
        before: &Progress,
    ) -> Result<Vec<PlannedSlice>, Error> {
        let mut slices = Slices::new(before.clone(), Reading::default());
        slices.plan(resource, parents, self.now)?;
        Ok(slices.waiting.into())
    }

    /// How far all slices lead, of which one has this last value.
    fn after(
        &self,
        resource: &ResourcePlan,
        before: &Progress,
        slices: &[PlannedSlice],
        read: &PlannedSlice,
        last_value: Option<&LastValue>,
    ) -> Progress {
        let outcomes = slices.iter().map(|planned| SliceOutcome {
            planned,
            finished: true,
            last_value: last_value.filter(|_| planned == read),
        });
        match &resource.incremental {
            Some(_) => advance(resource, before, outcomes, self.now),
            None => Progress::default(),
        }
    }

    /// What the resource gets of the first records of its parents that go together.
    async fn first_lineage(&self, resource: &ResourcePlan) -> Result<Lineage, Error> {
        let Some((mut parents, children)) = Parents::connect(resource) else {
            return Ok(Lineage::new());
        };
        let no_record = |parent: &str| Error::NoParentRecord {
            resource: resource.name.clone(),
            parent: parent.to_owned(),
        };
        let empty = |(name, _): &&(String, _)| self.records.get(name).is_none_or(Vec::is_empty);
        if let Some((parent, _)) = children.iter().find(empty) {
            return Err(no_record(parent));
        }
        let names: Vec<String> = children.iter().map(|(name, _)| name.clone()).collect();
        let send_all = async {
            for (parent, child) in children {
                for (fields, slice) in self.records.get(&parent).into_iter().flatten() {
                    child.send(fields, slice).await;
                }
            }
            std::future::pending::<Infallible>().await
        };
        let lineage = tokio::select! {
            lineage = parents.next() => lineage,
            never = send_all => match never {},
        };
        match lineage {
            Ok(Some(lineage)) => Ok(lineage),
            Ok(None) | Err(TooMany) => Err(no_record(&names.join("`, `"))),
        }
    }

    fn keep_records(&mut self, resource: &ResourcePlan, slice: &Slice, pages: &[Decoded]) {
        let records = pages.iter().flat_map(|page| &page.parents);
        let records = records.map(|fields| (fields.clone(), slice.clone()));
        self.records
            .insert(resource.name.clone(), records.collect());
    }

    /// Reads so many pages of a slice.
    async fn read_slice(&self, resource: &ResourcePlan, slice: &Slice, limit: u64) -> SlicePages {
        let known = self.state.tables.get(&resource.table);
        let schema = known.and_then(|table| table.schema.as_ref());
        let decoder = Decoder::new(resource.decode.clone(), self.load_id).for_table(schema);
        let decoder = Arc::new(decoder);
        let (sender, receiver) = mpsc::channel(1);
        let (tell, told) = watch::channel(DecodedPages::default());
        let readers = decoder.record_readers(slice);
        let fetch = async {
            let read = if let Some(seeds) = &resource.seeds {
                let read = read_seeds(self.client, &resource.name, seeds, sender).await;
                read.map_err(SliceError::from)
            } else {
                read_slice(self.client, resource, slice, readers, sender, Some(told)).await
            };
            read.map_err(|SliceError { page, source }| Error::Extract {
                resource: resource.name.clone(),
                slice: slice.id(),
                page,
                source,
            })
        };
        let mut read = SlicePages::default();
        let consume = self.consume(&decoder, slice, receiver, (tell, limit), &mut read);
        let (fetched, consumed) = tokio::join!(fetch, consume);
        let filtered: u64 = read.pages.iter().map(|page| page.filtered).sum();
        let nothing_passed = filtered > 0 && !read.has_rows();
        decoded::tell(&decoder, resource, self.client, nothing_passed);
        // Where decoding fails, fetching ends because nobody takes the pages any more.
        read.error = consumed.err().or(fetched.err());
        read
    }

    /// Decodes each page, and tells when they are enough.
    async fn consume(
        &self,
        decoder: &Arc<Decoder>,
        slice: &Slice,
        mut pages: mpsc::Receiver<FetchedPage>,
        (tell, limit): (watch::Sender<DecodedPages>, u64),
        read: &mut SlicePages,
    ) -> Result<(), Error> {
        while let Some(page) = pages.recv().await {
            let (number, is_end) = (page.page.number, page.is_end);
            for part in page.parts(PART_RECORDS) {
                let memory = std::mem::take(&mut read.memory);
                let (page, memory) =
                    decode((decoder, &self.computing), slice, part, memory).await?;
                read.memory = memory;
                read.pages.push(page);
            }
            if is_end {
                tell.send_replace(DecodedPages {
                    pages: number,
                    enough: number >= limit || read.memory.is_enough(),
                });
            }
        }
        Ok(())
    }
}
