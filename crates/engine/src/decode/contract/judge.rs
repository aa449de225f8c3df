//! One record held against the columns of its table.

use std::collections::HashMap;
use std::ops::Range;

use super::fit::Place;
use super::json::{elements, members, peek};
use super::{Contract, Entity};
use crate::decode::declared::DeclaredColumn;
use crate::decode::hints::Hint;
use crate::decode::reading::VALUE_KEY;
use crate::decode::value::ValueNode;
use crate::decode::walk::{MAXIMUM_STRUCT_DEPTH, Read, Walk};
use crate::json::Peek;
use crate::plan::ContractMode;
use crate::schema::{
    Column, ColumnType, Kind, Observed, Source, elements_path, has_place, key_path,
};
use indexmap::IndexMap;

/// Levels of nesting at which the values under the keys of a record lie.
pub(super) const VALUE_DEPTH: usize = 2;

/// The same for a value that is copied from a parent's record.
pub(super) const COPY_DEPTH: usize = 1;

/// A value that the contract doesn't let in.
#[derive(Clone, Debug)]
pub(super) struct Breach {
    pub(super) entity: Entity,
    pub(super) mode: ContractMode,
    /// The source that a top-level value comes from; `None` within such a value.
    pub(super) top: Option<Source>,
    /// Path from the record to the value's key.
    pub(super) path: String,
    pub(super) reason: String,
    /// Where the value lies in its record, or in what is copied from a parent.
    pub(super) place: Range<usize>,
}

/// What was observed of one value, beside what its declared column takes.
pub(super) fn observe(text: &str, hint: Option<&Hint>, depth: usize) -> Read<Observed> {
    let reading = hint.and_then(|hint| hint.reading.as_ref());
    let declared = reading.map(|reading| DeclaredColumn::new(reading, 1));
    let mut node = ValueNode::new(declared, 1, 0);
    let mut walk = Walk::new(text.as_bytes(), &[]);
    let peek = walk.json.peek()?;
    node.read(&mut walk, peek, 0, depth)?;
    Ok(node.observed())
}

/// Where fields lie.
#[derive(Clone, Copy)]
struct Within<'p, 'c> {
    place: Place<'c>,
    /// Path of the values whose fields they are; empty for the record.
    path: &'p str,
}

/// Collects the breaches of one record.
pub(super) struct Judge<'c> {
    contract: &'c Contract,
    found: Vec<Breach>,
}

impl<'c> Judge<'c> {
    /// The breaches of a record, in its order.
    pub(super) fn record(
        contract: &'c Contract,
        hints: &IndexMap<String, Hint>,
        data: &str,
    ) -> Read<Vec<Breach>> {
        let mut judge = Self {
            contract,
            found: Vec::new(),
        };
        let root = Within {
            place: contract.root(),
            path: "",
        };
        let mut top_level = |key: &str, value: &str, start: usize| {
            let hint = hints.get(key);
            judge.field(root, &Source::key(key), hint, value, start, VALUE_DEPTH)
        };
        if peek(data)? == Peek::Object {
            members(data, VALUE_DEPTH, top_level)?;
        } else {
            top_level(VALUE_KEY, data, 0)?;
        }
        Ok(judge.found)
    }

    /// The breaches of a field that is copied from a parent's record.
    pub(super) fn copied(contract: &'c Contract, key: &str, json: &str) -> Read<Vec<Breach>> {
        let mut judge = Self {
            contract,
            found: Vec::new(),
        };
        let source = Source {
            from_parent: true,
            ..Source::key(key)
        };
        let root = Within {
            place: contract.root(),
            path: "",
        };
        judge.field(root, &source, None, json, 0, COPY_DEPTH)?;
        Ok(judge.found)
    }

    /// A value that may have columns of its own, as may what lies in it.
    fn field(
        &mut self,
        within: Within<'_, 'c>,
        source: &Source,
        hint: Option<&Hint>,
        value: &str,
        start: usize,
        depth: usize,
    ) -> Read {
        let contract = self.contract;
        let place = within.place;
        let kind = peek(value)?;
        let has_fields = depth <= MAXIMUM_STRUCT_DEPTH && kind == Peek::Object;
        if has_fields && place.columns.lie_apart_in(source) {
            return members(value, depth + 1, |key, value, at| {
                self.field(
                    within,
                    &source.inner(key),
                    None,
                    value,
                    start + at,
                    depth + 1,
                )
            });
        }
        let first = self.found.len();
        let path = if place.form.is_some() && source.from_parent {
            // An element that is no object has no key.
            within.path.to_owned()
        } else {
            source.path(within.path)
        };
        if kind == Peek::Array && contract.puts_apart(source, place) {
            self.list(within, source, value, start, depth, &path)?;
        } else {
            let columns: Vec<&Column> = place.columns.of(source).iter().collect();
            if columns.is_empty() && contract.may_add(source, place) {
                return Ok(());
            }
            let observed = observe(value, hint, depth)?;
            self.value(value, start, depth, &columns, &observed, &path)?;
        }
        let whole = start..start + value.len();
        for breach in &mut self.found[first..] {
            if place.form.is_none() && source.within.is_empty() && breach.place == whole {
                breach.top = Some(source.clone());
            }
        }
        Ok(())
    }

    /// A list whose elements are rows of a table; where one doesn't fit as a whole, neither does the list.
    fn list(
        &mut self,
        within: Within<'_, 'c>,
        source: &Source,
        list: &str,
        start: usize,
        depth: usize,
        path: &str,
    ) -> Read {
        let place = start..start + list.len();
        let Some(table) = within.place.columns.table(source) else {
            let observed = observe(list, None, depth)?;
            if observed
                .list
                .is_some_and(|list| *list != Observed::default())
            {
                let reason = format!("there is no table of the elements of `{path}`");
                self.breach(Entity::Tables, path, reason, place);
            }
            return Ok(());
        };
        let below = self.contract.in_table(table, source, within.place);
        let element_path = elements_path(path);
        let inner = Within {
            place: below,
            path: &element_path,
        };
        let first = self.found.len();
        let mut whole = None;
        elements(list, depth + 1, |element, at| {
            let before = self.found.len();
            let (start, depth) = (start + at, depth + 1);
            match peek(element)? {
                Peek::Null => {}
                Peek::Object if depth <= MAXIMUM_STRUCT_DEPTH && !table.hold_whole_objects() => {
                    members(element, depth + 1, |key, value, at| {
                        self.field(inner, &Source::key(key), None, value, start + at, depth + 1)
                    })?;
                }
                Peek::Array => {
                    self.field(inner, &Source::inner_list(), None, element, start, depth)?;
                }
                _ => self.field(inner, &Source::element(), None, element, start, depth)?,
            }
            let place = start..start + element.len();
            let mut found = self.found[before..].iter();
            if whole.is_none() {
                whole = found.find(|breach| breach.place == place).cloned();
            }
            Ok(())
        })?;
        if let Some(breach) = whole {
            self.found.truncate(first);
            self.found.push(Breach { place, ..breach });
        }
        Ok(())
    }

    /// A value under a key that has these columns.
    fn value(
        &mut self,
        text: &str,
        start: usize,
        depth: usize,
        columns: &[&Column],
        observed: &Observed,
        path: &str,
    ) -> Read {
        // One value has one kind.
        let Some(kind) = observed.kinds().next() else {
            return Ok(());
        };
        if has_place(columns, observed, kind) {
            return Ok(());
        }
        let place = start..start + text.len();
        let Some(plain) = columns.first() else {
            let reason = format!("the table has no column `{path}`");
            self.breach(Entity::Columns, path, reason, place);
            return Ok(());
        };
        for column in columns.iter().filter(|column| !column.closed) {
            if self.within(text, start, depth, &column.data_type, kind, path)? {
                return Ok(());
            }
        }
        let reason = format!(
            "{} doesn't fit column `{path}`, which holds {}",
            kind.noun(),
            plain.noun()
        );
        self.breach(Entity::DataType, path, reason, place);
        Ok(())
    }

    /// Judges what lies in an object or a list; `false` where the value as a whole doesn't fit the type.
    fn within(
        &mut self,
        text: &str,
        start: usize,
        depth: usize,
        data_type: &ColumnType,
        kind: Kind,
        path: &str,
    ) -> Read<bool> {
        match (data_type, kind) {
            (ColumnType::Struct(columns), Kind::Object) => {
                let mut by_key: HashMap<&str, Vec<&Column>> = HashMap::new();
                for column in columns {
                    by_key.entry(&column.source.key).or_default().push(column);
                }
                members(text, depth + 1, |key, value, at| {
                    let of_key = by_key.get(key).map_or(&[][..], Vec::as_slice);
                    let observed = observe(value, None, depth + 1)?;
                    let path = key_path(path, key);
                    self.value(value, start + at, depth + 1, of_key, &observed, &path)
                })?;
                Ok(true)
            }
            (ColumnType::Map(holds), Kind::Object) => {
                members(text, depth + 1, |key, value, at| {
                    let observed = observe(value, None, depth + 1)?;
                    let Some(kind) = observed.kinds().next() else {
                        return Ok(());
                    };
                    let (start, entry) = (start + at, key_path(path, key));
                    if holds.takes(&observed, kind)
                        || self.within(value, start, depth + 1, holds, kind, &entry)?
                    {
                        return Ok(());
                    }
                    let reason = format!(
                        "{} doesn't fit map `{path}`, whose values are {}",
                        kind.noun(),
                        holds.noun()
                    );
                    let place = start..start + value.len();
                    self.breach(Entity::DataType, &entry, reason, place);
                    Ok(())
                })?;
                Ok(true)
            }
            (ColumnType::List(element), Kind::List) => {
                let first = self.found.len();
                let path = elements_path(path);
                let mut fits = true;
                elements(text, depth + 1, |value, at| {
                    let observed = observe(value, None, depth + 1)?;
                    fits = fits
                        && match observed.kinds().next() {
                            Some(kind) if !element.takes(&observed, kind) => {
                                self.within(value, start + at, depth + 1, element, kind, &path)?
                            }
                            _ => true,
                        };
                    Ok(())
                })?;
                if !fits {
                    self.found.truncate(first);
                }
                Ok(fits)
            }
            _ => Ok(false),
        }
    }

    fn breach(&mut self, entity: Entity, path: &str, reason: String, place: Range<usize>) {
        let mode = self.contract.mode(entity);
        if mode != ContractMode::Evolve {
            self.found.push(Breach {
                entity,
                mode,
                top: None,
                path: path.to_owned(),
                reason,
                place,
            });
        }
    }
}
