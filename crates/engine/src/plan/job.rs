//! Compiling `job`.

use indexmap::IndexMap;

use super::mistakes::{Mistakes, Place, Reported};
use super::model::JobPlan;
use super::request::{self, References, Request};
use super::template::ValueEncoding;
use super::{client, paginator, path_params};
use crate::spec::{self, Endpoint, Job, Method};

/// Compiles the endpoint's job, and adds what its requests name to `references`, which must hold what the endpoint's
/// own request names.
pub(super) fn compile(
    endpoint: &Endpoint,
    references: &mut References,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<JobPlan>, Reported> {
    let Some(job) = &endpoint.job else {
        return match references.job_ids().next() {
            None => Ok(None),
            Some(named) => {
                let message = "`{job.id}` is named, and the endpoint has no `job`";
                Err(mistakes.add("plan::job_id", named, message, None))
            }
        };
    };
    if references.job_ids().next().is_none() {
        mistakes.add(
            "plan::job_id",
            &place.key("path"),
            "the endpoint's own request doesn't name the job whose result it reads",
            "write `{job.id}` into its path, such as `reports/{job.id}`".to_owned(),
        );
    }
    let encoding = request::encoding(endpoint);
    compile_job(job, encoding, references, &place.key("job"), mistakes).map(Some)
}

fn compile_job(
    job: &Job,
    encoding: ValueEncoding,
    references: &mut References,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<JobPlan, Reported> {
    let create_place = place.key("create");
    let bound = path_params::bind(
        &job.create.path,
        &job.create.params,
        &create_place,
        mistakes,
    );
    let create = Request {
        method: job.create.method.as_ref(),
        path: &bound.path,
        params: &bound.params,
        headers: &job.create.headers,
        json: job.create.json.as_ref(),
        data: None,
        encoding,
        default_method: Method::post(),
    };
    let mut created = References::default();
    let create = created.compile(&create, &create_place, mistakes);
    for (resource, path, place) in &bound.resolved {
        created.place_parent(resource, path, place);
    }
    if let Some(place) = created.job_ids().next() {
        mistakes.add(
            "plan::job_id",
            place,
            "the job has no id before it is created",
            "`{job.id}` is for `poll` and for the endpoint's own request".to_owned(),
        );
    }
    references.extend(created);
    let poll_place = place.key("poll");
    let poll = Request {
        method: None,
        path: &job.poll.path,
        params: &IndexMap::new(),
        headers: &IndexMap::new(),
        json: None,
        data: None,
        encoding,
        default_method: Method::get(),
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
    let every = match &job.poll.every {
        Some(span) => client::fixed(span, &poll_place.key("every"), mistakes),
        None => Ok(spec::DEFAULT_POLL_EVERY),
    };
    let timeout = match &job.poll.timeout {
        Some(span) => client::fixed(span, &poll_place.key("timeout"), mistakes),
        None => Ok(spec::DEFAULT_POLL_TIMEOUT),
    };
    Ok(JobPlan {
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
