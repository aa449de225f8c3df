//! A section of the reference page: one definition, where it stands in a spec, and its keys.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kind::{constants, is_null, kind};
use super::{anchor, referred, repeated, split_default, title};

/// One definition of the schema.
pub(super) struct Section<'a> {
    /// The definition's name.
    pub(super) name: &'a str,
    node: &'a Value,
    /// Where it stands in a spec, such as `resources[].endpoint`; the first is the one to read.
    places: Vec<String>,
}

impl<'a> Section<'a> {
    /// All definitions that a spec can reach, each behind the one that names it first.
    pub(super) fn all(schema: &'a Value) -> Vec<Self> {
        let mut sections = vec![Self {
            name: "Pipeline",
            node: schema,
            places: Vec::new(),
        }];
        visit_properties(schema, schema, "", &mut sections);
        sections
    }

    /// The values of `type` that this section's alternatives are chosen by.
    #[cfg(test)]
    pub(super) fn alternatives(&self) -> Vec<&'a str> {
        mappings(self.node).into_iter().filter_map(tag).collect()
    }

    /// Appends the section's paragraphs to the page.
    pub(super) fn write(
        &self,
        schema: &Value,
        examples: &BTreeMap<String, String>,
        page: &mut Vec<String>,
    ) {
        page.push(format!("## {}", title(self.name)));
        if !self.places.is_empty() {
            let places: Vec<String> = self
                .places
                .iter()
                .map(|place| format!("`{place}`"))
                .collect();
            page.push(format!("At {}.", places.join(", ")));
        }
        page.extend(text(self.node, "description").map(str::to_owned));
        let short_forms = short_forms(self.node);
        if !short_forms.is_empty() {
            page.push(format!("In short: {}.", short_forms.join(", ")));
        }
        page.extend(table_of_values(self.node));
        for mapping in mappings(self.node) {
            let Some(name) = tag(mapping) else {
                page.push(table_of_keys(schema, mapping));
                continue;
            };
            page.push(format!("### `type: {name}`"));
            page.extend(text(mapping, "description").map(str::to_owned));
            page.push(table_of_keys(schema, mapping));
            let example = examples.get(&format!("{}-{name}", anchor(self.name)));
            page.extend(example.map(|example| format!("```yaml\n{}\n```", example.trim_end())));
        }
    }
}

/// Notes where each definition that is named below `node` stands, and goes on into those that are new.
fn visit<'a>(schema: &'a Value, node: &'a Value, place: &str, sections: &mut Vec<Section<'a>>) {
    // A mapping that repeats a definition stands for it here; the definition has its own place.
    if repeated(schema, node).is_some() {
        return;
    }
    if let Some((name, definition)) = referred(schema, node) {
        if let Some(known) = sections.iter_mut().find(|section| section.name == name) {
            if !known.places.iter().any(|known| known == place) {
                known.places.push(place.to_owned());
            }
            return;
        }
        sections.push(Section {
            name,
            node: definition,
            places: vec![place.to_owned()],
        });
        return visit_properties(schema, definition, place, sections);
    }
    for key in ["anyOf", "oneOf"] {
        for alternative in node
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            visit(schema, alternative, place, sections);
        }
    }
    if let Some(items) = node.get("items") {
        visit(schema, items, &format!("{place}[]"), sections);
    }
    if let Some(values) = node.get("additionalProperties") {
        visit(schema, values, &format!("{place}.<name>"), sections);
    }
    visit_properties(schema, node, place, sections);
}

fn visit_properties<'a>(
    schema: &'a Value,
    node: &'a Value,
    place: &str,
    sections: &mut Vec<Section<'a>>,
) {
    for mapping in mappings(node) {
        let properties = mapping.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let separator = if place.is_empty() { "" } else { "." };
            visit(
                schema,
                property,
                &format!("{place}{separator}{key}"),
                sections,
            );
        }
    }
}

/// The mappings that a definition may be: itself, or its alternatives.
fn mappings(node: &Value) -> Vec<&Value> {
    if node.get("properties").is_some() {
        return vec![node];
    }
    let alternatives = ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| node.get(key)?.as_array());
    alternatives.flatten().flat_map(mappings).collect()
}

/// The value of `type` that chooses a mapping.
fn tag(mapping: &Value) -> Option<&str> {
    mapping.pointer("/properties/type/const")?.as_str()
}

/// The texts that stand for a mapping with its defaults.
fn short_forms(node: &Value) -> Vec<String> {
    let alternatives = node.get("anyOf").and_then(Value::as_array);
    let texts = alternatives
        .into_iter()
        .flatten()
        .filter(|alternative| alternative.get("enum").is_some());
    texts.flat_map(constants).collect()
}

/// The values of a definition that is one of given texts, each with its meaning.
fn table_of_values(node: &Value) -> Option<String> {
    let values = node.get("oneOf").and_then(Value::as_array);
    let mut values = values
        .into_iter()
        .flatten()
        .filter(|value| value.get("const").is_some())
        .peekable();
    values.peek()?;
    let mut rows = vec!["| value | meaning |".to_owned(), "|---|---|".to_owned()];
    rows.extend(values.map(|value| {
        let meaning = cell(text(value, "description").unwrap_or_default());
        format!("| {} | {meaning} |", constants(value).join(", "))
    }));
    Some(rows.join("\n"))
}

/// The keys of a mapping, each with its kind, its default and its meaning.
fn table_of_keys(schema: &Value, mapping: &Value) -> String {
    let properties = mapping.get("properties").and_then(Value::as_object);
    let mut keys = properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| property.get("const").is_none() && !is_null(property))
        .peekable();
    if keys.peek().is_none() {
        return "No other keys.".to_owned();
    }
    let required = mapping.get("required").and_then(Value::as_array);
    let is_required = |key: &str| required.into_iter().flatten().any(|name| name == key);
    let mut rows = vec![
        "| key | type | default | meaning |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    rows.extend(keys.map(|(key, property)| {
        let (meaning, default) = split_default(text(property, "description").unwrap_or_default());
        let default = match default {
            Some(default) => default,
            None if is_required(key) => "*required*".to_owned(),
            None => String::new(),
        };
        let kind = kind(schema, property);
        format!(
            "| `{key}` | {} | {} | {} |",
            cell(&kind),
            cell(&default),
            cell(&meaning)
        )
    }));
    rows.join("\n")
}

fn text<'a>(node: &'a Value, key: &str) -> Option<&'a str> {
    node.get(key)?.as_str()
}

/// Text as it can stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace("\n\n", "<br>")
        .replace('\n', " ")
}
