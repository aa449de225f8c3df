//! The values of a field or of the elements of a list, apart by kind.

use arrow::array::ArrayRef;

use super::Error;
use super::declared::{DeclaredColumn, bool_array};
use super::fixed::FixedColumn;
use super::list::ListNode;
use super::misfits::Misfits;
use super::number_column::NumberColumn;
use super::object::ObjectNode;
use super::string_column::StringColumn;
use super::walk::{Fault, Problem, Read, Walk, check_depth, check_list_depth};
use crate::json::Peek;
use crate::schema::{Column, ColumnType, Kind, Observed, mixed_array};

/// The values under one key; a row has a value of one kind at most.
#[derive(Default)]
pub(super) struct ValueNode {
    declared: Option<Box<DeclaredColumn>>,
    object: Option<Box<ObjectNode>>,
    list: Option<Box<ListNode>>,
    string: Option<Box<StringColumn>>,
    number: Option<Box<NumberColumn>>,
    bools: Option<Box<FixedColumn<bool>>>,
    /// Rows that are expected.
    rows: usize,
    /// How many keys of the cursor's path lead here; 0 where this is no part of it.
    cursor_steps: usize,
}

impl ValueNode {
    pub(super) fn new(declared: Option<DeclaredColumn>, rows: usize, cursor_steps: usize) -> Self {
        Self {
            declared: declared.map(Box::new),
            rows,
            cursor_steps,
            ..Self::default()
        }
    }

    /// Reads the next value into a row. `depth` is that of the value, should it be an object or a list.
    pub(super) fn read(
        &mut self,
        walk: &mut Walk<'_>,
        peek: Peek,
        row: usize,
        depth: usize,
    ) -> Read {
        if self.cursor_steps > 0 && self.cursor_steps == walk.cursor_path.len() {
            let start = walk.json.current_index();
            self.read_value(walk, peek, row, depth)?;
            if peek != Peek::Null {
                walk.cursor = Some(start..walk.json.current_index());
            }
            return Ok(());
        }
        self.read_value(walk, peek, row, depth)
    }

    /// Whether a row, the last one, has a value.
    pub(super) fn has_value(&self, row: usize) -> bool {
        let length = row + 1;
        self.declared
            .as_ref()
            .is_some_and(|column| column.len() == length)
            || self
                .string
                .as_ref()
                .is_some_and(|column| column.len() == length)
            || self
                .number
                .as_ref()
                .is_some_and(|column| column.len() == length)
            || self
                .bools
                .as_ref()
                .is_some_and(|column| column.len() == length)
            || self
                .object
                .as_ref()
                .is_some_and(|node| node.len() == length)
            || self.list.as_ref().is_some_and(|node| node.len() == length)
    }

    /// What the declared column did not take.
    pub(super) fn misfits(&self) -> Option<&Misfits> {
        let misfits = self.declared.as_ref()?.misfits();
        (!misfits.is_empty()).then_some(misfits)
    }

    /// What was seen, without what the declared column took.
    pub(super) fn observed(&self) -> Observed {
        Observed {
            object: self.object.as_ref().map(|node| node.observed()),
            list: self.list.as_ref().map(|node| Box::new(node.observed())),
            string: self.string.as_ref().and_then(|column| column.summary()),
            number: self.number.as_ref().and_then(|column| column.summary()),
            bool: self.bools.is_some(),
        }
    }

    /// Takes out the values of a column; those of the declared column come first.
    pub(super) fn finish_column(
        &mut self,
        column: &Column,
        rows: usize,
    ) -> Result<ArrayRef, Error> {
        match self.declared.take() {
            Some(declared) if declared.has_type() => declared.finish(rows),
            _ => self.finish_kind(column.kind, &column.data_type, rows),
        }
    }

    /// Takes out the elements of a list in the type that was inferred for them.
    pub(super) fn finish_elements(
        &mut self,
        data_type: &ColumnType,
        rows: usize,
    ) -> Result<ArrayRef, Error> {
        if let ColumnType::Mixed(parts) = data_type {
            let arrays = parts
                .iter()
                .map(|(kind, part)| self.finish_kind(Some(*kind), part, rows))
                .collect::<Result<_, _>>()?;
            return Ok(mixed_array(parts, arrays, rows)?);
        }
        let kind = self.observed().kinds().next();
        self.finish_kind(kind, data_type, rows)
    }

    /// Takes note of the value just read, which no declared type takes but `json`.
    fn refuse(&mut self, walk: &Walk<'_>, start: usize) {
        if let Some(declared) = &mut self.declared {
            let value = walk.data.get(start..walk.json.current_index());
            declared.refuse(|| String::from_utf8_lossy(value.unwrap_or_default()).into_owned());
        }
    }

    fn finish_kind(
        &mut self,
        kind: Option<Kind>,
        data_type: &ColumnType,
        rows: usize,
    ) -> Result<ArrayRef, Error> {
        let array = match kind {
            Some(Kind::Object) => self.object.take().map(|node| node.finish(data_type, rows)),
            Some(Kind::List) => self.list.take().map(|node| node.finish(data_type, rows)),
            Some(Kind::String) => self.string.take().map(|column| column.finish(rows)),
            Some(Kind::Number) => self
                .number
                .take()
                .map(|column| column.finish(data_type, rows)),
            Some(Kind::Bool) => self
                .bools
                .take()
                .map(|column| Ok(bool_array(*column, rows))),
            None => None,
        };
        array.unwrap_or_else(|| Ok(arrow::array::new_null_array(&data_type.arrow_type(), rows)))
    }

    fn read_value(&mut self, walk: &mut Walk<'_>, peek: Peek, row: usize, depth: usize) -> Read {
        if peek == Peek::Null {
            return Ok(walk.json.known_null()?);
        }
        if let Some(declared) = &mut self.declared
            && declared.takes_json()
        {
            declared.push_json(row, walk.skip(peek, depth)?);
            return Ok(());
        }
        let rows = self.rows;
        match peek {
            Peek::String => {
                let text = walk.json.known_str()?;
                if let Some(declared) = &self.declared
                    && declared.is_null(text)
                {
                    return Ok(());
                }
                if !self
                    .declared
                    .as_mut()
                    .is_some_and(|declared| declared.push_string(row, text))
                {
                    // Spelled out, so that the column that is there is found without a call.
                    let column = match &mut self.string {
                        Some(column) => column,
                        none => none.insert(Box::new(StringColumn::new(rows))),
                    };
                    column.push(row, text);
                }
            }
            Peek::True | Peek::False => {
                let value = walk.json.known_bool(peek)?;
                if !self
                    .declared
                    .as_mut()
                    .is_some_and(|declared| declared.push_bool(row, value))
                {
                    let column = self
                        .bools
                        .get_or_insert_with(|| Box::new(FixedColumn::new(rows)));
                    column.push(row, value);
                }
            }
            Peek::Object => {
                check_depth(depth, walk.json.current_index())?;
                let steps = self.cursor_steps;
                let node = self
                    .object
                    .get_or_insert_with(|| Box::new(ObjectNode::nested(rows, steps)));
                let start = walk.json.current_index();
                node.read_nested(walk, row, depth)?;
                self.refuse(walk, start);
            }
            Peek::Array => {
                check_list_depth(depth, walk.json.current_index())?;
                let node = self
                    .list
                    .get_or_insert_with(|| Box::new(ListNode::new(rows)));
                let start = walk.json.current_index();
                node.read(walk, row, depth)?;
                self.refuse(walk, start);
            }
            _ => {
                if self.declared.is_none()
                    && let Some(column) = &mut self.number
                    && let Some(mut integers) = column.integers()
                    && let Some(value) = walk.json.known_integer()
                {
                    integers.push(row, value);
                    return Ok(());
                }
                let index = walk.json.current_index();
                let text = walk.json.known_number()?.as_bytes();
                if !self
                    .declared
                    .as_mut()
                    .is_some_and(|declared| declared.push_number(row, text))
                {
                    let column = self
                        .number
                        .get_or_insert_with(|| Box::new(NumberColumn::new(rows)));
                    if !column.push(row, text) {
                        return Err(Fault::new(Problem::ImmenseExponent, index));
                    }
                }
            }
        }
        Ok(())
    }
}
