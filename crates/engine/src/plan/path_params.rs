//! Parameters that are meant for the path: `{org}` takes the value of `params: { org: … }`.
//!
//! A fixed value goes into the path percent-encoded. A value `{ type: resolve, resource: posts, field: id }` becomes the
//! placeholder `{resources.posts.id}`. Either way the parameter leaves the query.

use indexmap::IndexMap;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::mistakes::{Mistakes, Place};
use super::template::PATH_VALUE;
use crate::spec::{TemplateText, TemplateValue, did_you_mean};

/// A path whose single-word placeholders are filled in, and the parameters that are left for the query.
pub(super) struct Bound {
    pub(super) path: TemplateText,
    pub(super) params: IndexMap<String, TemplateValue>,
    /// What `resolve` names: the other resource, the path into its records, and where it is written.
    pub(super) resolved: Vec<(String, String, Place)>,
}

/// Fills parameters into the path; `place` is the request that has both.
pub(super) fn bind(
    path: &TemplateText,
    params: &IndexMap<String, TemplateValue>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Bound {
    let params_place = place.key("params");
    let mut left = params.clone();
    let mut resolved = Vec::new();
    let mut bound = String::with_capacity(path.0.len());
    for part in parts(&path.0) {
        let Part::Name { text, name } = part else {
            bound.push_str(part.text());
            continue;
        };
        let Some(value) = params.get(name) else {
            unknown(name, params, &place.key("path"), mistakes);
            bound.push_str(name);
            continue;
        };
        left.shift_remove(name);
        let params_place = params_place.key(name);
        let value_text = if is_resolve(&value.0) {
            resolve(&value.0, &params_place, mistakes).map(|(resource, path)| {
                let dot = if path.starts_with('[') { "" } else { "." };
                let placeholder = format!("{{resources.{resource}{dot}{path}}}");
                resolved.push((resource, path, params_place.key("resource")));
                placeholder
            })
        } else {
            value_in_path(&value.0, &params_place, mistakes)
        };
        bound.push_str(
            value_text
                .as_deref()
                .unwrap_or(text.trim_matches(['{', '}'])),
        );
    }
    left.retain(|name, value| {
        let unused = is_resolve(&value.0);
        if unused {
            mistakes.add(
                "plan::resolve",
                &params_place.key(name),
                format!("the path doesn't name `{{{name}}}`"),
                format!("write `{{{name}}}` into the path, or give the parameter the value `{{resources.<parent>.<field>}}`"),
            );
        }
        !unused
    });
    Bound {
        path: TemplateText(bound),
        params: left,
        resolved,
    }
}

/// A piece of a text with placeholders.
enum Part<'a> {
    /// Literal text, escaped braces and all other placeholders.
    Other(&'a str),
    /// `{name}`, a placeholder of one word.
    Name { text: &'a str, name: &'a str },
}

impl<'a> Part<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Other(text) | Self::Name { text, .. } => text,
        }
    }
}

/// Divides a text into placeholders and what stands between them.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let length = match rest.find(['{', '}']) {
            None => rest.len(),
            Some(0) if rest.starts_with("{{") || rest.starts_with("}}") => 2,
            Some(0) if rest.starts_with('{') => rest.find('}').map_or(rest.len(), |end| end + 1),
            Some(0) => 1,
            Some(start) => start,
        };
        let (part, behind) = rest.split_at(length);
        let inside = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        let name = inside.map(str::trim).filter(|name| is_word(name));
        parts.push(match name {
            Some(name) => Part::Name { text: part, name },
            None => Part::Other(part),
        });
        rest = behind;
    }
    parts
}

fn is_word(name: &str) -> bool {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    !name.is_empty() && name.chars().all(fits)
}

fn unknown(
    name: &str,
    params: &IndexMap<String, TemplateValue>,
    place: &Place,
    mistakes: &mut Mistakes,
) {
    let help = match did_you_mean(name, params.keys().map(String::as_str)) {
        Some(known) => format!("did you mean `{{{known}}}`?"),
        None => format!(
            "give its value, `params: {{ {name}: … }}`, or name a field of another resource, \
             `{{resources.<parent>.{name}}}`; doubled braces are literal ones"
        ),
    };
    mistakes.add(
        "plan::path_parameter",
        place,
        format!("`{{{name}}}` has no value: `params` has no key `{name}`"),
        help,
    );
}

fn is_resolve(value: &Value) -> bool {
    value.get("type").is_some_and(|name| name == "resolve")
}

/// The template text that stands for a parameter's value in a path.
fn value_in_path(value: &Value, place: &Place, mistakes: &mut Mistakes) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    };
    if matches!(text.as_str(), "" | "." | "..") {
        mistakes.add(
            "plan::path_parameter",
            place,
            format!("`{value}` can't be part of a path"),
            "give a text or a number that is neither empty nor `.` or `..`".to_owned(),
        );
        return None;
    }
    let encode = |part: Part<'_>| match part.text() {
        "{{" => "%7B".to_owned(),
        "}}" => "%7D".to_owned(),
        placeholder if placeholder.starts_with('{') => placeholder.to_owned(),
        literal => utf8_percent_encode(literal, PATH_VALUE).to_string(),
    };
    Some(parts(&text).into_iter().map(encode).collect())
}

/// The resource and the path into its records that `{ type: resolve, resource: posts, field: id }` names.
fn resolve(value: &Value, place: &Place, mistakes: &mut Mistakes) -> Option<(String, String)> {
    const KEYS: [&str; 3] = ["type", "resource", "field"];
    let unknown = value.as_object().into_iter().flatten();
    for (key, _) in unknown.filter(|(key, _)| !KEYS.contains(&key.as_str())) {
        let help = did_you_mean(key, KEYS).map(|name| format!("did you mean `{name}`?"));
        let message = format!("`resolve` has no key `{key}`");
        mistakes.add("plan::resolve", &place.key(key), message, help);
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let (Some(resource), Some(field)) = (text("resource"), text("field")) else {
        mistakes.add(
            "plan::resolve",
            place,
            "`resolve` needs the texts `resource` and `field`",
            "write `{ type: resolve, resource: posts, field: id }`".to_owned(),
        );
        return None;
    };
    let field = field.strip_prefix('$').unwrap_or(field);
    let field = field.strip_prefix('.').unwrap_or(field);
    Some((resource.to_owned(), field.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(path: &str, params: &Value, bound_path: &str, left: &[&str], found: &[&str]) {
        let params = params.as_object().unwrap().iter();
        let params = params
            .map(|(name, value)| (name.clone(), TemplateValue(value.clone())))
            .collect();
        let mut mistakes = Mistakes::default();
        let path = TemplateText(path.to_owned());
        let bound = bind(&path, &params, &Place::root(), &mut mistakes);
        assert_eq!(bound.path.0, bound_path);
        assert_eq!(bound.params.keys().collect::<Vec<_>>(), left);
        let mistakes = mistakes.into_result(Ok(())).err().unwrap_or_default();
        let messages: Vec<&str> = mistakes.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(messages, found);
    }

    #[test]
    fn fixed_values_leave_the_query() {
        check(
            "repos/{org}/{ repo }/issues",
            &json!({"org": "dlt/hub?", "repo": 7, "state": "open"}),
            "repos/dlt%2Fhub%3F/7/issues",
            &["state"],
            &[],
        );
        check(
            "{a}/{{b}}/{partition.c}",
            &json!({"a": "x{{{partition.p}}} y"}),
            "x%7B{partition.p}%7D%20y/{{b}}/{partition.c}",
            &[],
            &[],
        );
    }

    #[test]
    fn resolve_becomes_a_placeholder() {
        let resolve = |field: &str| json!({"type": "resolve", "resource": "posts", "field": field});
        check(
            "posts/{id}/{b}/{c}",
            &json!({"id": resolve("id"), "b": resolve("$.author.id"), "c": resolve("['x.y'][0]")}),
            "posts/{resources.posts.id}/{resources.posts.author.id}/{resources.posts['x.y'][0]}",
            &[],
            &[],
        );
        check(
            "posts",
            &json!({"id": resolve("id")}),
            "posts",
            &[],
            &["the path doesn't name `{id}`"],
        );
        check(
            "posts/{id}",
            &json!({"id": {"type": "resolve", "resource": "posts", "fild": "id"}}),
            "posts/id",
            &[],
            &[
                "`resolve` has no key `fild`",
                "`resolve` needs the texts `resource` and `field`",
            ],
        );
    }

    #[test]
    fn what_has_no_value_is_a_mistake() {
        check(
            "{orgg}/{x}/{n}",
            &json!({"org": "a", "x": "..", "n": null}),
            "orgg/x/n",
            &["org"],
            &[
                "`{orgg}` has no value: `params` has no key `orgg`",
                "`\"..\"` can't be part of a path",
                "`null` can't be part of a path",
            ],
        );
    }
}
