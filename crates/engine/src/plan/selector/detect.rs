//! Where the records of a body of unknown shape may lie.

use super::scan::{DEPTH_LIMIT, malformed, scan};
use super::{BodyError, path_text};
use crate::json::{Peek, Reader};

/// Lists under these keys are taken before others.
const USUAL_NAMES: [&str; 11] = [
    "data", "items", "results", "entries", "records", "rows", "entities", "payload", "content",
    "objects", "values",
];

/// Keys from the root to a list, at most.
const LONGEST_PATH: usize = 3;

/// Candidates shown, at most.
const MOST_CANDIDATES: usize = 10;

/// The keys to the list that holds the records; none where the whole body is meant.
pub(super) fn detect(body: &[u8]) -> Result<Vec<String>, BodyError> {
    scan(body, &[])?;
    let mut lists: Vec<_> = outline(body)?
        .into_iter()
        .filter(|place| place.kind == Kind::List)
        .collect();
    let usual = |place: &Place| place.path.last().is_some_and(|key| is_usual_name(key));
    let chosen = lists.iter().position(usual).unwrap_or(0);
    Ok(if lists.is_empty() {
        Vec::new()
    } else {
        lists.swap_remove(chosen).path
    })
}

/// Whether a list under this key is taken before others.
pub(crate) fn is_usual_name(key: &str) -> bool {
    USUAL_NAMES.contains(&key)
}

/// Paths of lists of objects and of objects of objects.
pub(super) fn candidates(body: &[u8]) -> Vec<String> {
    if scan(body, &[]).is_err() {
        return Vec::new();
    }
    let places = outline(body).unwrap_or_default();
    let maps: Vec<&Vec<String>> = places
        .iter()
        .filter(|place| place.kind == Kind::Map && !place.path.is_empty())
        .map(|place| &place.path)
        .collect();
    let inside_a_map = |path: &[String]| {
        maps.iter()
            .any(|map| map.len() < path.len() && path.starts_with(map))
    };
    let mut chosen: Vec<&Place> = places
        .iter()
        .filter(|place| place.of_objects && !inside_a_map(&place.path))
        .filter(|place| !place.path.is_empty() || place.kind == Kind::List || maps.is_empty())
        .collect();
    chosen.sort_by_key(|place| (place.path.len(), place.kind == Kind::Map));
    chosen.truncate(MOST_CANDIDATES);
    chosen.into_iter().map(Place::text).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    List,
    /// An object of objects.
    Map,
}

/// A container that may hold the records.
struct Place {
    path: Vec<String>,
    kind: Kind,
    /// It holds objects, and nothing else.
    of_objects: bool,
}

impl Place {
    fn text(&self) -> String {
        match (self.path.is_empty(), self.kind) {
            (true, Kind::List) => "$".to_owned(),
            (true, Kind::Map) => "*".to_owned(),
            (false, Kind::List) => path_text(&self.path),
            (false, Kind::Map) => format!("{}.*", path_text(&self.path)),
        }
    }
}

/// The lists and maps of a checked body, in document order, an object behind what it holds.
fn outline(body: &[u8]) -> Result<Vec<Place>, BodyError> {
    let mut walk = Walk {
        json: Reader::of_bytes(body),
        path: Vec::new(),
        places: Vec::new(),
    };
    let peek = walk.json.peek().map_err(malformed)?;
    walk.value(peek)?;
    Ok(walk.places)
}

struct Walk<'body> {
    json: Reader<'body>,
    path: Vec<String>,
    places: Vec<Place>,
}

impl Walk<'_> {
    fn value(&mut self, peek: Peek) -> Result<(), BodyError> {
        match peek {
            Peek::Array => {
                let mut only_objects = true;
                let mut next = self.json.known_array().map_err(malformed)?;
                let mut of_objects = next.is_some();
                while let Some(peek) = next {
                    only_objects &= peek == Peek::Object;
                    self.json.skip(peek, DEPTH_LIMIT).map_err(malformed)?;
                    next = self.json.array_step().map_err(malformed)?;
                }
                of_objects &= only_objects;
                // A list that is the body itself is no list within an object, but it is a candidate.
                self.places.push(Place {
                    path: self.path.clone(),
                    kind: Kind::List,
                    of_objects,
                });
            }
            Peek::Object => {
                let mut only_objects = true;
                let mut key = self
                    .json
                    .known_object()
                    .map_err(malformed)?
                    .map(str::to_owned);
                let filled = key.is_some();
                while let Some(name) = key {
                    let peek = self.json.peek().map_err(malformed)?;
                    only_objects &= peek == Peek::Object;
                    if self.path.len() < LONGEST_PATH {
                        self.path.push(name);
                        self.value(peek)?;
                        self.path.pop();
                    } else {
                        self.json.skip(peek, DEPTH_LIMIT).map_err(malformed)?;
                    }
                    key = self.json.next_key().map_err(malformed)?.map(str::to_owned);
                }
                if filled && only_objects {
                    self.places.push(Place {
                        path: self.path.clone(),
                        kind: Kind::Map,
                        of_objects: true,
                    });
                }
            }
            _ => self.json.skip(peek, DEPTH_LIMIT).map_err(malformed)?,
        }
        Ok(())
    }
}
