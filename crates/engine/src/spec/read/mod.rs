//! From the tree to typed structs, with every mistake at its own place.
//!
//! The serde deserializer here differs from the usual ones in three ways. An unknown key is reported and passed
//! over. An enum is written by the user as a mapping whose `type` names the variant (the first variant where
//! there is no `type`), or as that name alone. And a struct named in [`TEMPLATES`] gets the braces escaped that
//! came from variables, so that these are never taken for placeholders.

mod access;
mod error;
mod foreign_keys;

use std::cell::RefCell;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};

use self::access::{Entries, Items, Variant};
use self::error::ReadError;
use super::diagnostic::Diagnostic;
use super::document::{Kind, Node, Path, Step, Text};

/// Newtype structs whose text may hold placeholders.
const TEMPLATES: [&str; 2] = ["TemplateText", "TemplateValue"];

/// Reads a whole tree, and goes on behind each mistake until nothing more can be read.
///
/// Returns the value only where nothing had to be left out to get it; unknown keys don't count.
pub(super) fn read<T: DeserializeOwned>(root: &Node, found: &mut Vec<Diagnostic>) -> Option<T> {
    let unknown_keys = RefCell::new(Vec::new());
    let mut root = root.clone();
    let mut pruned: Vec<Path> = Vec::new();
    let value = loop {
        let reader = Reader::new(&root, &unknown_keys);
        let error = match T::deserialize(reader) {
            Ok(value) => break pruned.is_empty().then_some(value),
            Err(error) => error,
        };
        let mut path = error.0.path.clone();
        path.reverse();
        let follows_from_pruning = error.0.missing.as_ref().is_some_and(|name| {
            let mut missing = path.clone();
            missing.push(Step::Key(name.clone()));
            pruned.contains(&missing)
        });
        let follows_from_pruning = follows_from_pruning || pruned.contains(&path);
        if !follows_from_pruning {
            let diagnostic = error.into_diagnostic();
            // A short form stands for several keys, each with the same mistake.
            if !found.contains(&diagnostic) {
                found.push(diagnostic);
            }
        }
        if !root.remove(&path) {
            break None;
        }
        pruned.push(path);
    };
    for diagnostic in unknown_keys.into_inner() {
        if !found.contains(&diagnostic) {
            found.push(diagnostic);
        }
    }
    value
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    unknown_keys: &'a RefCell<Vec<Diagnostic>>,
    /// Braces that came from variables are escaped.
    template: bool,
    /// The mapping's `type` has been read already.
    typed: bool,
}

impl<'a> Reader<'a> {
    fn new(node: &'a Node, unknown_keys: &'a RefCell<Vec<Diagnostic>>) -> Self {
        Self {
            node,
            unknown_keys,
            template: false,
            typed: false,
        }
    }

    fn of(self, node: &'a Node) -> Self {
        Self {
            node,
            typed: false,
            ..self
        }
    }

    fn text_value(self, text: &Text) -> Result<String, ReadError> {
        if !self.template || text.substituted.is_empty() {
            return Ok(text.value.clone());
        }
        let mut escaped = String::with_capacity(text.value.len() + 8);
        let mut in_placeholder = false;
        for (at, character) in text.value.char_indices() {
            let from_variable = text.substituted.iter().any(|range| range.contains(&at));
            if from_variable && in_placeholder && !is_plain(character) {
                let message = "a variable's value would change what the placeholder around it means; the value may \
                               hold letters, digits, `_`, `-`, `.`, `:`, `/` and spaces";
                return Err(de::Error::custom(message));
            }
            escaped.push(character);
            match character {
                '{' | '}' if from_variable => escaped.push(character),
                // A doubled brace opens and closes again, or closes what isn't open: it is literal.
                '{' => in_placeholder = !in_placeholder,
                '}' => in_placeholder = false,
                _ => {}
            }
        }
        Ok(escaped)
    }

    /// A scalar that a variable put in has no type of its own: it may be a number or a boolean.
    fn substituted_scalar<T: std::str::FromStr>(self) -> Option<T> {
        match &self.node.kind {
            Kind::Text(text) if !text.substituted.is_empty() => text.value.trim().parse().ok(),
            _ => None,
        }
    }

    fn read_struct<V: Visitor<'a>>(
        self,
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let Kind::Mapping(entries) = &self.node.kind else {
            return Err(ReadError::wrong_type("a mapping", self.node));
        };
        let access = Entries {
            reader: self,
            rest: entries.iter(),
            fields,
            value: None,
        };
        visitor
            .visit_map(access)
            .map_err(|error| error.at(&self.node.span))
    }
}

/// Whether a character can neither end a quoted text nor begin another filter.
fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || "_-.:/ ".contains(character)
}

macro_rules! read_number {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
            let result = match self.substituted_scalar::<$type>() {
                Some(value) => visitor.$visit(value),
                None if matches!(self.node.kind, Kind::Number(_)) => return self.deserialize_any(visitor),
                None => return Err(ReadError::wrong_type("a number", self.node)),
            };
            result.map_err(|error: ReadError| error.at(&self.node.span))
        }
    )*};
}

impl<'a> Deserializer<'a> for Reader<'a> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.kind {
            Kind::Null | Kind::Pruned => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Kind::Text(text) => self
                .text_value(text)
                .and_then(|text| visitor.visit_string(text)),
            Kind::Sequence(items) => visitor.visit_seq(Items {
                reader: self,
                items: items.iter().enumerate(),
            }),
            Kind::Mapping(_) => return self.read_struct(None, visitor),
        };
        result.map_err(|error: ReadError| error.at(&self.node.span))
    }

    read_number! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match (self.substituted_scalar::<bool>(), &self.node.kind) {
            (Some(value), _) => visitor.visit_bool(value),
            (None, Kind::Bool(value)) => visitor.visit_bool(*value),
            _ => Err(ReadError::wrong_type("`true` or `false`", self.node)),
        }
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Text(text) => self
                .text_value(text)
                .and_then(|text| visitor.visit_string(text))
                .map_err(|error: ReadError| error.at(&self.node.span)),
            _ => Err(ReadError::wrong_type("a string", self.node)),
        }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(Self {
            template: self.template || TEMPLATES.contains(&name),
            ..self
        })
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.kind {
            Kind::Sequence(_) => self.deserialize_any(visitor),
            _ => Err(ReadError::wrong_type("a list", self.node)),
        }
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.read_struct(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.read_struct(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let tag = match &self.node.kind {
            Kind::Text(_) => Some(self.node),
            Kind::Mapping(_) => self.node.get("type"),
            _ => {
                let expected =
                    format!("a mapping with a `type`, or one of {}", variants.join(", "));
                return Err(ReadError::wrong_type(&expected, self.node));
            }
        };
        let name = match tag.map(|tag| (tag, tag.as_text())) {
            None => variants.first().copied().unwrap_or_default(),
            Some((_, Some(name))) => name,
            Some((tag, None)) => {
                return Err(ReadError::wrong_type("a string", tag).below(Step::Key("type".into())));
            }
        };
        let tag = tag.unwrap_or(self.node);
        visitor
            .visit_enum(Variant {
                reader: self,
                tag,
                name,
            })
            .map_err(|error: ReadError| error.at(&self.node.span))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'a>>
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}
