//! Reading placeholders out of a text.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use super::placeholder::Placeholder;
use super::{Context, IncrementalReference, Part, Reference, Template, TemplateError};
use crate::plan::ExpressionError;

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
                let Some(end) = closing_brace(&mut letters) else {
                    let expected = "a closing brace, or `{{` for a literal brace";
                    return Err(error(text, start..text.len(), expected, Vec::new()));
                };
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Placeholder(placeholder(
                    text,
                    start + 1..end,
                    allowed,
                )?));
            }
            _ => literal.push(letter),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(Template { parts })
}

/// Where the placeholder ends; a brace between the quotes of a filter's argument doesn't end it.
fn closing_brace(letters: &mut Peekable<CharIndices<'_>>) -> Option<usize> {
    let mut behind_bar = false;
    let mut quote = None;
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => {
                letters.next();
            }
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') if behind_bar => quote = Some(letter),
            (None, '|') => behind_bar = true,
            (None, '}') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Reads the inside of a pair of braces.
fn placeholder(
    text: &str,
    range: Range<usize>,
    allowed: &[Context],
) -> Result<Placeholder, TemplateError> {
    let inside = text.get(range.clone()).unwrap_or_default();
    let Some((written, filters)) = inside.split_once('|') else {
        let reference = reference(text, range, allowed)?;
        return Ok(Placeholder::new(reference, None).expect("without filters nothing can be wrong"));
    };
    let start = range.start;
    let reference = reference(text, start..start + written.len(), allowed)?;
    Placeholder::new(reference, Some(filters)).map_err(|problem| {
        let behind_bar = range.end - filters.len()..range.end;
        let expected = match problem {
            ExpressionError::UnknownFilter {
                near: Some(near), ..
            } => format!("a filter that exists, such as `{near}`"),
            ExpressionError::UnknownFilter { name, .. } => {
                format!("a filter that exists; there is no `{name}`")
            }
            ExpressionError::UnknownName { name, .. } => {
                format!(
                    "a filter's arguments between quotes or as numbers; `{name}` isn't known here"
                )
            }
            ExpressionError::Syntax { reason, .. } | ExpressionError::Evaluation { reason, .. } => {
                format!("filters such as `lower` or `strftime('%Y-%m')` ({reason})")
            }
        };
        error(text, behind_bar, &expected, Vec::new())
    })
}

/// Reads what stands before the first bar.
fn reference(
    text: &str,
    range: Range<usize>,
    allowed: &[Context],
) -> Result<Reference, TemplateError> {
    let inside = &text.get(range.clone()).unwrap_or_default();
    let written = inside.trim();
    let start = range.start + (inside.len() - inside.trim_start().len());
    let range = start..start + written.len();
    if let Some((name, _)) = written.split_once([':', '!'])
        && allowed
            .iter()
            .any(|context| name.starts_with(context.name()))
    {
        let expected = format!(
            "filters behind a bar, such as `{{{name} | string}}`, where Python has `:` and `!`"
        );
        return Err(error(text, range, &expected, Vec::new()));
    }
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
            let expected = "`start_value`, `last_value`, `end_value`, `initial_value` or `lag` behind `incremental.`";
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
