//! Reading the pages of a slice in order.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

use super::ahead::Ahead;
use super::client::{Client, Fetched, Inspect, Repetition};
use super::contents::{Inspection, PageContents, PageRecords, check_selection};
use super::error::{Error, SliceError};
use super::job;
use super::judge::Ending;
use super::page::fullness;
use super::page::{Ask, Detection, Pager, Turn};
use super::range::{incremental_values, set_range_params};
use super::request::{PageRequests, Request};
use crate::flow::{Event, FetchedPage, PageMemory, RecordReaders, Slice};
use crate::plan::template::Bindings;
use crate::plan::{ResourcePlan, Selector};

/// What a page is taken to need in memory before any has come, in bytes.
const EXPECTED_PAGE_BYTES: u64 = 1 << 20;

/// What reading a slice took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SliceStatistics {
    /// Requests that went out, tries and job requests included; redirects are not counted.
    pub requests: u64,
    /// Pages handed over.
    pub pages: u64,
    /// Records on them.
    pub records: u64,
    /// Size of their decompressed bodies.
    pub bytes: u64,
    /// Why reading ended though more may follow.
    pub cut_short: Option<String>,
    /// Why records may be missing anywhere among those that came.
    pub missing: Option<String>,
}

/// Reads a slice to its end and hands over its pages in order.
///
/// The pages behind the one at hand are asked for while it is handed over: one where each page leads to the next, up to
/// the paginator's `concurrency` where they are asked for by number and their end is known. No more pages than that are
/// on their way or wait here, so that a full channel holds the reading back.
///
/// Where `decoded` is given, each page is decoded before the next one is asked for, and reading ends early once that says
/// that it is enough.
///
/// Readers made by `readers` read the records while a page is checked.
///
/// Announces requests, pages, tries and what was detected to the client's observer; that the slice is finished is for
/// the caller to say. Fails with [`Error::Stopped`] where the receiver is gone.
pub async fn read_slice(
    client: &Client,
    resource: &ResourcePlan,
    slice: &Slice,
    readers: Option<RecordReaders>,
    pages: Sender<FetchedPage>,
    decoded: Option<watch::Receiver<DecodedPages>>,
) -> Result<SliceStatistics, SliceError> {
    let client = &client.of(resource)?;
    let mut statistics = SliceStatistics::default();
    let requests = page_requests(client, resource, slice, &mut statistics).await?;
    let requests = match requests {
        ControlFlow::Continue(requests) => requests,
        ControlFlow::Break(ending) => {
            statistics.cut_short = ending.doubt();
            return Ok(statistics);
        }
    };
    let reading = SliceReading {
        client,
        resource,
        requests,
        readers,
        sent: AtomicU64::new(0),
        largest_page: AtomicU64::new(EXPECTED_PAGE_BYTES),
    };
    let read = reading.read(pages, decoded, &mut statistics).await;
    statistics.requests += reading.sent.into_inner();
    match read {
        Ok(()) => Ok(statistics),
        Err(source) => Err(SliceError {
            page: Some(statistics.pages + 1),
            source: Box::new(source),
        }),
    }
}

/// What all pages of a slice share; breaks where its job's answer says that there are none.
async fn page_requests(
    client: &Client,
    resource: &ResourcePlan,
    slice: &Slice,
    statistics: &mut SliceStatistics,
) -> Result<ControlFlow<Ending, PageRequests>, Error> {
    let incremental = incremental_values(resource, slice)?;
    let mut bindings = Bindings {
        slice,
        incremental: incremental.as_ref(),
        job_id: None,
    };
    let job_id = match &resource.job {
        Some(plan) => {
            let requests = &mut statistics.requests;
            let job_id = job::run(client, &resource.name, plan, bindings, requests).await?;
            match job_id {
                ControlFlow::Continue(id) => Some(id),
                ControlFlow::Break(ending) => return Ok(ControlFlow::Break(ending)),
            }
        }
        None => None,
    };
    bindings.job_id = job_id.as_ref();
    let mut requests = PageRequests::render(&resource.request, client.base_url(), &bindings)?;
    set_range_params(&mut requests, resource, incremental.as_ref());
    Ok(ControlFlow::Continue(requests))
}

/// The reading of one slice's pages.
struct SliceReading<'a> {
    client: &'a Client,
    resource: &'a ResourcePlan,
    requests: PageRequests,
    readers: Option<RecordReaders>,
    /// Requests that went out.
    sent: AtomicU64,
    /// Size of the largest page so far in memory, in bytes.
    largest_page: AtomicU64,
}

impl SliceReading<'_> {
    async fn read(
        &self,
        pages: Sender<FetchedPage>,
        mut decoded: Option<watch::Receiver<DecodedPages>>,
        statistics: &mut SliceStatistics,
    ) -> Result<(), Error> {
        let mut paging = Pager::new(&self.resource.paginator);
        let mut selector = self.resource.data_selector.clone();
        let mut ahead = Ahead::default();
        let at_once = if decoded.is_some() { 1 } else { usize::MAX };
        let ask = |pager: &mut Pager, selector: &Option<Selector>, ahead: &mut Ahead<_>| {
            for _ in 0..at_once {
                let expected = self.largest_page.load(Ordering::Relaxed);
                let memory = self.client.pages.take(expected);
                // The page whose turn it is never waits for memory: others may wait for what it brings.
                if memory.is_none() && !ahead.is_empty() {
                    break;
                }
                let Some(ask) = pager.ask() else { break };
                let (plan, readers) = (self.client.pages.plan, self.readers.as_ref());
                let inspection = Inspection::new(selector.as_ref(), pager, readers, plan);
                let inspect = inspection.into_inspect();
                ahead.push(self.fetch(self.request(ask)?, inspect, memory));
            }
            Ok::<(), Error>(())
        };
        loop {
            ask(&mut paging, &selector, &mut ahead)?;
            let Some(answer) = ahead.next().await.transpose()? else {
                return Ok(());
            };
            let (fetched, memory) = match answer {
                ControlFlow::Continue(fetched) => fetched,
                ControlFlow::Break(ending) => {
                    statistics.cut_short =
                        ending.doubt().or_else(|| paging.end_here(ending.is_stop));
                    let status = ending.status.as_u16();
                    let reason = format!("`response_actions` end the pages at status {status}");
                    self.announce_turn(statistics.pages + 1, false, &reason);
                    return Ok(());
                }
            };
            let number = statistics.pages + 1;
            if selector.is_none() && !fetched.is_empty {
                self.announce_selector(&fetched.value);
            }
            let turn = self.turn(&mut paging, &fetched, number)?;
            statistics.cut_short = turn.cut_short;
            statistics.missing = turn.missing.or_else(|| paging.moved_records());
            if turn.restart || paging.has_ended() {
                ahead.clear();
            }
            if !fetched.is_empty {
                selector.get_or_insert_with(|| fetched.value.selector.clone());
            }
            let Some(mut records) = fetched.into_records(number, turn.keep, memory) else {
                continue;
            };
            statistics.count(number, &records);
            self.client.observe(Event::PageRead {
                resource: self.resource.name.clone(),
                records: usize::try_from(records.records).unwrap_or(usize::MAX),
                bytes: usize::try_from(records.bytes).unwrap_or(usize::MAX),
            });
            if decoded.is_none() {
                ask(&mut paging, &selector, &mut ahead)?;
            }
            while let Some(page) = ahead
                .while_waiting(records.next(self.readers.as_ref()))
                .await?
            {
                let handed_over = ahead.while_waiting(pages.send(page)).await;
                handed_over.map_err(|_| Error::Stopped)?;
            }
            if let Some(decoded) = &mut decoded {
                let decoded = decoded.wait_for(|decoded| decoded.pages >= number).await;
                if decoded.map_err(|_| Error::Stopped)?.enough {
                    // What follows lies behind the range, whatever ends the pages.
                    statistics.cut_short = None;
                    return Ok(());
                }
            }
        }
    }

    fn request(&self, ask: Ask) -> Result<Request, Error> {
        match ask.link {
            Some(url) => self.requests.with_link(url, &ask.values),
            None => self.requests.with(&ask.values),
        }
    }

    /// Asks for a page, and counts what went out, also where nobody waits for the answer to its end.
    async fn fetch(
        &self,
        request: Request,
        inspect: Inspect<PageContents>,
        memory: Option<PageMemory>,
    ) -> Result<ControlFlow<Ending, (Fetched<PageContents>, Option<PageMemory>)>, Error> {
        let mut counted = CountedRequests {
            requests: 0,
            sent: &self.sent,
        };
        let harmless = Repetition::Harmless;
        let requests = &mut counted.requests;
        let name = &self.resource.name;
        let fetch = self
            .client
            .fetch(name, &request, harmless, inspect, requests);
        Ok(match fetch.await? {
            ControlFlow::Continue(fetched) => {
                let bytes = fetched.value.bytes_in_memory();
                self.largest_page.fetch_max(bytes, Ordering::Relaxed);
                let memory = memory.map(|memory| self.client.pages.fit(memory, bytes));
                ControlFlow::Continue((fetched, memory))
            }
            ControlFlow::Break(ending) => ControlFlow::Break(ending),
        })
    }

    /// Goes on from an answer, and tells what a person should know of it.
    fn turn(
        &self,
        pager: &mut Pager,
        fetched: &Fetched<PageContents>,
        number: u64,
    ) -> Result<Turn, Error> {
        let (client, name) = (self.client, &self.resource.name);
        check_selection(self.resource, fetched, number)?;
        if self.resource.guessed_records
            && let Some(text) = fullness::of_record(&fetched.answer())
        {
            client.warn(name, &text);
        }
        if fetched.is_last {
            let turn = pager.end_with(&fetched.answer());
            self.announce_turn(number, false, &turn.reason);
            return Ok(turn);
        }
        // Where the first answer has no body, there is nothing to page through.
        if fetched.is_empty && number == 1 {
            pager.end();
        }
        let turn = pager.turn(&fetched.answer());
        let turn = turn.map_err(|source| Error::Paging {
            page: number,
            source,
        })?;
        if let Some(Detection { spec, reason }) = &turn.detected {
            self.announce("paginator", spec.clone(), reason.clone());
        }
        self.announce_turn(number, !pager.has_ended(), &turn.reason);
        turn.notices
            .iter()
            .for_each(|text| client.notice(name, text));
        turn.warnings
            .iter()
            .for_each(|text| client.warn(name, text));
        Ok(turn)
    }

    fn announce_selector(&self, page: &PageContents) {
        let selector = page.selector.as_str().to_owned();
        self.announce("data_selector", selector, page.why_detected());
    }

    fn announce(&self, key: &'static str, value: String, reason: String) {
        self.client.observe(Event::Detected {
            resource: self.resource.name.clone(),
            key,
            value,
            reason,
        });
    }

    fn announce_turn(&self, page: u64, goes_on: bool, reason: &str) {
        self.client.observe(Event::PageTurned {
            resource: self.resource.name.clone(),
            page,
            goes_on,
            reason: self.client.without_secrets(reason),
        });
    }
}

/// How far the pages of a slice have been decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodedPages {
    /// Pages that were decoded.
    pub pages: u64,
    /// All records behind them lie outside the slice.
    pub enough: bool,
}

struct CountedRequests<'a> {
    requests: u64,
    sent: &'a AtomicU64,
}

impl Drop for CountedRequests<'_> {
    fn drop(&mut self) {
        self.sent.fetch_add(self.requests, Ordering::Relaxed);
    }
}

impl SliceStatistics {
    fn count(&mut self, number: u64, page: &PageRecords) {
        self.pages = number;
        self.records += page.records;
        self.bytes += page.bytes;
    }
}
