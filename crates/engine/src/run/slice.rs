//! Reading one slice: its pages are fetched while earlier ones are decoded and written.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;

use super::error::{Error, joined};
use super::included::Included;
use super::parents::Child;
use crate::decode::{Decoded, Decoder};
use crate::extract::{Client, read_seeds, read_slice};
use crate::flow::{Event, Observer, Page, Slice};
use crate::load::{self, SliceWriter};
use crate::plan::ResourcePlan;

/// Pages of one slice that wait to be decoded; the next one is fetched meanwhile.
const PAGES_IN_FLIGHT: usize = 2;

/// All that reading one slice needs.
pub(super) struct SliceRun {
    pub(super) resource: Arc<ResourcePlan>,
    pub(super) slice: Slice,
    pub(super) client: Client,
    pub(super) decoder: Arc<Decoder>,
    pub(super) writer: Option<SliceWriter>,
    pub(super) computing: Arc<Semaphore>,
    pub(super) observer: Observer,
    pub(super) children: Vec<Child>,
    pub(super) included: Arc<Included>,
}

/// What one slice brought.
#[derive(Debug, Default)]
pub(super) struct SliceReport {
    pub(super) requests: u64,
    pub(super) pages: u64,
    pub(super) records: u64,
    pub(super) outside_window: u64,
    pub(super) filtered: u64,
    pub(super) body_bytes: u64,
}

impl SliceRun {
    pub(super) async fn read(mut self) -> Result<SliceReport, Error> {
        let (sender, receiver) = mpsc::channel(PAGES_IN_FLIGHT);
        let (client, resource, slice) = (
            self.client.clone(),
            Arc::clone(&self.resource),
            self.slice.clone(),
        );
        let fetch = async {
            let read = match &resource.seeds {
                Some(seeds) => read_seeds(&client, &resource.name, seeds, sender).await,
                None => read_slice(&client, &resource, &slice, sender).await,
            };
            read.map_err(|source| Error::Extract {
                resource: resource.name.clone(),
                slice: slice.id(),
                source: Box::new(source),
            })
        };
        let (statistics, left_out) = tokio::try_join!(fetch, self.consume(receiver))?;
        if let Some(writer) = self.writer.take() {
            blocking(&self.computing, move || writer.finish()).await??;
        }
        (self.observer)(Event::SliceFinished {
            resource: self.resource.name.clone(),
            slice: self.slice.id(),
        });
        Ok(SliceReport {
            requests: statistics.requests,
            pages: statistics.pages,
            records: statistics.records,
            outside_window: left_out.outside_window,
            filtered: left_out.filtered,
            body_bytes: statistics.bytes,
        })
    }

    /// Decodes and writes each page, and hands its records to the children.
    async fn consume(&mut self, mut pages: mpsc::Receiver<Page>) -> Result<LeftOut, Error> {
        let mut left_out = LeftOut::default();
        while let Some(page) = pages.recv().await {
            let decoded = self.decode_and_write(page).await?;
            left_out.outside_window += decoded.outside_window;
            left_out.filtered += decoded.filtered;
            self.included.watch(&decoded);
            for fields in decoded.parents {
                for child in &self.children {
                    child.send(&fields, &self.slice).await;
                }
            }
        }
        Ok(left_out)
    }

    async fn decode_and_write(&mut self, page: Page) -> Result<Decoded, Error> {
        let decoder = Arc::clone(&self.decoder);
        let slice = self.slice.clone();
        let number = page.number;
        let mut writer = self.writer.take();
        let (result, writer) = blocking(&self.computing, move || {
            let result = decoder
                .decode(&slice, &page)
                .map_err(Failure::Decode)
                .and_then(|decoded| {
                    if let Some(writer) = &mut writer {
                        writer
                            .write(decoded.batch.clone(), &decoded.schema)
                            .map_err(Failure::Load)?;
                    }
                    Ok(decoded)
                });
            (result, writer)
        })
        .await?;
        self.writer = writer;
        result.map_err(|failure| match failure {
            Failure::Decode(source) => Error::Decode {
                resource: self.resource.name.clone(),
                slice: self.slice.id(),
                page: number,
                source: Box::new(source),
            },
            Failure::Load(error) => Error::Load(error),
        })
    }
}

/// Records that became no rows.
#[derive(Default)]
struct LeftOut {
    outside_window: u64,
    filtered: u64,
}

enum Failure {
    Decode(crate::decode::Error),
    Load(load::Error),
}

/// Computes away from the async threads, no more at a time than there are cores.
async fn blocking<T: Send + 'static>(
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
