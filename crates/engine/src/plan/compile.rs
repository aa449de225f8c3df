//! From what the user typed to what will happen.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::checkpoint::CheckpointPlan;
use super::memory::MemoryPlan;
use super::mistakes::{Mistakes, Place};
use super::model::{DestinationPlan, Plan, ResourcePlan, WriteDisposition};
use super::{AbsentRows, CursorScope};
use super::{client, contract, paginator, parents, resource};
use crate::spec::{self, DEFAULT_FILE_SIZE_BYTES, DEFAULT_ROW_GROUP_BYTES, Mistake, Pipeline};

/// The only version of the spec's language.
const VERSION: u32 = 1;

/// Compiles a pipeline.
///
/// # Errors
/// Every mistake, each with the path of its place in the spec.
pub fn compile(pipeline: &Pipeline) -> Result<Plan, Vec<Mistake>> {
    let mut mistakes = Mistakes::default();
    let root = Place::root();
    if pipeline.version != VERSION {
        mistakes.add(
            "plan::version",
            &root.key("version"),
            format!(
                "version {} of the spec's language isn't known",
                pipeline.version
            ),
            format!("write `version: {VERSION}`"),
        );
    }
    check_name("pipeline", &pipeline.name, &root.key("name"), &mut mistakes);
    let memory = MemoryPlan::compile(
        pipeline.memory_budget,
        &root.key("memory_budget"),
        &mut mistakes,
    );
    let memory = memory.unwrap_or_default();
    let checkpoint =
        CheckpointPlan::compile(pipeline.checkpoint, &root.key("checkpoint"), &mut mistakes);
    let checkpoint = checkpoint.unwrap_or_default();
    let client = client::compile(&pipeline.client, memory, &mut mistakes);
    let resources = resources(pipeline, &mut mistakes);
    let destination = destination(pipeline, memory, &mut mistakes);
    check_identity(pipeline, &mut mistakes);
    let earlier_names = pipeline.renamed_from.0.iter();
    let plan = client.map(|client| Plan {
        name: pipeline.name.clone(),
        identity: identity(&pipeline.name, pipeline),
        earlier_identities: earlier_names.map(|name| identity(name, pipeline)).collect(),
        client,
        resources,
        checkpoint,
        destination,
    });
    mistakes.into_result(plan)
}

fn resources(pipeline: &Pipeline, mistakes: &mut Mistakes) -> Vec<ResourcePlan> {
    let place = Place::root().key("resources");
    if pipeline.resources.is_empty() {
        mistakes.add(
            "plan::no_resources",
            &place,
            "the pipeline reads nothing: `resources` is empty",
            None,
        );
    }
    let client_paginator = pipeline.client.paginator.as_ref().and_then(|paginator| {
        paginator::compile(
            paginator,
            &Place::root().key("client").key("paginator"),
            mistakes,
        )
        .ok()
    });
    let names: Vec<&str> = pipeline
        .resources
        .iter()
        .map(|resource| resource.name.as_str())
        .collect();
    let mut compiled = Vec::with_capacity(names.len());
    for (index, resource) in pipeline.resources.iter().enumerate() {
        let place = place.index(index);
        check_name("resource", &resource.name, &place.key("name"), mistakes);
        if names[..index]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&resource.name))
        {
            mistakes.add(
                "plan::duplicate_resource",
                &place.key("name"),
                format!("two resources are called `{}`", resource.name),
                "names are unique, whatever the case: each is a folder of the destination"
                    .to_owned(),
            );
        }
        if let Some(table) = &resource.table_name {
            check_name("table", table, &place.key("table_name"), mistakes);
        }
        check_table(&pipeline.resources[..=index], &place, mistakes);
        compiled.push(resource::compile(
            resource,
            &pipeline.client,
            client_paginator.as_ref(),
            &names,
            &place,
            mistakes,
        ));
    }
    check_renamed(&pipeline.resources, &place, mistakes);
    contract::check_rejected(&pipeline.resources, &place, mistakes);
    let order = parents::link(&pipeline.resources, &mut compiled, mistakes);
    let mut plans: Vec<Option<ResourcePlan>> =
        compiled.into_iter().map(|one| one.plan.ok()).collect();
    let ordered: Vec<ResourcePlan> = order
        .iter()
        .filter_map(|place| plans[*place].take())
        .collect();
    check_shared_cursors(&ordered, &names, mistakes);
    check_replaced_children(&ordered, &names, mistakes);
    ordered
}

/// Whether each run takes away all rows that are not in it.
fn takes_all_absent(resource: &ResourcePlan) -> bool {
    match resource.write_disposition {
        WriteDisposition::Replace => true,
        WriteDisposition::Merge => resource.merge.absent == AbsentRows::Concerned,
        WriteDisposition::Append | WriteDisposition::Skip => false,
    }
}

/// A table that is replaced in every run must get all of its parents in every run.
fn check_replaced_children(resources: &[ResourcePlan], names: &[&str], mistakes: &mut Mistakes) {
    for (index, name) in names.iter().enumerate() {
        let Some(replaced) = resources
            .iter()
            .find(|resource| resource.name == *name && takes_all_absent(resource))
        else {
            continue;
        };
        let ancestors = parents::ancestors(resources, name);
        let partly_read = resources.iter().rfind(|resource| {
            ancestors.contains(resource.name.as_str())
                && resource.incremental.is_some()
                && resource.write_disposition != WriteDisposition::Replace
        });
        if let Some(ancestor) = partly_read {
            mistakes.add(
                "plan::replaced_child",
                &Place::root()
                    .key("resources")
                    .index(index)
                    .key("write_disposition"),
                format!(
                    "`{name}` {}, and `{}` gives only what is new",
                    if replaced.write_disposition == WriteDisposition::Replace {
                        "is replaced in every run"
                    } else {
                        "loses what is not in a run"
                    },
                    ancestor.name
                ),
                "use `merge` with a `primary_key`, or `append`".to_owned(),
            );
        }
    }
}

/// A state that all parents share moves on with those that have changed, and the others would miss what is theirs.
fn check_shared_cursors(resources: &[ResourcePlan], names: &[&str], mistakes: &mut Mistakes) {
    for (index, name) in names.iter().enumerate() {
        let shared = resources.iter().any(|resource| {
            let incremental = resource.incremental.as_ref();
            resource.name == *name
                && incremental.is_some_and(|plan| plan.scope == CursorScope::Resource)
        });
        if !shared {
            continue;
        }
        let ancestors = parents::ancestors(resources, name);
        let partly_read = resources.iter().rfind(|resource| {
            ancestors.contains(resource.name.as_str()) && resource.incremental.is_some()
        });
        if let Some(ancestor) = partly_read {
            let place = Place::root().key("resources").index(index);
            mistakes.add(
                "plan::shared_cursor",
                &place.key("endpoint").key("incremental").key("per"),
                format!(
                    "`{name}` keeps one cursor for all of its parents, and `{}` gives only those that are new",
                    ancestor.name
                ),
                "leave out `per: resource`: how far each parent was read is then remembered".to_owned(),
            );
        }
    }
}

fn destination(
    pipeline: &Pipeline,
    memory: MemoryPlan,
    mistakes: &mut Mistakes,
) -> DestinationPlan {
    let place = Place::root().key("destination");
    let spec::Destination {
        url,
        compression,
        row_group_bytes,
        file_size_bytes,
    } = &pipeline.destination;
    let row_group_bytes = row_group_bytes.unwrap_or(DEFAULT_ROW_GROUP_BYTES);
    if row_group_bytes < MINIMUM_ROW_GROUP_BYTES {
        mistakes.add(
            "plan::row_group_bytes",
            &place.key("row_group_bytes"),
            format!("row groups of {row_group_bytes} bytes are too small to be read well"),
            format!("at least {MINIMUM_ROW_GROUP_BYTES} (1 MiB)"),
        );
    }
    let file_size_bytes = file_size_bytes.unwrap_or(DEFAULT_FILE_SIZE_BYTES);
    if file_size_bytes < MINIMUM_FILE_SIZE_BYTES {
        mistakes.add(
            "plan::file_size",
            &place.key("file_size_bytes"),
            format!("files of {file_size_bytes} bytes are too small to be read well"),
            format!("at least {MINIMUM_FILE_SIZE_BYTES} (1 MiB)"),
        );
    }
    let url = url.clone().unwrap_or_else(|| default_destination(pipeline));
    if let Err(problem) = check_destination(&url) {
        mistakes.add("plan::destination", &place.key("url"), problem, None);
    }
    DestinationPlan {
        url,
        compression: *compression,
        row_group_bytes,
        file_size_bytes,
        memory,
    }
}

/// A folder for the pipeline, and in it one for each value that tells one account from another.
fn default_destination(pipeline: &Pipeline) -> String {
    let mut folder = format!("./data/{}", pipeline.name);
    for (name, var) in &pipeline.vars {
        if var.is_identity(name) {
            let value = utf8_percent_encode(&var.value, FOLDER_NAME);
            folder = format!("{folder}/{name}={value}");
        }
    }
    folder
}

/// The last resource must not write into the table of another one.
fn check_table(resources: &[spec::Resource], place: &Place, mistakes: &mut Mistakes) {
    let table = |resource: &spec::Resource| {
        let name = resource.table_name.as_ref().unwrap_or(&resource.name);
        name.to_ascii_lowercase()
    };
    let Some((resource, others)) = resources.split_last() else {
        return;
    };
    // Equal names are told as such.
    let same_table = |other: &&spec::Resource| {
        table(other) == table(resource) && !other.name.eq_ignore_ascii_case(&resource.name)
    };
    if let Some(other) = others.iter().find(same_table) {
        mistakes.add(
            "plan::duplicate_table",
            &place.key("table_name"),
            format!(
                "`{}` and `{}` would write into the same table",
                other.name, resource.name
            ),
            "each resource has a table of its own: give another `table_name`".to_owned(),
        );
    }
}

/// A table must not be moved away from a resource that has it.
fn check_renamed(resources: &[spec::Resource], place: &Place, mistakes: &mut Mistakes) {
    for (index, resource) in resources.iter().enumerate() {
        let Some(earlier) = &resource.renamed_from else {
            continue;
        };
        let place = place.index(index).key("renamed_from");
        check_name("resource", earlier, &place, mistakes);
        let has_it = |other: &&spec::Resource| {
            let table = other.table_name.as_ref().unwrap_or(&other.name);
            table.eq_ignore_ascii_case(earlier) || other.name.eq_ignore_ascii_case(earlier)
        };
        if let Some(other) = resources.iter().find(has_it) {
            mistakes.add(
                "plan::renamed_from",
                &place,
                format!("`{}` can't have been `{earlier}`: `{}` has that name now", resource.name, other.name),
                "name what the resource was called before; leave `renamed_from` out where it never had another name"
                    .to_owned(),
            );
        }
    }
}

/// A pipeline's name and the values that tell one account from another, such as `shop account=acme`.
fn identity(name: &str, pipeline: &Pipeline) -> String {
    let mut identity = name.to_owned();
    for (name, var) in &pipeline.vars {
        if var.is_identity(name) {
            identity = format!("{identity} {name}={}", var.value);
        }
    }
    identity
}

fn check_identity(pipeline: &Pipeline, mistakes: &mut Mistakes) {
    for (name, var) in &pipeline.vars {
        if var.in_credentials && var.identity.is_none() && !spec::looks_secret(name) {
            mistakes.add(
                "plan::secret_identity",
                &Place::root().key("vars").key(name),
                format!(
                    "`{name}` is put into credentials; whether it tells accounts apart is not said, and what does stands in \
                     the commit log and in the names of folders"
                ),
                "write `identity: false` where it is a secret, and `identity: true` where it names the account, as a user \
                 name may"
                    .to_owned(),
            );
        }
        if var.is_identity(name) && spec::looks_secret(name) {
            mistakes.add(
                "plan::secret_identity",
                &Place::root().key("vars").key(name).key("identity"),
                format!("`{name}` looks like a secret, and would stand in the commit log and in the names of folders"),
                "give the account a variable of its own, such as `account`".to_owned(),
            );
        }
    }
}

/// What the name of a folder keeps as it is.
const FOLDER_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Whether tables can be written there: a folder or a `file://` URL.
///
/// # Errors
/// What is wrong, in one line.
pub fn check_destination(url: &str) -> Result<(), String> {
    match url.split_once("://") {
        _ if url.is_empty() => {
            Err("the destination is empty; give a folder, such as `./data/shop`".to_owned())
        }
        None | Some(("file", _)) => Ok(()),
        Some((scheme, _)) => Err(format!(
            "tables can't be written to `{scheme}://`; give a folder, such as `./data/shop`, or a `file://` URL"
        )),
    }
}

/// Below this, a row group's place in the footer and its dictionaries weigh more than its data.
const MINIMUM_ROW_GROUP_BYTES: u64 = 1024 * 1024;

/// Below this, a file's footer and its opening weigh more than its data.
const MINIMUM_FILE_SIZE_BYTES: u64 = 1024 * 1024;

fn check_name(what: &str, name: &str, place: &Place, mistakes: &mut Mistakes) {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let rest_fits = |rest: char| rest.is_ascii_alphanumeric() || rest == '_' || rest == '-';
    if !starts_well || !name.chars().all(rest_fits) {
        mistakes.add(
            "plan::name",
            place,
            format!("`{name}` can't be the name of a {what}"),
            "use letters, digits, `_` and `-`, a letter or digit first; it names a folder"
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PaginatorPlan, Selector};
    use crate::spec::{Source, Variables};

    const HEAD: &str = "version: 1\nname: x\nclient: { base_url: https://a.example/v1 }\n";

    fn plan(resources: &str) -> Result<Plan, Vec<String>> {
        let text = format!("{HEAD}{resources}");
        let (source, pipeline) = Source::read("spec.yaml", &text, &Variables::default())
            .map_err(|diagnostics| diagnostics.summary())?;
        source
            .finish(compile(&pipeline))
            .map_err(|diagnostics| diagnostics.summary())
    }

    fn mistakes(resources: &str) -> Vec<String> {
        plan(resources).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_child_comes_behind_its_parent_which_knows_what_it_needs() {
        let plan = plan(
            "resources:\n\
             - { name: person, endpoint: 'people/{resources.people.id}', include_from_parent: [email] }\n\
             - people\n",
        )
        .unwrap();
        let [people, person] = plan.resources.as_slice() else {
            panic!("two resources, not {}", plan.resources.len());
        };
        let fields: Vec<(&str, bool)> = people
            .decode
            .parent_fields
            .iter()
            .map(|field| (field.path.as_str(), field.required))
            .collect();
        assert_eq!(fields, [("id", true), ("email", false)]);
        assert!(matches!(people.paginator, PaginatorPlan::Auto(_)));
        assert_eq!(person.parents[0].resource, "people");
        assert_eq!(person.paginator, PaginatorPlan::SingleRecord);
        assert_eq!(person.data_selector, Selector::parse("$").ok());
        assert_eq!(plan.destination.url, "./data/x");
    }

    #[test]
    fn partitions_are_all_combinations() {
        let plan = plan(
            "resources: [{ name: a, for_each: { c: [x, y], d: [1, 2] }, \
             endpoint: { params: { c: '{partition.c}', d: '{partition.d}' } } }]\n",
        )
        .unwrap();
        let shown: Vec<String> = plan.resources[0]
            .partitions
            .iter()
            .map(|partition| format!("{}{}", partition["c"], partition["d"]))
            .collect();
        assert_eq!(shown, ["\"x\"1", "\"x\"2", "\"y\"1", "\"y\"2"]);
    }

    #[test]
    fn what_a_parent_leaves_out_is_not_absent() {
        let children = |more: &str| {
            mistakes(&format!(
                "resources:\n\
                 - name: a\n  endpoint: {{ paginator: single_page, incremental: {{ cursor_path: t, start_param: s }} }}\n\
                 - {{ name: b, endpoint: 'b/{{resources.a.id}}', {more} }}\n"
            ))
        };
        assert_eq!(
            children("write_disposition: { disposition: merge, strategy: scd2 }"),
            [
                "7:46 plan::replaced_child `b` loses what is not in a run, and `a` gives only what is new"
            ]
        );
        assert_eq!(
            children("write_disposition: replace"),
            [
                "7:46 plan::replaced_child `b` is replaced in every run, and `a` gives only what is new"
            ]
        );
    }

    #[test]
    fn every_mistake_has_its_place() {
        let found = mistakes(
            "resources:\n\
             - { name: a b }\n\
             - { name: c, endpoint: 'x/{resources.nope.id}' }\n\
             - { name: C, write_disposition: merge, include_from_parent: [x] }\n\
             - { name: d, endpoint: { params: { p: '{partition.q}', r: '{incremental.start_value}', s: { a: 1 } } } }\n\
             - name: e\n  \
               endpoint: { data_selector: '$[', incremental: { cursor_path: t, initial_value: now, window: 1d } }\n",
        );
        assert_eq!(
            found,
            [
                "5:11 plan::name `a b` can't be the name of a resource",
                "6:24 plan::unknown_parent no resource is called `nope`",
                "7:11 plan::duplicate_resource two resources are called `C`",
                "7:33 plan::merge_without_key `merge` needs a `primary_key` to tell which row takes the place of which",
                "7:40 plan::include_without_parent `C` has no parent to include from",
                "8:39 plan::partition `for_each` has no key `q`",
                "8:59 plan::placeholder `{incremental.…}` is named, and the endpoint has no `incremental`",
                "8:88 plan::placeholder read `{\"a\":1}`: expected a text, number, boolean, null or a list of these",
                "10:30 plan::selector parse selector `$[`: expected selector",
                "10:36 plan::window_not_sent no request names the window's start, so that each window would ask for more than itself",
                "10:82 plan::initial_value `initial_value` can't be `now`",
            ]
            .map(str::to_owned)
        );
    }
}
