//! The reference page of the spec's language, generated from the JSON Schema, and so from the types and their comments.

mod kind;
mod section;

use std::collections::BTreeMap;

use serde_json::Value;

use super::schema::pipeline_schema;
use section::Section;

/// Writes the reference page in Markdown: each mapping of a spec with its keys, types, defaults and meaning.
///
/// `examples` are whole specs by name; `paginator-offset` is shown where the paginator `offset` is explained.
pub fn reference_page(examples: &BTreeMap<String, String>) -> String {
    let schema = pipeline_schema().to_value();
    let mut page = vec![PREFACE.to_owned()];
    for section in Section::all(&schema) {
        section.write(&schema, examples, &mut page);
    }
    page.join("\n\n") + "\n"
}

const PREFACE: &str = "\
<!-- Generated from the types that read a spec; see CONTRIBUTING.md. -->

# Reference of the spec

Every key that a spec may hold. An unknown key is an error, with its line and the nearest key that exists.

- A key without a default must be given where the table says *required*; otherwise leaving it out means that there is
  none.
- Null stands for \"not given\": in a resource it resets what `resource_defaults` says.
- `${NAME}` in a text, a number or a boolean is replaced by the environment's variable, `${NAME:-text}` gives a default.";

/// A definition's name in words: `RateLimit` becomes `Rate limit`.
fn title(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

/// What a heading is linked by: GitHub's rule.
fn anchor(name: &str) -> String {
    title(name).to_lowercase().replace(' ', "-")
}

/// What a `$ref` names.
fn referred<'a>(schema: &'a Value, node: &'a Value) -> Option<(&'a str, &'a Value)> {
    let name = node.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
    Some((name, schema.get("$defs")?.get(name)?))
}

/// The definition that a mapping written in place repeats, but for one key more or less.
fn repeated<'a>(schema: &'a Value, node: &Value) -> Option<(&'a str, String)> {
    let keys = |node: &Value| -> Option<Vec<String>> {
        Some(
            node.get("properties")?
                .as_object()?
                .keys()
                .cloned()
                .collect(),
        )
    };
    let own = keys(node)?;
    let definitions = schema.get("$defs")?.as_object()?;
    definitions.iter().find_map(|(name, definition)| {
        let theirs = keys(definition)?;
        let added: Vec<_> = own.iter().filter(|key| !theirs.contains(key)).collect();
        let left_out: Vec<_> = theirs.iter().filter(|key| !own.contains(key)).collect();
        let difference = match (added.as_slice(), left_out.as_slice()) {
            ([], []) => String::new(),
            ([key], []) => format!(" with `{key}`"),
            ([], [key]) => format!(" without `{key}`"),
            _ => return None,
        };
        (own.len() > 2).then_some((name.as_str(), difference))
    })
}

/// Splits the sentence that says the default from a description.
fn split_default(description: &str) -> (String, Option<String>) {
    let Some((before, behind)) = description.split_once("Default: ") else {
        return (description.trim().to_owned(), None);
    };
    let (default, rest) = match behind.split_once(". ") {
        Some((default, rest)) => (default, rest),
        None => (behind.trim_end().trim_end_matches('.'), ""),
    };
    let kept = format!("{} {}", before.trim(), rest.trim());
    (kept.trim().to_owned(), Some(default.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn examples() -> BTreeMap<String, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/examples");
        let mut examples = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            examples.insert(name, std::fs::read_to_string(&path).unwrap());
        }
        examples
    }

    #[test]
    fn the_reference_of_the_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/spec.md");
        let current = reference_page(&examples());
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &current).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == current,
            "docs/reference/spec.md is out of date; run `UPDATE_SCHEMAS=1 cargo test --workspace schema`"
        );
    }

    /// Every paginator and every way to authenticate is shown by a spec that runs.
    #[test]
    fn each_paginator_and_auth_has_an_example() {
        let schema = pipeline_schema().to_value();
        let examples = examples();
        let mut wanted: Vec<String> = Vec::new();
        for section in Section::all(&schema) {
            let kinds = ["Paginator", "Auth"];
            if kinds.contains(&section.name) {
                wanted.extend(
                    section
                        .alternatives()
                        .into_iter()
                        .map(|kind| format!("{}-{kind}", anchor(section.name))),
                );
            }
        }
        assert!(wanted.len() > 8, "{wanted:?}");
        wanted.retain(|name| !examples.contains_key(name));
        assert_eq!(
            wanted,
            Vec::<String>::new(),
            "have no docs/reference/examples/<name>.yaml"
        );
    }

    #[test]
    fn the_default_stands_apart() {
        let check = |text: &str, kept: &str, default: Option<&str>| {
            assert_eq!(
                split_default(text),
                (kept.to_owned(), default.map(str::to_owned))
            );
        };
        check("A path.", "A path.", None);
        check(
            "A folder. Default: `./data/<name>`.",
            "A folder.",
            Some("`./data/<name>`"),
        );
        check(
            "A. Default: `x`; or null. B.",
            "A. B.",
            Some("`x`; or null"),
        );
    }

    #[test]
    fn headings_are_words() {
        assert_eq!(title("RateLimit"), "Rate limit");
        assert_eq!(anchor("RateLimit"), "rate-limit");
    }
}
