//! Records as bytes.

use std::{borrow::Cow, collections::HashMap};

use super::value::Draft;

/// The records of a collection: their JSON end to end, and where some fields lie in it.
pub(crate) struct Records {
    bytes: Vec<u8>,
    /// Where each record ends; it starts where the one before ends.
    ends: Vec<usize>,
    kept: HashMap<String, KeptField>,
}

/// Where a field lies in each record, counted from the record's start; none where it is absent.
struct KeptField {
    position: usize,
    places: Vec<Option<(u32, u32)>>,
}

impl Records {
    /// Makes an empty collection that keeps the places of these fields, given with their positions.
    pub(super) fn keeping(fields: impl Iterator<Item = (String, usize)>) -> Self {
        let kept = fields
            .map(|(name, position)| {
                (
                    name,
                    KeptField {
                        position,
                        places: Vec::new(),
                    },
                )
            })
            .collect();
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            kept,
        }
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The JSON of a record.
    pub(crate) fn record(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    /// The JSON of a kept field of a record; none where it is absent or not kept.
    pub(crate) fn field(&self, name: &str, row: usize) -> Option<&[u8]> {
        let (start, end) = self.kept.get(name)?.places[row]?;
        Some(&self.record(row)[start as usize..end as usize])
    }

    pub(super) fn push(&mut self, draft: &Draft) {
        self.bytes.extend_from_slice(&draft.bytes);
        self.ends.push(self.bytes.len());
        for kept in self.kept.values_mut() {
            kept.places.push(draft.fields[kept.position].place);
        }
    }

    /// Takes over a record of an earlier state of the same collection.
    pub(super) fn push_copy(&mut self, base: &Self, row: usize) {
        self.bytes.extend_from_slice(base.record(row));
        self.ends.push(self.bytes.len());
        for (name, kept) in &mut self.kept {
            kept.places
                .push(base.kept.get(name).and_then(|field| field.places[row]));
        }
    }
}

/// The text of a JSON value: a string without its quotes, anything else as it is written.
pub(crate) fn text_of(json: &[u8]) -> Cow<'_, str> {
    if json.first() == Some(&b'"') {
        let inner = &json[1..json.len() - 1];
        if inner.contains(&b'\\') {
            return Cow::Owned(serde_json::from_slice(json).unwrap_or_default());
        }
        return String::from_utf8_lossy(inner);
    }
    String::from_utf8_lossy(json)
}
