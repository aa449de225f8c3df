//! A spec as it was read: its tree, and the way from a mistake back to its file and line.

use std::io;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::{Key, Kind, Node, Path};
use super::files::Files;
use super::include::{self, Load};
use super::masking::{names, secret_defaults, secret_texts};
use super::pipeline::Pipeline;
use super::variables::{Variables, substitute};
use super::{Secret, SecretVariable, defaults, read, slice_names, var};

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

/// Bytes of the shortest value that messages don't show: a shorter one stands in other words too.
const SHORTEST_MASKED: usize = 4;

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
        for span in parsed.iter().flat_map(secret_defaults) {
            files.mask(&span);
        }
        // What seems to be missing may stand in the file that can't be read.
        let Some(mut tree) = parsed.filter(|_| found.is_empty()) else {
            return Err(Diagnostics {
                source: files,
                all: found,
            });
        };
        let mut variables = variables.clone();
        var::declare(&mut tree, &mut variables, &mut found);
        let credentials = secret_texts(&tree);
        substitute(&mut tree, &variables, &mut found);
        defaults::apply(&mut tree, &mut found);
        complete(&mut tree, name);
        let mut pipeline: Option<Pipeline> = read::read(&tree, &mut found);
        let mut shown = Vec::new();
        for (name, var) in pipeline.iter_mut().flat_map(|all| &mut all.vars) {
            let value = variables.get(name);
            value.unwrap_or_default().clone_into(&mut var.value);
            var.in_credentials = credentials.iter().any(|text| names(text, name));
            if !var.is_secret(name) {
                shown.push(var.value.clone());
            }
        }
        // Without a pipeline it isn't known what may be shown.
        if pipeline.is_some() {
            slice_names::check(&tree, &shown, &mut found);
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
    /// no secrets, unless their name looks like one or they are put into credentials. Nor is the default of a variable that
    /// is not set: it stands in the spec.
    pub fn substituted(&self, variables: &Variables) -> Vec<SecretVariable> {
        let mut values = Vec::new();
        self.tree.collect_substituted(&mut values);
        values.retain(|value| !self.shown.contains(value));
        let named = values.into_iter().filter_map(|value| {
            Some(SecretVariable {
                name: variables.name_of(&value)?.to_owned(),
                value: Secret::new(value),
            })
        });
        named.collect()
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
        // What the spec itself holds may be a usual word: it is masked where it stands alone.
        let mut literals = secret_texts(&self.tree);
        literals.retain(|secret| !self.shown.contains(secret));
        let mut secrets: Vec<String> = literals.iter().map(|text| format!("`{text}`")).collect();
        let mut put_in = Vec::new();
        self.tree.collect_substituted(&mut put_in);
        put_in.retain(|secret| secret.len() >= SHORTEST_MASKED && !self.shown.contains(secret));
        secrets.extend(put_in);
        // A secret may hold another one.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for diagnostic in &mut all {
            let Diagnostic { message, help, .. } = diagnostic;
            for secret in &secrets {
                *message = message.replace(secret.as_str(), "***");
                *help = help.take().map(|help| help.replace(secret.as_str(), "***"));
            }
        }
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
}
