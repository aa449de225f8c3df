//! Reading the pages of a slice in order.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;

use super::client::{Client, Fetched, Inspect, Repetition};
use super::error::Error;
use super::job;
use super::page::{Answer, Next, Pager};
use super::request::PageRequests;
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
/// Each page is handed over before the one after it is asked for, so that a full channel holds the reading back.
/// Announces requests, pages, tries and what was detected to the client's observer; that the slice is finished is for
/// the caller to say. Fails with [`Error::Stopped`] where the receiver is gone.
pub async fn read_slice(
    client: &Client,
    resource: &ResourcePlan,
    slice: &Slice,
    pages: Sender<Page>,
) -> Result<SliceStatistics, Error> {
    let mut statistics = SliceStatistics::default();
    let incremental = incremental_values(resource, slice);
    let mut bindings = Bindings {
        slice,
        incremental,
        job_id: None,
    };
    let job_id = match &resource.job {
        Some(plan) => Some(
            job::run(
                client,
                &resource.name,
                plan,
                bindings,
                &mut statistics.requests,
            )
            .await?,
        ),
        None => None,
    };
    bindings.job_id = job_id.as_ref();
    let mut requests = PageRequests::render(&resource.request, client.base_url(), &bindings)?;
    set_window_params(&mut requests, resource, &bindings);
    let mut paging = Pager::new(&resource.paginator);
    let mut selector = resource.data_selector.clone();
    let mut next = paging.first();
    loop {
        let request = match next {
            Next::Done => return Ok(statistics),
            Next::Values(values) => requests.with(&values)?,
            Next::Link(url) => requests.with_link(url)?,
        };
        let number = statistics.pages + 1;
        let inspect = inspect_page(selector.clone(), paging.selectors());
        let fetched = client
            .fetch(
                &resource.name,
                &request,
                Repetition::Harmless,
                inspect,
                &mut statistics.requests,
            )
            .await?;
        if selector.is_none() {
            let detected = fetched.value.selector.as_str();
            client.notice(
                &resource.name,
                &format!("detected data_selector: `{detected}`"),
            );
        }
        check_selection(resource, &fetched, number)?;
        let turn = paging
            .turn(&fetched.answer())
            .map_err(|source| Error::Paging {
                page: number,
                source,
            })?;
        if let Some(text) = turn.notice {
            client.notice(&resource.name, &text);
        }
        next = turn.next;
        selector = Some(fetched.value.selector);
        let page = Page {
            number,
            body: fetched.body,
            records: fetched.value.selection.records,
            fetched_at: fetched.arrived_at,
        };
        let (records, bytes) = (page.records.len(), page.body.len());
        client.observe(Event::PageRead {
            resource: resource.name.clone(),
            records,
            bytes,
        });
        pages.send(page).await.map_err(|_| Error::Stopped)?;
        statistics.pages = number;
        statistics.records += u64::try_from(records).unwrap_or(u64::MAX);
        statistics.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
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
    if !fetched.value.selection.missing || resource.allow_missing {
        return Ok(());
    }
    let selector = fetched.value.selector.as_str().to_owned();
    Err(Error::SelectorMissing {
        page,
        selector,
        candidates: Selector::candidates(&fetched.body),
    })
}
