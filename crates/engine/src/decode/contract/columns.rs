//! The columns that a contract knows, by where their values come from.

use std::collections::{HashMap, HashSet};

use crate::schema::{Column, Kind, Source};

/// Columns, each found at once however many there are.
#[derive(Debug, Default)]
pub(super) struct Columns {
    by_source: HashMap<Source, Vec<Column>>,
    /// Where objects lie whose fields have columns of their own.
    split: HashSet<Source>,
}

impl Columns {
    /// Adds a column; the first one of a source is its plain one.
    pub(super) fn add(&mut self, column: Column) {
        self.split.extend(column.source.around());
        self.by_source
            .entry(column.source.clone())
            .or_default()
            .push(column);
    }

    /// Those of a source, in the order in which they were added.
    pub(super) fn of(&self, source: &Source) -> &[Column] {
        self.by_source.get(source).map_or(&[], Vec::as_slice)
    }

    /// Whether what lies in the objects there has columns of its own, and they have none.
    pub(super) fn lie_apart_in(&self, source: &Source) -> bool {
        self.split.contains(source)
            && !self
                .of(source)
                .iter()
                .any(|column| column.takes(Kind::Object))
    }
}
