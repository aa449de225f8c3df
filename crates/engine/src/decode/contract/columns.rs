//! The columns that a contract knows, by where their values come from.

use std::collections::{HashMap, HashSet};

use crate::schema::{Column, Form, Kind, Level, Source, holds_whole_objects};

/// The columns of a table and the tables of the lists in its rows, each found at once however many there are.
#[derive(Debug, Default)]
pub(super) struct Columns {
    by_source: HashMap<Source, Vec<Column>>,
    tables: HashMap<Source, Self>,
    /// Where objects lie of which something has columns, or a table, of its own.
    split: HashSet<Source>,
}

impl Columns {
    /// Those of a table, and of all tables below it.
    pub(super) fn of_level(level: Level<'_>) -> Self {
        let mut columns = Self::default();
        for column in level.columns {
            columns.add(column.clone());
        }
        for table in level.tables {
            columns.split.extend(table.source.around());
            let below = Self::of_level(table.level());
            columns.tables.insert(table.source.clone(), below);
        }
        columns
    }

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

    /// The table of the lists of a source.
    pub(super) fn table(&self, source: &Source) -> Option<&Self> {
        self.tables.get(source)
    }

    /// Whether lists of a source are, or in this form become, rows of a table.
    pub(super) fn put_apart(&self, source: &Source, form: Form) -> bool {
        self.tables.contains_key(source) || form.puts_lists_apart(self.of(source))
    }

    /// Whether what lies in the objects there has columns of its own, and they have none.
    pub(super) fn lie_apart_in(&self, source: &Source) -> bool {
        self.split.contains(source)
            && !self
                .of(source)
                .iter()
                .any(|column| column.takes(Kind::Object))
    }

    /// In the table of a list, whether objects among the elements are values of one column.
    pub(super) fn hold_whole_objects(&self) -> bool {
        holds_whole_objects(self.of(&Source::element()))
    }
}
