mod ahead;
mod faults;
mod large;
mod server;
mod slices;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::{Client, Error, SliceStatistics, read_slice};
use crate::flow::{Event, FetchedPage, Page, Slice};
use crate::plan::template::{Context, JsonTemplate, ParamTemplate, Template};
use crate::plan::{
    AuthPlan, BodyTemplate, ClientPlan, DecodePlan, ExchangePlan, MemoryPlan, MergePlan,
    PaginatorPlan, RequestTemplate, ResourcePlan, RetryPlan, Selector, Timeouts, WriteDisposition,
};
use crate::spec::Secret;
use server::Server;

const ALL: &[Context] = &[
    Context::Resources,
    Context::Incremental,
    Context::Partition,
    Context::Job,
];

/// The longest wait between tries, in milliseconds.
const MAX_BACKOFF: u64 = 5;

const BODY_LIMIT: u64 = 2 * 1024 * 1024;

fn client_plan(server: &Server) -> ClientPlan {
    ClientPlan {
        base_url: server.url("/v0").parse().unwrap(),
        moved_from: Vec::new(),
        headers: vec![(
            HeaderName::from_static("api-version"),
            HeaderValue::from_static("2019"),
        )],
        auth: AuthPlan::HttpBasic {
            username: Secret::new("sk_live"),
            password: Secret::new(""),
        },
        allowed_hosts: Vec::new(),
        rate_limit: None,
        timeouts: Timeouts::default(),
        memory: MemoryPlan::default(),
        retry: RetryPlan {
            max_attempts: 3,
            statuses: vec![(408, 408), (429, 429), (500, 599)],
            max_backoff: Duration::from_millis(MAX_BACKOFF),
        },
        secrets: Vec::new(),
    }
}

fn request(
    method: Method,
    path: &str,
    params: &[(&str, Value)],
    json: Option<Value>,
) -> RequestTemplate {
    RequestTemplate {
        method,
        path: Template::parse(path, ALL).unwrap(),
        params: params
            .iter()
            .map(|(name, value)| {
                (
                    Template::parse(name, ALL).unwrap(),
                    ParamTemplate::parse(value, ALL).unwrap(),
                )
            })
            .collect(),
        headers: Vec::new(),
        body: json.map(|json| BodyTemplate::Json(JsonTemplate::parse(&json, ALL).unwrap())),
    }
}

/// A resource on one page with its records under `items`.
fn resource(path: &str) -> ResourcePlan {
    ResourcePlan {
        expect: crate::plan::ExpectPlan::default(),
        name: "things".to_owned(),
        renamed_from: None,
        table: "things".to_owned(),
        parents: Vec::new(),
        parents_per_request: None,
        selected: true,
        seeds: None,
        write_disposition: WriteDisposition::Append,
        primary_key: Vec::new(),
        merge: MergePlan::UPSERT,
        partition_by: Vec::new(),
        rejected: None,
        partitions: vec![BTreeMap::new()],
        request: request(Method::GET, path, &[], None),
        job: None,
        data_selector: Some(Selector::parse("items").unwrap()),
        allow_missing: false,
        guessed_records: false,
        paginator: PaginatorPlan::SinglePage,
        exchange: ExchangePlan::default(),
        incremental: None,
        decode: DecodePlan::default(),
        concurrency: 1,
    }
}

/// What came of reading a slice.
struct Outcome {
    result: Result<SliceStatistics, Error>,
    pages: Vec<Page>,
    events: Vec<Event>,
}

impl Outcome {
    /// The texts of all records.
    fn records(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        for page in &self.pages {
            texts.extend(
                page.records
                    .iter()
                    .map(|range| str::from_utf8(&page.body[range.clone()]).unwrap()),
            );
        }
        texts
    }

    fn notices(&self) -> Vec<&str> {
        let mut notices = Vec::new();
        for event in &self.events {
            if let Event::Notice { text, .. } = event {
                notices.push(text.as_str());
            }
        }
        notices
    }

    /// What was found of what the spec leaves open: the key, its value, and why.
    fn detected(&self) -> Vec<String> {
        let mut found = Vec::new();
        for event in &self.events {
            if let Event::Detected {
                key, value, reason, ..
            } = event
            {
                found.push(format!("{key}: {value} ({reason})"));
            }
        }
        found
    }

    fn retries(&self) -> Vec<(u64, &str)> {
        let mut retries = Vec::new();
        for event in &self.events {
            if let Event::Retrying {
                wait_milliseconds,
                reason,
                ..
            } = event
            {
                retries.push((*wait_milliseconds, reason.as_str()));
            }
        }
        retries
    }

    /// The error and its causes in one line.
    fn error(&self) -> String {
        let mut error: &dyn std::error::Error = self.result.as_ref().unwrap_err();
        let mut text = error.to_string();
        while let Some(source) = error.source() {
            text = format!("{text}: {source}");
            error = source;
        }
        text
    }
}

async fn read(server: &Server, resource: &ResourcePlan) -> Outcome {
    read_with(client_plan(server), resource, &Slice::default()).await
}

async fn read_with(plan: ClientPlan, resource: &ResourcePlan, slice: &Slice) -> Outcome {
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&events);
    let client = Client::for_tests(
        plan,
        Arc::new(move |event| kept.lock().unwrap().push(event)),
        BODY_LIMIT,
    );
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<FetchedPage>(16);
    let mut pages = Vec::new();
    let take = async {
        while let Some(page) = receiver.recv().await {
            pages.push(page.page);
        }
    };
    let read = read_slice(&client, resource, slice, None, sender, None);
    let (result, ()) = tokio::join!(read, take);
    let result = result.map_err(|error| *error.source);
    let events = events.lock().unwrap().clone();
    Outcome {
        result,
        pages,
        events,
    }
}
