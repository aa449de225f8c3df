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
    /// A number's exponent has more than 18 digits.
    HugeExponent,
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
            _ => Self::Number(Number::read(text).ok_or(Refusal::HugeExponent)?),
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

    /// Levels of lists and objects.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::List(values) => 1 + values.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl Number {
    /// Reads a number of JSON's grammar; `None` where its exponent has more than 18 digits.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let power: i128 = power.parse().ok()?;
        let all = format!("{whole}{fraction}");
        let zeros = all.len() - all.trim_end_matches('0').len();
        let digits = all.trim_matches('0').to_owned();
        let is_zero = digits.is_empty();
        let exponent = power + zeros as i128 - fraction.len() as i128;
        let too_long = |exponent: i128| exponent.abs() >= 10_i128.pow(18);
        if too_long(power) || !is_zero && too_long(exponent) {
            return None;
        }
        Some(Self {
            negative: negative && !is_zero,
            digits,
            exponent: if is_zero { 0 } else { exponent },
        })
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
