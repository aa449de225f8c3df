//! `include`: a spec that is put together from several files.

use std::io;
use std::ops::Range;

use super::diagnostic::Diagnostic;
use super::document::{Key, Kind, Node};
use super::files::Files;
use super::masking::{mask, mask_lines};

/// Reads a file by its path, as it is written in an `include` below the path of the including file.
pub type Load<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// Files that include each other, one below the other, at most.
const DEEPEST: usize = 16;

/// Parses a spec and puts in what it includes; `files` gets every text.
///
/// What a file says itself comes before what it includes, and of what it includes the later comes before the earlier.
/// Mappings are put together key by key; `resources` are put behind each other; all else is taken as a whole.
pub(super) fn parse(
    name: &str,
    text: &str,
    load: Load<'_>,
    files: &mut Files,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let mut including = Including {
        load,
        files,
        found,
        open: Vec::new(),
    };
    including.parse(name, text)
}

struct Including<'a> {
    load: Load<'a>,
    files: &'a mut Files,
    found: &'a mut Vec<Diagnostic>,
    /// The files from the spec down to the one at hand.
    open: Vec<String>,
}

impl Including<'_> {
    fn parse(&mut self, name: &str, text: &str) -> Option<Node> {
        let start = self.files.end();
        let parsed = Node::parse(text);
        let masked = match &parsed {
            Ok(tree) => mask(text, tree),
            Err(_) => mask_lines(text),
        };
        self.files.add(name, masked);
        let mut tree = match parsed {
            Ok(tree) => tree,
            Err(mut error) => {
                error.span = error.span.start + start..error.span.end + start;
                self.found.push(error);
                return None;
            }
        };
        tree.shift(start);
        let Some(list) = take(&mut tree, "include") else {
            return Some(tree);
        };
        self.open.push(name.to_owned());
        let mut included: Option<Node> = None;
        for (path, span) in self.paths(&list) {
            if let Some(more) = self.read(name, &path, &span) {
                included = Some(match included {
                    None => more,
                    Some(earlier) => merge(more, earlier),
                });
            }
        }
        self.open.pop();
        Some(match included {
            None => tree,
            Some(included) => merge(tree, included),
        })
    }

    fn paths(&mut self, list: &Node) -> Vec<(String, Range<usize>)> {
        let items = match &list.kind {
            Kind::Sequence(items) => items.as_slice(),
            Kind::Null => &[],
            _ => std::slice::from_ref(list),
        };
        let mut paths = Vec::with_capacity(items.len());
        for item in items {
            match item.as_text() {
                Some(path) => paths.push((path.to_owned(), item.span.clone())),
                None => self.refuse(
                    format!("expected the path of a file, found {}", item.kind_name()),
                    &item.span,
                    "write `include: [common.yaml]`, with paths from this file on",
                ),
            }
        }
        paths
    }

    fn read(&mut self, from: &str, path: &str, span: &Range<usize>) -> Option<Node> {
        let path = beside(from, path);
        if self.open.contains(&path) || self.open.len() >= DEEPEST {
            let chain = [self.open.as_slice(), std::slice::from_ref(&path)].concat();
            self.refuse(
                format!("`{path}` includes itself: {}", chain.join(" → ")),
                span,
                "a file can't be part of what it includes",
            );
            return None;
        }
        let text = match (self.load)(&path) {
            Ok(text) => text,
            Err(error) => {
                self.refuse(
                    format!("read `{path}`: {error}"),
                    span,
                    "the path starts at the folder of the file that includes it",
                );
                return None;
            }
        };
        let node = self.parse(&path, &text)?;
        if !matches!(node.kind, Kind::Mapping(_)) {
            self.refuse(
                format!("`{path}` holds {} instead of a mapping", node.kind_name()),
                span,
                "an included file has the keys of a spec, as many as it wants",
            );
            return None;
        }
        Some(node)
    }

    fn refuse(&mut self, message: String, span: &Range<usize>, help: &str) {
        self.found.push(Diagnostic {
            code: "spec::include",
            message,
            span: span.clone(),
            label: "included here".to_owned(),
            help: Some(help.to_owned()),
        });
    }
}

/// A path from a file on: below the file's folder, unless it is absolute.
fn beside(file: &str, path: &str) -> String {
    let folder = std::path::Path::new(file)
        .parent()
        .unwrap_or(std::path::Path::new(""));
    folder.join(path).to_string_lossy().into_owned()
}

/// Takes a key out of a mapping.
fn take(node: &mut Node, name: &str) -> Option<Node> {
    let Kind::Mapping(entries) = &mut node.kind else {
        return None;
    };
    let place = entries.iter().position(|(key, _)| key.name == name)?;
    Some(entries.remove(place).1)
}

/// Puts two specs together; the first one's values come before the second one's.
fn merge(first: Node, second: Node) -> Node {
    let (Kind::Mapping(mut entries), Kind::Mapping(others)) = (first.kind, second.kind) else {
        unreachable!("only mappings are put together");
    };
    for (key, other) in others {
        match entries.iter_mut().find(|(known, _)| known.name == key.name) {
            None => entries.push((key, other)),
            Some((known, own)) => merge_values(known, own, other),
        }
    }
    Node {
        kind: Kind::Mapping(entries),
        span: first.span,
    }
}

fn merge_values(key: &Key, own: &mut Node, other: Node) {
    match (&mut own.kind, other.kind) {
        (Kind::Sequence(items), Kind::Sequence(others)) if key.name == "resources" => {
            items.splice(0..0, others);
        }
        (Kind::Mapping(_), kind @ Kind::Mapping(_)) => {
            let taken = Node {
                kind: std::mem::replace(&mut own.kind, Kind::Null),
                span: own.span.clone(),
            };
            let other = Node {
                kind,
                span: other.span,
            };
            *own = merge(taken, other);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::{Source, Variables};

    const SPEC: &str = "\
include: [common/client.yaml]
name: shop
client: { headers: { X-Own: a } }
resources: [orders]
";

    fn read(files: &[(&str, &str)]) -> Vec<String> {
        let load = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found
                .map(|(_, text)| (*text).to_owned())
                .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
        };
        let read =
            Source::read_with_includes("p/spec.yaml", files[0].1, &Variables::default(), &load);
        match read {
            Err(diagnostics) => diagnostics.summary(),
            Ok((source, pipeline)) => {
                if let Err(diagnostics) = source.finish(Ok(())) {
                    return diagnostics.summary();
                }
                let names: Vec<&str> = pipeline
                    .resources
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect();
                let headers: Vec<_> = pipeline.client.headers.keys().cloned().collect();
                vec![format!(
                    "{} {} {} {}",
                    pipeline.name,
                    pipeline.client.base_url,
                    names.join("+"),
                    headers.join("+")
                )]
            }
        }
    }

    #[test]
    fn files_are_put_together() {
        let client = "include: more.yaml\nname: other\nclient: { base_url: 'https://a.example', headers: { X-Own: b, X: c } }\n";
        let found = read(&[
            ("spec", SPEC),
            ("p/common/client.yaml", client),
            ("p/common/more.yaml", "resources: [people]\n"),
        ]);
        assert_eq!(found, ["shop https://a.example people+orders X-Own+X"]);
    }

    #[test]
    fn mistakes_are_placed_in_their_own_file() {
        let client = "client:\n  base_url: https://a.example\n  bas_url: x\n";
        assert_eq!(
            read(&[("spec", SPEC), ("p/common/client.yaml", client)]),
            ["p/common/client.yaml:3:3 spec::unknown_key unknown key `bas_url`"]
        );
        assert_eq!(
            read(&[("spec", SPEC), ("p/common/client.yaml", "client: [\n")]),
            ["p/common/client.yaml:2:1 spec::syntax read YAML: did not find expected node content"]
        );
    }

    #[test]
    fn a_file_that_is_missing_or_includes_itself_is_refused() {
        assert_eq!(
            read(&[("spec", SPEC)])[0],
            "1:11 spec::include read `p/common/client.yaml`: entity not found"
        );
        let found = read(&[
            ("spec", SPEC),
            (
                "p/common/client.yaml",
                "include: client.yaml\nclient: { base_url: 'https://a.example' }\n",
            ),
        ]);
        assert_eq!(
            found,
            [
                "p/common/client.yaml:1:10 spec::include `p/common/client.yaml` includes itself: p/spec.yaml → \
              p/common/client.yaml → p/common/client.yaml"
            ]
        );
    }
}
