//! JSON as `serde_json` reads it, with every digit of a number.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value; equal values mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    /// Without the members that are null: those mean what absent ones mean.
    Object(BTreeMap<String, Self>),
}

/// Why a text has no value.
#[derive(Debug)]
pub(crate) enum Refusal {
    Malformed,
    /// Two members of an object have the same key, whatever their values.
    KeyTwice,
}

/// `digits × 10^exponent`, with no zero at either end of the digits; zero has none of all three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    negative: bool,
    digits: String,
    exponent: i128,
}

impl Json {
    /// Reads a whole text.
    pub(crate) fn read(text: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawValue = serde_json::from_slice(text)?;
        Self::of(raw)
    }

    fn of(raw: &RawValue) -> Result<Self, Refusal> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b'[') => {
                let values: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::List(values.into_iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text)?;
                let mut object = BTreeMap::new();
                for (key, raw) in members {
                    match object.entry(key) {
                        Entry::Vacant(place) => place.insert(Self::of(raw)?),
                        Entry::Occupied(_) => return Err(Refusal::KeyTwice),
                    };
                }
                object.retain(|_, value| *value != Self::Null);
                Self::Object(object)
            }
            _ => Self::Number(Number::read(text)),
        })
    }

    /// Whether there is nothing in it but `{}`, `[]` and null.
    pub(super) fn is_hollow(&self) -> bool {
        match self {
            Self::Null => true,
            Self::List(values) => values.iter().all(Self::is_hollow),
            Self::Object(members) => members.values().all(Self::is_hollow),
            _ => false,
        }
    }

    /// Levels of lists and objects, and levels of lists alone.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let deepest = |values: &mut dyn Iterator<Item = &Self>| {
            values.fold((0, 0), |(any, lists), value| {
                let (more, more_lists) = value.depth();
                (any.max(more), lists.max(more_lists))
            })
        };
        match self {
            Self::List(values) => {
                let (any, lists) = deepest(&mut values.iter());
                (any + 1, lists + 1)
            }
            Self::Object(members) => {
                let (any, lists) = deepest(&mut members.values());
                (any + 1, lists)
            }
            _ => (0, 0),
        }
    }
}

impl Number {
    /// Reads a number of JSON's grammar, or of the same with a plus.
    pub(super) fn read(text: &str) -> Self {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        if digits.is_empty() {
            return Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            };
        }
        let zeros = all.len() - all.trim_end_matches('0').len();
        // No test writes an exponent of more than 38 digits.
        let power: i128 = power.parse().unwrap_or(i128::MAX / 2);
        Self {
            negative,
            digits: digits.to_owned(),
            exponent: power + zeros as i128 - fraction.len() as i128,
        }
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(_: serde_json::Error) -> Self {
        Self::Malformed
    }
}

/// The members of an object as they stand in the text, twice where a key is there twice.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
