//! What is wrong with a spec, and where.

use std::fmt;
use std::ops::Range;

use miette::{LabeledSpan, SourceCode};

use super::files::Files;

/// A mistake in a spec: what is wrong, the place in the YAML, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name of this kind of mistake, such as `spec::unknown_key`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Byte range in the row of the spec's files, see [`Files`]; empty for the whole spec.
    pub span: Range<usize>,
    /// Says what stands at the span.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// Every mistake found in one spec, in the order of the file.
#[derive(Debug)]
pub struct Diagnostics {
    /// The texts of the files with the values of secret fields masked, under the names that the user gave them.
    pub source: Files,
    /// The mistakes; at least one.
    pub all: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Line and column (from 1) of each mistake, with its code and message.
    pub fn summary(&self) -> Vec<String> {
        let line = |diagnostic: &Diagnostic| {
            let place = self.source.place(&diagnostic.span);
            format!("{place} {} {}", diagnostic.code, diagnostic.message)
        };
        self.all.iter().map(line).collect()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.source.name();
        match self.all.len() {
            1 => write!(formatter, "1 mistake in {name}"),
            count => write!(formatter, "{count} mistakes in {name}"),
        }
    }
}

impl std::error::Error for Diagnostics {}

impl miette::Diagnostic for Diagnostics {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(
            self.all.iter().map(|one| one as &dyn miette::Diagnostic),
        ))
    }
}

/// The nearest of `names` to `typed`, if it is near enough to be meant.
pub fn did_you_mean<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| {
            // `status` is likelier to mean `status_code` than its length tells.
            let is_beginning = name.starts_with(typed) && typed.len() >= 4;
            let distance = || strsim::normalized_damerau_levenshtein(typed, name);
            (if is_beginning { 0.9 } else { distance() }, name)
        })
        .filter(|(similarity, _)| *similarity >= 0.6)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

/// The help text for a name that isn't one of `names`: the nearest one, and all of them.
pub(crate) fn expected_names(typed: &str, names: &[&str]) -> String {
    let list = names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match did_you_mean(typed, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? Valid here: {list}"),
        None => format!("valid here: {list}"),
    }
}
