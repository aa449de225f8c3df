//! The objects of a field that has too many keys for a struct, as entries from key to value.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;

use super::Error;
use super::value::ValueNode;
use super::walk::{Fault, Problem, Read, Walk};
use crate::json::Peek;
use crate::schema::{ColumnType, Observed, map_array};

pub(super) struct Entries {
    keys: Vec<String>,
    values: ValueNode,
    /// The entries of each object in turn, sorted by the bytes of their keys.
    order: Vec<u32>,
    /// Where the entries of each row end.
    ends: Vec<i32>,
    /// What was seen of the values before they became entries.
    seen_before: Observed,
}

impl Entries {
    /// `seen_before` tells how values were spelled that come again in canonical form.
    pub(super) fn new(rows: usize, seen_before: Observed) -> Self {
        Self {
            seen_before,
            keys: Vec::new(),
            values: ValueNode::new(None, rows, 0),
            order: Vec::new(),
            ends: Vec::with_capacity(rows),
        }
    }

    /// Reads an object into a row. Nulls leave no trace.
    pub(super) fn read(&mut self, walk: &mut Walk<'_>, row: usize, depth: usize) -> Read {
        let start = walk.json.current_index();
        self.pad(row);
        let first = self.order.len();
        // Where the value of each key lies.
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut next = walk.json.known_object()?.map(str::to_owned);
        while let Some(key) = next {
            let peek = walk.json.peek()?;
            if let Some(first) = seen.get(&key) {
                walk.skip_repeated(peek, *first, depth + 1)
                    .map_err(|fault| fault.under_key(&key))?;
                next = walk.json.next_key()?.map(str::to_owned);
                continue;
            }
            seen.insert(key.clone(), walk.json.current_index());
            if peek == Peek::Null {
                walk.json.known_null()?;
            } else {
                let entry = self.keys.len();
                self.values
                    .read(walk, peek, entry, depth + 1)
                    .map_err(|fault| fault.under_key(&key))?;
                self.keys.push(key);
                self.order.push(position(entry, start)?);
            }
            next = walk.json.next_key()?.map(str::to_owned);
        }
        let keys = &self.keys;
        self.order[first..].sort_by_key(|entry| &keys[*entry as usize]);
        self.ends.push(position(self.keys.len(), start)?);
        Ok(())
    }

    /// What was seen of the values.
    pub(super) fn observed(&self) -> Observed {
        self.seen_before.join(&self.values.observed())
    }

    /// The maps of all rows, to values of this type.
    pub(super) fn finish(
        mut self,
        value: &ColumnType,
        nulls: Option<NullBuffer>,
        rows: usize,
    ) -> Result<ArrayRef, Error> {
        self.pad(rows);
        let values = self.values.finish_elements(value, self.keys.len())?;
        let keys: ArrayRef = Arc::new(StringArray::from_iter_values(&self.keys));
        let order = UInt32Array::from(self.order);
        let mut offsets = vec![0];
        offsets.append(&mut self.ends);
        Ok(map_array(
            value,
            OffsetBuffer::new(offsets.into()),
            take(&keys, &order, None)?,
            take(&values, &order, None)?,
            nulls,
        )?)
    }

    fn pad(&mut self, rows: usize) {
        let end = self.ends.last().copied().unwrap_or(0);
        self.ends.resize(rows.max(self.ends.len()), end);
    }
}

/// A position among the entries in the integer that Arrow has for it.
fn position<T: TryFrom<usize>>(entry: usize, index: usize) -> Read<T> {
    let too_many = |_| Fault::new(Problem::Malformed("too many entries".to_owned()), index);
    T::try_from(entry).map_err(too_many)
}
