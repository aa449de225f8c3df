//! Short forms of a resource's keys, made long.

use std::ops::Range;

use super::document::{Key, Kind, Node};

/// Makes the short forms of a resource, or of what resources have by default, long.
pub(super) fn lengthen(resource: &mut Node) {
    lengthen_endpoint(resource);
    lengthen_columns(resource);
    lengthen_items(resource, "include_from_parent", "field");
    lengthen_items(resource, "partition_by", "column");
    lengthen_contract(resource);
    lengthen_disposition(resource);
}

/// `endpoint: x/y` stands for `endpoint: { path: x/y }`.
fn lengthen_endpoint(resource: &mut Node) {
    let Some(endpoint) = entry(resource, "endpoint") else {
        return;
    };
    if matches!(endpoint.kind, Kind::Text(_)) {
        let path = endpoint.clone();
        endpoint.kind = Kind::Mapping(vec![(key("path", &path.span), path)]);
    }
}

/// `columns: [{ name: id, … }]` stands for `columns: { id: { … } }`.
fn lengthen_columns(resource: &mut Node) {
    let Some(columns) = entry(resource, "columns") else {
        return;
    };
    let Kind::Sequence(items) = &mut columns.kind else {
        return;
    };
    let mut named = Vec::with_capacity(items.len());
    for item in items.iter_mut() {
        let Some(all) = entries(item) else {
            return;
        };
        let Some(place) = all
            .iter()
            .position(|(key, value)| key.name == "name" && value.as_text().is_some())
        else {
            return;
        };
        let (_, name) = all.remove(place);
        let column = Key {
            name: name.as_text().unwrap_or_default().to_owned(),
            span: name.span,
        };
        named.push((column, item.clone()));
    }
    columns.kind = Kind::Mapping(named);
}

/// `include_from_parent: [id]` stands for `include_from_parent: [{ field: id }]`, and so on.
fn lengthen_items(resource: &mut Node, list: &str, meant: &str) {
    let Some(list) = entry(resource, list) else {
        return;
    };
    let Kind::Sequence(items) = &mut list.kind else {
        return;
    };
    for item in items {
        if matches!(item.kind, Kind::Text(_)) {
            let text = item.clone();
            item.kind = Kind::Mapping(vec![(key(meant, &text.span), text)]);
        }
    }
}

/// `schema_contract: freeze` stands for that mode for `tables`, `columns` and `data_type`.
fn lengthen_contract(resource: &mut Node) {
    let Some(contract) = entry(resource, "schema_contract") else {
        return;
    };
    if matches!(contract.kind, Kind::Text(_)) {
        let mode = contract.clone();
        let keys = ["tables", "columns", "data_type"];
        let modes = keys.map(|name| (key(name, &mode.span), mode.clone()));
        contract.kind = Kind::Mapping(modes.into());
    }
}

/// `write_disposition: merge` stands for `write_disposition: { disposition: merge }`.
fn lengthen_disposition(resource: &mut Node) {
    let Some(disposition) = entry(resource, "write_disposition") else {
        return;
    };
    if matches!(disposition.kind, Kind::Text(_)) {
        let name = disposition.clone();
        disposition.kind = Kind::Mapping(vec![(key("disposition", &name.span), name)]);
    }
}

/// A key that stands where what it was made of does.
pub(super) fn key(name: &str, span: &Range<usize>) -> Key {
    Key {
        name: name.to_owned(),
        span: span.clone(),
    }
}

/// The entries of a mapping.
pub(super) fn entries(node: &mut Node) -> Option<&mut Vec<(Key, Node)>> {
    match &mut node.kind {
        Kind::Mapping(entries) => Some(entries),
        _ => None,
    }
}

/// The value under a key of a mapping.
pub(super) fn entry<'a>(node: &'a mut Node, name: &str) -> Option<&'a mut Node> {
    entries(node)?
        .iter_mut()
        .find(|(key, _)| key.name == name)
        .map(|(_, value)| value)
}
