//! Compiling one resource.

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;

use super::mistakes::{Mistakes, Place};
use super::model::{
    DecodePlan, IncrementalPlan, JobPlan, PaginatorPlan, RequestTemplate, ResourcePlan,
    WriteDisposition,
};
use super::request::{References, Request};
use super::{Selector, client, columns, incremental, paginator};
use crate::spec::{self, Endpoint, Method, Resource};

/// What a resource's requests need of its parent.
pub(super) struct ParentNeeds {
    /// Paths into the parent's records that placeholders name.
    pub(super) key_paths: Vec<String>,
    /// Top-level fields that are copied into each record.
    pub(super) included: Vec<String>,
}

/// A compiled resource, and what it needs of its parent; the plan is `None` after a mistake.
pub(super) struct Compiled {
    pub(super) plan: Option<ResourcePlan>,
    pub(super) parent: Option<String>,
    pub(super) needs: ParentNeeds,
}

/// `parents` are the names of all resources.
pub(super) fn compile(
    resource: &Resource,
    client_paginator: Option<&PaginatorPlan>,
    names: &[&str],
    place: &Place,
    mistakes: &mut Mistakes,
) -> Compiled {
    let endpoint = &resource.endpoint;
    let endpoint_place = place.key("endpoint");
    let write_disposition = write_disposition(resource.write_disposition);
    let mut references = References::default();
    let request = endpoint_request(endpoint, &resource.name);
    let request = references.compile(&request.as_request(), &endpoint_place, mistakes);
    let read_result = references.job_ids().next().is_some();
    let mut job_references = References::default();
    let job = endpoint.job.as_ref().map(|job| {
        compile_job(
            job,
            &mut job_references,
            &endpoint_place.key("job"),
            mistakes,
        )
    });
    check_job_id(
        endpoint,
        &references,
        read_result,
        &endpoint_place,
        mistakes,
    );

    let incremental_place = endpoint_place.key("incremental");
    let incremental = endpoint
        .incremental
        .as_ref()
        .map(|one| incremental::compile(one, write_disposition, &incremental_place, mistakes));
    let all_references = [&references, &job_references];
    check_window_is_sent(
        endpoint.incremental.as_ref(),
        &all_references,
        &incremental_place,
        mistakes,
    );
    let partitions = partitions(
        &resource.for_each,
        &all_references,
        &place.key("for_each"),
        mistakes,
    );
    let (parent, key_paths) = parent(resource, &all_references, names, place, mistakes);
    let single_record = is_single_record(endpoint);
    let data_selector = match &endpoint.data_selector {
        Some(text) => {
            paginator::selector(text, &endpoint_place.key("data_selector"), mistakes).map(Some)
        }
        None if single_record => Selector::parse("$").ok().map(Some),
        None => Some(None),
    };
    let paginator = match (&endpoint.paginator, client_paginator) {
        (Some(paginator), _) => {
            paginator::compile(paginator, &endpoint_place.key("paginator"), mistakes)
        }
        (None, _) if single_record => Some(PaginatorPlan::SinglePage),
        (None, Some(paginator)) => Some(paginator.clone()),
        (None, None) => Some(PaginatorPlan::Auto),
    };
    if write_disposition == WriteDisposition::Merge && resource.primary_key.0.is_empty() {
        mistakes.add(
            "plan::merge_without_key",
            &place.key("write_disposition"),
            "`merge` needs a `primary_key` to tell which row takes the place of which",
            "give `primary_key`, or use `append` or `replace`".to_owned(),
        );
    }
    if resource.concurrency == Some(0) {
        mistakes.add(
            "plan::concurrency",
            &place.key("concurrency"),
            "`concurrency` must be at least 1",
            None,
        );
    }
    let columns = columns::compile(&resource.columns, &place.key("columns"), mistakes);
    let plan = Parts {
        request,
        job,
        data_selector,
        paginator,
        incremental,
    }
    .complete()
    .map(
        |(request, job, data_selector, paginator, incremental)| ResourcePlan {
            name: resource.name.clone(),
            parent: parent.clone(),
            write_disposition,
            primary_key: resource.primary_key.0.clone(),
            partitions,
            request,
            job,
            data_selector,
            allow_missing: endpoint.allow_missing,
            paginator,
            decode: DecodePlan {
                resource: resource.name.clone(),
                columns,
                cursor: incremental
                    .as_ref()
                    .and_then(|incremental| incremental.cursor.clone()),
                primary_key: resource.primary_key.0.clone(),
                // Filled in once the children are known.
                parent_key_paths: Vec::new(),
                parent_included: Vec::new(),
            },
            incremental,
            concurrency: resource.concurrency.unwrap_or(spec::DEFAULT_CONCURRENCY),
        },
    );
    Compiled {
        plan,
        parent,
        needs: ParentNeeds {
            key_paths,
            included: resource.include_from_parent.clone(),
        },
    }
}

/// The parts of a plan that may be wrong: the outer `None` is a mistake.
struct Parts {
    request: Option<RequestTemplate>,
    job: Option<Option<JobPlan>>,
    data_selector: Option<Option<Selector>>,
    paginator: Option<PaginatorPlan>,
    incremental: Option<Option<IncrementalPlan>>,
}

type CompleteParts = (
    RequestTemplate,
    Option<JobPlan>,
    Option<Selector>,
    PaginatorPlan,
    Option<IncrementalPlan>,
);

impl Parts {
    fn complete(self) -> Option<CompleteParts> {
        let job = match self.job {
            None => None,
            Some(job) => Some(job?),
        };
        let incremental = match self.incremental {
            None => None,
            Some(incremental) => Some(incremental?),
        };
        Some((
            self.request?,
            job,
            self.data_selector?,
            self.paginator?,
            incremental,
        ))
    }
}

/// The endpoint's own request; the path is the resource's name where none is given.
struct EndpointRequest<'a> {
    endpoint: &'a Endpoint,
    path: spec::TemplateText,
}

fn endpoint_request<'a>(endpoint: &'a Endpoint, name: &str) -> EndpointRequest<'a> {
    let path = endpoint.path.clone();
    EndpointRequest {
        endpoint,
        path: path.unwrap_or_else(|| spec::TemplateText(name.to_owned())),
    }
}

impl EndpointRequest<'_> {
    fn as_request(&self) -> Request<'_> {
        Request {
            method: self.endpoint.method,
            path: &self.path,
            params: &self.endpoint.params,
            headers: &self.endpoint.headers,
            json: self.endpoint.json.as_ref(),
            default_method: Method::Get,
        }
    }
}

fn compile_job(
    job: &spec::Job,
    references: &mut References,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<JobPlan> {
    let none = IndexMap::new();
    let no_headers = IndexMap::new();
    let create_place = place.key("create");
    let create = Request {
        method: job.create.method,
        path: &job.create.path,
        params: &job.create.params,
        headers: &job.create.headers,
        json: job.create.json.as_ref(),
        default_method: Method::Post,
    };
    let create = references.compile(&create, &create_place, mistakes);
    if let Some(place) = references.job_ids().next() {
        mistakes.add(
            "plan::job_id",
            place,
            "the job has no id before it is created",
            "`{job.id}` is for `poll` and for the endpoint's own request".to_owned(),
        );
    }
    let poll_place = place.key("poll");
    let poll = Request {
        method: None,
        path: &job.poll.path,
        params: &none,
        headers: &no_headers,
        json: None,
        default_method: Method::Get,
    };
    let poll = references.compile(&poll, &poll_place, mistakes);
    let id = paginator::selector(&job.id, &place.key("id"), mistakes);
    let status = paginator::selector(&job.poll.status, &poll_place.key("status"), mistakes);
    if job.poll.done.is_empty() {
        mistakes.add(
            "plan::job_done",
            &poll_place.key("done"),
            "no status means done",
            "list at least one, such as `[complete]`".to_owned(),
        );
    }
    let mut length = |key: &str, span: Option<&spec::TimeSpan>, default: Duration| match span {
        Some(span) => client::fixed(span, &poll_place.key(key), mistakes),
        None => Some(default),
    };
    let every = length("every", job.poll.every.as_ref(), spec::DEFAULT_POLL_EVERY);
    let timeout = length(
        "timeout",
        job.poll.timeout.as_ref(),
        spec::DEFAULT_POLL_TIMEOUT,
    );
    Some(JobPlan {
        create: create?,
        id: id?,
        poll: poll?,
        status: status?,
        done: job.poll.done.clone(),
        failed: job.poll.failed.clone(),
        every: every?,
        timeout: timeout?,
    })
}

fn check_job_id(
    endpoint: &Endpoint,
    references: &References,
    read_result: bool,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    match (&endpoint.job, references.job_ids().next()) {
        (None, Some(named)) => mistakes.add(
            "plan::job_id",
            named,
            "`{job.id}` is named, and the endpoint has no `job`",
            None,
        ),
        (Some(_), _) if !read_result => mistakes.add(
            "plan::job_id",
            &place.key("path"),
            "the endpoint's own request doesn't name the job whose result it reads",
            "write `{job.id}` into its path, such as `reports/{job.id}`".to_owned(),
        ),
        _ => {}
    }
}

/// Without the window in the request every slice would be the same.
fn check_window_is_sent(
    incremental: Option<&spec::Incremental>,
    references: &[&References],
    place: &Place,
    mistakes: &mut Mistakes,
) {
    let Some(incremental) = incremental else {
        let named = references
            .iter()
            .flat_map(|references| references.incremental());
        for named in named {
            mistakes.add(
                "plan::placeholder",
                named,
                "`{incremental.…}` is named, and the endpoint has no `incremental`",
                None,
            );
        }
        return;
    };
    let sent = incremental.start_param.is_some()
        || incremental.end_param.is_some()
        || references
            .iter()
            .any(|references| references.windows().next().is_some());
    if !sent && (incremental.window.is_some() || incremental.cursor == spec::CursorSource::Request)
    {
        mistakes.add(
            "plan::window_not_sent",
            place,
            "no request names the window, so that each window would ask for the same",
            "give `start_param` and `end_param`, or write `{incremental.start_value}` and `{incremental.end_value}` into the request".to_owned(),
        );
    }
}

/// Every combination of the values of `for_each`, the last key changing fastest.
fn partitions(
    for_each: &IndexMap<String, Vec<Value>>,
    references: &[&References],
    place: &Place,
    mistakes: &mut Mistakes,
) -> Vec<BTreeMap<String, Value>> {
    let named: Vec<(&str, &Place)> = references
        .iter()
        .flat_map(|references| references.partitions())
        .collect();
    for (key, place) in &named {
        if !for_each.contains_key(*key) {
            let keys: Vec<&str> = for_each.keys().map(String::as_str).collect();
            let help = match spec::did_you_mean(key, keys.iter().copied()) {
                Some(name) => format!("did you mean `{{partition.{name}}}`?"),
                None => format!("give its values: `for_each: {{ {key}: [a, b] }}`"),
            };
            mistakes.add(
                "plan::partition",
                place,
                format!("`for_each` has no key `{key}`"),
                help,
            );
        }
    }
    let mut partitions = vec![BTreeMap::new()];
    for (key, values) in for_each {
        let place = place.key(key);
        if !named.iter().any(|(name, _)| name == key) {
            mistakes.add(
                "plan::partition",
                &place,
                format!("no request names `{{partition.{key}}}`, so that each value would ask for the same"),
                None,
            );
        }
        if values.is_empty() {
            mistakes.add(
                "plan::partition",
                &place,
                format!("`{key}` has no values"),
                None,
            );
        }
        if values
            .iter()
            .any(|value| value.is_object() || value.is_array() || value.is_null())
        {
            mistakes.add(
                "plan::partition",
                &place,
                format!("the values of `{key}` must be scalars"),
                None,
            );
        }
        partitions = partitions
            .into_iter()
            .flat_map(|partition: BTreeMap<String, Value>| {
                values.iter().map(move |value| {
                    let mut partition = partition.clone();
                    partition.insert(key.clone(), value.clone());
                    partition
                })
            })
            .collect();
    }
    partitions
}

/// The one resource that placeholders name, and the paths into its records.
fn parent(
    resource: &Resource,
    references: &[&References],
    names: &[&str],
    place: &Place,
    mistakes: &mut Mistakes,
) -> (Option<String>, Vec<String>) {
    let mut parent: Option<&str> = None;
    let mut paths: Vec<String> = Vec::new();
    for (name, path, named_at) in references
        .iter()
        .flat_map(|references| references.parents())
    {
        if !names.contains(&name) {
            let help = spec::did_you_mean(name, names.iter().copied())
                .map(|name| format!("did you mean `{name}`?"));
            mistakes.add(
                "plan::unknown_parent",
                named_at,
                format!("no resource is called `{name}`"),
                help,
            );
            continue;
        }
        if parent.is_some_and(|parent| parent != name) {
            mistakes.add(
                "plan::several_parents",
                named_at,
                format!(
                    "`{}` depends on `{}` and on `{name}`",
                    resource.name,
                    parent.unwrap_or_default()
                ),
                "a resource can depend on one other resource".to_owned(),
            );
            continue;
        }
        parent = Some(name);
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
    if parent.is_none() && !resource.include_from_parent.is_empty() {
        mistakes.add(
            "plan::include_without_parent",
            &place.key("include_from_parent"),
            format!("`{}` has no parent to include from", resource.name),
            "a resource gets a parent by naming one of its fields: `{resources.<parent>.<field>}`"
                .to_owned(),
        );
    }
    (parent.map(ToOwned::to_owned), paths)
}

/// dlt's rule: a path whose last segment holds a placeholder answers with one record.
fn is_single_record(endpoint: &Endpoint) -> bool {
    let path = endpoint.path.as_ref().map_or("", |path| path.0.as_str());
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let before_query = last.split('?').next().unwrap_or_default();
    before_query.contains('{') && !before_query.contains("{{") && endpoint.job.is_none()
}

fn write_disposition(disposition: spec::WriteDisposition) -> WriteDisposition {
    match disposition {
        spec::WriteDisposition::Append => WriteDisposition::Append,
        spec::WriteDisposition::Replace => WriteDisposition::Replace,
        spec::WriteDisposition::Merge => WriteDisposition::Merge,
        spec::WriteDisposition::Skip => WriteDisposition::Skip,
    }
}
