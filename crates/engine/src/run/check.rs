//! Trying each endpoint of an API with one request, where that changes nothing there.

use std::sync::Arc;

use http::Method;
use jiff::Timestamp;

use super::error::Error;
use super::first_pages::{Beginning, FirstPages, impatient};
use super::heard::Heard;
use super::preview::Choice;
use crate::extract::Client;
use crate::flow::Observer;
use crate::load::State;
use crate::plan::{Plan, ResourcePlan, ancestors};

/// What the caller decides about a check of an API.
pub struct ApiCheckOptions {
    /// The start of the run that is looked at: windows end here.
    pub now: Timestamp,
    /// Tells the time for what is stamped.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Names of the resources to try, parents of theirs included by themselves; empty: all.
    pub resources: Vec<String>,
    /// Gets everything that happens.
    pub observer: Observer,
}

/// What came of trying one resource.
#[derive(Debug)]
pub struct ApiCheck {
    /// Name of the resource.
    pub resource: String,
    /// What came of it.
    pub outcome: ApiOutcome,
    /// What may mean that something is wrong all the same.
    pub warnings: Vec<String>,
}

/// What came of trying an endpoint.
#[derive(Debug)]
pub enum ApiOutcome {
    /// The first page came, and its records were found and decoded.
    Works {
        /// Records on the page.
        records: usize,
        /// What was found that the spec leaves open, by its key.
        found: Vec<(&'static str, Choice)>,
    },
    /// It doesn't.
    Fails(Error),
    /// It was not tried.
    NotTried {
        /// Why.
        reason: String,
    },
}

/// Reads the first page of the first slice of each resource, one after the other, as the rate limit allows; a child's is that of
/// the first record of its parents. Nothing is asked that may change something: a job, or a method other than `GET`.
/// Nothing is written, and what fails is tried twice at most.
///
/// # Errors
/// A name is no resource's, or the client can't be set up. What an endpoint answers is part of the result.
pub async fn check_api(plan: &Plan, options: ApiCheckOptions) -> Result<Vec<ApiCheck>, Error> {
    let names = &options.resources;
    let known = |name: &&String| plan.resources.iter().any(|one| one.name == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(Error::UnknownResource(unknown.clone()));
    }
    let plan = impatient(plan);
    let heard = Heard::default();
    let observer = heard.listen(Arc::clone(&options.observer));
    let clock = Arc::clone(&options.clock);
    let client = Client::new(plan.client.clone(), clock, Arc::clone(&observer))
        .map_err(|source| Error::Client(Box::new(source)))?;
    let state = State::default();
    let mut pages = FirstPages::new(&client, &state, (options.now, "check"), observer);
    let mut checks: Vec<ApiCheck> = Vec::new();
    let above = names
        .iter()
        .flat_map(|name| ancestors(&plan.resources, name));
    let above: Vec<&str> = above.collect();
    for resource in &plan.resources {
        let name = resource.name.as_str();
        if !names.is_empty() && !names.contains(&resource.name) && !above.contains(&name) {
            continue;
        }
        let beginning = match reason_not_to_try(&plan, resource, &checks) {
            Some(reason) => Err(reason),
            None => Ok(pages.read(resource, 1).await),
        };
        let told = heard.take();
        checks.push(ApiCheck {
            resource: resource.name.clone(),
            outcome: match beginning {
                Ok(beginning) => outcome(beginning, told.detected),
                Err(reason) => ApiOutcome::NotTried { reason },
            },
            warnings: told.warnings.into_iter().map(|(_, text)| text).collect(),
        });
    }
    Ok(checks)
}

fn outcome(beginning: Beginning, found: Vec<(String, &'static str, Choice)>) -> ApiOutcome {
    let pages = beginning.pages.iter();
    match beginning.error {
        None => ApiOutcome::Works {
            records: pages.map(|page| page.batch.num_rows()).sum(),
            found: found
                .into_iter()
                .map(|(_, key, choice)| (key, choice))
                .collect(),
        },
        Some(Error::NoParentRecord { parent, .. }) => ApiOutcome::NotTried {
            reason: format!("no record of its parent `{parent}` is on the first page of that one"),
        },
        Some(error) => ApiOutcome::Fails(error),
    }
}

/// Why a resource is not tried, by itself or for what came of others.
fn reason_not_to_try(plan: &Plan, resource: &ResourcePlan, checks: &[ApiCheck]) -> Option<String> {
    if resource.job.is_some() {
        return Some("it would create a job".to_owned());
    }
    let method = &resource.request.method;
    if resource.seeds.is_none() && ![Method::GET, Method::HEAD].contains(method) {
        return Some(format!("it is a {method}, which may change something"));
    }
    let works = |name: &str| {
        let mut checks = checks.iter();
        checks.any(|check| {
            check.resource == name && matches!(check.outcome, ApiOutcome::Works { .. })
        })
    };
    let parents = resource.parents.iter().filter(|parent| parent.is_parent());
    for parent in parents {
        if !works(&parent.resource) {
            return Some(format!(
                "there is no record of its parent `{}`",
                parent.resource
            ));
        }
    }
    let refused = checks.iter().find(|check| match &check.outcome {
        ApiOutcome::Fails(error) => error.refuses_credentials(),
        _ => false,
    });
    if resource.exchange.auth.is_none()
        && let Some(refused) = refused
    {
        return Some(format!(
            "`{}` shows that the credentials are refused",
            refused.resource
        ));
    }
    let is_plain = |one: &ResourcePlan| one.incremental.is_none() && one.seeds.is_none();
    let asks_the_same = |other: &&ResourcePlan| {
        is_plain(other)
            && is_plain(resource)
            && other.request == resource.request
            && other.exchange.auth == resource.exchange.auth
            && other.data_selector == resource.data_selector
            && other.paginator == resource.paginator
            && other.partitions == resource.partitions
            && other.parents == resource.parents
            && works(&other.name)
    };
    // Children need its own records.
    let has_children = || {
        let mut others = plan.resources.iter().flat_map(|other| &other.parents);
        others.any(|parent| parent.resource == resource.name)
    };
    let same = plan.resources.iter().find(asks_the_same);
    same.filter(|_| !has_children())
        .map(|same| format!("its request is that of `{}`", same.name))
}
