//! One validating pass over a body that finds the matches of any number of chains.

use std::ops::Range;

use super::{BodyError, Step};
use crate::flow::RecordReader;
use crate::json::{JsonError, Peek, Problem, Reader};

/// Lists and objects nested this deep are refused.
pub const DEPTH_LIMIT: usize = 128;

/// A chain to look for.
pub(super) struct Target<'a> {
    /// The steps from the root.
    pub(super) steps: &'a [Step],
    /// Also find the elements of the match, where there can be only one and it is a list.
    pub(super) elements: bool,
}

/// What was found of a chain.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    /// The byte ranges of the matches, in document order.
    pub(super) matches: Vec<Range<usize>>,
    /// The elements of the match, where they were asked for.
    pub(super) elements: Option<Vec<Range<usize>>>,
    /// There is no match, and the last step that was reached takes any number of values and met null or an empty
    /// container.
    pub(super) reached_empty: bool,
}

/// Reads what may be the records of the first target.
pub(super) struct Records<'r> {
    reader: &'r mut dyn RecordReader,
    /// The byte ranges of those that were read.
    pub(super) read: Vec<Range<usize>>,
    /// One of them could not be read.
    failed: bool,
}

impl<'r> Records<'r> {
    pub(super) fn new(reader: &'r mut dyn RecordReader) -> Self {
        Self {
            reader,
            read: Vec::new(),
            failed: false,
        }
    }

    /// Reads the value that the parser stands at; `false` where the parser is still there.
    fn read(&mut self, json: &mut Reader<'_>) -> bool {
        let start = json.current_index();
        let end = if self.failed {
            None
        } else {
            self.reader.read(json)
        };
        match end {
            Some(end) => {
                json.go_on_at(end);
                self.read.push(start..end);
            }
            None => self.give_up(),
        }
        end.is_some()
    }

    fn give_up(&mut self) {
        self.failed = true;
        self.read.clear();
    }
}

/// Checks that the body is one whole JSON document and finds each target in it.
pub(super) fn scan(body: &[u8], targets: &[Target<'_>]) -> Result<Vec<Found>, BodyError> {
    scan_and_read(body, targets, None)
}

/// The same; `records` reads what may be the records of the first target on the way.
pub(super) fn scan_and_read(
    body: &[u8],
    targets: &[Target<'_>],
    records: Option<&mut Records<'_>>,
) -> Result<Vec<Found>, BodyError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BodyError::Empty);
    }
    let text = simdutf8::compat::from_utf8(body).map_err(|error| BodyError::NotUtf8 {
        offset: error.valid_up_to(),
    })?;
    let mut scanner = Scanner {
        json: Reader::new(text),
        targets,
        records,
        found: vec![Found::default(); targets.len()],
        reached: vec![Reached::default(); targets.len()],
        depth: 0,
    };
    let active: Vec<Place> = (0..targets.len())
        .map(|target| Place { target, step: 0 })
        .collect();
    let peek = scanner.json.peek().map_err(malformed)?;
    scanner.value(peek, &active)?;
    scanner.json.finish().map_err(malformed)?;
    let Scanner {
        mut found, reached, ..
    } = scanner;
    for (found, reached) in found.iter_mut().zip(reached) {
        found.reached_empty = found.matches.is_empty() && reached.empty_at == Some(reached.step);
    }
    Ok(found)
}

/// Puts a parser's error into our words.
pub(super) fn malformed(error: JsonError) -> BodyError {
    let offset = error.index;
    match error.problem {
        Problem::TooDeep => BodyError::TooDeep { offset },
        Problem::Malformed(reason) => BodyError::Malformed {
            offset,
            reason: reason.to_owned(),
        },
    }
}

/// How far the pass has come within a target.
#[derive(Clone, Copy)]
struct Place {
    target: usize,
    step: usize,
}

/// How far into a target any value led.
#[derive(Clone, Copy, Default)]
struct Reached {
    /// The furthest step to be taken.
    step: usize,
    /// The furthest step that met null or an empty container where it takes any number of values.
    empty_at: Option<usize>,
}

struct Scanner<'body, 'target, 'records, 'reader> {
    json: Reader<'body>,
    targets: &'target [Target<'target>],
    records: Option<&'records mut Records<'reader>>,
    found: Vec<Found>,
    reached: Vec<Reached>,
    depth: usize,
}

impl Scanner<'_, '_, '_, '_> {
    fn value(&mut self, peek: Peek, active: &[Place]) -> Result<(), BodyError> {
        let start = self.json.current_index();
        let (arrived, deeper): (Vec<Place>, Vec<Place>) = active
            .iter()
            .partition(|place| place.step == self.targets[place.target].steps.len());
        for place in &deeper {
            let reached = &mut self.reached[place.target];
            reached.step = reached.step.max(place.step);
        }
        let list_wanted = arrived.iter().any(|place| self.wants_elements(*place));
        let mut elements = None;
        match peek {
            Peek::Array if list_wanted || !deeper.is_empty() => {
                elements = Some(self.list(&deeper, list_wanted)?);
            }
            Peek::Object if !deeper.is_empty() => self.object(&deeper)?,
            Peek::Null => {
                self.note_empty(&deeper);
                self.skip(peek)?;
            }
            _ if arrived.iter().any(|place| self.is_record(*place, peek)) => self.record(peek)?,
            _ => self.skip(peek)?,
        }
        let end = self.json.current_index();
        for place in arrived {
            let wanted = self.wants_elements(place);
            let found = &mut self.found[place.target];
            found.matches.push(start..end);
            if wanted {
                found.elements.clone_from(&elements);
            }
        }
        Ok(())
    }

    /// Whether the elements of the match are wanted, and no other match can follow.
    fn wants_elements(&self, place: Place) -> bool {
        let target = &self.targets[place.target];
        target.elements && !target.steps.contains(&Step::Any)
    }

    fn list(
        &mut self,
        deeper: &[Place],
        list_wanted: bool,
    ) -> Result<Vec<Range<usize>>, BodyError> {
        self.enter()?;
        let mut elements = Vec::new();
        let mut inside = Vec::with_capacity(deeper.len());
        let mut next = self.json.known_array().map_err(malformed)?;
        if next.is_none() {
            self.note_empty(deeper);
        }
        let mut index = 0;
        while let Some(peek) = next {
            inside.clear();
            for place in deeper {
                match &self.targets[place.target].steps[place.step] {
                    Step::Any => inside.push(place.next()),
                    Step::Index(wanted) if *wanted == index => inside.push(place.next()),
                    _ => {}
                }
            }
            let start = self.json.current_index();
            if !inside.is_empty() {
                if list_wanted {
                    self.give_up_records();
                }
                self.value(peek, &inside)?;
            } else if list_wanted {
                self.record(peek)?;
            } else {
                self.skip(peek)?;
            }
            if list_wanted {
                elements.push(start..self.json.current_index());
            }
            index += 1;
            next = self.json.array_step().map_err(malformed)?;
        }
        self.depth -= 1;
        Ok(elements)
    }

    fn object(&mut self, deeper: &[Place]) -> Result<(), BodyError> {
        self.enter()?;
        let found_before: Vec<usize> = deeper
            .iter()
            .map(|place| self.found[place.target].matches.len())
            .collect();
        let mut inside = Vec::with_capacity(deeper.len());
        let mut repeated = Vec::new();
        let mut members = 0;
        let mut next = self.json.known_object().map_err(malformed)?;
        while let Some(key) = next {
            members += 1;
            inside.clear();
            repeated.clear();
            for (position, place) in deeper.iter().enumerate() {
                match &self.targets[place.target].steps[place.step] {
                    Step::Any => inside.push(place.next()),
                    Step::Key(wanted) if wanted == key => {
                        inside.push(place.next());
                        repeated.push(position);
                    }
                    _ => {}
                }
            }
            for position in repeated.drain(..) {
                let found = &mut self.found[deeper[position].target];
                found.matches.truncate(found_before[position]);
            }
            let peek = self.json.peek().map_err(malformed)?;
            if inside.is_empty() {
                self.skip(peek)?;
            } else {
                self.value(peek, &inside)?;
            }
            next = self.json.next_key().map_err(malformed)?;
        }
        if members == 0 {
            self.note_empty(deeper);
        }
        self.depth -= 1;
        Ok(())
    }

    /// Whether a match may be a record by itself.
    fn is_record(&self, place: Place, peek: Peek) -> bool {
        place.target == 0 && (peek == Peek::Object || !self.wants_elements(place))
    }

    /// Passes over what may be a record.
    fn record(&mut self, peek: Peek) -> Result<(), BodyError> {
        let records = self.records.as_deref_mut();
        if records.is_some_and(|records| records.read(&mut self.json)) {
            return Ok(());
        }
        self.skip(peek)
    }

    fn give_up_records(&mut self) {
        if let Some(records) = &mut self.records {
            records.give_up();
        }
    }

    fn skip(&mut self, peek: Peek) -> Result<(), BodyError> {
        // The limit is the first depth that is too much.
        let levels = (DEPTH_LIMIT - 1).saturating_sub(self.depth);
        self.json.skip(peek, levels).map_err(malformed)
    }

    fn enter(&mut self) -> Result<(), BodyError> {
        self.depth += 1;
        if self.depth >= DEPTH_LIMIT {
            return Err(BodyError::TooDeep {
                offset: self.json.current_index(),
            });
        }
        Ok(())
    }

    fn note_empty(&mut self, deeper: &[Place]) {
        for place in deeper {
            if self.targets[place.target].steps[place.step] == Step::Any {
                let reached = &mut self.reached[place.target];
                reached.empty_at = reached.empty_at.max(Some(place.step));
            }
        }
    }
}

impl Place {
    fn next(self) -> Self {
        Self {
            target: self.target,
            step: self.step + 1,
        }
    }
}
