//! What serde goes through item by item: sequences, mappings, and enums.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::Reader;
use super::error::{ReadError, unknown_key};
use crate::spec::document::{Key, Kind, Node, Step};

/// The items of a sequence.
pub(super) struct Items<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some((index, item)) = self.items.find(|(_, item)| item.kind != Kind::Pruned) else {
            return Ok(None);
        };
        seed.deserialize(self.reader.of(item))
            .map(Some)
            .map_err(|error| error.at(&item.span).below(Step::Index(index)))
    }
}

/// The entries of a mapping that `fields` names; `None`: all of them.
pub(super) struct Entries<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) rest: std::slice::Iter<'a, (Key, Node)>,
    pub(super) fields: Option<&'static [&'static str]>,
    pub(super) value: Option<(&'a Key, &'a Node)>,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        for (key, value) in self.rest.by_ref() {
            if self.reader.typed && key.name == "type" {
                continue;
            }
            if let Some(fields) = self.fields
                && !fields.contains(&key.name.as_str())
            {
                let unknown = unknown_key(&key.name, fields).at(&key.span);
                let mut found = self.reader.unknown_keys.borrow_mut();
                found.push(unknown.into_diagnostic());
                continue;
            }
            self.value = Some((key, value));
            return seed
                .deserialize(key.name.as_str().into_deserializer())
                .map(Some)
                .map_err(|error: ReadError| error.at(&key.span));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, value) = self
            .value
            .take()
            .expect("serde asks for a value only after its key");
        seed.deserialize(self.reader.of(value))
            .map_err(|error| error.at(&value.span).below(Step::Key(key.name.clone())))
    }
}

/// A variant of an enum.
pub(super) struct Variant<'a> {
    pub(super) reader: Reader<'a>,
    /// Where the name stands.
    pub(super) tag: &'a Node,
    pub(super) name: &'a str,
}

impl<'a> EnumAccess<'a> for Variant<'a> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let value = seed
            .deserialize(self.name.into_deserializer())
            .map_err(|error: ReadError| error.at(&self.tag.span))?;
        Ok((value, self))
    }
}

impl<'a> VariantAccess<'a> for Variant<'a> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        let Kind::Mapping(entries) = &self.reader.node.kind else {
            return Ok(());
        };
        for (key, _) in entries.iter().filter(|(key, _)| key.name != "type") {
            let unknown = unknown_key(&key.name, &["type"]).at(&key.span);
            let mut found = self.reader.unknown_keys.borrow_mut();
            found.push(unknown.into_diagnostic());
        }
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, ReadError> {
        if matches!(self.reader.node.kind, Kind::Mapping(_)) {
            return seed.deserialize(Reader {
                typed: true,
                ..self.reader
            });
        }
        // The name alone: every key has its default, and a key without one is reported as missing.
        seed.deserialize(de::value::MapDeserializer::<_, ReadError>::new(
            std::iter::empty::<(&str, &str)>(),
        ))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.reader.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let reader = Reader {
            typed: true,
            ..self.reader
        };
        reader.read_struct(Some(fields), visitor)
    }
}
