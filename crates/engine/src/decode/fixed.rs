//! Growing columns: values of a fixed size, and text. Rows without a value cost nothing until the next value.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, NullBufferBuilder, StringArray, StringBuilder};
use arrow::buffer::NullBuffer;

/// Values of one size, such as integers.
pub(super) struct FixedColumn<T> {
    values: Vec<T>,
    nulls: NullBufferBuilder,
}

impl<T: Copy + Default> FixedColumn<T> {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            values: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
        }
    }

    /// Rows up to the last value.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Puts a value into a row behind all rows that have one.
    #[inline]
    pub(super) fn push(&mut self, row: usize, value: T) {
        if row > self.values.len() {
            self.pad(row);
        }
        self.values.push(value);
        self.nulls.append_non_null();
    }

    /// The rows up to the last value.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<T>> + '_ {
        self.values
            .iter()
            .enumerate()
            .map(|(row, value)| self.nulls.is_valid(row).then_some(*value))
    }

    /// The values of all rows, and which rows have none.
    pub(super) fn finish(mut self, rows: usize) -> (Vec<T>, Option<NullBuffer>) {
        if rows > self.values.len() {
            self.pad(rows);
        }
        (self.values, self.nulls.finish())
    }

    #[cold]
    fn pad(&mut self, rows: usize) {
        self.nulls.append_n_nulls(rows - self.values.len());
        self.values.resize(rows, T::default());
    }
}

/// Text.
pub(super) struct TextColumn {
    builder: StringBuilder,
}

impl TextColumn {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            builder: StringBuilder::with_capacity(rows, rows.saturating_mul(16)),
        }
    }

    /// Rows up to the last value.
    pub(super) fn len(&self) -> usize {
        arrow::array::ArrayBuilder::len(&self.builder)
    }

    /// Puts a value into a row behind all rows that have one.
    #[inline]
    pub(super) fn push(&mut self, row: usize, text: &str) {
        self.pad(row);
        self.builder.append_value(text);
    }

    /// The values of all rows.
    pub(super) fn finish(mut self, rows: usize) -> ArrayRef {
        self.pad(rows);
        let array: StringArray = self.builder.finish();
        debug_assert_eq!(array.len(), rows, "no row is filled before its turn");
        Arc::new(array)
    }

    #[inline]
    fn pad(&mut self, rows: usize) {
        let missing = rows - self.len();
        if missing > 0 {
            self.builder.append_nulls(missing);
        }
    }
}
