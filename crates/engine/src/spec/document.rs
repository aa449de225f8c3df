//! The YAML as a tree in which every node knows its place in the file.
//!
//! `serde_yaml` decides what the text means; `saphyr` parses it again with marks, and the two trees are put
//! together node by node.

use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml, YamlData};
use serde_yaml::Value;

use super::diagnostic::Diagnostic;

/// A node of the YAML tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// What stands there.
    pub(crate) kind: Kind,
    /// Where: a scalar's own bytes; for a mapping or sequence the key that leads to it.
    pub(crate) span: Range<usize>,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(serde_yaml::Number),
    Text(Text),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
    /// An item of a sequence that could not be read and is passed over.
    Pruned,
}

/// A string leaf.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    /// The value, variables substituted.
    pub(crate) value: String,
    /// The byte ranges of `value` that came from variables.
    pub(crate) substituted: Vec<Range<usize>>,
}

/// A mapping's key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
}

/// One step from a node to a node below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value of a mapping's key.
    Key(String),
    /// An item of a sequence, from 0.
    Index(usize),
}

/// The way from the root of a spec to one of its nodes.
pub type Path = Vec<Step>;

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

    pub(crate) fn text(value: &str, span: Range<usize>) -> Self {
        let text = Text {
            value: value.to_owned(),
            substituted: Vec::new(),
        };
        Self {
            kind: Kind::Text(text),
            span,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Mapping(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match &mut self.kind {
            Kind::Mapping(entries) => entries
                .iter_mut()
                .find(|(key, _)| key.name == name)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(&text.value),
            _ => None,
        }
    }

    /// What the node is, for messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null | Kind::Pruned => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }

    /// The place of the node at `path`, or of the nearest node above it that exists.
    pub(crate) fn locate(&self, path: &[Step]) -> Range<usize> {
        self.nearest(path).span.clone()
    }

    /// Whether the mapping at `path` has a key at one of these places.
    pub(crate) fn has_key_at(&self, path: &[Step], places: &[Range<usize>]) -> bool {
        match &self.nearest(path).kind {
            Kind::Mapping(entries) => entries.iter().any(|(key, _)| places.contains(&key.span)),
            _ => false,
        }
    }

    /// Moves all places on, behind the files before this one.
    pub(crate) fn shift(&mut self, by: usize) {
        let moved = |span: &Range<usize>| span.start + by..span.end + by;
        self.span = moved(&self.span);
        match &mut self.kind {
            Kind::Sequence(items) => items.iter_mut().for_each(|item| item.shift(by)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    key.span = moved(&key.span);
                    value.shift(by);
                }
            }
            _ => {}
        }
    }

    /// What variables have put in.
    pub(crate) fn collect_substituted(&self, values: &mut Vec<String>) {
        match &self.kind {
            Kind::Text(text) => {
                let put_in = text.substituted.iter();
                values.extend(
                    put_in.filter_map(|range| text.value.get(range.clone()).map(str::to_owned)),
                );
            }
            Kind::Sequence(items) => {
                for item in items {
                    item.collect_substituted(values);
                }
            }
            Kind::Mapping(entries) => {
                for (_, value) in entries {
                    value.collect_substituted(values);
                }
            }
            _ => {}
        }
    }

    fn nearest(&self, path: &[Step]) -> &Self {
        let mut node = self;
        for step in path {
            let next = match (step, &node.kind) {
                (Step::Key(name), Kind::Mapping(_)) => node.get(name),
                (Step::Index(index), Kind::Sequence(items)) => items.get(*index),
                _ => None,
            };
            match next {
                Some(found) => node = found,
                None => break,
            }
        }
        node
    }

    /// Removes the node at `path`; `false` where there is none.
    pub(crate) fn remove(&mut self, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else {
            return false;
        };
        match (step, &mut self.kind) {
            (Step::Key(name), Kind::Mapping(entries)) => {
                let Some(place) = entries.iter().position(|(key, _)| key.name == *name) else {
                    return false;
                };
                if rest.is_empty() {
                    entries.remove(place);
                    return true;
                }
                entries[place].1.remove(rest)
            }
            (Step::Index(index), Kind::Sequence(items)) if *index < items.len() => {
                if rest.is_empty() {
                    // The item stays in its place, so that the paths of those behind it still hold.
                    let was_there = items[*index].kind != Kind::Pruned;
                    items[*index].kind = Kind::Pruned;
                    return was_there;
                }
                items[*index].remove(rest)
            }
            _ => false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'a>(text: &'a str, path: &[Step]) -> &'a str {
        let node = Node::parse(text).unwrap();
        text.get(node.locate(path)).unwrap()
    }

    fn key(name: &str) -> Step {
        Step::Key(name.to_owned())
    }

    #[test]
    fn scalars_lie_at_their_own_bytes_and_mappings_at_their_key() {
        let text = "client:\n  base_url: https://é.example\nlist: [1, two]\n";
        assert_eq!(at(text, &[key("client")]), "client");
        assert_eq!(
            at(text, &[key("client"), key("base_url")]),
            "https://é.example"
        );
        assert_eq!(at(text, &[key("list"), Step::Index(1)]), "two");
        assert_eq!(at(text, &[key("client"), key("absent")]), "client");
    }

    #[test]
    fn mistakes_of_yaml_are_placed_and_explained() {
        let text = "name: é\nclient: 1\nresources: []\nclient: 2\n";
        let again = Node::parse(text).unwrap_err();
        assert_eq!(text.get(again.span.start..), Some("client: 2\n"));
        let unquoted = Node::parse("a: { path: items/{resources.a.id} }").unwrap_err();
        assert!(unquoted.help.unwrap().contains("needs quotes"));
    }

    #[test]
    fn anchors_and_merge_keys_point_at_the_source() {
        let text = "a: &x {limit: 500}\nb: {<<: *x, offset: 1}\n";
        assert_eq!(at(text, &[key("b"), key("limit")]), "500");
        assert_eq!(at(text, &[key("b"), key("offset")]), "1");
    }

    #[test]
    fn broken_yaml_is_placed() {
        let error = Node::parse("a: [1\nb: 2\n").unwrap_err();
        assert_eq!(error.code, "spec::syntax");
        assert!(error.span.start > 0, "{error:?}");
        let error = Node::parse("a: 1\na: 2\n").unwrap_err();
        assert!(error.message.contains("duplicate"), "{error:?}");
    }

    #[test]
    fn aliases_that_multiply_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            let list = vec![alias; 9].join(", ");
            text = format!("{text}a{level}: &a{level} [{list}]\n");
        }
        let error = Node::parse(&text).unwrap_err();
        assert_eq!(error.code, "spec::syntax");
        assert!(error.message.contains("repetition limit"), "{error:?}");
    }
}
