//! `${VAR}` and `${VAR:-default}` in string leaves.

use std::collections::BTreeMap;
use std::path::Path;

use super::diagnostic::Diagnostic;
use super::document::{Kind, Node, Text};

/// The values that `${VAR}` may name. What the caller hands in first wins.
#[derive(Clone, Default)]
pub struct Variables {
    given: BTreeMap<String, String>,
    /// Defaults that the spec declares, by name; they come last.
    declared: BTreeMap<String, Option<String>>,
    /// What stands for variables that are missing.
    stand_in: StandIn,
}

/// What stands for a variable that is missing.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum StandIn {
    /// It is a mistake.
    #[default]
    Nothing,
    /// A text that leads nowhere, where the API is described.
    Anything,
    /// Its name.
    Name,
}

/// What stands for a missing variable: it may be a part of a URL, and leads nowhere (RFC 2606).
pub(crate) const STAND_IN: &str = "https://unset.invalid";

/// The top-level keys that say how the API is reached and read.
const OF_THE_API: [&str; 3] = ["client", "resource_defaults", "resources"];

impl Variables {
    /// Takes name and value pairs, such as the process environment.
    pub fn new(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            given: values.into_iter().collect(),
            declared: BTreeMap::new(),
            stand_in: StandIn::Nothing,
        }
    }

    /// Lets something stand for the variables that are missing where the API is described, for commands that don't ask it.
    #[must_use]
    pub fn without_the_api(mut self) -> Self {
        self.stand_in = StandIn::Anything;
        self
    }

    /// Puts in the name of each variable that has no value, as `$NAME`, instead of refusing the spec: it is looked at, not run.
    pub fn let_names_stand_in(&mut self) {
        self.stand_in = StandIn::Name;
    }

    /// Adds the entries of a `.env` file for names that have no value yet. A missing file adds nothing.
    ///
    /// # Errors
    /// The file can't be read, or a line of it isn't `NAME=value`. The message never shows a value.
    pub fn add_file(&mut self, path: &Path) -> Result<(), VariablesFileError> {
        let entries = match dotenvy::from_path_iter(path) {
            Ok(entries) => entries,
            Err(error) if error.not_found() => return Ok(()),
            Err(_) => return Err(VariablesFileError(path.display().to_string())),
        };
        for entry in entries {
            let (name, value) =
                entry.map_err(|_| VariablesFileError(path.display().to_string()))?;
            self.given.entry(name).or_insert(value);
        }
        Ok(())
    }

    /// Sets values that win over those already there.
    pub fn set(&mut self, values: impl IntoIterator<Item = (String, String)>) {
        self.given.extend(values);
    }

    /// The values that were handed in, by name.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        let given = self.given.iter();
        given.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first variable, by name, that has this value; those that were handed in come before those with a default.
    pub(super) fn name_of(&self, value: &str) -> Option<&str> {
        let declared = self.declared.iter();
        let declared = declared.filter_map(|(name, default)| Some((&**name, default.as_deref()?)));
        let mut all = self.given().chain(declared);
        let found = all.find(|(_, known)| *known == value);
        found.map(|(name, _)| name)
    }

    /// Takes the default that the spec declares for a variable.
    pub(super) fn declare(&mut self, name: &str, default: Option<&str>) {
        let default = default.map(ToOwned::to_owned);
        self.declared.insert(name.to_owned(), default);
    }

    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let declared = || self.declared.get(name)?.as_deref();
        self.given.get(name).map(String::as_str).or_else(declared)
    }
}

/// A `.env` file that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("read `{0}`: not a list of `NAME=value` lines in UTF-8")]
pub struct VariablesFileError(String);

/// Substitutes every variable in the tree's string leaves; `$${` stands for a literal `${`.
///
/// What a variable puts in is not looked at again. Each missing variable is reported at its own leaf.
pub(crate) fn substitute(tree: &mut Node, variables: &Variables, found: &mut Vec<Diagnostic>) {
    let strict = match variables.stand_in {
        StandIn::Anything => StandIn::Nothing,
        others => others,
    };
    let strict = Variables {
        stand_in: strict,
        ..variables.clone()
    };
    let Kind::Mapping(entries) = &mut tree.kind else {
        return substitute_in(tree, &strict, found);
    };
    for (key, value) in entries {
        let of_the_api = OF_THE_API.contains(&&*key.name);
        substitute_in(value, if of_the_api { variables } else { &strict }, found);
    }
}

fn substitute_in(node: &mut Node, variables: &Variables, found: &mut Vec<Diagnostic>) {
    match &mut node.kind {
        Kind::Text(text) => match substitute_text(&text.value, variables) {
            Ok(Some(substituted)) => *text = substituted,
            Ok(None) => {}
            Err(problem) => found.push(Diagnostic {
                span: node.span.clone(),
                ..problem
            }),
        },
        Kind::Sequence(items) => {
            for item in items {
                substitute_in(item, variables, found);
            }
        }
        Kind::Mapping(entries) => {
            for (_, value) in entries {
                substitute_in(value, variables, found);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Pruned => {}
    }
}

fn substitute_text(source: &str, variables: &Variables) -> Result<Option<Text>, Diagnostic> {
    if !source.contains("${") {
        return Ok(None);
    }
    let mut value = String::new();
    let mut substituted = Vec::new();
    let mut rest = source;
    while let Some((before, behind)) = rest.split_once("${") {
        if let Some(escaped) = before.strip_suffix('$') {
            value.push_str(escaped);
            value.push_str("${");
            rest = behind;
            continue;
        }
        value.push_str(before);
        let (expression, after) = behind
            .split_once('}')
            .ok_or_else(|| problem("spec::variable_syntax", "`${` without a closing `}`", None))?;
        let (name, default) = match expression.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (expression, None),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(problem(
                "spec::variable_syntax",
                &format!("`{name}` is not a variable's name"),
                Some("write `${NAME}` or `${NAME:-default}`; `$${` stands for a literal `${`"),
            ));
        }
        let found = variables.get(name);
        let own_name = format!("${name}");
        let put_in = match default {
            Some(default) => found.filter(|text| !text.is_empty()).unwrap_or(default),
            None if found.is_none() && variables.stand_in == StandIn::Name => &own_name,
            None if found.is_none() && variables.stand_in == StandIn::Anything => STAND_IN,
            None => found.ok_or_else(|| {
                let declared = variables.declared.contains_key(name);
                let by_flag = if declared { format!("give `--var {name}=…`, or ") } else { String::new() };
                problem(
                    "spec::missing_variable",
                    &format!("the variable `{name}` is not set"),
                    Some(&format!(
                        "{by_flag}set {name} in the environment or in a `.env` file beside the spec, \
                         or give a default: `${{{name}:-…}}`"
                    )),
                )
            })?,
        };
        let start = value.len();
        value.push_str(put_in);
        substituted.push(start..value.len());
        rest = after;
    }
    value.push_str(rest);
    Ok(Some(Text { value, substituted }))
}

fn problem(code: &'static str, message: &str, help: Option<&str>) -> Diagnostic {
    Diagnostic {
        code,
        message: message.to_owned(),
        span: 0..0,
        label: "used here".to_owned(),
        help: help.map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let variables = Variables::new([
            ("KEY".to_owned(), "a{b}${KEY}".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        let text = match substitute_text(source, &variables) {
            Ok(Some(text)) => format!("{} {:?}", text.value, text.substituted),
            Ok(None) => "unchanged".to_owned(),
            Err(problem) => format!("{}: {}", problem.code, problem.message),
        };
        assert_eq!(text, expected);
    }

    #[test]
    fn variables_are_put_in_once() {
        check("x-${KEY}-y", "x-a{b}${KEY}-y [2..12]");
        check("${EMPTY}", " [0..0]");
        check("${EMPTY:-d}${NONE:-e}", "de [0..1, 1..2]");
        check("$${KEY}", "${KEY} []");
        check("plain", "unchanged");
    }

    #[test]
    fn mistakes_are_named() {
        check(
            "${NONE}",
            "spec::missing_variable: the variable `NONE` is not set",
        );
        check("${KEY", "spec::variable_syntax: `${` without a closing `}`");
        check(
            "${a b}",
            "spec::variable_syntax: `a b` is not a variable's name",
        );
    }

    #[test]
    fn a_file_fills_only_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "A=file\nB='two words'\n").unwrap();
        let mut variables = Variables::new([("A".to_owned(), "environment".to_owned())]);
        variables.add_file(&path).unwrap();
        assert_eq!(variables.given["A"], "environment");
        assert_eq!(variables.given["B"], "two words");
        variables.add_file(&folder.path().join("absent")).unwrap();
    }
}
