//! The JSON Schema of a spec, generated from the types that read it, for editors.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::pipeline::Pipeline;
use super::resource::{Column, IncludedField, PartitionField, Resource};
use super::schema_contract::{ContractMode, SchemaContract};
use super::var::Var;
use super::write_disposition::{Disposition, WriteDisposition};

/// The JSON Schema (draft 2020-12) of a pipeline spec.
pub fn pipeline_schema() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Pipeline>();
    schema.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
    let members = schema.as_object_mut().map(Map::values_mut);
    for member in members.into_iter().flatten() {
        allow_variables(std::iter::once(&mut *member));
        unwrap_descriptions(member);
    }
    schema
}

/// Doc comments are wrapped for the source; an editor wraps them again.
fn unwrap_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(description)) = object.get_mut("description") {
                let paragraphs: Vec<String> = description
                    .split("\n\n")
                    .map(|paragraph| paragraph.replace('\n', " "))
                    .collect();
                *description = paragraphs.join("\n\n");
            }
            object.values_mut().for_each(unwrap_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_descriptions),
        _ => {}
    }
}

/// A null resets a default, so every key that may be absent may be null.
pub(super) fn absent_or_null(schema: &mut Schema) {
    let required: Vec<Value> = schema
        .get("required")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (key, property) in properties.into_iter().flatten() {
        let is_required = required.iter().any(|name| name == key);
        let takes_null = property
            .pointer("/type/1")
            .is_some_and(|second| second == "null");
        if is_required || takes_null {
            continue;
        }
        let Some(object) = property.as_object_mut() else {
            continue;
        };
        let description = object.remove("description");
        let direct = Value::Object(std::mem::take(object));
        object.extend(description.map(|text| ("description".to_owned(), text)));
        object.insert("anyOf".to_owned(), json!([direct, { "type": "null" }]));
    }
}

/// A number or a boolean may also be put in by a variable: `"${LIMIT:-500}"`.
fn allow_variables<'a>(schemas: impl Iterator<Item = &'a mut Value>) {
    for schema in schemas {
        match schema {
            Value::Object(object) => {
                let scalar = |name: &str| matches!(name, "integer" | "number" | "boolean");
                let replaced = match object.get("type") {
                    Some(Value::String(name)) if scalar(name) => true,
                    Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(scalar),
                    _ => false,
                };
                if replaced && !object.contains_key("const") {
                    let kept = ["description", "default", "title"]
                        .into_iter()
                        .filter_map(|key| Some((key.to_owned(), object.remove(key)?)))
                        .collect::<Vec<_>>();
                    let direct = Value::Object(std::mem::take(object));
                    object.extend(kept);
                    object.insert(
                        "anyOf".to_owned(),
                        json!([direct, { "type": "string", "pattern": r"\$\{[A-Za-z0-9_]+(:-[^}]*)?\}" }]),
                    );
                } else {
                    allow_variables(object.values_mut());
                }
            }
            Value::Array(items) => allow_variables(items.iter_mut()),
            _ => {}
        }
    }
}

/// In the written form an enum's `type` may be left out: the first variant is meant.
pub(super) fn first_variant_needs_no_type(schema: &mut Schema) {
    let first = schema
        .get_mut("oneOf")
        .and_then(Value::as_array_mut)
        .and_then(|variants| variants.first_mut());
    let required = first
        .and_then(|variant| variant.get_mut("required"))
        .and_then(Value::as_array_mut);
    if let Some(required) = required {
        required.retain(|name| name != "type");
    }
}

/// `auth: none` may be written as that name alone: the others need their keys.
pub(super) fn auth_by_name(schema: &mut Schema) {
    first_variant_needs_no_type(schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let variants = object.remove("oneOf").unwrap_or_default();
    object.insert(
        "anyOf".to_owned(),
        json!([{ "const": "none" }, { "oneOf": variants }]),
    );
}

/// A paginator may be written as its name alone, where none of its keys is required.
pub(super) fn paginator_by_name(schema: &mut Schema) {
    first_variant_needs_no_type(schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let variants = object.remove("oneOf").unwrap_or_default();
    let short_forms: Vec<Value> = variants
        .as_array()
        .into_iter()
        .flatten()
        .filter(|variant| {
            let required = variant.get("required").and_then(Value::as_array);
            required.is_none_or(|names| names.iter().all(|name| name == "type"))
        })
        .filter_map(|variant| variant.pointer("/properties/type/const").cloned())
        .chain([json!("json_response")])
        .collect();
    object.insert(
        "anyOf".to_owned(),
        json!([{ "type": "string", "enum": short_forms }, { "oneOf": variants }]),
    );
}

pub(super) fn scalar(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number", "boolean"] })
}

pub(super) fn one_or_more_paths(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
}

pub(super) fn vars(generator: &mut SchemaGenerator) -> Schema {
    let var = generator.subschema_for::<Var>();
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^[A-Za-z0-9_]+$" },
        "additionalProperties": { "anyOf": [var, { "type": ["string", "number", "boolean"] }] }
    })
}

pub(super) fn form_or_text(_: &mut SchemaGenerator) -> Schema {
    let value = json!({ "type": ["string", "number", "boolean", "null", "array"] });
    json_schema!({
        "anyOf": [
            { "type": "object", "additionalProperties": value },
            { "type": "array", "items": { "type": "array", "prefixItems": [{ "type": "string" }, value], "minItems": 2, "maxItems": 2 } },
            { "type": "string" },
        ]
    })
}

pub(super) fn endpoint_or_path(generator: &mut SchemaGenerator) -> Schema {
    let endpoint = generator.subschema_for::<Endpoint>();
    json_schema!({ "anyOf": [endpoint, { "type": "string" }] })
}

pub(super) fn contract_or_mode(generator: &mut SchemaGenerator) -> Schema {
    let contract = generator.subschema_for::<SchemaContract>();
    let mode = generator.subschema_for::<ContractMode>();
    json_schema!({ "anyOf": [contract, mode] })
}

pub(super) fn disposition_or_name(generator: &mut SchemaGenerator) -> Schema {
    let disposition = generator.subschema_for::<WriteDisposition>();
    let name = generator.subschema_for::<Disposition>();
    json_schema!({ "anyOf": [disposition, name] })
}

pub(super) fn resources(generator: &mut SchemaGenerator) -> Schema {
    let resource = generator.subschema_for::<Resource>();
    json_schema!({
        "type": "array",
        "items": { "anyOf": [resource, { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$" }] }
    })
}

/// A field to include is written as a mapping, or as its path alone.
pub(super) fn included_fields(generator: &mut SchemaGenerator) -> Schema {
    let field = generator.subschema_for::<IncludedField>();
    json_schema!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, field] } })
}

/// A column to divide by is written as a mapping, or as its name alone.
pub(super) fn partition_fields(generator: &mut SchemaGenerator) -> Schema {
    let field = generator.subschema_for::<PartitionField>();
    json_schema!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, field] } })
}

pub(super) fn columns(generator: &mut SchemaGenerator) -> Schema {
    let column = generator.subschema_for::<Column>();
    let mut named = Column::json_schema(generator);
    if let Some(properties) = named.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "name".to_owned(),
            json!({ "type": "string", "description": "The column's name in the records." }),
        );
    }
    named.insert("required".to_owned(), json!(["name"]));
    json_schema!({
        "anyOf": [
            { "type": "object", "additionalProperties": column },
            { "type": "array", "items": named }
        ]
    })
}

/// The keys of a resource without its name, each of which may be null.
pub(super) fn resource_defaults(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Resource::json_schema(generator);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("name");
    }
    schema.remove("required");
    schema.insert(
        "description".to_owned(),
        json!("What every resource gets that doesn't say it itself."),
    );
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_current() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../schemas/pipeline.schema.json"
        );
        let current = serde_json::to_string_pretty(&pipeline_schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, &current).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == current,
            "schemas/pipeline.schema.json is out of date; run `UPDATE_SCHEMAS=1 cargo test --workspace schema`"
        );
    }

    #[test]
    fn every_key_is_documented() {
        let schema = serde_json::to_value(pipeline_schema()).unwrap();
        let mut undocumented = Vec::new();
        collect_undocumented(&schema, "", &mut undocumented);
        assert_eq!(undocumented, Vec::<String>::new());
    }

    fn collect_undocumented(schema: &Value, path: &str, undocumented: &mut Vec<String>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let is_tag = key == "type" && property.get("const").is_some();
            if !is_tag && property.get("description").is_none() {
                undocumented.push(format!("{path}/{key}"));
            }
        }
        match schema {
            Value::Object(object) => {
                for (key, value) in object {
                    collect_undocumented(value, &format!("{path}/{key}"), undocumented);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    collect_undocumented(item, &format!("{path}/{index}"), undocumented);
                }
            }
            _ => {}
        }
    }
}
