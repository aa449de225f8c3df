//! The way through one record: the parser, how deep it is, and what went wrong where.

use std::fmt::Write as _;
use std::ops::Range;

use super::Error;
use super::reading::VALUE_KEY;
use crate::json::{self, JsonError, Peek, Reader};
use crate::schema::MAXIMUM_COLUMNS;

/// Levels of nesting that are read; the record itself is the first.
pub(super) const MAXIMUM_DEPTH: usize = 128;

/// Objects below this depth are kept as JSON text, so that a schema stays small enough to be stored and read.
pub(super) const MAXIMUM_STRUCT_DEPTH: usize = 16;

/// Lists below this depth are refused; no reader would find its way through such columns.
pub(crate) const MAXIMUM_LIST_DEPTH: usize = 20;

/// Characters of JSON that an error shows.
const EXCERPT_CHARACTERS: usize = 80;

/// Characters of a path that an error shows.
const PATH_CHARACTERS: usize = 160;

/// The parser over one record, and what was met on the way.
pub(super) struct Walk<'j> {
    pub(super) json: Reader<'j>,
    pub(super) data: &'j [u8],
    /// Keys from the record to the cursor; empty where there is none.
    pub(super) cursor_path: &'j [String],
    /// Where the value of the cursor lies in `data`.
    pub(super) cursor: Option<Range<usize>>,
}

impl<'j> Walk<'j> {
    pub(super) fn new(data: &'j [u8], cursor_path: &'j [String]) -> Self {
        Self {
            json: Reader::of_bytes(data),
            data,
            cursor_path,
            cursor: None,
        }
    }

    /// Puts strings with escapes into `buffer`, which the parser gives back afterwards.
    pub(super) fn with_buffer(text: &'j str, cursor_path: &'j [String], buffer: String) -> Self {
        Self {
            json: Reader::with_buffer(text, buffer),
            data: text.as_bytes(),
            cursor_path,
            cursor: None,
        }
    }

    /// Goes on where a reader of a longer text stands, in that text.
    pub(super) fn within(json: Reader<'j>, cursor_path: &'j [String]) -> Self {
        Self {
            data: json.text().as_bytes(),
            json,
            cursor_path,
            cursor: None,
        }
    }

    /// Passes over a value and gives its text.
    pub(super) fn skip(&mut self, peek: Peek, depth: usize) -> Read<&'j str> {
        let start = self.json.current_index();
        skip(&mut self.json, peek, depth)?;
        self.text(start, self.json.current_index())
    }

    /// Passes over the value of the key just read and all behind it in its object.
    pub(super) fn skip_rest_of_object(&mut self, depth: usize) -> Read {
        let mut more = true;
        while more {
            let peek = self.json.peek()?;
            skip(&mut self.json, peek, depth + 1)?;
            more = self.json.next_key()?.is_some();
        }
        Ok(())
    }

    /// The JSON text of a range that was parsed.
    pub(super) fn text(&self, start: usize, end: usize) -> Read<&'j str> {
        let text = self.data.get(start..end).unwrap_or_default();
        std::str::from_utf8(text).map_err(|error| {
            let reason = "invalid unicode code point".to_owned();
            Fault::new(Problem::Malformed(reason), start + error.valid_up_to())
        })
    }

    /// Passes over the value of a key that its object had before: that is fine as long as the value is the same.
    ///
    /// `first` is where the value lies that was read.
    #[cold]
    pub(super) fn skip_repeated(&mut self, peek: Peek, first: usize, depth: usize) -> Read {
        let index = self.json.current_index();
        let value = self.skip(peek, depth)?;
        let rest = self.data.get(first..).unwrap_or_default();
        let behind = rest.strip_prefix(value.as_bytes());
        // A number may begin like another one; no other value does.
        let goes_on = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
        if behind.is_some_and(|behind| !behind.first().is_some_and(goes_on)) {
            return Ok(());
        }
        Err(Fault::new(Problem::DuplicateKey, index))
    }
}

/// Where the value under keys lies in a record. A record that is no object has its only value under `value`.
pub(super) fn find(record: &[u8], path: &[String]) -> Read<Option<Range<usize>>> {
    let mut walk = Walk::new(record, &[]);
    let mut peek = walk.json.peek()?;
    let steps = match path {
        [first, rest @ ..] if first == VALUE_KEY && peek != Peek::Object => rest,
        path => path,
    };
    for step in steps {
        if peek != Peek::Object {
            return Ok(None);
        }
        let mut is_step = walk.json.known_object()?.map(|key| key == step);
        while is_step == Some(false) {
            let peek = walk.json.peek()?;
            walk.skip(peek, 1)?;
            is_step = walk.json.next_key()?.map(|key| key == step);
        }
        if is_step.is_none() {
            return Ok(None);
        }
        peek = walk.json.peek()?;
    }
    let start = walk.json.current_index();
    walk.skip(peek, 1)?;
    Ok(Some(start..walk.json.current_index()))
}

/// Passes over a value, checking all of it; `depth` is that of the value, should it be an object or a list.
pub(super) fn skip(json: &mut Reader<'_>, peek: Peek, depth: usize) -> Read {
    Ok(json.skip(peek, (MAXIMUM_DEPTH + 1).saturating_sub(depth))?)
}

/// Objects and lists count, scalars do not.
pub(super) fn check_depth(depth: usize, index: usize) -> Read {
    check_limit(depth, MAXIMUM_DEPTH, index)
}

/// The same for lists that become columns.
pub(super) fn check_list_depth(depth: usize, index: usize) -> Read {
    check_limit(depth, MAXIMUM_LIST_DEPTH, index)
}

fn check_limit(depth: usize, limit: usize, index: usize) -> Read {
    if depth > limit {
        Err(Fault::new(Problem::TooDeep { limit }, index))
    } else {
        Ok(())
    }
}

/// The result of reading a value: small where all is well.
pub(super) type Read<T = ()> = Result<T, Box<Fault>>;

/// What is wrong with a record, before it is known which record it is.
#[derive(Debug)]
pub(super) struct Fault {
    problem: Problem,
    index: usize,
    /// Steps from the fault up to the record.
    steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Problem {
    Malformed(String),
    TooDeep {
        limit: usize,
    },
    DuplicateKey,
    ImmenseExponent,
    TooManyColumns,
    /// A struct could not be turned into a map.
    Outgrown(Box<Error>),
}

#[derive(Debug)]
enum Step {
    Key(String),
    Element(usize),
}

#[expect(
    clippy::unnecessary_box_returns,
    reason = "boxed, so that results of reading stay small"
)]
impl Fault {
    pub(super) fn new(problem: Problem, index: usize) -> Box<Self> {
        Box::new(Self {
            problem,
            index,
            steps: Vec::new(),
        })
    }

    pub(super) fn under_key(mut self: Box<Self>, key: &str) -> Box<Self> {
        self.steps.push(Step::Key(key.to_owned()));
        self
    }

    pub(super) fn in_element(mut self: Box<Self>, position: usize) -> Box<Self> {
        self.steps.push(Step::Element(position));
        self
    }

    /// Moves a fault found in a part of the record to its place in the whole.
    pub(super) fn behind(mut self: Box<Self>, start: usize) -> Box<Self> {
        self.index += start;
        self
    }

    /// The error that a user sees.
    pub(super) fn into_error(self, record: usize, data: &[u8]) -> Error {
        let mut path = String::from("$");
        for step in self.steps.iter().rev() {
            match step {
                Step::Key(key) => write!(path, ".{key}"),
                Step::Element(position) => write!(path, "[{position}]"),
            }
            .expect("writing to a string does not fail");
        }
        let path: String = path.chars().take(PATH_CHARACTERS).collect();
        let excerpt = excerpt(data.get(self.index..).unwrap_or_default());
        match self.problem {
            Problem::Malformed(reason) => Error::Malformed {
                record,
                path,
                reason,
                excerpt,
            },
            Problem::TooDeep { limit } => Error::TooDeep {
                record,
                path,
                limit,
            },
            Problem::DuplicateKey => Error::DuplicateKey {
                record,
                path,
                excerpt,
            },
            Problem::ImmenseExponent => Error::ImmenseExponent {
                record,
                path,
                excerpt,
            },
            Problem::Outgrown(error) => *error,
            Problem::TooManyColumns => Error::TooManyColumns {
                record,
                limit: MAXIMUM_COLUMNS,
            },
        }
    }
}

impl From<JsonError> for Box<Fault> {
    fn from(error: JsonError) -> Self {
        let problem = match error.problem {
            json::Problem::Malformed(reason) => Problem::Malformed(reason.to_owned()),
            json::Problem::TooDeep => Problem::TooDeep {
                limit: MAXIMUM_DEPTH,
            },
        };
        Fault::new(problem, error.index)
    }
}

/// The first characters of JSON text.
pub(super) fn excerpt(text: &[u8]) -> String {
    let start = text.get(..EXCERPT_CHARACTERS * 4).unwrap_or(text);
    String::from_utf8_lossy(start)
        .chars()
        .take(EXCERPT_CHARACTERS)
        .collect()
}
