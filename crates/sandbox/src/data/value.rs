//! Renders one value.

use std::{fmt, io::Write};

use fastrand::Rng;
use jiff::{Timestamp, tz::Offset};
use serde_json::Value;

use super::{
    maker::Maker,
    random::{number_of, uuid},
    records::text_of,
    words::{FIRST_NAMES, LAST_NAMES, WORDS},
};
use crate::fixture::{Generator, Increment, Parent, TimeFormat};

/// A record that is being rendered.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) bytes: Vec<u8>,
    /// What is known of each field of the collection so far.
    pub(super) fields: Vec<DraftField>,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DraftField {
    /// Where its value starts and ends; none as long as the field is absent.
    pub(super) place: Option<(u32, u32)>,
    /// The instant that it stands for, in Unix seconds.
    moment: Option<i64>,
}

/// Where in the collection a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here {
    pub(super) number: u64,
    pub(super) instant: Option<i64>,
    /// The field of the record that the value is, or is a part of.
    pub(super) field: usize,
    /// Whether it is, or is part of, one of several values in the field.
    pub(super) is_item: bool,
}

impl Draft {
    pub(super) fn clear(&mut self, fields: usize) {
        self.bytes.clear();
        self.fields.clear();
        self.fields.resize(fields, DraftField::default());
    }

    /// Notes that a field's value reaches from `start` to the end of what is rendered.
    pub(super) fn close_field(&mut self, field: usize, start: usize) {
        let place = u32::try_from(start)
            .ok()
            .zip(u32::try_from(self.bytes.len()).ok());
        self.fields[field].place = place;
    }

    /// The text of a field above; empty if it is absent.
    fn text(&self, field: Option<usize>) -> String {
        let place = field.and_then(|field| self.fields[field].place);
        place.map_or_else(String::new, |(start, end)| {
            text_of(&self.bytes[start as usize..end as usize]).into_owned()
        })
    }
}

impl Maker<'_> {
    /// Renders a value; false if it is to be left out, and then nothing is written.
    pub(super) fn put(
        &self,
        generator: &Generator,
        here: Here,
        random: &mut Rng,
        draft: &mut Draft,
    ) -> bool {
        match generator {
            Generator::Optional(optional) => {
                let is_absent = match &optional.together {
                    Some(word) => {
                        self.chance(&[here.number, number_of(word), u64::MAX - 1])
                            .f64()
                            < optional.absent
                    }
                    None => random.f64() < optional.absent,
                };
                return !is_absent && self.put(&optional.value, here, random, draft);
            }
            Generator::Nullable(nullable) => {
                if random.f64() >= nullable.nulls {
                    return self.put(&nullable.value, here, random, draft);
                }
                draft.bytes.extend_from_slice(b"null");
            }
            Generator::Time(range) => {
                let moment = random.i64(range.from.as_second()..=range.to.as_second());
                put_moment(draft, here, moment, range.format);
            }
            Generator::Instant(format) => {
                put_moment(draft, here, here.instant.unwrap_or_default(), *format);
            }
            Generator::After(after) => {
                let earlier = self.fields.get_index_of(&after.field);
                // After a field that is absent comes nothing.
                let Some(moment) = earlier.and_then(|field| draft.fields[field].moment) else {
                    return false;
                };
                let delay = random.i64(after.minimum.seconds()..=after.maximum.seconds());
                put_moment(draft, here, moment.saturating_add(delay), after.format);
            }
            Generator::Object(fields) => self.put_object(fields, here, random, draft),
            Generator::Keys(keys) => {
                let count = random.usize(keys.minimum..=keys.maximum);
                self.put_keys(keys, count, here, random, draft);
            }
            Generator::List(list) => {
                let count = random.usize(list.minimum..=list.maximum);
                self.put_list(list, count, here, random, draft);
            }
            Generator::Recurring(recurring) => {
                let choice = random.u64(..recurring.values);
                let mut random = self.chance(&[choice, here.field as u64, u64::MAX - 2]);
                let there = Here {
                    number: choice,
                    is_item: true,
                    ..here
                };
                self.put_item(&recurring.value, there, &mut random, draft);
            }
            Generator::Reference(reference) => {
                let json = self.referenced(reference, here, random);
                draft.bytes.extend_from_slice(json.unwrap_or(b"null"));
            }
            Generator::Parent(parent) => self.put_parent(parent, here, random, draft),
            Generator::Text(text) => {
                let text = self.filled(text, draft);
                put_text(&mut draft.bytes, &text);
            }
            Generator::Email(email) => {
                let mut name = |field: &str, names: &[&str]| {
                    let text = draft.text(self.fields.get_index_of(field));
                    if text.is_empty() {
                        chosen(names, random).to_owned()
                    } else {
                        text
                    }
                };
                let (first, last) = (
                    name("first_name", FIRST_NAMES),
                    name("last_name", LAST_NAMES),
                );
                let address = format!("{first}.{last}{}@{}", here.number + 1, email.domain);
                put_text(&mut draft.bytes, &address.to_lowercase());
            }
            plain => put_plain(plain, here, random, &mut draft.bytes),
        }
        true
    }

    /// Renders a value that can't be left out where it stands.
    fn put_item(&self, generator: &Generator, here: Here, random: &mut Rng, draft: &mut Draft) {
        if !self.put(generator, here, random, draft) {
            draft.bytes.extend_from_slice(b"null");
        }
    }

    fn put_object(
        &self,
        fields: &indexmap::IndexMap<String, Generator>,
        here: Here,
        random: &mut Rng,
        draft: &mut Draft,
    ) {
        draft.bytes.push(b'{');
        for (name, generator) in fields {
            let start = draft.bytes.len();
            put_key(&mut draft.bytes, name);
            if !self.put(generator, here, random, draft) {
                draft.bytes.truncate(start);
            }
        }
        draft.bytes.push(b'}');
    }

    fn put_keys(
        &self,
        keys: &crate::fixture::Keys,
        count: usize,
        here: Here,
        random: &mut Rng,
        draft: &mut Draft,
    ) {
        let here = Here {
            is_item: true,
            ..here
        };
        let mut written = Vec::with_capacity(count);
        draft.bytes.push(b'{');
        for _ in 0..count {
            let start = draft.bytes.len();
            self.put_item(&keys.key, here, random, draft);
            let key = text_of(&draft.bytes[start..]).into_owned();
            draft.bytes.truncate(start);
            if written.contains(&key) {
                continue;
            }
            put_key(&mut draft.bytes, &key);
            self.put_item(&keys.value, here, random, draft);
            written.push(key);
        }
        draft.bytes.push(b'}');
    }

    fn put_list(
        &self,
        list: &crate::fixture::List,
        count: usize,
        here: Here,
        random: &mut Rng,
        draft: &mut Draft,
    ) {
        let here = Here {
            is_item: true,
            ..here
        };
        let mut written: Vec<(usize, usize)> = Vec::with_capacity(count);
        draft.bytes.push(b'[');
        for _ in 0..count {
            let before = draft.bytes.len();
            if !written.is_empty() {
                draft.bytes.push(b',');
            }
            let start = draft.bytes.len();
            self.put_item(&list.item, here, random, draft);
            let item = &draft.bytes[start..];
            let is_repeated = written
                .iter()
                .any(|&(start, end)| draft.bytes[start..end] == *item);
            if list.distinct && is_repeated {
                draft.bytes.truncate(before);
            } else {
                written.push((start, draft.bytes.len()));
            }
        }
        draft.bytes.push(b']');
    }

    fn put_parent(&self, parent: &Parent, here: Here, random: &mut Rng, draft: &mut Draft) {
        let target = self.fields.get_full(&parent.field);
        match target {
            Some((field, _, generator)) if here.number >= parent.roots => {
                let there = Here {
                    number: random.u64(..here.number),
                    field,
                    ..here
                };
                let mut random = self.chance(&[there.number, field as u64, 0]);
                self.put_item(generator, there, &mut random, draft);
            }
            _ => put_json(&mut draft.bytes, &parent.root),
        }
    }

    /// The text with the record's fields in place of `{field}`.
    fn filled(&self, text: &str, draft: &Draft) -> String {
        let mut pieces = text.split('{');
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
            filled.push_str(&draft.text(self.fields.get_index_of(name)));
            filled.push_str(rest);
        }
        filled
    }
}

/// Renders a value that depends on nothing but its number and chance.
fn put_plain(generator: &Generator, here: Here, random: &mut Rng, bytes: &mut Vec<u8>) {
    match generator {
        Generator::Uuid => {
            let mut buffer = uuid::Uuid::encode_buffer();
            let text = uuid(random).hyphenated().encode_lower(&mut buffer);
            put_format(bytes, format_args!("\"{text}\""));
        }
        Generator::Increment(Increment { start, step }) => {
            let value = i128::from(*start) + i128::from(*step) * i128::from(here.number);
            put_format(bytes, format_args!("{value}"));
        }
        Generator::Constant(value) => put_json(bytes, value),
        Generator::Choice(values) => {
            put_json(bytes, random.choice(values).unwrap_or(&Value::Null));
        }
        Generator::Cycle(values) => {
            let turn = here.number % (values.len().max(1) as u64);
            let value = usize::try_from(turn).ok().and_then(|turn| values.get(turn));
            put_json(bytes, value.unwrap_or(&Value::Null));
        }
        Generator::FirstName => put_text(bytes, chosen(FIRST_NAMES, random)),
        Generator::LastName => put_text(bytes, chosen(LAST_NAMES, random)),
        Generator::Words(words) => {
            let count = random.usize(words.minimum..=words.maximum);
            let words: Vec<&str> = (0..count).map(|_| chosen(WORDS, random)).collect();
            put_text(bytes, &words.join(" "));
        }
        Generator::Pattern(pattern) => {
            let text: String = pattern
                .chars()
                .map(|character| match character {
                    '#' => random.digit(10),
                    '?' => random.lowercase(),
                    other => other,
                })
                .collect();
            put_text(bytes, &text);
        }
        Generator::Bool(chance) => put_format(bytes, format_args!("{}", random.f64() < *chance)),
        Generator::Integer(range) => {
            put_format(
                bytes,
                format_args!("{}", random.i64(range.minimum..=range.maximum)),
            );
        }
        Generator::Float(range) => {
            let value = range.minimum + random.f64() * (range.maximum - range.minimum);
            put_format(bytes, format_args!("{value:.*}", range.decimals));
        }
        _ => bytes.extend_from_slice(b"null"),
    }
}

/// Renders an instant and, where it is a whole field, notes it for the fields below.
fn put_moment(draft: &mut Draft, here: Here, seconds: i64, format: TimeFormat) {
    if !here.is_item {
        draft.fields[here.field].moment = Some(seconds);
    }
    let bytes = &mut draft.bytes;
    let timestamp = || Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    match format {
        TimeFormat::Unix => put_format(bytes, format_args!("{seconds}")),
        TimeFormat::UnixMilliseconds => {
            put_format(bytes, format_args!("{}", i128::from(seconds) * 1000));
        }
        TimeFormat::Rfc3339 => put_format(bytes, format_args!("\"{}\"", timestamp())),
        TimeFormat::Date => {
            put_format(
                bytes,
                format_args!("\"{}\"", Offset::UTC.to_datetime(timestamp()).date()),
            );
        }
    }
}

fn chosen<'a>(words: &[&'a str], random: &mut Rng) -> &'a str {
    random.choice(words).copied().unwrap_or_default()
}

/// Renders a member's name and colon, with a comma unless it is the first.
pub(super) fn put_key(bytes: &mut Vec<u8>, name: &str) {
    if bytes.last().is_some_and(|last| *last != b'{') {
        bytes.push(b',');
    }
    put_text(bytes, name);
    bytes.push(b':');
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(bytes, text).expect("text is always JSON, and a vector takes any bytes");
}

fn put_json(bytes: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(bytes, value)
        .expect("a value is always JSON, and a vector takes any bytes");
}

fn put_format(bytes: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    bytes.write_fmt(text).expect("a vector takes any bytes");
}
