//! A large body with one element of each list, which tells as much of its shape.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::BodyFile;
use super::source::{self, Progress, Text, Unreadable};

/// Levels of objects below which nothing is told apart: no list of records is looked for there.
const LEVELS: usize = 8;

/// The body with the first element of each list alone, as JSON text; a value in memory is no longer than `longest` bytes.
pub(in crate::extract) fn outline(body: &BodyFile, longest: u64) -> Result<Vec<u8>, Unreadable> {
    let mut text = Vec::new();
    source::read(body, longest, |json, progress| {
        let levels = LEVELS;
        let text = &mut text;
        Outline {
            levels,
            text,
            progress,
        }
        .deserialize(json)
    })?;
    Ok(text)
}

struct Outline<'a> {
    levels: usize,
    text: &'a mut Vec<u8>,
    progress: &'a Progress,
}

impl Outline<'_> {
    fn write<E: Error>(self, text: &str) -> Result<(), E> {
        self.text.extend_from_slice(text.as_bytes());
        self.progress.check(self.text.len())
    }
}

impl<'de> DeserializeSeed<'de> for Outline<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.levels == 0 {
            IgnoredAny::deserialize(deserializer)?;
            return self.write("null");
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Outline<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.text.push(b'[');
        if let Some(first) = list.next_element_seed(Text(self.progress))? {
            self.text.extend_from_slice(first.get().as_bytes());
            while list.next_element::<IgnoredAny>()?.is_some() {}
        }
        self.write("]")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut separator = b'{';
        while let Some(key) = object.next_key::<String>()? {
            let quoted = serde_json::to_string(&key).map_err(A::Error::custom)?;
            self.text.push(separator);
            self.text.extend_from_slice(quoted.as_bytes());
            self.text.push(b':');
            separator = b',';
            object.next_value_seed(Outline {
                levels: self.levels - 1,
                text: &mut *self.text,
                progress: self.progress,
            })?;
        }
        self.write(if separator == b'{' { "{}" } else { "}" })
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write("null")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(if value { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, _value: i64) -> Result<(), E> {
        self.write("0")
    }

    fn visit_u64<E: Error>(self, _value: u64) -> Result<(), E> {
        self.write("0")
    }

    fn visit_f64<E: Error>(self, _value: f64) -> Result<(), E> {
        self.write("0")
    }

    fn visit_str<E: Error>(self, _value: &str) -> Result<(), E> {
        self.write("\"\"")
    }
}
