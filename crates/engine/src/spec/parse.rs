//! From YAML text to the tree.
//!
//! `serde_yaml` decides what the text means; `saphyr` parses it again with marks, and the two trees are put
//! together node by node.

use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml, YamlData};
use serde_yaml::Value;

use super::diagnostic::Diagnostic;
use super::document::{Key, Kind, Node, Text};

impl Node {
    /// Parses one YAML document; anchors and `<<` merge keys are resolved.
    pub(crate) fn parse(text: &str) -> Result<Self, Diagnostic> {
        let mut value: Value =
            serde_yaml::from_str(text).map_err(|error| syntax_error(text, &error))?;
        value
            .apply_merge()
            .map_err(|error| syntax_error(text, &error))?;
        let marked = MarkedYaml::load_from_str(text)
            .ok()
            .and_then(|documents| documents.into_iter().next());
        let offsets = Offsets::new(text);
        build(&value, marked.as_ref(), 0..0, &offsets)
    }
}

fn syntax_error(text: &str, error: &serde_yaml::Error) -> Diagnostic {
    let full = error.to_string();
    let message = full.split(" at line ").next().unwrap_or(&full);
    let location = || Some(error.location()?.index().min(text.len()));
    let start = second_entry(text, message).or_else(location).unwrap_or(0);
    let needs_quotes = message.contains("expected ',' or");
    Diagnostic {
        code: "spec::syntax",
        message: format!("read YAML: {message}"),
        span: start..start,
        label: "here".to_owned(),
        help: needs_quotes.then(|| {
            "a brace or bracket is still open, or a text within them holds `{`, `}`, `[`, `]` or `,` and needs quotes: \
             `path: \"items/{resources.parent.id}\"`"
                .to_owned()
        }),
    }
}

/// Where a key of the outermost mapping comes again: the error points at the mapping.
fn second_entry(text: &str, message: &str) -> Option<usize> {
    let rest = message.strip_prefix("duplicate entry with key \"")?;
    let key = rest.strip_suffix('"')?;
    let mut start = 0;
    let mut places = text.split_inclusive('\n').filter_map(|line| {
        let place = start;
        start += line.len();
        let behind = line.strip_prefix(key)?;
        behind.starts_with(':').then_some(place)
    });
    places.nth(1)
}

/// Byte offsets of a text's characters, since `saphyr` counts characters.
struct Offsets<'text> {
    text: &'text str,
    /// `None` where each character is one byte.
    offsets: Option<Vec<usize>>,
}

impl<'text> Offsets<'text> {
    fn new(text: &'text str) -> Self {
        let ends = std::iter::once(text.len());
        let offsets = || text.char_indices().map(|(at, _)| at).chain(ends).collect();
        Self {
            text,
            offsets: (!text.is_ascii()).then(offsets),
        }
    }

    fn bytes(&self, node: &MarkedYaml<'_>) -> Range<usize> {
        let at = |character: usize| match &self.offsets {
            None => character,
            Some(offsets) => offsets
                .get(character)
                .or(offsets.last())
                .copied()
                .unwrap_or_default(),
        };
        let span = at(node.span.start.index())..at(node.span.end.index());
        // The span of a quoted scalar reaches up to the next token.
        let text = self.text.get(span.clone()).unwrap_or_default();
        span.start..span.start + text.trim_end().len()
    }
}

fn build(
    value: &Value,
    marked: Option<&MarkedYaml<'_>>,
    leading_key: Range<usize>,
    offsets: &Offsets<'_>,
) -> Result<Node, Diagnostic> {
    let own = marked.map_or(leading_key.clone(), |node| offsets.bytes(node));
    let (kind, span) = match value {
        Value::Null => (Kind::Null, own),
        Value::Bool(value) => (Kind::Bool(*value), own),
        Value::Number(value) => (Kind::Number(value.clone()), own),
        Value::String(value) => (
            Kind::Text(Text {
                value: value.clone(),
                substituted: Vec::new(),
            }),
            own,
        ),
        Value::Sequence(values) => {
            let items = match marked.map(|node| &node.data) {
                Some(YamlData::Sequence(items)) => items.as_slice(),
                _ => &[],
            };
            let mut nodes = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                nodes.push(build(value, items.get(index), 0..0, offsets)?);
            }
            (Kind::Sequence(nodes), first_of(leading_key, own))
        }
        Value::Mapping(mapping) => {
            let mut entries = Vec::with_capacity(mapping.len());
            for (key, value) in mapping {
                let name = key_name(key).ok_or_else(|| Diagnostic {
                    code: "spec::syntax",
                    message: "read YAML: a key is neither text nor a number".to_owned(),
                    span: own.clone(),
                    label: "in this mapping".to_owned(),
                    help: None,
                })?;
                let (key_span, child) = marked
                    .and_then(|node| find_entry(node, &name))
                    .map_or((own.clone(), None), |(key, child)| {
                        (offsets.bytes(key), Some(child))
                    });
                let node = build(value, child, key_span.clone(), offsets)?;
                entries.push((
                    Key {
                        name,
                        span: key_span,
                    },
                    node,
                ));
            }
            let first_key = entries.first().map_or(own, |(key, _)| key.span.clone());
            (Kind::Mapping(entries), first_of(leading_key, first_key))
        }
        Value::Tagged(tagged) => {
            return Err(Diagnostic {
                code: "spec::syntax",
                message: format!("read YAML: the tag `{}` has no meaning here", tagged.tag),
                span: own,
                label: "remove the tag".to_owned(),
                help: None,
            });
        }
    };
    Ok(Node { kind, span })
}

/// The key that leads to a node says more than the node's own first byte; the root and list items have none.
fn first_of(leading_key: Range<usize>, own: Range<usize>) -> Range<usize> {
    if leading_key.is_empty() {
        own
    } else {
        leading_key
    }
}

fn key_name(key: &Value) -> Option<String> {
    match key {
        Value::String(name) => Some(name.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn find_entry<'a, 'input>(
    node: &'a MarkedYaml<'input>,
    name: &str,
) -> Option<(&'a MarkedYaml<'input>, &'a MarkedYaml<'input>)> {
    let YamlData::Mapping(mapping) = &node.data else {
        return None;
    };
    let direct = mapping.iter().find(|(key, _)| match &key.data {
        YamlData::Value(saphyr::Scalar::String(text)) => text == name,
        YamlData::Value(saphyr::Scalar::Integer(number)) => number.to_string() == name,
        YamlData::Value(saphyr::Scalar::Boolean(value)) => value.to_string() == name,
        _ => false,
    });
    direct.or_else(|| {
        let merged = mapping.iter().find(|(key, _)| {
            matches!(&key.data, YamlData::Value(saphyr::Scalar::String(text)) if text == "<<")
        })?;
        match &merged.1.data {
            YamlData::Sequence(items) => items.iter().find_map(|item| find_entry(item, name)),
            _ => find_entry(merged.1, name),
        }
    })
}
