//! Values that name slices: no secret may be among them, since names stand in errors and in the state.

use super::diagnostic::Diagnostic;
use super::document::{Key, Kind, Node};

/// Refuses `for_each` and `data` into which a variable puts a value that is not one of `shown`.
pub(super) fn check(tree: &Node, shown: &[String], found: &mut Vec<Diagnostic>) {
    let Some(Kind::Sequence(resources)) = tree.get("resources").map(|all| &all.kind) else {
        return;
    };
    for resource in resources {
        let Kind::Mapping(entries) = &resource.kind else {
            continue;
        };
        let named = entries
            .iter()
            .filter(|(key, _)| matches!(key.name.as_str(), "for_each" | "data"));
        let secret = named.filter(|(_, values)| puts_in_secret(values, shown));
        found.extend(secret.map(|(key, _)| secret_in_name(key)));
    }
}

/// Whether a variable put in a value that may not be shown.
fn puts_in_secret(node: &Node, shown: &[String]) -> bool {
    let mut values = Vec::new();
    node.collect_substituted(&mut values);
    let mut secret = values.iter().filter(|value| !shown.contains(value));
    secret.any(|value| !value.is_empty())
}

fn secret_in_name(key: &Key) -> Diagnostic {
    Diagnostic {
        code: "spec::secret_in_name",
        message: format!(
            "a variable of the environment puts a value into `{}`: it may be a secret, and would stand in the names of \
             slices, in errors and in the state",
            key.name
        ),
        span: key.span.clone(),
        label: "here".to_owned(),
        help: Some(
            "if it is none, declare the variable under `vars`, and don't put it into credentials"
                .to_owned(),
        ),
    }
}
