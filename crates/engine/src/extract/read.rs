//! Reading the pages of a slice in order.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::Sender;
use tokio::sync::watch;

use super::ahead::Ahead;
use super::client::{Client, Fetched, Inspect, Repetition};
use super::error::Error;
use super::job;
use super::page::fullness;
use super::page::{Answer, Keep, Pager};
use super::request::{PageRequests, Request};
use crate::cursor::CursorValue;
use crate::flow::{Event, Page, Slice};
use crate::plan::selector::{Reading, Selection};
use crate::plan::template::{Bindings, IncrementalValues};
use crate::plan::{Direction, IncrementalMode, ResourcePlan, Selector};

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
/// Announces requests, pages, tries and what was detected to the client's observer; that the slice is finished is for
/// the caller to say. Fails with [`Error::Stopped`] where the receiver is gone.
pub async fn read_slice(
    client: &Client,
    resource: &ResourcePlan,
    slice: &Slice,
    pages: Sender<Page>,
    mut decoded: Option<watch::Receiver<DecodedPages>>,
) -> Result<SliceStatistics, Error> {
    let client = &client.of(resource)?;
    let mut statistics = SliceStatistics::default();
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
            if job_id.is_none() {
                return Ok(statistics);
            }
            job_id
        }
        None => None,
    };
    bindings.job_id = job_id.as_ref();
    let mut requests = PageRequests::render(&resource.request, client.base_url(), &bindings)?;
    set_range_params(&mut requests, resource, incremental.as_ref());
    let sent = AtomicU64::new(0);
    let mut paging = Pager::new(&resource.paginator);
    let mut selector = resource.data_selector.clone();
    let mut ahead = Ahead::default();
    let one_by_one = decoded.is_some();
    let ask = |pager: &mut Pager, selector: &Option<Selector>, ahead: &mut Ahead<_>| {
        while let Some(ask) = pager.ask() {
            let request = match ask.link {
                Some(url) => requests.with_link(url, &ask.values)?,
                None => requests.with(&ask.values)?,
            };
            let inspect = inspect_page(selector.clone(), pager.selectors());
            ahead.push(fetch_page(client, resource, request, inspect, &sent));
            if one_by_one {
                break;
            }
        }
        Ok::<(), Error>(())
    };
    loop {
        ask(&mut paging, &selector, &mut ahead)?;
        let Some(fetched) = ahead.next().await else {
            break;
        };
        let fetched = fetched?;
        let number = statistics.pages + 1;
        let Some(fetched) = fetched else {
            break;
        };
        if selector.is_none() && !fetched.is_empty {
            announce_selector(client, resource, &fetched.value.selector);
        }
        check_selection(resource, &fetched, number)?;
        if resource.guessed_records
            && let Some(text) = fullness::of_record(&fetched.answer())
        {
            client.warn(&resource.name, &text);
        }
        // Where the first answer has no body, there is nothing to page through.
        if fetched.is_last || (fetched.is_empty && number == 1) {
            paging.end();
        }
        let turn = paging
            .turn(&fetched.answer())
            .map_err(|source| Error::Paging {
                page: number,
                source,
            })?;
        for text in &turn.notices {
            client.notice(&resource.name, text);
        }
        for text in &turn.warnings {
            client.warn(&resource.name, text);
        }
        if turn.restart || paging.has_ended() {
            ahead.clear();
        }
        if !fetched.is_empty {
            selector.get_or_insert_with(|| fetched.value.selector.clone());
        }
        let Some(page) = page(number, fetched, turn.keep) else {
            continue;
        };
        statistics.count(&page);
        client.observe(Event::PageRead {
            resource: resource.name.clone(),
            records: page.records.len(),
            bytes: page.body.len(),
        });
        if let Some(decoded) = &mut decoded {
            pages.send(page).await.map_err(|_| Error::Stopped)?;
            let decoded = decoded.wait_for(|decoded| decoded.pages >= number).await;
            if decoded.map_err(|_| Error::Stopped)?.enough {
                break;
            }
            continue;
        }
        ask(&mut paging, &selector, &mut ahead)?;
        let handed_over = ahead.while_waiting(pages.send(page)).await;
        handed_over.map_err(|_| Error::Stopped)?;
    }
    drop(ahead);
    statistics.requests += sent.into_inner();
    Ok(statistics)
}

/// How far the pages of a slice have been decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodedPages {
    /// Pages that were decoded.
    pub pages: u64,
    /// All records behind them lie outside the slice.
    pub enough: bool,
}

/// The values of a slice as requests write them.
fn incremental_values(
    resource: &ResourcePlan,
    slice: &Slice,
) -> Result<Option<IncrementalValues>, Error> {
    let Some(plan) = &resource.incremental else {
        return Ok(None);
    };
    let unwritable = |error: jiff::Error| Error::InvalidRequest {
        problem: format!("a time can't be written in the cursor's format: {error}"),
    };
    let values = match &plan.mode {
        IncrementalMode::Windows(windows) => {
            let Some(window) = slice.window else {
                return Ok(None);
            };
            let start = |time| windows.format.write_start(time).map(Some);
            start(window.start).and_then(|first| {
                Ok(IncrementalValues {
                    start: first,
                    end: Some(windows.format.write_end(window.end)?),
                    initial: start(windows.initial_value)?,
                    lag: plan.lag_value.clone(),
                })
            })
        }
        IncrementalMode::Follow(follow) => {
            let Some(range) = &slice.range else {
                return Ok(None);
            };
            let write = |value: &Option<CursorValue>, is_end: bool| match (value, &follow.format) {
                (None, _) => Ok(None),
                (Some(CursorValue::Time(time)), Some(format)) if is_end => {
                    format.write_end(*time).map(Some)
                }
                (Some(CursorValue::Time(time)), Some(format)) => {
                    format.write_start(*time).map(Some)
                }
                (Some(value), _) => Ok(Some(value.verbatim())),
            };
            // The start is the upper bound where a cursor is followed downwards.
            let down = follow.direction == Direction::Down;
            write(&range.start, down).and_then(|start| {
                Ok(IncrementalValues {
                    start,
                    end: write(&range.end, !down)?,
                    initial: write(&follow.initial_value, down)?,
                    lag: plan.lag_value.clone(),
                })
            })
        }
    };
    values.map(Some).map_err(unwritable)
}

/// Sets the parameters of the start and the end; one without a value is not sent at all.
fn set_range_params(
    requests: &mut PageRequests,
    resource: &ResourcePlan,
    values: Option<&IncrementalValues>,
) {
    let (Some(plan), Some(values)) = (&resource.incremental, values) else {
        return;
    };
    for (param, value) in [
        (&plan.start_param, &values.start),
        (&plan.end_param, &values.end),
    ] {
        if let (Some(param), Some(value)) = (param, value) {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            requests.set_param(param, text);
        }
    }
}

/// Asks for a page, and counts what went out, also where nobody waits for the answer to its end.
async fn fetch_page(
    client: &Client,
    resource: &ResourcePlan,
    request: Request,
    inspect: Inspect<PageContents>,
    sent: &AtomicU64,
) -> Result<Option<Fetched<PageContents>>, Error> {
    let mut counted = CountedRequests { requests: 0, sent };
    client
        .fetch(
            &resource.name,
            &request,
            Repetition::Harmless,
            inspect,
            &mut counted.requests,
        )
        .await
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

/// The page to hand over; `None` where nothing of it belongs to the slice.
fn page(number: u64, fetched: Fetched<PageContents>, keep: Keep) -> Option<Page> {
    let mut records = fetched.value.selection.records;
    match keep {
        Keep::All => {}
        Keep::First(count) => records.truncate(count),
        Keep::Nothing => return None,
    }
    Some(Page {
        number,
        body: fetched.body,
        records,
        fetched_at: fetched.arrived_at,
    })
}

impl SliceStatistics {
    fn count(&mut self, page: &Page) {
        self.pages = page.number;
        self.records += u64::try_from(page.records.len()).unwrap_or(u64::MAX);
        self.bytes += u64::try_from(page.body.len()).unwrap_or(u64::MAX);
    }
}

fn announce_selector(client: &Client, resource: &ResourcePlan, selector: &Selector) {
    let text = format!("detected data_selector: `{}`", selector.as_str());
    client.notice(&resource.name, &text);
}

/// What was found in the body of a page.
struct PageContents {
    selector: Selector,
    selection: Selection,
    /// What the paging asked for.
    values: Vec<(Selector, Option<Range<usize>>)>,
}

impl Fetched<PageContents> {
    fn answer(&self) -> Answer<'_> {
        Answer {
            url: &self.url,
            headers: &self.headers,
            body: &self.body,
            records: &self.value.selection.records,
            values: &self.value.values,
        }
    }
}

fn inspect_page(selector: Option<Selector>, wanted: Vec<&Selector>) -> Inspect<PageContents> {
    let wanted: Vec<Selector> = wanted.into_iter().cloned().collect();
    Arc::new(move |body| {
        let selector = match &selector {
            Some(selector) => selector.clone(),
            None => Selector::detect(body)?,
        };
        let Reading { selection, values } =
            selector.read(&wanted.iter().collect::<Vec<_>>(), body)?;
        Ok(PageContents {
            selector,
            selection,
            values: wanted.iter().cloned().zip(values).collect(),
        })
    })
}

fn check_selection(
    resource: &ResourcePlan,
    fetched: &Fetched<PageContents>,
    page: u64,
) -> Result<(), Error> {
    let may_be_missing = resource.allow_missing || fetched.is_empty || fetched.is_last;
    if !fetched.value.selection.missing || may_be_missing {
        return Ok(());
    }
    let selector = fetched.value.selector.as_str().to_owned();
    Err(Error::SelectorMissing {
        page,
        selector,
        candidates: Selector::candidates(&fetched.body),
    })
}
