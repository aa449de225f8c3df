//! `vars`: values that a spec declares and a run may set.

use schemars::JsonSchema;
use serde::Deserialize;

use super::diagnostic::Diagnostic;
use super::document::{Key, Kind, Node};
use super::secret::looks_secret;
use super::variables::Variables;

/// A value that a run may set, by `--var name=value` or by an environment variable of that name; `${name}` puts it in.
///
/// The short form is the default alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Var {
    /// The value where the run sets none. Default: none, and the run must set one.
    #[schemars(schema_with = "super::schema::scalar")]
    pub default: Option<String>,
    /// What the value is for.
    pub description: Option<String>,
    /// Whether another value reads other data, such as another account: its tables and cursors are then kept apart. The
    /// default destination gets a folder for each value, and another destination refuses to mix two. It must be given
    /// where the value is put into credentials, since an identity is written in plain text. Default: true, unless the
    /// name looks like that of a secret.
    pub identity: Option<bool>,
    /// The value of this run; set by whoever read the spec.
    #[serde(skip)]
    pub value: String,
    /// Whether the spec puts the value into credentials; set by whoever read the spec.
    #[serde(skip)]
    pub in_credentials: bool,
}

impl Var {
    /// Whether tables and cursors of another value are kept apart.
    pub fn is_identity(&self, name: &str) -> bool {
        self.identity.unwrap_or(!self.is_secret(name))
    }

    /// Whether the value must not be shown.
    pub fn is_secret(&self, name: &str) -> bool {
        looks_secret(name) || self.in_credentials && self.identity != Some(true)
    }
}

/// Brings `vars` into the long form, and tells the variables their defaults.
pub(super) fn declare(root: &mut Node, variables: &mut Variables, found: &mut Vec<Diagnostic>) {
    let Kind::Mapping(entries) = &mut root.kind else {
        return;
    };
    let Some((_, vars)) = entries.iter_mut().find(|(key, _)| key.name == "vars") else {
        return;
    };
    let Kind::Mapping(vars) = &mut vars.kind else {
        return;
    };
    for (key, var) in vars {
        if !is_name(&key.name) {
            found.push(unusable_name(key));
            continue;
        }
        lengthen(key, var);
        let default = var.get("default").and_then(Node::as_text);
        variables.declare(&key.name, default);
    }
}

/// `account: acme` stands for `account: { default: acme }`, and every default is a text.
fn lengthen(key: &Key, var: &mut Node) {
    if let Some(text) = scalar(var) {
        let default = Node::text(&text, var.span.clone());
        let name = Key {
            name: "default".to_owned(),
            span: key.span.clone(),
        };
        var.kind = Kind::Mapping(vec![(name, default)]);
        return;
    }
    let Kind::Mapping(hints) = &mut var.kind else {
        return;
    };
    for (_, default) in hints.iter_mut().filter(|(key, _)| key.name == "default") {
        if let Some(text) = scalar(default) {
            *default = Node::text(&text, default.span.clone());
        }
    }
}

fn scalar(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Text(text) => Some(text.value.clone()),
        Kind::Number(number) => Some(number.to_string()),
        Kind::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn unusable_name(key: &Key) -> Diagnostic {
    Diagnostic {
        code: "spec::variable_syntax",
        message: format!("`{}` is not a variable's name", key.name),
        span: key.span.clone(),
        label: "here".to_owned(),
        help: Some("use letters, digits and `_`".to_owned()),
    }
}
