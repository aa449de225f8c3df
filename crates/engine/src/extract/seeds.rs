//! Records that the spec itself gives.

use tokio::sync::mpsc::Sender;

use super::client::Client;
use super::error::Error;
use super::read::SliceStatistics;
use crate::flow::{Event, FetchedPage, Page};
use crate::plan::Seeds;

/// Hands over the records of a spec as one page, without any request.
///
/// Fails with [`Error::Stopped`] where the receiver is gone.
pub async fn read_seeds(
    client: &Client,
    resource: &str,
    seeds: &Seeds,
    pages: Sender<FetchedPage>,
) -> Result<SliceStatistics, Error> {
    let (records, bytes) = (seeds.records.len(), seeds.body.len());
    client.observe(Event::PageRead {
        resource: resource.to_owned(),
        records,
        bytes,
    });
    let page = Page {
        number: 1,
        body: seeds.body.clone(),
        records: seeds.records.clone(),
        fetched_at: client.now(),
    };
    let page = FetchedPage {
        page,
        reader: None,
        first_record: 0,
        is_end: true,
        memory: None,
    };
    pages.send(page).await.map_err(|_| Error::Stopped)?;
    Ok(SliceStatistics {
        requests: 0,
        pages: 1,
        records: u64::try_from(records).unwrap_or(u64::MAX),
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        cut_short: None,
        missing: None,
    })
}
