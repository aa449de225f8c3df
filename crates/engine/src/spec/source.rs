//! A spec as it was read: its tree, and the way from a mistake back to its file and line.

use std::io;
use std::ops::Range;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::{Key, Kind, Node, Path};
use super::files::Files;
use super::include::{self, Load};
use super::pipeline::Pipeline;
use super::variables::{Variables, substitute};
use super::{Secret, defaults, looks_secret, read, var};

/// A spec as it was read, kept to place mistakes that planning finds.
#[derive(Debug)]
pub struct Source {
    files: Files,
    tree: Node,
    found: Vec<Diagnostic>,
    /// Values of variables that are no secrets: the spec declares them.
    shown: Vec<String>,
}

/// A mistake that planning found, placed by the path of the node that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Stable name of this kind of mistake, such as `plan::unknown_parent`.
    pub code: &'static str,
    /// Path of the node in the spec, defaults merged.
    pub path: Path,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Source {
    /// Reads a spec that includes no other file. `name` is how the user called the file.
    ///
    /// # Errors
    /// As [`Self::read_with_includes`].
    pub fn read(
        name: &str,
        text: &str,
        variables: &Variables,
    ) -> Result<(Self, Pipeline), Diagnostics> {
        let nothing = |_: &str| Err(io::Error::from(io::ErrorKind::Unsupported));
        Self::read_with_includes(name, text, variables, &nothing)
    }

    /// Reads a spec and the files that it includes. `name` is how the user called the file; its stem stands in for a
    /// `name` that the spec doesn't give.
    ///
    /// The pipeline is there even where a key is unknown, so that planning can add its own mistakes;
    /// [`Self::finish`] then tells whether there was any.
    ///
    /// # Errors
    /// All that is wrong, where so much is wrong that there is no pipeline.
    pub fn read_with_includes(
        name: &str,
        text: &str,
        variables: &Variables,
        load: Load<'_>,
    ) -> Result<(Self, Pipeline), Diagnostics> {
        let mut found = Vec::new();
        let mut files = Files::default();
        let parsed = include::parse(name, text, load, &mut files, &mut found);
        // What seems to be missing may stand in the file that can't be read.
        let Some(mut tree) = parsed.filter(|_| found.is_empty()) else {
            return Err(Diagnostics {
                source: files,
                all: found,
            });
        };
        let mut variables = variables.clone();
        var::declare(&mut tree, &mut variables, &mut found);
        substitute(&mut tree, &variables, &mut found);
        defaults::apply(&mut tree, &mut found);
        complete(&mut tree, name);
        let mut pipeline: Option<Pipeline> = read::read(&tree, &mut found);
        let mut shown = Vec::new();
        for (name, var) in pipeline.iter_mut().flat_map(|all| &mut all.vars) {
            let value = variables.get(name);
            value.unwrap_or_default().clone_into(&mut var.value);
            if !looks_secret(name) {
                shown.push(var.value.clone());
            }
        }
        let source = Self {
            files,
            tree,
            found,
            shown,
        };
        match pipeline {
            Some(pipeline) => Ok((source, pipeline)),
            None => Err(source.diagnostics(&[])),
        }
    }

    /// The values that variables have put in, which no text may show; those that the spec declares under `vars` are
    /// no secrets, unless their name looks like one.
    pub fn substituted(&self) -> Vec<Secret> {
        let mut values = Vec::new();
        self.tree.collect_substituted(&mut values);
        values.retain(|value| !self.shown.contains(value));
        values.into_iter().map(Secret::new).collect()
    }

    /// Ends the reading: `Ok` where neither reading nor planning found a mistake.
    ///
    /// # Errors
    /// All mistakes, in the order of the file.
    pub fn finish<T>(self, planned: Result<T, Vec<Mistake>>) -> Result<T, Diagnostics> {
        match planned {
            Ok(plan) if self.found.is_empty() => Ok(plan),
            Ok(_) => Err(self.diagnostics(&[])),
            Err(mistakes) => Err(self.diagnostics(&mistakes)),
        }
    }

    fn diagnostics(self, mistakes: &[Mistake]) -> Diagnostics {
        let mut all = self.found;
        let unknown_keys: Vec<_> = all.iter().map(|unknown| unknown.span.clone()).collect();
        // What a mapping seems to lack may be what its misspelt key was meant to give.
        let well_spelt = |mistake: &&Mistake| !self.tree.has_key_at(&mistake.path, &unknown_keys);
        let mistakes = mistakes.iter().filter(well_spelt);
        all.extend(mistakes.map(|mistake| Diagnostic {
            code: mistake.code,
            message: mistake.message.clone(),
            span: self.tree.locate(&mistake.path),
            label: "here".to_owned(),
            help: mistake.help.clone(),
        }));
        all.sort_by_key(|diagnostic| diagnostic.span.start);
        all.dedup();
        Diagnostics {
            source: self.files,
            all,
        }
    }
}

/// The pipeline's name as the text gives it, else the stem of the file's name, before anything is checked.
pub fn pipeline_name(name: &str, text: &str) -> Option<String> {
    let given = Node::parse(text).ok();
    let given = given.and_then(|tree| tree.get("name")?.as_text().map(ToOwned::to_owned));
    given.or_else(|| stem(name))
}

fn stem(name: &str) -> Option<String> {
    let stem = std::path::Path::new(name).file_stem()?;
    Some(stem.to_string_lossy().into_owned())
}

/// Gives the spec the name that it lacks, and takes away what only anchors are kept under (`x-…`).
fn complete(tree: &mut Node, name: &str) {
    let Kind::Mapping(entries) = &mut tree.kind else {
        return;
    };
    entries.retain(|(key, _)| !key.name.starts_with("x-"));
    if entries.iter().any(|(key, _)| key.name == "name") {
        return;
    }
    if let Some(stem) = stem(name) {
        let key = Key {
            name: "name".to_owned(),
            span: 0..0,
        };
        entries.push((key, Node::text(&stem, 0..0)));
    }
}

/// Replaces each byte of a secret that was written into the spec itself; places stay as they are.
pub(super) fn mask(text: &str, tree: &Node) -> String {
    let mut spans = Vec::new();
    secret_spans(tree, false, &mut spans);
    let mut masked = text.as_bytes().to_vec();
    for span in spans {
        let only_a_variable = text.get(span.clone()).is_some_and(|value| {
            let value = value.trim_matches(['"', '\'']);
            value.starts_with("${")
                && value.find('}') == Some(value.len() - 1)
                && !value.contains(":-")
        });
        if only_a_variable {
            continue;
        }
        overwrite(&mut masked, span);
    }
    for span in userinfo_spans(text) {
        overwrite(&mut masked, span);
    }
    String::from_utf8(masked).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// Masks a text that is not YAML: from each secret key to the end of its line.
pub(super) fn mask_lines(text: &str) -> String {
    let mut masked = text.as_bytes().to_vec();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut behind = start;
        for part in line.split_inclusive(':') {
            behind += part.len();
            let mut words = part.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
            let key = words.rfind(|word| !word.is_empty());
            let is_secret = |key: &str| looks_secret(key) || key == "username";
            if part.ends_with(':') && key.is_some_and(is_secret) {
                overwrite(&mut masked, behind..start + line.trim_end().len());
                break;
            }
        }
        start += line.len();
    }
    for span in userinfo_spans(text) {
        overwrite(&mut masked, span);
    }
    String::from_utf8(masked).unwrap_or_else(|_| "*".repeat(text.len()))
}

fn overwrite(text: &mut [u8], span: Range<usize>) {
    for byte in text.get_mut(span).into_iter().flatten() {
        if *byte != b'\n' {
            *byte = b'*';
        }
    }
}

/// The `user:password` of every URL in the text.
fn userinfo_spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, separator)| {
        let start = at + separator.len();
        let rest = text.get(start..)?;
        let end = rest.find(|c: char| c == '/' || c == '?' || c == '#' || c.is_whitespace());
        let authority = rest.get(..end.unwrap_or(rest.len()))?;
        Some(start..start + authority.rfind('@')?)
    })
}

fn secret_spans(node: &Node, secret: bool, spans: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::Mapping(entries) => {
            for (key, value) in entries {
                let name = key.name.to_ascii_lowercase();
                let within = match name.as_str() {
                    "auth" => true,
                    "type"
                    | "name"
                    | "location"
                    | "client_auth"
                    | "access_token_url"
                    | "default_token_expiration" => false,
                    name => secret || looks_secret(name),
                };
                // A selector, a name or a type under such a key is no secret: a mapping of hints, a list of keys.
                let names_columns = matches!(name.as_str(), "columns" | "primary_key" | "for_each");
                secret_spans(value, within && !names_columns, spans);
            }
        }
        Kind::Sequence(items) => {
            for item in items {
                secret_spans(item, secret, spans);
            }
        }
        Kind::Text(_) | Kind::Number(_) if secret => spans.push(node.span.clone()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let variables = Variables::new([("LIMIT".to_owned(), "500".to_owned())]);
        let (source, _) = match Source::read("spec.yaml", text, &variables) {
            Ok(read) => read,
            Err(diagnostics) => return diagnostics.summary(),
        };
        source
            .finish(Ok(()))
            .err()
            .map(|diagnostics| diagnostics.summary())
            .unwrap_or_default()
    }

    #[test]
    fn all_mistakes_are_found_in_one_go() {
        let text = "\
version: one
name: x
client: { bas_url: https://a.example, auth: { type: http_basik, username: hunter2 } }
resources:
  - { name: a, endpoint: { data_selecter: x, paginator: { type: offset } } }
  - { name: b, write_disposition: upsert, primary_key: { id: 1 } }
  - { endpoint: c }
";
        assert_eq!(
            read(text),
            [
                "1:10 spec::wrong_type expected a number, found a string",
                "3:1 spec::missing_key the required key `base_url` is missing",
                "3:11 spec::unknown_key unknown key `bas_url`",
                "3:53 spec::unknown_value unknown value `http_basik`",
                "5:28 spec::unknown_key unknown key `data_selecter`",
                "5:46 spec::missing_key the required key `limit` is missing",
                "6:35 spec::unknown_value unknown value `upsert`",
                "6:43 spec::wrong_type expected a string or a list of strings, found a mapping",
                "7:7 spec::missing_key the required key `name` is missing",
            ]
        );
    }

    #[test]
    fn a_variable_may_be_a_number() {
        let text = "\
version: 1
name: x
client: { base_url: https://a.example }
resources: [{ name: a, endpoint: { paginator: { type: offset, limit: \"${LIMIT}\" } } }]
";
        assert_eq!(read(text), Vec::<String>::new());
    }

    #[test]
    fn secrets_are_masked_in_the_shown_source() {
        let text = "auth: { type: bearer, token: hunter2 }\nother: { password: \"hunter3\", x: \"${Y}\" }\n\
                    url: https://me:hunter4@a.example\n\
                    params: { api_key: '${KEY}' }\n";
        let masked = mask(text, &Node::parse(text).unwrap());
        assert_eq!(
            masked,
            "auth: { type: bearer, token: ******* }\nother: { password: *********, x: \"${Y}\" }\n\
             url: https://**********@a.example\nparams: { api_key: '${KEY}' }\n"
        );
    }

    #[test]
    fn secrets_are_masked_where_the_text_is_no_yaml() {
        assert_eq!(
            mask_lines("a: [1\nauth: { token: hunter2\nbase_url: http://me:hunter3@a\n"),
            "a: [1\nauth:*****************\nbase_url: http://**********@a\n"
        );
    }
}
