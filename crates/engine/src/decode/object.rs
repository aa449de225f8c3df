//! The objects of a field, and the records themselves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, NullBufferBuilder, StructArray};
use arrow::error::ArrowError;
use indexmap::IndexMap;

use super::Error;
use super::canonical::canonical_json;
use super::declared::{DeclaredColumn, bool_array};
use super::entries::Entries;
use super::fixed::{FixedColumn, TextColumn};
use super::hints::Hint;
use super::misfits::Misfits;
use super::value::ValueNode;
use super::walk::{Fault, MAXIMUM_STRUCT_DEPTH, Problem, Read, Walk};
use crate::json::Peek;
use crate::schema::{
    Column, ColumnType, Field, MAXIMUM_COLUMNS, ObjectSummary, Source, WIDE_OBJECT_KEYS,
    arrow_fields, render_json, unsettled_object_columns, write_json_string,
};

/// Marks a field that has been in no row yet.
const NEVER: usize = usize::MAX;

/// The fields of objects that share a place; each field has the rows of the objects.
pub(super) struct ObjectNode {
    fields: Vec<FieldNode>,
    positions: HashMap<String, usize>,
    /// The objects of a nested field that has outgrown a struct: then there are no fields.
    entries: Option<Entries>,
    /// Objects that are nested too deep for columns, as canonical JSON: then there are no fields.
    deep: Option<TextColumn>,
    /// The most keys of one object, where they are nested.
    most_keys: usize,
    nulls: NullBufferBuilder,
    /// Rows that are expected.
    rows: usize,
    cursor_steps: usize,
    maximum_fields: usize,
    /// Keys were passed over.
    has_surplus: bool,
}

/// What the keys of records are to a table.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) hints: &'a IndexMap<String, Hint>,
    /// Where keys beyond those that a table can have columns for are passed over: those that never are.
    pub(super) always_read: Option<&'a HashSet<String>>,
}

/// One key.
struct FieldNode {
    key: String,
    /// The key as JSON text.
    quoted: String,
    value: ValueNode,
    /// The last row in which the key was.
    last_row: usize,
    /// Where its value lies in the record of that row.
    last_index: usize,
}

impl ObjectNode {
    /// The records of a page.
    pub(super) fn records(rows: usize) -> Self {
        Self {
            maximum_fields: MAXIMUM_COLUMNS,
            ..Self::nested(rows, 0)
        }
    }

    /// The objects of a field.
    pub(super) fn nested(rows: usize, cursor_steps: usize) -> Self {
        Self {
            fields: Vec::new(),
            positions: HashMap::new(),
            entries: None,
            deep: None,
            most_keys: 0,
            nulls: NullBufferBuilder::new(rows),
            rows,
            cursor_steps,
            maximum_fields: WIDE_OBJECT_KEYS,
            has_surplus: false,
        }
    }

    /// How many different keys there are.
    pub(super) fn keys(&self) -> usize {
        self.fields.len()
    }

    /// Rows up to the last object.
    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Reads a record into a row.
    pub(super) fn read_record(&mut self, walk: &mut Walk<'_>, row: usize, keys: Keys<'_>) -> Read {
        let outcome = self.read_fields(walk, row, 1, Some(keys))?;
        match outcome {
            Outcome::Read { .. } => Ok(()),
            Outcome::TooManyKeys => Err(Fault::new(
                Problem::TooManyColumns,
                walk.json.current_index(),
            )),
        }
    }

    /// Reads the next value as the only field of a record.
    pub(super) fn read_as_field(
        &mut self,
        walk: &mut Walk<'_>,
        key: &str,
        row: usize,
        keys: Keys<'_>,
    ) -> Read {
        let peek = walk.json.peek()?;
        let position = match self.positions.get(key) {
            Some(position) => *position,
            None => self.add_field(key, walk.cursor_path, Some(keys.hints)),
        };
        self.fields[position].last_row = row;
        let value = &mut self.fields[position].value;
        value
            .read(walk, peek, row, 2)
            .map_err(|fault| fault.under_key(key))
    }

    /// Reads a nested object into a row.
    pub(super) fn read_nested(&mut self, walk: &mut Walk<'_>, row: usize, depth: usize) -> Read {
        self.pad(row);
        self.nulls.append_non_null();
        if depth > MAXIMUM_STRUCT_DEPTH {
            return self.read_deep(walk, row, depth);
        }
        if let Some(entries) = &mut self.entries {
            return entries.read(walk, row, depth);
        }
        let start = walk.json.current_index();
        if let Outcome::Read { keys } = self.read_fields(walk, row, depth, None)? {
            self.most_keys = self.most_keys.max(keys);
            return Ok(());
        }
        walk.skip_rest_of_object(depth)?;
        let object = walk.text(start, walk.json.current_index())?;
        let mut entries = self
            .outgrow(row, depth)
            .map_err(|error| Fault::new(Problem::Outgrown(Box::new(error)), start))?;
        read_entries(&mut entries, object, row, depth).map_err(|fault| fault.behind(start))?;
        self.entries = Some(entries);
        Ok(())
    }

    fn read_deep(&mut self, walk: &mut Walk<'_>, row: usize, depth: usize) -> Read {
        let start = walk.json.current_index();
        let text = walk.skip(Peek::Object, depth)?;
        let canonical = canonical_json(text).map_err(|fault| fault.behind(start))?;
        let rows = self.rows;
        let deep = self.deep.get_or_insert_with(|| TextColumn::new(rows));
        deep.push(row, &canonical);
        Ok(())
    }

    /// Turns the fields into entries: those of the objects before `row`, in which too many keys came.
    #[cold]
    fn outgrow(&mut self, row: usize, depth: usize) -> Result<Entries, Error> {
        let observed = self.observed();
        let columns = unsettled_object_columns(&observed.fields);
        let arrays = columns
            .iter()
            .map(|column| self.finish_column(column, row + 1))
            .collect::<Result<_, _>>()?;
        let nulls = self.nulls.finish_cloned();
        let fields = arrow_fields(&columns);
        let structs = StructArray::try_new_with_length(fields, arrays, nulls, row + 1)?;
        self.fields.clear();
        self.positions.clear();
        let data_type = ColumnType::Struct(columns);
        let mut entries = Entries::new(self.rows, observed.all_values());
        for row in (0..row).filter(|row| structs.is_valid(*row)) {
            let mut object = String::new();
            render_json(&structs, &data_type, row, &mut object);
            read_entries(&mut entries, &object, row, depth)
                .map_err(|fault| fault.into_error(row, object.as_bytes()))?;
        }
        Ok(entries)
    }

    /// Whether keys were passed over, of which nothing is known.
    pub(super) fn has_surplus(&self) -> bool {
        self.has_surplus
    }

    /// Whether the value of a key in a row, the last one, is there and not null.
    pub(super) fn has_value(&self, position: usize, row: usize) -> bool {
        self.fields
            .get(position)
            .is_some_and(|field| field.value.has_value(row))
    }

    /// The position of a key.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        self.positions.get(key).copied()
    }

    /// What was seen.
    pub(super) fn observed(&self) -> ObjectSummary {
        if self.deep.is_some() {
            return ObjectSummary::DEEP;
        }
        if let Some(entries) = &self.entries {
            return ObjectSummary {
                values: Some(Box::new(entries.observed())),
                ..ObjectSummary::default()
            };
        }
        ObjectSummary {
            fields: self.observed_fields(&IndexMap::new()),
            most_keys: self.most_keys,
            ..ObjectSummary::default()
        }
    }

    /// What was seen of each key, in order of appearance, and then what is declared of others.
    pub(super) fn observed_fields(&self, hints: &IndexMap<String, Hint>) -> Vec<Field> {
        let seen = self.fields.iter().map(|field| Field {
            source: Source::key(&field.key),
            declared: hints.get(&field.key).map(|hint| hint.declaration.clone()),
            observed: field.value.observed(),
        });
        let unseen = hints
            .iter()
            .filter(|(key, _)| !self.positions.contains_key(*key));
        let unseen = unseen.map(|(key, hint)| Field {
            source: Source::key(key),
            declared: Some(hint.declaration.clone()),
            observed: crate::schema::Observed::default(),
        });
        seen.chain(unseen).collect()
    }

    /// What the declared columns did not take, by key.
    pub(super) fn misfits(&self) -> Vec<(String, Misfits)> {
        let misfits = |field: &FieldNode| Some((field.key.clone(), field.value.misfits()?.clone()));
        self.fields.iter().filter_map(misfits).collect()
    }

    /// Takes out the values of a column.
    pub(super) fn finish_column(
        &mut self,
        column: &Column,
        rows: usize,
    ) -> Result<ArrayRef, Error> {
        match self.positions.get(&column.source.key) {
            Some(position) => self.fields[*position].value.finish_column(column, rows),
            None => Ok(arrow::array::new_null_array(
                &column.data_type.arrow_type(),
                rows,
            )),
        }
    }

    /// The objects of all rows.
    pub(super) fn finish(mut self, data_type: &ColumnType, rows: usize) -> Result<ArrayRef, Error> {
        self.pad(rows);
        if let Some(texts) = self.deep.take() {
            return Ok(texts.finish(rows));
        }
        match (data_type, self.entries.take()) {
            (ColumnType::Map(value), Some(entries)) => {
                entries.finish(value, self.nulls.finish(), rows)
            }
            (ColumnType::Void, None) => {
                let nulls = self.nulls.finish();
                let mut marks = FixedColumn::new(rows);
                for row in 0..rows {
                    if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                        marks.push(row, true);
                    }
                }
                Ok(bool_array(marks, rows))
            }
            (ColumnType::Struct(columns), None) => self.finish_struct(columns, rows),
            _ => {
                let message = "objects are laid out as a struct".to_owned();
                Err(ArrowError::SchemaError(message).into())
            }
        }
    }

    fn finish_struct(&mut self, columns: &[Column], rows: usize) -> Result<ArrayRef, Error> {
        let arrays = columns
            .iter()
            .map(|column| self.finish_column(column, rows))
            .collect::<Result<_, _>>()?;
        let nulls = self.nulls.finish();
        Ok(Arc::new(StructArray::try_new_with_length(
            arrow_fields(columns),
            arrays,
            nulls,
            rows,
        )?))
    }

    fn read_fields(
        &mut self,
        walk: &mut Walk<'_>,
        row: usize,
        depth: usize,
        top_level: Option<Keys<'_>>,
    ) -> Read<Outcome> {
        let cursor_path = walk.cursor_path;
        let always_read = top_level.and_then(|keys| keys.always_read);
        let mut keys = 0;
        let mut expected = 0;
        let mut is_first = true;
        loop {
            // Most objects have the keys of the one before, in the same order.
            let separator = if is_first { b'{' } else { b',' };
            let predicted = self
                .fields
                .get(expected)
                .is_some_and(|field| walk.json.at_member(separator, &field.quoted));
            let position = if predicted {
                expected
            } else {
                let key = if is_first {
                    walk.json.known_object()?
                } else {
                    walk.json.next_key()?
                };
                let Some(key) = key else {
                    return Ok(Outcome::Read { keys });
                };
                match self.positions.get(key) {
                    Some(position) => *position,
                    None if self.fields.len() < self.maximum_fields
                        || always_read.is_some_and(|keys| keys.contains(key)) =>
                    {
                        self.add_field(key, cursor_path, top_level.map(|keys| keys.hints))
                    }
                    None if always_read.is_some() => {
                        let peek = walk.json.peek()?;
                        walk.skip(peek, depth + 1)?;
                        self.has_surplus = true;
                        is_first = false;
                        continue;
                    }
                    None => return Ok(Outcome::TooManyKeys),
                }
            };
            is_first = false;
            expected = position + 1;
            let field = &mut self.fields[position];
            let peek = walk.json.peek()?;
            if field.last_row == row {
                walk.skip_repeated(peek, field.last_index, depth + 1)
                    .map_err(|fault| fault.under_key(&field.key))?;
                continue;
            }
            field.last_row = row;
            field.last_index = walk.json.current_index();
            keys += 1;
            if let Err(fault) = field.value.read(walk, peek, row, depth + 1) {
                return Err(fault.under_key(&field.key));
            }
        }
    }

    #[cold]
    fn add_field(
        &mut self,
        key: &str,
        cursor_path: &[String],
        hints: Option<&IndexMap<String, Hint>>,
    ) -> usize {
        let declared = hints
            .and_then(|hints| hints.get(key)?.reading.as_ref())
            .map(|reading| DeclaredColumn::new(reading, self.rows));
        let is_root = hints.is_some();
        let on_path = (is_root || self.cursor_steps > 0)
            && cursor_path
                .get(self.cursor_steps)
                .is_some_and(|step| step == key);
        let cursor_steps = if on_path { self.cursor_steps + 1 } else { 0 };
        let mut quoted = String::new();
        write_json_string(key, &mut quoted);
        let position = self.fields.len();
        self.positions.insert(key.to_owned(), position);
        self.fields.push(FieldNode {
            key: key.to_owned(),
            quoted,
            value: ValueNode::new(declared, self.rows, cursor_steps),
            last_row: NEVER,
            last_index: 0,
        });
        position
    }

    fn pad(&mut self, rows: usize) {
        self.nulls
            .append_n_nulls(rows.saturating_sub(self.nulls.len()));
    }
}

enum Outcome {
    /// All of the object, which has so many keys.
    Read { keys: usize },
    /// Stopped behind a key for which there is no field.
    TooManyKeys,
}

fn read_entries(entries: &mut Entries, object: &str, row: usize, depth: usize) -> Read {
    let mut walk = Walk::new(object.as_bytes(), &[]);
    walk.json.peek()?;
    entries.read(&mut walk, row, depth)
}
