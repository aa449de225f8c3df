//! The lists of a field.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, NullBufferBuilder};
use arrow::buffer::OffsetBuffer;
use arrow::error::ArrowError;

use super::Error;
use super::value::ValueNode;
use super::walk::{Fault, Problem, Read, Walk};
use crate::schema::{ColumnType, Observed};

pub(super) struct ListNode {
    elements: ValueNode,
    /// Elements in all lists.
    count: usize,
    /// Where the list of each row ends.
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl ListNode {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            elements: ValueNode::new(None, rows, 0),
            count: 0,
            ends: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
        }
    }

    /// Rows up to the last list.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Reads a list into a row.
    pub(super) fn read(&mut self, walk: &mut Walk<'_>, row: usize, depth: usize) -> Read {
        self.pad(row);
        let index = walk.json.current_index();
        let first = self.count;
        let mut next = walk.json.known_array()?;
        while let Some(peek) = next {
            self.elements
                .read(walk, peek, self.count, depth + 1)
                .map_err(|fault| fault.in_element(self.count - first))?;
            self.count += 1;
            next = walk.json.array_step()?;
        }
        let too_many = |_| Fault::new(Problem::Malformed("too many elements".to_owned()), index);
        self.ends.push(i32::try_from(self.count).map_err(too_many)?);
        self.nulls.append_non_null();
        Ok(())
    }

    /// What was seen of the elements.
    pub(super) fn observed(&self) -> Observed {
        self.elements.observed()
    }

    /// The lists of all rows.
    pub(super) fn finish(mut self, data_type: &ColumnType, rows: usize) -> Result<ArrayRef, Error> {
        self.pad(rows);
        let ColumnType::List(element) = data_type else {
            let message = "lists are laid out as lists".to_owned();
            return Err(ArrowError::SchemaError(message).into());
        };
        let elements = self.elements.finish_elements(element, self.count)?;
        debug_assert_eq!(elements.len(), self.count, "each element has a row");
        let mut offsets = vec![0];
        offsets.append(&mut self.ends);
        let offsets = OffsetBuffer::new(offsets.into());
        let nulls = self.nulls.finish();
        Ok(Arc::new(ListArray::try_new(
            element.element_field(),
            offsets,
            elements,
            nulls,
        )?))
    }

    fn pad(&mut self, rows: usize) {
        let end = self.ends.last().copied().unwrap_or(0);
        self.nulls
            .append_n_nulls(rows.saturating_sub(self.ends.len()));
        self.ends.resize(rows.max(self.ends.len()), end);
    }
}
