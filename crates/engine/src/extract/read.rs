//! Reading the pages of a slice in order.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::Sender;

use super::ahead::Ahead;
use super::client::{Client, Fetched, Inspect, Repetition};
use super::error::Error;
use super::job;
use super::page::fullness;
use super::page::{Answer, Keep, Pager};
use super::request::{PageRequests, Request};
use crate::flow::{Event, Page, Slice};
use crate::plan::selector::{Reading, Selection};
use crate::plan::template::{Bindings, IncrementalValues};
use crate::plan::{ResourcePlan, Selector};

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
/// Announces requests, pages, tries and what was detected to the client's observer; that the slice is finished is for
/// the caller to say. Fails with [`Error::Stopped`] where the receiver is gone.
pub async fn read_slice(
    client: &Client,
    resource: &ResourcePlan,
    slice: &Slice,
    pages: Sender<Page>,
) -> Result<SliceStatistics, Error> {
    let client = &client.of(resource)?;
    let mut statistics = SliceStatistics::default();
    let incremental = incremental_values(resource, slice);
    let mut bindings = Bindings {
        slice,
        incremental,
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
    set_window_params(&mut requests, resource, &bindings);
    let sent = AtomicU64::new(0);
    let mut paging = Pager::new(&resource.paginator);
    let mut selector = resource.data_selector.clone();
    let mut ahead = Ahead::default();
    let ask = |pager: &mut Pager, selector: &Option<Selector>, ahead: &mut Ahead<_>| {
        while let Some(ask) = pager.ask() {
            let request = match ask.link {
                Some(url) => requests.with_link(url, &ask.values)?,
                None => requests.with(&ask.values)?,
            };
            let inspect = inspect_page(selector.clone(), pager.selectors());
            ahead.push(fetch_page(client, resource, request, inspect, &sent));
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
        ask(&mut paging, &selector, &mut ahead)?;
        let handed_over = ahead.while_waiting(pages.send(page)).await;
        handed_over.map_err(|_| Error::Stopped)?;
    }
    drop(ahead);
    statistics.requests += sent.into_inner();
    Ok(statistics)
}

fn incremental_values(resource: &ResourcePlan, slice: &Slice) -> Option<IncrementalValues> {
    let plan = resource.incremental.as_ref()?;
    let window = slice.window?;
    Some(IncrementalValues {
        start: window.start,
        end: window.end,
        initial: plan.initial_value,
        format: plan.format,
    })
}

fn set_window_params(
    requests: &mut PageRequests,
    resource: &ResourcePlan,
    bindings: &Bindings<'_>,
) {
    let (Some(plan), Some(values)) = (&resource.incremental, bindings.incremental) else {
        return;
    };
    let edges = [
        (&plan.start_param, values.start_value()),
        (&plan.end_param, values.end_value()),
    ];
    for (param, value) in edges {
        if let Some(param) = param {
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
