//! Compiling one resource.

use super::mistakes::{Mistakes, Place, Reported};
use super::model::{DecodePlan, RequestTemplate, ResourcePlan, RowIds, WriteDisposition};
use super::parents::{self, Named};
use super::request::{self, References, Request};
use super::single_record::is_single_record;
use super::template::IncrementalReference;
use super::{
    AutoPlan, ContractPlan, PaginatorPlan, Selector, columns, exchange, expect, incremental, job,
    merge, paginator, partition_by, partitions, path_params, seeds, steps,
};
use crate::spec::{self, Endpoint, Method, Resource, TemplateText};

/// A compiled resource, and what it depends on, which is known even where the rest is wrong.
pub(super) struct Compiled {
    pub(super) plan: Result<ResourcePlan, Reported>,
    pub(super) named: Vec<Named>,
}

/// `all_names` are the names of all resources.
pub(super) fn compile(
    resource: &Resource,
    client: &spec::Client,
    client_paginator: Option<&PaginatorPlan>,
    all_names: &[&str],
    place: &Place,
    mistakes: &mut Mistakes,
) -> Compiled {
    let mut references = References::default();
    let mut plan = endpoint(
        resource,
        client,
        client_paginator,
        place,
        &mut references,
        mistakes,
    );
    let named = parents::named(&references, all_names, mistakes);
    let batched = resource.parents_per_request.is_some();
    if batched && resource.endpoint.incremental.is_some() {
        mistakes.add(
            "plan::incremental_batch",
            &place.key("endpoint").key("incremental"),
            format!("`{}` asks for several parents at once and is incremental", resource.name),
            "how far each parent was read can't be told from a batch of them: leave out `parents_per_request`"
                .to_owned(),
        );
    }
    let partitions = partitions::compile(
        &resource.for_each,
        &references,
        &place.key("for_each"),
        mistakes,
    );
    check_batch(resource, &named, place, mistakes);
    let seeds = resource.data.as_ref();
    let seeds = seeds.map(|data| seeds::compile(data, &place.key("data"), mistakes));
    if let Ok(plan) = &mut plan {
        plan.seeds = seeds;
        plan.partitions = partitions;
        plan.decode.contract = ContractPlan::from(&resource.schema_contract);
    }
    Compiled { plan, named }
}

/// Where the records are; `None` where the answers tell.
fn data_selector(
    endpoint: &Endpoint,
    single_record: bool,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Option<Selector>, Reported> {
    match &endpoint.data_selector {
        Some(text) => paginator::selector(text, &place.key("data_selector"), mistakes).map(Some),
        None if single_record => Ok(Some(Selector::root())),
        None => Ok(None),
    }
}

/// All but the parents and the partitions, which depend on what the requests name.
fn endpoint(
    resource: &Resource,
    client: &spec::Client,
    client_paginator: Option<&PaginatorPlan>,
    place: &Place,
    references: &mut References,
    mistakes: &mut Mistakes,
) -> Result<ResourcePlan, Reported> {
    let endpoint = &resource.endpoint;
    let endpoint_place = place.key("endpoint");
    let write_disposition = merge::disposition(resource);
    let primary_key = merge::key(&resource.primary_key, resource, |column| column.primary_key);
    let merge = merge::compile(resource, &primary_key, place, mistakes);
    let path = endpoint.path.clone();
    let path = path.unwrap_or_else(|| TemplateText(resource.name.clone()));
    let bound = path_params::bind(&path, &endpoint.params, &endpoint_place, mistakes);
    let single_record = endpoint.job.is_none() && is_single_record(&bound.path.0);
    let request = request_template(endpoint, &bound, references, &endpoint_place, mistakes);
    for (resource, path, place) in &bound.resolved {
        references.place_parent(resource, path, place);
    }
    let job = job::compile(endpoint, references, &endpoint_place, mistakes);
    let incremental_place = endpoint_place.key("incremental");
    check_window_is_sent(endpoint, references, &incremental_place, mistakes);
    let context = incremental::Context {
        write_disposition,
        primary_key: &primary_key,
        concerns_absent: merge.concerns_absent(),
    };
    let incremental = endpoint.incremental.as_ref();
    let incremental = incremental
        .map(|one| incremental::compile(one, &context, &incremental_place, mistakes))
        .transpose();
    let data_selector = data_selector(endpoint, single_record, &endpoint_place, mistakes);
    let guessed_record = single_record && endpoint.data_selector.is_none();
    let mut paginator = paginator_of(
        endpoint,
        client_paginator,
        single_record,
        &endpoint_place,
        mistakes,
    );
    if let (Ok(paginator), Ok(request)) = (&paginator, &request) {
        paginator::check_body(
            paginator,
            request,
            &endpoint_place.key("paginator"),
            mistakes,
        );
    }
    if let (Ok(paginator), Ok(Some(selector))) = (&mut paginator, &data_selector) {
        let place = endpoint_place.key("data_selector");
        paginator::check_selector(paginator, selector, &place, mistakes);
    }
    let concurrency = concurrency(resource, place, mistakes);
    let exchange = exchange::compile(endpoint, client, &endpoint_place, mistakes);
    let columns = columns::compile(&resource.columns, &place.key("columns"), mistakes);
    let partition_by = partition_by::compile(resource, &columns, place, mistakes);
    let steps = steps::compile(resource, place, mistakes);
    let incremental = incremental?;
    let table = resource.table_name.as_ref().unwrap_or(&resource.name);
    let expect = expect::compile(
        &resource.expect,
        incremental.as_ref(),
        &place.key("expect"),
        mistakes,
    );
    Ok(ResourcePlan {
        name: resource.name.clone(),
        renamed_from: resource.renamed_from.clone(),
        table: table.clone(),
        // Filled in once all resources are known.
        parents: Vec::new(),
        selected: resource.selected.unwrap_or(true),
        parents_per_request: resource.parents_per_request,
        seeds: None,
        write_disposition,
        primary_key: primary_key.clone(),
        merge: merge.clone(),
        partition_by,
        rejected: resource.rejected.clone(),
        expect,
        partitions: Vec::new(),
        request: request?,
        job: job?,
        data_selector: data_selector?,
        allow_missing: endpoint.allow_missing,
        guessed_records: guessed_record && !matches!(paginator, Ok(PaginatorPlan::SingleRecord)),
        paginator: paginator?,
        exchange: exchange?,
        decode: DecodePlan {
            resource: resource.name.clone(),
            columns,
            nested: resource.nested.map(columns::form).unwrap_or_default(),
            table: table.clone(),
            row_ids: RowIds::of(write_disposition, &primary_key),
            cursor: incremental.as_ref().and_then(|one| one.cursor.clone()),
            merge_key: merge.groups().to_vec(),
            primary_key,
            steps,
            // A merge compares the keys of the whole commit.
            drops_duplicates: matches!(
                write_disposition,
                WriteDisposition::Append | WriteDisposition::Replace
            ),
            ..DecodePlan::default()
        },
        incremental,
        concurrency: concurrency?,
    })
}

/// The request of each page.
fn request_template(
    endpoint: &Endpoint,
    bound: &path_params::Bound,
    references: &mut References,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<RequestTemplate, Reported> {
    let request = Request {
        method: endpoint.method.as_ref(),
        path: &bound.path,
        params: &bound.params,
        headers: &endpoint.headers,
        json: endpoint.json.as_ref(),
        data: endpoint.data.as_ref(),
        encoding: request::encoding(endpoint),
        default_method: Method::get(),
    };
    references.compile(&request, place, mistakes)
}

/// The endpoint's own paginator, else the one that its path suggests, else the client's.
fn paginator_of(
    endpoint: &Endpoint,
    client_paginator: Option<&PaginatorPlan>,
    single_record: bool,
    endpoint_place: &Place,
    mistakes: &mut Mistakes,
) -> Result<PaginatorPlan, Reported> {
    let guessed_record = single_record && endpoint.data_selector.is_none();
    match (&endpoint.paginator, client_paginator) {
        (Some(paginator), _) => {
            let place = endpoint_place.key("paginator");
            match paginator::compile(paginator, &place, mistakes) {
                Ok(PaginatorPlan::SinglePage) if guessed_record => Ok(PaginatorPlan::SingleRecord),
                compiled => compiled,
            }
        }
        (None, _) if single_record => Ok(PaginatorPlan::SingleRecord),
        (None, Some(paginator)) => Ok(paginator.clone()),
        (None, None) => Ok(PaginatorPlan::Auto(AutoPlan::default())),
    }
}

/// Slices that are read at the same time.
fn concurrency(
    resource: &Resource,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<usize, Reported> {
    match (resource.concurrency, resource.parallelized) {
        (Some(0), _) => {
            let message = "`concurrency` must be at least 1";
            Err(mistakes.add(
                "plan::concurrency",
                &place.key("concurrency"),
                message,
                None,
            ))
        }
        (Some(concurrency), _) => Ok(concurrency),
        (None, Some(false)) => Ok(1),
        (None, _) => Ok(spec::DEFAULT_CONCURRENCY),
    }
}

/// A batch stands for many records of one parent, so that nothing can be kept or copied for each of them.
fn check_batch(resource: &Resource, named: &[Named], place: &Place, mistakes: &mut Mistakes) {
    let Some(size) = resource.parents_per_request else {
        return;
    };
    let (message, help) = if size == 0 {
        ("a request must ask for at least one parent record", None)
    } else if named.is_empty() {
        let help =
            "name a field of another resource in the request, such as `{resources.users.id}`";
        (
            "there is no parent whose records could be put together",
            Some(help),
        )
    } else if resource.endpoint.incremental.is_some() {
        let help = "leave out `parents_per_request`, or make the parent incremental";
        (
            "how far each parent record was read can't be told from a batch",
            Some(help),
        )
    } else {
        return;
    };
    let place = place.key("parents_per_request");
    mistakes.add("plan::batch", &place, message, help.map(str::to_owned));
}

/// Without the window in the request every slice would be the same.
fn check_window_is_sent(
    endpoint: &Endpoint,
    references: &References,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    let Some(incremental) = &endpoint.incremental else {
        for named in references.incremental() {
            mistakes.add(
                "plan::placeholder",
                named,
                "`{incremental.…}` is named, and the endpoint has no `incremental`",
                None,
            );
        }
        return;
    };
    let start_sent = incremental.start_param.is_some()
        || references.names(IncrementalReference::StartValue)
        || references.names(IncrementalReference::LastValue);
    let end_sent =
        incremental.end_param.is_some() || references.names(IncrementalReference::EndValue);
    let divided = incremental.window.is_some() || incremental.cursor == spec::CursorSource::Request;
    let (missing, problem) = match (start_sent, end_sent) {
        (true, true) => return,
        (true, false) => ("end_param", "end"),
        (false, _) => ("start_param", "start"),
    };
    if divided {
        mistakes.add(
            "plan::window_not_sent",
            place,
            format!("no request names the window's {problem}, so that each window would ask for more than itself"),
            format!(
                "give `{missing}`, or write `{{incremental.{problem}_value}}` into the request"
            ),
        );
    }
}
