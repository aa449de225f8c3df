//! One record held against the columns of its table.

use std::collections::HashMap;
use std::ops::Range;

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
        let mut top_level = |key: &str, value: &str, start: usize| {
            judge.top_level(&Source::key(key), hints.get(key), value, start, VALUE_DEPTH)
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
        judge.top_level(&source, None, json, 0, COPY_DEPTH)?;
        Ok(judge.found)
    }

    /// A value that may have columns of its own, as may what lies in it.
    fn top_level(
        &mut self,
        source: &Source,
        hint: Option<&Hint>,
        value: &str,
        start: usize,
        depth: usize,
    ) -> Read {
        let has_fields = depth <= MAXIMUM_STRUCT_DEPTH && peek(value)? == Peek::Object;
        if has_fields && self.contract.columns.lie_apart_in(source) {
            return members(value, depth + 1, |key, value, at| {
                self.top_level(&source.inner(key), None, value, start + at, depth + 1)
            });
        }
        let columns: Vec<&Column> = self.contract.columns.of(source).iter().collect();
        if columns.is_empty() && self.contract.may_add(source) {
            return Ok(());
        }
        let observed = observe(value, hint, depth)?;
        let first = self.found.len();
        let path = source.path("");
        self.value(value, start, depth, &columns, &observed, &path)?;
        for breach in &mut self.found[first..] {
            if source.within.is_empty() && breach.path == path {
                breach.top = Some(source.clone());
            }
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
