//! Each resource in its long form, with `resource_defaults` merged into it.
//!
//! This works on the tree, where an explicit null (reset to the built-in default) still differs from an absent key,
//! and where a value keeps its place in the file wherever it is copied to.

use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::document::{Key, Kind, Node};
use super::short_forms::{entries, entry, key};
use super::{incremental_param, short_forms};

/// Brings every resource of the pipeline into its long form, defaults included.
pub(super) fn apply(root: &mut Node, found: &mut Vec<Diagnostic>) {
    let mut defaults = root.get("resource_defaults").cloned();
    if let Some(defaults) = &mut defaults {
        short_forms::lengthen(defaults);
        let own = |key: &Key| matches!(key.name.as_str(), "name" | "data");
        let keys = entries(defaults).into_iter().flatten();
        for (key, _) in keys.filter(|(key, _)| own(key)) {
            found.push(unknown_default(key));
        }
    }
    let Kind::Mapping(all) = &mut root.kind else {
        return;
    };
    let Some((_, resources)) = all.iter_mut().find(|(key, _)| key.name == "resources") else {
        return;
    };
    let Kind::Sequence(resources) = &mut resources.kind else {
        return;
    };
    for resource in resources {
        if let Some(name) = resource.as_text() {
            if name.contains('/') {
                found.push(path_as_name(name, resource.span.clone()));
            }
            let name = Node::text(name, resource.span.clone());
            resource.kind = Kind::Mapping(vec![(key("name", &resource.span), name)]);
        }
        short_forms::lengthen(resource);
        let gives_records = resource
            .get("data")
            .is_some_and(|data| data.kind != Kind::Null);
        if gives_records {
            let keys = entries(resource).into_iter().flatten();
            found.extend(
                keys.filter(|(key, value)| key.name == "endpoint" && value.kind != Kind::Null)
                    .map(|(key, _)| data_and_endpoint(key)),
            );
        } else {
            default_path(resource);
        }
        if let Some(defaults) = &defaults {
            merge(
                resource,
                defaults,
                Level::Resource {
                    requests: !gives_records,
                },
            );
        }
        drop_nulls(resource);
        incremental_param::lengthen(resource, found);
    }
}

fn unknown_default(key: &Key) -> Diagnostic {
    Diagnostic {
        code: "spec::unknown_key",
        message: format!("unknown key `{}`", key.name),
        span: key.span.clone(),
        label: "not known here".to_owned(),
        help: Some(format!(
            "each resource has a `{}` of its own; defaults have none",
            key.name
        )),
    }
}

fn data_and_endpoint(key: &Key) -> Diagnostic {
    Diagnostic {
        code: "spec::data_and_endpoint",
        message: "a resource has either `data` or an `endpoint`".to_owned(),
        span: key.span.clone(),
        label: "nothing is requested where `data` gives the records".to_owned(),
        help: Some(
            "leave out one of them; a request's form body is `data` within `endpoint`".to_owned(),
        ),
    }
}

fn path_as_name(name: &str, span: Range<usize>) -> Diagnostic {
    let suggestion = name
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or("name");
    Diagnostic {
        code: "spec::path_as_name",
        message: format!("`{name}` is a path, and a resource's name can't hold a `/`"),
        span,
        label: "a string names the resource and its path alike".to_owned(),
        help: Some(format!(
            "write the mapping form: `{{ name: {suggestion}, endpoint: {name} }}`"
        )),
    }
}

/// A resource's own path comes before any default: its endpoint's, else its name.
fn default_path(resource: &mut Node) {
    let Some(name) = resource.get("name").cloned() else {
        return;
    };
    let Some(all) = entries(resource) else {
        return;
    };
    if !all.iter().any(|(key, _)| key.name == "endpoint") {
        let endpoint = Node {
            kind: Kind::Mapping(Vec::new()),
            span: name.span.clone(),
        };
        all.push((key("endpoint", &name.span), endpoint));
    }
    if let Some(endpoint) = entry(resource, "endpoint")
        && let Some(all) = entries(endpoint)
        && !all.iter().any(|(key, _)| key.name == "path")
    {
        all.push((key("path", &name.span), name));
    }
}

/// What a mapping that merges is.
#[derive(Clone, Copy)]
enum Level {
    Resource {
        /// Whether the resource has requests; else the defaults' `endpoint` is not for it.
        requests: bool,
    },
    Endpoint,
    Columns,
    /// Keys are taken one by one, and their values as a whole.
    Leaves,
}

impl Level {
    /// Whether a default of that name is for the mapping.
    fn takes(self, key: &str) -> bool {
        !matches!(
            (self, key),
            (Self::Resource { requests: false }, "endpoint")
        )
    }

    /// The level of the mapping under `key`; `None` where the resource's value wins as a whole.
    fn below(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Resource { .. }, "endpoint") => Some(Self::Endpoint),
            (Self::Resource { .. }, "columns") => Some(Self::Columns),
            (Self::Endpoint, "params" | "json") | (Self::Columns, _) => Some(Self::Leaves),
            _ => None,
        }
    }
}

/// Copies what the resource lacks. `endpoint` merges key by key, its `params` and `json` too; `columns` merge column by
/// column and hint by hint; all else is taken as a whole (dlt's rules).
fn merge(target: &mut Node, defaults: &Node, level: Level) {
    let (Kind::Mapping(defaults), Some(own)) = (&defaults.kind, entries(target)) else {
        return;
    };
    for (default_key, default) in defaults {
        match own.iter_mut().find(|(key, _)| key.name == default_key.name) {
            None if level.takes(&default_key.name) => {
                own.push((default_key.clone(), default.clone()));
            }
            None => {}
            Some((_, value)) => {
                if let Some(below) = level.below(&default_key.name) {
                    merge(value, default, below);
                }
            }
        }
    }
}

/// A null has done its work, which was to keep a default out; but `auth: null` also keeps out what the client sends.
fn drop_nulls(resource: &mut Node) {
    if let Some(auth) = entry(resource, "endpoint").and_then(|endpoint| entry(endpoint, "auth"))
        && auth.kind == Kind::Null
    {
        *auth = Node::text("none", auth.span.clone());
    }
    let Some(all) = entries(resource) else {
        return;
    };
    all.retain(|(_, value)| value.kind != Kind::Null);
    if let Some(endpoint) = entry(resource, "endpoint").and_then(entries) {
        endpoint.retain(|(_, value)| value.kind != Kind::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as compact JSON-like text.
    fn show(node: &Node) -> String {
        match &node.kind {
            Kind::Null => "null".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Number(value) => value.to_string(),
            Kind::Text(text) => text.value.clone(),
            Kind::Sequence(items) => {
                format!(
                    "[{}]",
                    items.iter().map(show).collect::<Vec<_>>().join(", ")
                )
            }
            Kind::Mapping(all) => {
                let all: Vec<_> = all
                    .iter()
                    .map(|(key, value)| format!("{}: {}", key.name, show(value)))
                    .collect();
                format!("{{{}}}", all.join(", "))
            }
            Kind::Pruned => "pruned".to_owned(),
        }
    }

    fn check(spec: &str, expected: &str) {
        let mut root = Node::parse(spec).unwrap();
        let mut found = Vec::new();
        apply(&mut root, &mut found);
        assert_eq!(found, []);
        assert_eq!(show(root.get("resources").unwrap()), expected);
    }

    #[test]
    fn short_forms_become_long() {
        check(
            "resources: [posts]",
            "[{name: posts, endpoint: {path: posts}}]",
        );
        check(
            "resources: [{name: a, include_from_parent: [id, {field: b}]}]",
            "[{name: a, include_from_parent: [{field: id}, {field: b}], endpoint: {path: a}}]",
        );
        check(
            "resources: [{name: a, partition_by: [b, {column: c, part: day}]}]",
            "[{name: a, partition_by: [{column: b}, {column: c, part: day}], endpoint: {path: a}}]",
        );
        check(
            "resources: [{name: a, endpoint: x/y, columns: [{name: id, data_type: text}]}]",
            "[{name: a, endpoint: {path: x/y}, columns: {id: {data_type: text}}}]",
        );
    }

    #[test]
    fn a_contract_of_one_mode_is_taken_as_a_whole() {
        check(
            "resource_defaults: {schema_contract: freeze}\n\
             resources: [{name: r}, {name: s, schema_contract: {columns: evolve}}]",
            "[{name: r, endpoint: {path: r}, schema_contract: {tables: freeze, columns: freeze, data_type: freeze}}, \
             {name: s, schema_contract: {columns: evolve}, endpoint: {path: s}}]",
        );
    }

    #[test]
    fn defaults_merge_as_in_dlt() {
        check(
            "resource_defaults: {primary_key: id, endpoint: {path: no, params: {a: 1, b: 2}, headers: {X: 1}}}\n\
             resources: [{name: r, endpoint: {params: {b: 3}, headers: {Y: 2}}}]",
            "[{name: r, endpoint: {params: {b: 3, a: 1}, headers: {Y: 2}, path: r}, primary_key: id}]",
        );
        check(
            "resource_defaults: {columns: {a: {data_type: text, nullable: false}, b: {data_type: date}}}\n\
             resources: [{name: r, columns: {a: {data_type: json}}}]",
            "[{name: r, columns: {a: {data_type: json, nullable: false}, b: {data_type: date}}, \
             endpoint: {path: r}}]",
        );
    }

    #[test]
    fn what_the_spec_gives_is_not_requested() {
        check(
            "resource_defaults: {primary_key: id, endpoint: {params: {a: 1}}}\n\
             resources: [{name: r, data: [1]}]",
            "[{name: r, data: [1], primary_key: id}]",
        );
    }

    #[test]
    fn a_null_for_auth_is_no_auth() {
        check(
            "resource_defaults: {endpoint: {auth: {token: t}}}\n\
             resources: [{name: r, endpoint: {auth: null}}, {name: s}]",
            "[{name: r, endpoint: {auth: none, path: r}}, {name: s, endpoint: {path: s, auth: {token: t}}}]",
        );
        check(
            "resource_defaults: {endpoint: {auth: null}}\nresources: [r]",
            "[{name: r, endpoint: {path: r, auth: none}}]",
        );
    }

    #[test]
    fn a_parameter_may_be_the_incremental() {
        check(
            "resources: [{name: r, endpoint: {params: {a: 1, since: {type: incremental, cursor_path: t}}}}]",
            "[{name: r, endpoint: {params: {a: 1}, path: r, incremental: {cursor_path: t, start_param: since}}}]",
        );
    }

    #[test]
    fn a_null_resets_a_default() {
        check(
            "resource_defaults: {primary_key: id, endpoint: {paginator: single_page}}\n\
             resources: [{name: r, primary_key: null, endpoint: {paginator: null}}]",
            "[{name: r, endpoint: {path: r}}]",
        );
    }
}
