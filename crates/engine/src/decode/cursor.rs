//! Which records belong to a slice, by their cursor, and how far they lead.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::Error;
use super::canonical::canonical_json;
use super::memory::{Reached, SliceMemory, hash};
use super::reading::VALUE_KEY;
use super::walk::{Read, Walk, excerpt};
use crate::cursor::{CursorKey, CursorValue};
use crate::flow::Slice;
use crate::json::Peek;
use crate::plan::{
    BoundaryKey, CursorColumn, CursorFormat, CursorPath, Direction, MissingCursor, RangeEdge,
    TimeFormat,
};

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    /// Its cursor lies outside the slice.
    Outside,
    /// It lies at the slice's start, and an earlier run has loaded it.
    Loaded,
    /// It has no cursor.
    WithoutCursor,
    /// A record with the same key came before.
    Duplicate,
}

/// Judges the records of one page.
pub(super) struct Judge<'p> {
    column: &'p CursorColumn,
    slice: &'p Slice,
    direction: Direction,
    start: Option<Edge>,
    end: Option<Edge>,
    loaded: HashSet<u128>,
    /// Records of this page that have the value which was followed furthest.
    furthest: Vec<usize>,
}

/// An edge of a slice. Positions are compared on the way of the cursor, whichever way that is.
struct Edge {
    value: CursorValue,
    key: CursorKey,
    included: bool,
}

impl<'p> Judge<'p> {
    pub(super) fn new(column: &'p CursorColumn, slice: &'p Slice) -> Self {
        let edge = |value: Option<CursorValue>, edge: RangeEdge| {
            let value = value?;
            Some(Edge {
                key: value.key()?,
                value,
                included: edge == RangeEdge::Closed,
            })
        };
        let (window, range) = (slice.window, slice.range.as_ref());
        let (start, end) = match &column.follow {
            None => (
                edge(
                    window.map(|window| CursorValue::Time(window.start)),
                    RangeEdge::Closed,
                ),
                edge(
                    window.map(|window| CursorValue::Time(window.end)),
                    RangeEdge::Open,
                ),
            ),
            Some(rules) => (
                edge(range.and_then(|range| range.start.clone()), rules.start),
                edge(range.and_then(|range| range.end.clone()), rules.end),
            ),
        };
        let hashes = range.into_iter().flat_map(|range| &range.loaded);
        Self {
            column,
            slice,
            direction: column
                .follow
                .as_ref()
                .map_or(Direction::Up, |rules| rules.direction),
            start,
            end,
            loaded: hashes
                .filter_map(|hash| u128::from_str_radix(hash, 16).ok())
                .collect(),
            furthest: Vec::new(),
        }
    }

    /// Judges a record; `cursor` is where the walk found the cursor's value.
    pub(super) fn judge(
        &mut self,
        data: &[u8],
        cursor: Option<Range<usize>>,
        record: usize,
        memory: &mut SliceMemory,
    ) -> Result<Verdict, Error> {
        let Some((value, key)) = self.value(data, cursor, record)? else {
            return match self.column.missing {
                MissingCursor::Raise => Err(Error::MissingCursor {
                    record,
                    path: self.path(),
                    excerpt: excerpt(data),
                }),
                MissingCursor::Include => Ok(Verdict::Kept),
                MissingCursor::Exclude => Ok(Verdict::WithoutCursor),
            };
        };
        self.watch_order(&value, &key, record, memory)?;
        if let Some(end) = &self.end {
            let order = self.order(&key, &value, &end.key, &end.value, record)?;
            if order == Ordering::Greater || order == Ordering::Equal && !end.included {
                return Ok(Verdict::Outside);
            }
        }
        if let Some(start) = &self.start {
            match self.order(&key, &value, &start.key, &start.value, record)? {
                Ordering::Less => return Ok(Verdict::Outside),
                Ordering::Equal if !start.included => return Ok(Verdict::Outside),
                Ordering::Equal if !self.loaded.is_empty() => {
                    if let Some(hash) = self.boundary_hash(data, record)?
                        && self.loaded.contains(&hash)
                    {
                        return Ok(Verdict::Loaded);
                    }
                }
                _ => {}
            }
        }
        self.reach(value, key, record, memory)?;
        Ok(Verdict::Kept)
    }

    /// Adds the hashes of the records that lead furthest, once all of the page were judged.
    pub(super) fn finish(
        self,
        data: impl Fn(usize) -> Option<&'p [u8]>,
        memory: &mut SliceMemory,
    ) -> Result<(), Error> {
        let mut hashes = BTreeSet::new();
        for record in &self.furthest {
            if let Some(data) = data(*record)
                && let Some(hash) = self.boundary_hash(data, *record)?
            {
                hashes.insert(format!("{hash:032x}"));
            }
        }
        if let Some(reached) = &mut memory.reached {
            reached.records.append(&mut hashes);
        }
        Ok(())
    }

    /// Remembers the value that was followed furthest.
    fn reach(
        &mut self,
        value: CursorValue,
        key: CursorKey,
        record: usize,
        memory: &mut SliceMemory,
    ) -> Result<(), Error> {
        let order = match &memory.reached {
            None => Ordering::Greater,
            Some(reached) => self.order(&key, &value, &reached.key, &reached.value, record)?,
        };
        if order == Ordering::Greater {
            self.furthest.clear();
            memory.reached = Some(Reached {
                value,
                key,
                records: BTreeSet::new(),
            });
        }
        if order != Ordering::Less {
            self.furthest.push(record);
        }
        Ok(())
    }

    /// Notes where reading may stop, and whether the records come in the declared order.
    fn watch_order(
        &self,
        value: &CursorValue,
        key: &CursorKey,
        record: usize,
        memory: &mut SliceMemory,
    ) -> Result<(), Error> {
        let rules = self.column.follow.as_ref();
        let Some(rules) = rules.filter(|rules| rules.row_order.is_some()) else {
            return Ok(());
        };
        let forward = rules.comes_forward();
        if let Some((before, before_key)) = &memory.previous {
            let order = self.order(key, value, before_key, before, record)?;
            let wrong = if forward {
                Ordering::Less
            } else {
                Ordering::Greater
            };
            if order == wrong && memory.disorder.is_none() {
                memory.disorder = Some((before.clone(), value.clone()));
            }
        }
        let (edge, behind) = if forward {
            (&self.end, Ordering::Greater)
        } else {
            (&self.start, Ordering::Less)
        };
        if let Some(edge) = edge {
            let order = self.order(key, value, &edge.key, &edge.value, record)?;
            memory.passed |= order == behind || order == Ordering::Equal && !edge.included;
        }
        memory.previous = Some((value.clone(), key.clone()));
        Ok(())
    }

    /// How two values follow each other on the way of the cursor.
    fn order(
        &self,
        key: &CursorKey,
        value: &CursorValue,
        other_key: &CursorKey,
        other: &CursorValue,
        record: usize,
    ) -> Result<Ordering, Error> {
        let order = key.compare(other_key).ok_or_else(|| Error::MixedCursor {
            record,
            path: self.path(),
            value: value.to_string(),
            other: other.to_string(),
        })?;
        Ok(match self.direction {
            Direction::Up => order,
            Direction::Down => order.reverse(),
        })
    }

    /// The cursor of a record; `None` where it is missing or null.
    fn value(
        &self,
        data: &[u8],
        cursor: Option<Range<usize>>,
        record: usize,
    ) -> Result<Option<(CursorValue, CursorKey)>, Error> {
        let ranges = match &self.column.path {
            CursorPath::Keys(_) => cursor.into_iter().collect(),
            CursorPath::Selector(selector) => match selector.records(data) {
                Ok(selection) => selection.records,
                Err(_) => Vec::new(),
            },
        };
        let mut furthest: Option<(CursorValue, CursorKey)> = None;
        for range in ranges {
            let json = data.get(range).unwrap_or_default();
            if json == b"null" {
                continue;
            }
            let (value, key) = self.read(json, record)?;
            if let Some((best, best_key)) = &furthest
                && self.order(&key, &value, best_key, best, record)? != Ordering::Greater
            {
                continue;
            }
            furthest = Some((value, key));
        }
        Ok(furthest)
    }

    fn read(&self, json: &[u8], record: usize) -> Result<(CursorValue, CursorKey), Error> {
        let formats = &self.column.formats;
        let value = if formats.is_empty() {
            CursorValue::from_json(json)
        } else {
            let instant = formats.iter().find_map(|format| format.read(json));
            instant.map(CursorValue::Time)
        };
        let read = value.and_then(|value| Some((value.clone(), value.key()?)));
        read.ok_or_else(|| {
            let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
            Error::UnreadableCursor {
                record,
                path: self.path(),
                format: if formats.is_empty() {
                    "a number or a text".to_owned()
                } else {
                    formats.join("` or `")
                },
                written: [(TimeFormat::Rfc3339, "rfc3339"), (TimeFormat::Date, "date")]
                    .into_iter()
                    .find(|(format, _)| CursorFormat::Named(*format).read(json).is_some())
                    .map(|(_, name)| name),
                excerpt: excerpt(json),
            }
        })
    }

    /// The hash by which a record at the start is known; `None` where none is kept.
    fn boundary_hash(&self, data: &[u8], record: usize) -> Result<Option<u128>, Error> {
        let rules = self.column.follow.as_ref();
        let content = match rules.map(|rules| &rules.boundary) {
            None | Some(BoundaryKey::None) => return Ok(None),
            Some(BoundaryKey::WholeRecord) => {
                canonical_json(std::str::from_utf8(data).unwrap_or_default())
            }
            Some(BoundaryKey::Fields(fields)) => {
                key_content(data, fields).map(|content| content.join("\n"))
            }
        };
        let content = content.map_err(|fault| fault.into_error(record, data))?;
        Ok(Some(hash(self.slice, &content)))
    }

    fn path(&self) -> String {
        match &self.column.path {
            CursorPath::Keys(keys) => keys.join("."),
            CursorPath::Selector(selector) => selector.as_str().to_owned(),
        }
    }
}

/// The canonical JSON of top-level fields of a record; a missing one is `null`. A record that is no object is its own
/// field `value`.
pub(super) fn key_content(data: &[u8], fields: &[String]) -> Read<Vec<String>> {
    let mut content = vec!["null".to_owned(); fields.len()];
    let mut walk = Walk::new(data, &[]);
    if walk.json.peek()? != Peek::Object {
        if let Some(place) = fields.iter().position(|field| field == VALUE_KEY) {
            let text = std::str::from_utf8(data).unwrap_or_default();
            content[place] = canonical_json(text)?;
        }
        return Ok(content);
    }
    let mut key = walk.json.known_object()?;
    while let Some(name) = key {
        let place = fields.iter().position(|field| field == name);
        let peek = walk.json.peek()?;
        let text = walk.skip(peek, 1)?;
        if let Some(place) = place {
            content[place] = canonical_json(text)?;
        }
        key = walk.json.next_key()?;
    }
    Ok(content)
}
