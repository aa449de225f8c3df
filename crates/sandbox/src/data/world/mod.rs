//! All records at one moment of the clock.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::{Records, entry, maker::Maker, value::Draft};
use crate::fixture::{Answer, Filter, Fixture, Member};

/// All records as they are at one moment; the same fixture and moment give the same bytes.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    collections: IndexMap<String, Records>,
}

impl World {
    /// Renders the records that are there at a moment.
    pub(crate) fn build(fixture: &Fixture, now: Timestamp) -> Self {
        let mut untouched: IndexMap<String, Records> = IndexMap::new();
        let mut edited: Vec<(&str, Records)> = Vec::new();
        let mut draft = Draft::default();
        for (name, collection) in &fixture.collections {
            // References see only untouched records, so that an edit changes what it names and nothing else.
            let maker = Maker::new(fixture, name, collection, &untouched);
            let entries = entry::untouched(collection, now);
            let mut base = keeping(fixture, name);
            for entry in &entries {
                maker.make(entry, &mut draft);
                base.push(&draft);
            }
            if let Some(entries) = entry::edited(fixture, name, &entries, now) {
                let mut records = keeping(fixture, name);
                for entry in &entries {
                    match entry.row {
                        Some(row) if entry.edits.is_empty() => records.push_copy(&base, row),
                        _ => {
                            maker.make(entry, &mut draft);
                            records.push(&draft);
                        }
                    }
                }
                edited.push((name, records));
            }
            untouched.insert(name.clone(), base);
        }
        for (name, records) in edited {
            untouched.insert(name.to_owned(), records);
        }
        Self {
            now,
            collections: untouched,
        }
    }

    /// The records of a collection.
    pub(crate) fn records(&self, collection: &str) -> Option<&Records> {
        self.collections.get(collection)
    }

    /// All collections by name.
    pub(crate) fn collections(&self) -> impl Iterator<Item = (&str, &Records)> {
        self.collections
            .iter()
            .map(|(name, records)| (name.as_str(), records))
    }
}

/// Empty records that keep the fields that routes and references look at.
fn keeping(fixture: &Fixture, collection: &str) -> Records {
    let mut names = BTreeSet::new();
    for route in &fixture.routes {
        match &route.answer {
            Answer::List(list) if list.collection == collection => {
                filtered(&list.filter, &mut names);
                names.extend(list.body.keyed_by.as_deref());
                names.extend(list.page.key_field.as_deref());
            }
            Answer::Record(record) if record.collection == collection => {
                names.insert(record.field.as_str());
            }
            Answer::CreateJob(job) if job.collection == collection => {
                filtered(&job.filter, &mut names);
            }
            Answer::JobResult(result) => {
                names.extend(result.body.keyed_by.as_deref());
                names.extend(result.page.key_field.as_deref());
            }
            Answer::List(_) | Answer::Record(_) | Answer::CreateJob(_) => {}
        }
        if let Answer::List(list) = &route.answer {
            members(list.body.members.values(), collection, &mut names);
        }
        if let Answer::JobResult(result) = &route.answer {
            members(result.body.members.values(), collection, &mut names);
        }
    }
    let changes = fixture.edits.iter().flat_map(|edit| edit.set.values());
    let fields = fixture
        .collections
        .values()
        .flat_map(|other| other.fields.values());
    for generator in fields.chain(changes) {
        generator.each_reference(&mut |reference| {
            if reference.collection == collection {
                names.insert(reference.field.as_str());
            }
        });
    }
    let fields = fixture
        .collections
        .get(collection)
        .map(|collection| &collection.fields);
    Records::keeping(names.into_iter().filter_map(|name| {
        fields
            .and_then(|fields| fields.get_index_of(name))
            .map(|position| (name.to_owned(), position))
    }))
}

fn filtered<'a>(filter: &'a Filter, names: &mut BTreeSet<&'a str>) {
    names.extend(filter.time.as_ref().map(|time| time.field.as_str()));
    names.extend(filter.equal.values().map(String::as_str));
}

fn members<'a>(
    members: impl Iterator<Item = &'a Member>,
    collection: &str,
    names: &mut BTreeSet<&'a str>,
) {
    for member in members {
        if let Member::Records(records) = member
            && records.collection == collection
        {
            names.extend(records.keyed_by.as_deref());
        }
    }
}

#[cfg(test)]
mod tests;
