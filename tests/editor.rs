//! The JSON Schema that editors use says what the command says.

use serde_json::Value;

use crate::support::root;

/// Mistakes that a schema can see: keys, types and values; not what a variable holds or how resources depend.
const SEEN_BY_A_SCHEMA: [&str; 6] = [
    "spec-invalid_value",
    "spec-missing_key",
    "spec-path_as_name",
    "spec-unknown_key",
    "spec-unknown_value",
    "spec-wrong_type",
];

fn schema(name: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(root().join("schemas").join(name)).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let mut value: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

#[test]
fn the_shipped_files_are_valid() {
    for (path, name) in [
        ("pipelines/assembled.yaml", "pipeline.schema.json"),
        ("pipelines/sandbox/assembled.yaml", "sandbox.schema.json"),
        ("pipelines/assembled.test.yaml", "test.schema.json"),
    ] {
        let errors: Vec<String> = schema(name)
            .iter_errors(&yaml(path))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{path}: {errors:#?}");
    }
}

#[test]
fn what_the_command_refuses_is_underlined() {
    let schema = schema("pipeline.schema.json");
    for name in SEEN_BY_A_SCHEMA {
        let spec = yaml(&format!("tests/specs/invalid/{name}.yaml"));
        assert!(!schema.is_valid(&spec), "{name}");
    }
}
