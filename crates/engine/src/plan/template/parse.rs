//! Reading placeholders out of a text.

use std::ops::Range;

use super::{Context, IncrementalReference, Part, Reference, Template, TemplateError};

pub(super) fn parse(text: &str, allowed: &[Context]) -> Result<Template, TemplateError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((start, letter)) = letters.next() {
        match letter {
            '{' | '}' if letters.next_if(|(_, next)| *next == letter).is_some() => {
                literal.push(letter);
            }
            '}' => {
                return Err(error(
                    text,
                    start..start + 1,
                    "`}}` for a literal brace",
                    Vec::new(),
                ));
            }
            '{' => {
                let Some((end, _)) = letters.by_ref().find(|(_, letter)| *letter == '}') else {
                    let expected = "a closing brace, or `{{` for a literal brace";
                    return Err(error(text, start..text.len(), expected, Vec::new()));
                };
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Placeholder(reference(text, start + 1..end, allowed)?));
            }
            _ => literal.push(letter),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(Template { parts })
}

/// Reads the inside of a pair of braces.
fn reference(
    text: &str,
    range: Range<usize>,
    allowed: &[Context],
) -> Result<Reference, TemplateError> {
    let inside = &text.get(range.clone()).unwrap_or_default();
    let written = inside.trim();
    let start = range.start + (inside.len() - inside.trim_start().len());
    let range = start..start + written.len();
    let (word, rest) = written.split_once('.').unwrap_or((written, ""));
    let Some(context) = allowed.iter().find(|context| context.name() == word) else {
        return Err(unknown_context(text, start..start + word.len(), allowed));
    };
    let behind_word = range.end - rest.len()..range.end;
    match context {
        Context::Resources => match split_resource(rest) {
            Some((resource, path)) => Ok(Reference::Parent {
                resource: resource.to_owned(),
                path: path.to_owned(),
            }),
            None => Err(error(
                text,
                range,
                "`resources.<parent>.<path>`",
                Vec::new(),
            )),
        },
        Context::Incremental => {
            let named = IncrementalReference::ALL
                .into_iter()
                .find(|value| value.name() == rest);
            let valid = || {
                IncrementalReference::ALL
                    .map(IncrementalReference::name)
                    .to_vec()
            };
            let expected = "`start_value`, `end_value` or `initial_value` behind `incremental.`";
            named
                .map(Reference::Incremental)
                .ok_or_else(|| error(text, behind_word, expected, valid()))
        }
        Context::Partition if is_key(rest) => Ok(Reference::Partition(rest.to_owned())),
        Context::Partition => Err(error(
            text,
            range,
            "`partition.<key>` with a key of `for_each`",
            Vec::new(),
        )),
        Context::Job if rest == "id" => Ok(Reference::JobId),
        Context::Job => Err(error(text, range, "`job.id`", vec!["id"])),
    }
}

fn unknown_context(text: &str, range: Range<usize>, allowed: &[Context]) -> TemplateError {
    let names: Vec<&'static str> = allowed.iter().map(|context| context.name()).collect();
    let listed: Vec<String> = allowed
        .iter()
        .map(|context| format!("`{}`", context.usage()))
        .collect();
    let expected = match listed.split_last() {
        None => "no placeholder here; `{{` and `}}` are literal braces".to_owned(),
        Some((last, [])) => format!("{last} here, or `{{{{` and `}}}}` for literal braces"),
        Some((last, others)) => {
            format!(
                "{} or {last} here, or `{{{{` and `}}}}` for literal braces",
                others.join(", ")
            )
        }
    };
    error(text, range, &expected, names)
}

/// Divides `posts.author.id` and `posts['a.b']` into the resource and the path into its records.
fn split_resource(text: &str) -> Option<(&str, &str)> {
    let (resource, path) = text.split_at(text.find(['.', '['])?);
    let path = path.strip_prefix('.').unwrap_or(path);
    (!resource.is_empty() && !path.trim().is_empty()).then_some((resource, path))
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && !key.contains(|letter: char| letter.is_whitespace() || "{}|[]'\"".contains(letter))
}

fn error(
    text: &str,
    range: Range<usize>,
    expected: &str,
    valid: Vec<&'static str>,
) -> TemplateError {
    let found = text.get(range.clone()).unwrap_or_default().to_owned();
    TemplateError {
        path: Vec::new(),
        range,
        found,
        expected: expected.to_owned(),
        valid,
    }
}

impl Context {
    fn name(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Incremental => "incremental",
            Self::Partition => "partition",
            Self::Job => "job",
        }
    }

    fn usage(self) -> &'static str {
        match self {
            Self::Resources => "{resources.<parent>.<path>}",
            Self::Incremental => "{incremental.start_value}",
            Self::Partition => "{partition.<key>}",
            Self::Job => "{job.id}",
        }
    }
}
