//! dlt's older spelling of `incremental`: a query parameter of that type.

use super::diagnostic::Diagnostic;
use super::document::{Key, Kind, Node};

/// Makes `params: { since: { type: incremental, … } }` an `incremental: { start_param: since, … }` of the endpoint.
pub(super) fn lengthen(resource: &mut Node, found: &mut Vec<Diagnostic>) {
    let Some(endpoint) = resource.get_mut("endpoint") else {
        return;
    };
    let mut written = Vec::new();
    if let Some(params) = endpoint.get_mut("params")
        && let Kind::Mapping(entries) = &mut params.kind
    {
        entries.retain_mut(|(key, value)| {
            let is_incremental = value.get("type").and_then(Node::as_text) == Some("incremental");
            if is_incremental {
                written.push(as_incremental(key, value));
            }
            !is_incremental
        });
    }
    let Kind::Mapping(entries) = &mut endpoint.kind else {
        return;
    };
    for (key, value) in written {
        if entries.iter().any(|(known, _)| known.name == "incremental") {
            found.push(Diagnostic {
                code: "spec::two_incrementals",
                message: "an endpoint follows one cursor, and this is the second one".to_owned(),
                span: key.span,
                label: "here".to_owned(),
                help: Some("keep `endpoint.incremental`, with `start_param`".to_owned()),
            });
            continue;
        }
        entries.push((key, value));
    }
}

fn as_incremental(param: &Key, value: &Node) -> (Key, Node) {
    let mut entries = match &value.kind {
        Kind::Mapping(entries) => entries.clone(),
        _ => Vec::new(),
    };
    entries.retain(|(key, _)| key.name != "type");
    let key = |name: &str| Key {
        name: name.to_owned(),
        span: param.span.clone(),
    };
    entries.push((
        key("start_param"),
        Node::text(&param.name, param.span.clone()),
    ));
    let node = Node {
        kind: Kind::Mapping(entries),
        span: value.span.clone(),
    };
    (key("incremental"), node)
}
