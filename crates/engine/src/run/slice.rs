//! Reading one slice: its pages are fetched while earlier ones are decoded and written.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::spawn_blocking;

use super::cut::Cut;
use super::error::{Error, joined};
use super::included::Included;
use super::output::{PageOutput, SliceOutput};
use super::parents::Child;
use super::writing::Writing;
use crate::decode::{Decoded, Decoder, DiscardCounts, PART_RECORDS, SliceMemory};
use crate::extract::progress::LastValue;
use crate::extract::{
    Client, DecodedPages, LONGEST_INLINE_BODY, SliceError, read_seeds, read_slice,
};
use crate::flow::{Event, FetchedPage, Observer, Slice};
use crate::plan::ResourcePlan;

/// Pages of one slice that wait to be decoded; those behind them are fetched meanwhile.
const PAGES_IN_FLIGHT: usize = 2;

/// All that reading one slice needs.
pub(super) struct SliceRun {
    /// The slice's place among those of its resource.
    pub(super) place: u64,
    pub(super) resource: Arc<ResourcePlan>,
    pub(super) slice: Slice,
    pub(super) client: Client,
    pub(super) decoder: Arc<Decoder>,
    pub(super) output: Option<SliceOutput>,
    pub(super) computing: Arc<Semaphore>,
    pub(super) observer: Observer,
    pub(super) children: Vec<Child>,
    pub(super) included: Arc<Included>,
}

/// What one slice brought.
#[derive(Debug)]
pub(super) struct SliceReport {
    pub(super) requests: u64,
    pub(super) pages: u64,
    pub(super) records: u64,
    pub(super) body_bytes: u64,
    pub(super) left_out: LeftOut,
    pub(super) place: u64,
    /// The value of the cursor that was followed furthest.
    pub(super) last_value: Option<LastValue>,
    /// Whether its pages ended though more may follow.
    pub(super) is_cut: bool,
    /// Whether the cursor may move behind the slice: nothing before where reading ended is missing.
    pub(super) moves_cursor: bool,
    /// Holds the rows until they are handed over, beside what is remembered of the slice.
    pub(super) output: Option<SliceOutput>,
}

/// Records of a slice that were left out, by the reason.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    pub(super) outside_window: u64,
    pub(super) filtered: u64,
    pub(super) already_loaded: u64,
    pub(super) without_cursor: u64,
    pub(super) duplicates: u64,
    /// By the schema contract.
    pub(super) discarded: DiscardCounts,
}

impl LeftOut {
    fn add(&mut self, page: &mut Decoded) {
        self.outside_window += page.outside_window;
        self.filtered += page.filtered;
        self.already_loaded += page.already_loaded;
        self.without_cursor += page.without_cursor;
        self.duplicates += page.duplicates;
        self.discarded
            .add(std::mem::take(&mut page.discarded.counts));
    }
}

impl SliceRun {
    pub(super) async fn read(mut self) -> Result<SliceReport, Error> {
        let (sender, receiver) = mpsc::channel(PAGES_IN_FLIGHT);
        let (client, resource, slice) = (
            self.client.clone(),
            Arc::clone(&self.resource),
            self.slice.clone(),
        );
        let (tell, told) = watch::channel(DecodedPages::default());
        // Where records come in order, a page may be the last one that is needed.
        let told = self.resource.stops_early().then_some(told);
        let readers = self.decoder.record_readers(&slice);
        let fetch = async {
            let read = match &resource.seeds {
                Some(seeds) => read_seeds(&client, &resource.name, seeds, sender)
                    .await
                    .map_err(SliceError::from),
                None => read_slice(&client, &resource, &slice, readers, sender, told).await,
            };
            read.map_err(|SliceError { page, source }| Error::Extract {
                resource: resource.name.clone(),
                slice: slice.id(),
                page,
                source,
            })
        };
        let consume = self.consume(receiver, tell);
        let (statistics, (left_out, memory)) = tokio::try_join!(fetch, consume)?;
        let cut = Cut::of(&statistics);
        let moves_cursor = match &cut {
            Some(cut) => cut.judge(&self.resource, &self.slice, &memory, &self.observer)?,
            None => true,
        };
        (self.observer)(Event::SliceFinished {
            resource: self.resource.name.clone(),
            slice: self.slice.id(),
        });
        Ok(SliceReport {
            requests: statistics.requests,
            pages: statistics.pages,
            records: statistics.records,
            body_bytes: statistics.bytes,
            left_out,
            place: self.place,
            last_value: memory
                .last_value()
                .map(|(value, records)| LastValue { value, records }),
            is_cut: cut.is_some_and(|cut| !cut.is_refusal(&self.resource)),
            moves_cursor,
            output: self.output,
        })
    }

    /// Decodes and writes each page, and hands its records to the children.
    async fn consume(
        &mut self,
        mut pages: mpsc::Receiver<FetchedPage>,
        tell: watch::Sender<DecodedPages>,
    ) -> Result<(LeftOut, SliceMemory), Error> {
        let mut left_out = LeftOut::default();
        let mut memory = SliceMemory::default();
        let mut disorder_told = false;
        let output = self.output.take();
        let mut writing = output.map(|output| Writing::new(output, &self.slice, &self.computing));
        // Of a page that comes in parts: its number, and the rows of those that have come.
        let mut rows_of_page = (0, 0);
        while let Some(page) = pages.recv().await {
            let is_end = page.is_end;
            let number = page.page.number;
            if rows_of_page.0 != number {
                rows_of_page = (number, 0);
            }
            let mut parents = Vec::new();
            for part in page.parts(PART_RECORDS) {
                let with = (&self.decoder, &self.computing);
                let mut decoded;
                (decoded, memory) = decode(with, &self.slice, part, memory).await?;
                if let Some(writing) = &mut writing {
                    let discards_table = self.decoder.discards_table();
                    let rows = decoded.batch.num_rows() as u64;
                    let page = PageOutput::of(&mut decoded, number, rows_of_page.1, discards_table);
                    rows_of_page.1 += rows;
                    writing.write(page).await?;
                }
                left_out.add(&mut decoded);
                self.included.watch(&decoded);
                parents.append(&mut decoded.parents);
            }
            if !disorder_told && let Some((before, behind)) = memory.disorder() {
                disorder_told = true;
                (self.observer)(Event::Warning {
                    resource: self.resource.name.clone(),
                    text: format!(
                        "records don't come in the order that `row_order` says ({behind} came behind {before}): all pages \
                         are read"
                    ),
                });
            }
            for fields in parents {
                for child in &self.children {
                    child.send(&fields, &self.slice).await;
                }
            }
            if is_end {
                // Nobody listens where all pages are read.
                tell.send_replace(DecodedPages {
                    pages: number,
                    enough: memory.is_enough(),
                });
            }
        }
        if let Some(writing) = writing {
            self.output = Some(writing.finish().await?);
        }
        Ok((left_out, memory))
    }
}

/// Decodes a part of a page of a slice.
pub(super) async fn decode(
    (decoder, computing): (&Arc<Decoder>, &Arc<Semaphore>),
    slice: &Slice,
    part: FetchedPage,
    mut memory: SliceMemory,
) -> Result<(Decoded, SliceMemory), Error> {
    let number = part.page.number;
    // What is read already, and short, takes less time than to hand it to another thread.
    let is_short = part.reader.is_some() && part.page.body.len() <= LONGEST_INLINE_BODY;
    let (decoder, of_slice) = (Arc::clone(decoder), slice.clone());
    let decode = move || {
        let first = usize::try_from(part.first_record).unwrap_or(usize::MAX);
        let (page, reader) = ((first, &part.page), part.reader);
        let result = decoder.decode_part(&of_slice, page, reader, &mut memory);
        (result, memory)
    };
    let (result, memory) = if is_short {
        decode()
    } else {
        blocking(computing, decode).await?
    };
    let contents = result.map_err(|source| Error::Decode {
        resource: slice.resource.clone(),
        slice: slice.id(),
        page: number,
        source: Box::new(source),
    })?;
    Ok((contents, memory))
}

/// Computes away from the async threads, no more at a time than there are cores.
pub(super) async fn blocking<T: Send + 'static>(
    computing: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let permit = Arc::clone(computing).acquire_owned().await;
    let task = spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    });
    joined(task.await)
}
