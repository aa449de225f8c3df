//! What kind of value a key takes, in words.

use serde_json::Value;

use super::{anchor, referred, repeated, title};

/// The kind of value that a schema describes, as Markdown.
pub(super) fn kind(schema: &Value, node: &Value) -> String {
    if let Some((name, definition)) = referred(schema, node) {
        let values = constants(definition);
        return if values.is_empty() {
            format!("[{}](#{})", title(name), anchor(name))
        } else {
            format!("[one of](#{}) {}", anchor(name), values.join(", "))
        };
    }
    let alternatives = ["anyOf", "oneOf"]
        .iter()
        .find_map(|key| node.get(key)?.as_array());
    if let Some(alternatives) = alternatives {
        let mut kinds: Vec<String> = Vec::new();
        for alternative in alternatives
            .iter()
            .filter(|node| !is_null(node) && !is_variable(node))
        {
            let kind = kind(schema, alternative);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        return kinds.join(" or ");
    }
    let values = constants(node);
    if !values.is_empty() {
        return values.join(" or ");
    }
    let mut kinds: Vec<String> = Vec::new();
    for name in type_names(node) {
        kinds.push(match name {
            "array" => match node.get("items") {
                Some(items) if items.is_object() => {
                    format!("list of {}", plural(&kind(schema, items)))
                }
                _ => "list".to_owned(),
            },
            "object" => mapping(schema, node),
            "integer" | "number" => format!("{name}{}", bounds(node)),
            "null" => continue,
            other => other.to_owned(),
        });
    }
    if kinds.is_empty() {
        return "any value".to_owned();
    }
    kinds.join(" or ")
}

/// The texts that a schema allows, and no others: empty where it allows more than given texts.
pub(super) fn constants(node: &Value) -> Vec<String> {
    let quoted = |value: &Value| value.as_str().map(|text| format!("`{text}`"));
    if let Some(value) = node.get("const") {
        return quoted(value).into_iter().collect();
    }
    if let Some(values) = node.get("enum").and_then(Value::as_array) {
        return values.iter().filter_map(quoted).collect();
    }
    let alternatives = node.get("oneOf").and_then(Value::as_array);
    let values: Option<Vec<Vec<String>>> =
        alternatives.map(|all| all.iter().map(constants).collect());
    match values {
        Some(values) if values.iter().all(|values| !values.is_empty()) => values.concat(),
        _ => Vec::new(),
    }
}

pub(super) fn is_null(node: &Value) -> bool {
    node.get("type").is_some_and(|kind| kind == "null")
}

/// A number or a boolean may be put in by a variable; the preface says so for all of them.
fn is_variable(node: &Value) -> bool {
    let pattern = node.get("pattern").and_then(Value::as_str);
    pattern.is_some_and(|pattern| pattern.starts_with(r"\$\{"))
}

fn mapping(schema: &Value, node: &Value) -> String {
    if let Some((name, difference)) = repeated(schema, node) {
        return format!("[{}](#{}){difference}", title(name), anchor(name));
    }
    match node.get("additionalProperties") {
        Some(values) if values.is_object() => format!("mapping to {}", kind(schema, values)),
        _ => "mapping".to_owned(),
    }
}

fn plural(kind: &str) -> String {
    if kind.chars().all(char::is_alphabetic) {
        format!("{kind}s")
    } else {
        kind.to_owned()
    }
}

fn type_names(node: &Value) -> Vec<&str> {
    match node.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn bounds(node: &Value) -> String {
    let bound = |key: &str| node.get(key).filter(|bound| **bound != 0);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) if least == most => format!(" {least}"),
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_told_in_words() {
        let schema = json!({ "$defs": {
            "RateLimit": { "type": "object", "properties": { "requests": {}, "per": {}, "burst": {} } },
            "Method": { "oneOf": [{ "const": "GET" }, { "const": "POST" }] }
        }});
        let check =
            |node: Value, expected: &str| assert_eq!(kind(&schema, &node), expected, "{node}");
        check(json!({ "type": ["string", "null"] }), "string");
        check(json!({ "type": "integer", "minimum": 0 }), "integer");
        check(
            json!({ "type": "integer", "minimum": 1 }),
            "integer, at least 1",
        );
        check(
            json!({ "type": "array", "items": { "type": "string" } }),
            "list of strings",
        );
        check(
            json!({ "type": "object", "additionalProperties": true }),
            "mapping",
        );
        check(
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            "mapping to string",
        );
        check(
            json!({ "$ref": "#/$defs/RateLimit" }),
            "[Rate limit](#rate-limit)",
        );
        check(
            json!({ "$ref": "#/$defs/Method" }),
            "[one of](#method) `GET`, `POST`",
        );
        check(
            json!({ "type": "object", "properties": { "requests": {}, "per": {}, "burst": {}, "name": {} } }),
            "[Rate limit](#rate-limit) with `name`",
        );
        check(
            json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": r"\$\{x\}" }, { "type": "null" }] }),
            "boolean",
        );
        check(json!(true), "any value");
    }
}
