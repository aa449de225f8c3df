//! What is found in the body of a page, in memory or on disk.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::client::{Body, Fetched, Inspect};
use super::error::Error;
use super::judge::off_thread;
use super::large::{self, BodyFile, Envelope, Parts, Unreadable};
use super::page::{AllRecords, Answer, Keep, Pager};
use crate::flow::{FetchedPage, Page, PageMemory, RecordReader, RecordReaders};
use crate::plan::selector::{BodyError, Reading, RecordsPath};
use crate::plan::{MemoryPlan, ResourcePlan, Selector};

/// What was found in the body of a page.
pub(super) struct PageContents {
    pub(super) selector: Selector,
    /// The body in memory; of one on disk what stands around its records, with the last one of them.
    body: Bytes,
    /// The byte range of each record in `body`.
    records: Vec<Range<usize>>,
    /// Size of the whole body, in bytes.
    bytes: u64,
    /// Nothing is where the records should be.
    missing: bool,
    /// What the paging asked for.
    values: Vec<(Selector, Option<Range<usize>>)>,
    /// Has read exactly the records.
    reader: Option<Box<dyn RecordReader>>,
    /// The records of a body on disk.
    elsewhere: Option<(AllRecords, Parts)>,
}

/// The records of a page on their way to decoding: in parts, where they are on disk.
pub(super) struct PageRecords {
    number: u64,
    fetched_at: Timestamp,
    /// How many of them belong to the slice.
    pub(super) records: u64,
    /// Size of the body, in bytes.
    pub(super) bytes: u64,
    rest: Rest,
    memory: Option<Arc<PageMemory>>,
}

/// What was not handed over yet.
enum Rest {
    Nothing,
    InMemory {
        body: Bytes,
        records: Vec<Range<usize>>,
        reader: Option<Box<dyn RecordReader>>,
    },
    OnDisk {
        parts: Parts,
        next: usize,
    },
}

/// How the body of a page is looked through.
#[derive(Clone)]
pub(super) struct Inspection {
    /// Where the records are, once that is known.
    selector: Option<Selector>,
    /// What the paging asks for.
    wanted: Vec<Selector>,
    /// The paging looks at the whole body.
    looks_at_body: bool,
    readers: Option<RecordReaders>,
    memory: MemoryPlan,
}

impl Inspection {
    pub(super) fn new(
        selector: Option<&Selector>,
        pager: &Pager,
        readers: Option<&RecordReaders>,
        memory: MemoryPlan,
    ) -> Self {
        Self {
            selector: selector.cloned(),
            wanted: pager.selectors().into_iter().cloned().collect(),
            looks_at_body: pager.looks_at_body(),
            readers: readers.cloned(),
            memory,
        }
    }

    pub(super) fn into_inspect(self) -> Inspect<PageContents> {
        Arc::new(move |body| match body {
            Body::InMemory(body) => self.in_memory(self.selector.clone(), body),
            Body::OnDisk(file) => self.on_disk(file),
        })
    }

    fn in_memory(
        &self,
        selector: Option<Selector>,
        body: &Bytes,
    ) -> Result<PageContents, BodyError> {
        let selector = match selector {
            Some(selector) => selector,
            None => Selector::detect(body)?,
        };
        let mut reader = self.readers.as_ref().map(|make| make());
        let Reading {
            selection,
            values,
            records_read,
        } = selector.read(
            &self.wanted.iter().collect::<Vec<_>>(),
            body,
            as_reader(&mut reader),
        )?;
        Ok(PageContents {
            selector,
            body: body.clone(),
            records: selection.records,
            bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
            missing: selection.missing,
            values: self.wanted.iter().cloned().zip(values).collect(),
            reader: reader.filter(|_| records_read),
            elsewhere: None,
        })
    }

    fn on_disk(&self, file: &BodyFile) -> Result<PageContents, BodyError> {
        let longest = self.memory.value_bytes() as u64;
        let selector = match &self.selector {
            Some(selector) => selector.clone(),
            None => match large::outline(file, longest) {
                Ok(outline) => Selector::detect(&outline)?,
                Err(Unreadable::Body(error)) => return Err(error),
                Err(Unreadable::InParts(obstacle)) => return self.load(None, file, &obstacle),
            },
        };
        let path = match self.path_on_disk(&selector) {
            Ok(path) => path,
            Err(obstacle) => return self.load(Some(selector), file, &obstacle),
        };
        let part_bytes = self.memory.part_bytes();
        let Envelope {
            body,
            last_record,
            records,
            missing,
            hash,
            parts,
        } = match large::split(file, &path, part_bytes, longest) {
            Ok(envelope) => envelope,
            Err(Unreadable::Body(error)) => return Err(error),
            Err(Unreadable::InParts(obstacle)) => {
                return self.load(Some(selector), file, &obstacle);
            }
        };
        let wanted: Vec<_> = self.wanted.iter().collect();
        let Reading { values, .. } = selector.read(&wanted, &body, None)?;
        Ok(PageContents {
            selector,
            body,
            records: last_record.into_iter().collect(),
            bytes: file.bytes,
            missing,
            values: self.wanted.iter().cloned().zip(values).collect(),
            reader: None,
            elsewhere: Some((AllRecords { records, hash }, parts)),
        })
    }

    /// Where the records of a body on disk lie, or why that can't be read in parts.
    fn path_on_disk(&self, selector: &Selector) -> Result<RecordsPath, String> {
        let path = selector.records_path().ok_or_else(|| {
            format!(
                "`data_selector: {}` is no chain of keys to a list",
                selector.as_str()
            )
        })?;
        if self.looks_at_body {
            return Err("`stop_when` looks at `body`".to_owned());
        }
        match self.wanted.iter().find(|wanted| wanted.may_enter(&path)) {
            Some(wanted) => Err(format!(
                "the paginator looks into the records, with `{}`",
                wanted.as_str()
            )),
            None => Ok(path),
        }
    }

    /// Reads a body that can't be read in parts into memory, where there is room for it.
    fn load(
        &self,
        selector: Option<Selector>,
        file: &BodyFile,
        obstacle: &str,
    ) -> Result<PageContents, BodyError> {
        // A query goes over a tree of all values, which takes several times the room of their text.
        let is_query = selector
            .as_ref()
            .is_some_and(|selector| !selector.is_chain());
        let times = if is_query { 3 } else { 1 };
        let limit = self.memory.whole_body_bytes() / times;
        if file.bytes > limit as u64 {
            let megabytes = file.bytes.div_ceil(1 << 20);
            return Err(BodyError::Unusable {
                reason: format!(
                    "{obstacle}, and its {megabytes} MiB are too much to be held in memory; ask for smaller pages, or set \
                     `memory_budget: {}MiB`",
                    megabytes.saturating_mul(4 * times as u64)
                ),
            });
        }
        let body = file.load().map_err(|error| BodyError::Unusable {
            reason: format!("its temporary file can't be read: {error}"),
        })?;
        self.in_memory(selector, &body)
    }
}

impl PageContents {
    /// What the page takes in memory until it is decoded, in bytes.
    pub(super) fn bytes_in_memory(&self) -> u64 {
        let part = self
            .elsewhere
            .as_ref()
            .map_or(0, |(_, parts)| parts.largest());
        u64::try_from(self.body.len() + part).unwrap_or(u64::MAX)
    }
}

impl PageContents {
    /// Why its selector was chosen, where the body itself decided it.
    pub(super) fn why_detected(&self) -> String {
        let is_list = self.body.trim_ascii_start().first() == Some(&b'[');
        self.selector.why_detected(is_list)
    }
}

impl Fetched<PageContents> {
    pub(super) fn answer(&self) -> Answer<'_> {
        let elsewhere = self.value.elsewhere.as_ref();
        Answer {
            url: &self.url,
            headers: &self.headers,
            body: &self.value.body,
            records: &self.value.records,
            elsewhere: elsewhere.map(|(all, _)| *all),
            values: &self.value.values,
        }
    }

    /// The records to hand over; `None` where nothing of them belongs to the slice.
    pub(super) fn into_records(
        self,
        number: u64,
        keep: Keep,
        memory: Option<PageMemory>,
    ) -> Option<PageRecords> {
        let PageContents {
            body,
            mut records,
            mut reader,
            bytes,
            elsewhere,
            ..
        } = self.value;
        let most = match keep {
            Keep::All => usize::MAX,
            Keep::First(count) => count,
            Keep::Nothing => return None,
        };
        let (count, rest) = if let Some((all, parts)) = elsewhere {
            let most = u64::try_from(most).unwrap_or(u64::MAX);
            (all.records.min(most), Rest::OnDisk { parts, next: 0 })
        } else {
            if records.len() > most {
                records.truncate(most);
                reader = None;
            }
            let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let rest = Rest::InMemory {
                body,
                records,
                reader,
            };
            (count, rest)
        };
        Some(PageRecords {
            number,
            fetched_at: self.arrived_at,
            records: count,
            bytes,
            rest,
            memory: memory.map(Arc::new),
        })
    }
}

impl PageRecords {
    /// The next records; a page has at least one part.
    pub(super) async fn next(
        &mut self,
        readers: Option<&RecordReaders>,
    ) -> Result<Option<FetchedPage>, Error> {
        match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Nothing => Ok(None),
            Rest::InMemory {
                body,
                records,
                reader,
            } => Ok(Some(self.page(body, records, reader, 0))),
            Rest::OnDisk { parts, next } => self.part(parts, next, readers).await.map(Some),
        }
    }

    async fn part(
        &mut self,
        parts: Parts,
        next: usize,
        readers: Option<&RecordReaders>,
    ) -> Result<FetchedPage, Error> {
        let mut reader = readers.map(|make| make());
        let lost = |source| Error::BodyLost { source };
        let (parts, read) = off_thread(usize::MAX, move || {
            let body = parts.read(next).map_err(lost);
            let read = body.and_then(|body| {
                let reading = Selector::root().read(&[], &body, as_reader(&mut reader));
                let reading = reading.map_err(|error| lost(std::io::Error::other(error)))?;
                Ok((body, reading, reader))
            });
            (parts, read)
        })
        .await?;
        let (body, mut reading, reader) = read?;
        let first_record = parts.records_before(next);
        let more = parts.records_before(next + 1) < self.records;
        if more && next + 1 < parts.len() {
            let next = next + 1;
            self.rest = Rest::OnDisk { parts, next };
        }
        let most = usize::try_from(self.records - first_record).unwrap_or(usize::MAX);
        let is_cut = reading.selection.records.len() > most;
        reading.selection.records.truncate(most);
        let reader = reader.filter(|_| reading.records_read && !is_cut);
        Ok(self.page(body, reading.selection.records, reader, first_record))
    }

    fn page(
        &self,
        body: Bytes,
        records: Vec<Range<usize>>,
        reader: Option<Box<dyn RecordReader>>,
        first_record: u64,
    ) -> FetchedPage {
        let page = Page {
            number: self.number,
            body,
            records,
            fetched_at: self.fetched_at,
        };
        FetchedPage {
            page,
            reader,
            first_record,
            is_end: matches!(self.rest, Rest::Nothing),
            memory: self.memory.clone(),
        }
    }
}

fn as_reader(reader: &mut Option<Box<dyn RecordReader>>) -> Option<&mut dyn RecordReader> {
    match reader {
        Some(reader) => Some(&mut **reader),
        None => None,
    }
}

/// Fails where nothing is where the records should be.
pub(super) fn check_selection(
    resource: &ResourcePlan,
    fetched: &Fetched<PageContents>,
    page: u64,
) -> Result<(), Error> {
    let may_be_missing = resource.allow_missing || fetched.is_empty || fetched.is_last;
    if !fetched.value.missing || may_be_missing {
        return Ok(());
    }
    Err(Error::SelectorMissing {
        page,
        selector: fetched.value.selector.as_str().to_owned(),
        candidates: Selector::candidates(&fetched.value.body),
    })
}
