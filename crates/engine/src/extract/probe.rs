//! Looking at an API before there is a spec of it.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::{mpsc, watch};
use url::Url;

use super::client::{Body, Client, Inspect, Repetition};
use super::error::{Error, SliceError};
use super::page::{Answer, Suggestions, suggest};
use super::read::{DecodedPages, read_slice};
use super::request::PageRequests;
use crate::flow::{Page, Slice};
use crate::plan::selector::BodyError;
use crate::plan::template::Bindings;
use crate::plan::{ResourcePlan, Selector};

/// The answer to a resource's request as it is, without paging.
pub(crate) struct FirstAnswer {
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    /// The beginning of the body, on one line and without secrets.
    pub(crate) excerpt: String,
}

impl FirstAnswer {
    /// Asks once, and again where the answer may heal, as the client's plan says.
    pub(crate) async fn fetch(client: &Client, resource: &ResourcePlan) -> Result<Self, Error> {
        let client = client.of(resource)?;
        let slice = Slice::default();
        let bindings = Bindings {
            slice: &slice,
            incremental: None,
            job_id: None,
        };
        let requests = PageRequests::render(&resource.request, client.base_url(), &bindings)?;
        let request = requests.with(&[])?;
        let limit = client.pages.plan.whole_body_bytes();
        let whole: Inspect<Bytes> = Arc::new(move |body| whole_body(body, limit));
        let harmless = Repetition::Harmless;
        let mut requests = 0;
        let fetch = client.fetch(&resource.name, &request, harmless, whole, &mut requests);
        match fetch.await? {
            ControlFlow::Continue(fetched) => Ok(Self {
                excerpt: client.excerpt(&request, &fetched.value),
                url: fetched.url,
                headers: fetched.headers,
                body: fetched.value,
            }),
            // Only `response_actions` break, and there are none without a spec.
            ControlFlow::Break(_) => Err(Error::Stopped),
        }
    }

    /// A whole JSON document; `null` where the answer had no body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Ways in which the pages may follow each other, if the selector gives the records.
    pub(crate) fn suggest_paginators(
        &self,
        selector: &Selector,
        records: &[Range<usize>],
    ) -> Suggestions {
        let answer = Answer {
            url: &self.url,
            headers: &self.headers,
            body: &self.body,
            records,
            elsewhere: None,
            values: &[],
        };
        suggest(selector.gives_each_record_once(), &answer)
    }
}

/// The first pages of a resource, one after another, as a run would read them; at least one.
pub(crate) async fn read_pages(
    client: &Client,
    resource: &ResourcePlan,
    most: u64,
) -> (Vec<Page>, Result<(), SliceError>) {
    let slice = Slice {
        resource: resource.name.clone(),
        ..Slice::default()
    };
    let (sender, mut receiver) = mpsc::channel(1);
    let (tell, told) = watch::channel(DecodedPages::default());
    let read = read_slice(client, resource, &slice, None, sender, Some(told));
    let take = async {
        let mut pages = Vec::new();
        while let Some(fetched) = receiver.recv().await {
            let (number, is_end) = (fetched.page.number, fetched.is_end);
            pages.push(fetched.page);
            if is_end {
                tell.send_replace(DecodedPages {
                    pages: number,
                    enough: number >= most,
                });
            }
        }
        pages
    };
    let (read, pages) = tokio::join!(read, take);
    (pages, read.map(drop))
}

fn whole_body(body: Body<'_>, limit: usize) -> Result<Bytes, BodyError> {
    let unusable = |reason: String| BodyError::Unusable { reason };
    let bytes = match body {
        Body::InMemory(bytes) => bytes.clone(),
        Body::OnDisk(file) if file.bytes > limit as u64 => {
            let megabytes = file.bytes.div_ceil(1 << 20);
            return Err(unusable(format!(
                "its {megabytes} MiB are too much to look at; ask for smaller pages in the query of the endpoint"
            )));
        }
        Body::OnDisk(file) => file
            .load()
            .map_err(|error| unusable(format!("its temporary file can't be read: {error}")))?,
    };
    Selector::root().records(&bytes)?;
    Ok(bytes)
}
