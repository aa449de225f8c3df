//! Makes the records of a collection.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{
    Records,
    entry::Entry,
    random::{number_of, seeded},
    value::{Draft, Here, put_key},
};
use crate::fixture::{Collection, Edit, Fixture, Generator, Pick, Reference};

/// Renders the records of one collection, each from its own number alone.
pub(super) struct Maker<'a> {
    pub(super) fields: &'a IndexMap<String, Generator>,
    seed: u64,
    collection: u64,
    edits: &'a [Edit],
    others: &'a IndexMap<String, Records>,
    /// By collection, the rows that have every field that this one refers to.
    candidates: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(
        fixture: &'a Fixture,
        name: &str,
        collection: &'a Collection,
        others: &'a IndexMap<String, Records>,
    ) -> Self {
        let mut referenced: HashMap<&str, Vec<&str>> = HashMap::new();
        let changes = fixture.edits.iter().filter(|edit| edit.collection == name);
        let changes = changes.flat_map(|edit| edit.set.values());
        for generator in collection.fields.values().chain(changes) {
            generator.each_reference(&mut |reference| {
                referenced
                    .entry(&reference.collection)
                    .or_default()
                    .push(&reference.field);
            });
        }
        let mut candidates = HashMap::new();
        for (target, fields) in referenced {
            let Some(records) = others.get(target) else {
                continue;
            };
            let has_all = |row: &usize| {
                fields
                    .iter()
                    .all(|field| records.field(field, *row).is_some())
            };
            candidates.insert(target, (0..records.len()).filter(has_all).collect());
        }
        let collection_number = number_of(name);
        Self {
            fields: &collection.fields,
            seed: fixture.seed,
            collection: collection_number,
            edits: &fixture.edits,
            others,
            candidates,
        }
    }

    /// Renders a record into the draft.
    pub(super) fn make(&self, entry: &Entry, draft: &mut Draft) {
        draft.clear(self.fields.len());
        draft.bytes.push(b'{');
        for (field, (name, generator)) in self.fields.iter().enumerate() {
            // The last edit that sets the field decides.
            let set = entry.edits.iter().rev().find_map(|position| {
                let generator = self.edits.get(*position)?.set.get(name)?;
                Some((generator, *position as u64 + 1))
            });
            let (generator, salt) = set.unwrap_or((generator, 0));
            let here = Here {
                number: entry.number,
                instant: entry.instant,
                field,
                is_item: false,
            };
            let start = draft.bytes.len();
            put_key(&mut draft.bytes, name);
            let value_start = draft.bytes.len();
            let mut random = self.chance(&[here.number, field as u64, salt]);
            if self.put(generator, here, &mut random, draft) {
                draft.close_field(field, value_start);
            } else {
                draft.bytes.truncate(start);
            }
        }
        draft.bytes.push(b'}');
    }

    /// The source of chance for something of this collection.
    pub(super) fn chance(&self, numbers: &[u64; 3]) -> fastrand::Rng {
        seeded(&[
            self.seed,
            self.collection,
            numbers[0],
            numbers[1],
            numbers[2],
        ])
    }

    /// The JSON of the field that a reference points to; none if no record has it.
    pub(super) fn referenced(
        &self,
        reference: &Reference,
        here: Here,
        random: &mut fastrand::Rng,
    ) -> Option<&'a [u8]> {
        let rows = self.candidates.get(reference.collection.as_str())?;
        if rows.is_empty() {
            return None;
        }
        let choice = match reference.pick {
            Pick::Cycle => usize::try_from(here.number % rows.len() as u64).unwrap_or_default(),
            Pick::Random if here.is_item => random.usize(..rows.len()),
            Pick::Random => {
                let target = number_of(&reference.collection);
                self.chance(&[here.number, target, u64::MAX])
                    .usize(..rows.len())
            }
        };
        self.others
            .get(&reference.collection)?
            .field(&reference.field, rows[choice])
    }
}
