//! What the API answers to a request; no socket here.

mod body;
mod cache;
mod condition;
mod jobs;
mod page;
mod parameters;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};

use self::{body::Around, cache::BoundedCache, condition::Conditions, page::Page};
pub(crate) use self::{
    jobs::{Jobs, Progress},
    parameters::{BadParameter, Parameters},
};
use crate::{
    data::{World, text_of},
    fixture::{Body, CreateJob, Fixture, JobResult, ListAnswer, Paging, RecordAnswer},
};

/// The most bytes of finished bodies that are kept for the next time they are asked for.
const PAGE_CACHE_BYTES: usize = 128 << 20;
/// The most bytes of selected rows that are kept for the pages after the first.
const ROW_CACHE_BYTES: usize = 32 << 20;

/// An answer, before it becomes HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::from(body.to_string()),
        }
    }

    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "error": message }))
    }
}

/// The API as it stands at one moment of its clock.
pub(crate) struct Snapshot {
    pub(crate) world: World,
    /// Scheme, host, port and base path.
    base_url: String,
    pages: Mutex<BoundedCache<Reply>>,
    rows: Mutex<BoundedCache<Arc<[u32]>>>,
}

/// A request, as far as answers depend on it.
pub(crate) struct Asked<'a> {
    /// The path after the base path.
    pub(crate) path: &'a str,
    /// The parameters of the path and of the query.
    pub(crate) parameters: &'a Parameters,
}

impl Snapshot {
    pub(crate) fn new(fixture: &Fixture, now: jiff::Timestamp, base_url: String) -> Self {
        Self {
            world: World::build(fixture, now),
            base_url,
            pages: Mutex::new(BoundedCache::new(PAGE_CACHE_BYTES)),
            rows: Mutex::new(BoundedCache::new(ROW_CACHE_BYTES)),
        }
    }

    /// A page of a list.
    pub(crate) fn list(&self, list: &ListAnswer, asked: &Asked) -> Result<Reply, BadParameter> {
        let conditions = Conditions::read(&list.filter, asked.parameters)?;
        self.page(
            &list.collection,
            &conditions,
            &list.body,
            &list.page,
            None,
            asked,
        )
    }

    /// One record, or 404.
    pub(crate) fn record(&self, answer: &RecordAnswer, parameters: &Parameters) -> Reply {
        let wanted = parameters.get(&answer.parameter).unwrap_or_default();
        let found = self.world.records(&answer.collection).and_then(|records| {
            (0..records.len())
                .find(|row| {
                    let value = records.field(&answer.field, *row);
                    value.is_some_and(|json| text_of(json) == wanted)
                })
                .map(|row| Bytes::copy_from_slice(records.record(row)))
        });
        match found {
            Some(body) => Reply {
                status: 200,
                headers: Vec::new(),
                body,
            },
            None => Reply::error(
                404,
                &format!("No {} with {} {wanted}", answer.collection, answer.field),
            ),
        }
    }

    /// Checks what a job is to be created with.
    pub(crate) fn check_job(
        create: &CreateJob,
        parameters: &Parameters,
    ) -> Result<(), BadParameter> {
        Conditions::read(&create.filter, parameters).map(|_| ())
    }

    /// How far a job is and, if it is complete, a page of its records.
    pub(crate) fn job_result(
        &self,
        result: &JobResult,
        create: &CreateJob,
        progress: Progress,
        job_parameters: &Parameters,
        asked: &Asked,
    ) -> Result<Reply, BadParameter> {
        if progress != Progress::Complete {
            let body =
                body::without_records(&result.body, &result.status, progress.word(), &self.world);
            return Ok(Reply::json(200, &body));
        }
        let conditions = Conditions::read(&create.filter, job_parameters)?;
        let status = Some((result.status.as_str(), progress.word()));
        self.page(
            &create.collection,
            &conditions,
            &result.body,
            &result.page,
            status,
            asked,
        )
    }

    fn page(
        &self,
        collection: &str,
        conditions: &Conditions,
        body: &Body,
        paging: &Paging,
        status: Option<(&str, &str)>,
        asked: &Asked,
    ) -> Result<Reply, BadParameter> {
        let Some(records) = self.world.records(collection) else {
            return Ok(Reply::error(404, "No such collection"));
        };
        let rows = self.rows(collection, conditions);
        let total = rows.as_ref().map_or(records.len(), |rows| rows.len());
        let place_of = |key: &str| {
            let field = paging.key_field.as_deref()?;
            (0..total).find(|place| {
                let row = rows.as_ref().map_or(*place, |rows| rows[*place] as usize);
                let value = records.field(field, row);
                value.is_some_and(|json| text_of(json) == key)
            })
        };
        let page = Page::read(paging, asked.parameters, total, place_of)?;
        let next = page.next(paging, asked, &self.base_url);
        let key = format!(
            "{} {collection} {conditions} {} {} {}",
            asked.path,
            page.offset,
            page.limit,
            next.as_ref().map_or("", |next| next.text()),
        );
        if let Some(reply) = lock(&self.pages).get(&key) {
            return Ok(reply);
        }
        let around = Around {
            body,
            page: &page,
            status,
            next: next.as_ref(),
        };
        let bytes = body::compose(&self.world, records, rows.as_deref(), &around);
        let header = next.as_ref().and_then(page::Next::header);
        let reply = Reply {
            status: 200,
            headers: header.into_iter().collect(),
            body: Bytes::from(bytes),
        };
        lock(&self.pages).insert(key, reply.clone(), reply.body.len());
        Ok(reply)
    }

    /// The rows that conditions select; none if they select all.
    fn rows(&self, collection: &str, conditions: &Conditions) -> Option<Arc<[u32]>> {
        let records = self
            .world
            .records(collection)
            .filter(|_| !conditions.is_empty())?;
        let key = format!("{collection} {conditions}");
        if let Some(rows) = lock(&self.rows).get(&key) {
            return Some(rows);
        }
        let rows: Arc<[u32]> = conditions.select(records).into();
        lock(&self.rows).insert(key, Arc::clone(&rows), rows.len() * size_of::<u32>());
        Some(rows)
    }
}

/// Locks a mutex; whoever held it and panicked left whole values behind.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
