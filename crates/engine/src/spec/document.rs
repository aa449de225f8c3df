//! The YAML as a tree in which every node knows its place in the file.

use std::ops::Range;

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
