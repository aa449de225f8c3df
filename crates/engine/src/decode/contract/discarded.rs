//! What a schema contract left out: counts for the report, and each record or value for the files of `rejected`.

use std::collections::{BTreeMap, BTreeSet};

/// Columns of one kind of breach that a warning names.
const COLUMNS_TOLD: usize = 10;

/// What a contract is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entity {
    /// The table itself.
    Tables,
    /// A column, or a key of an object.
    Columns,
    /// The type of a column.
    DataType,
}

impl Entity {
    /// The key of `schema_contract`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Columns => "columns",
            Self::DataType => "data_type",
        }
    }

    /// What to do about a frozen contract that was broken; a column of the table itself can be declared.
    pub(super) fn help(self, is_top_level: bool) -> &'static str {
        match self {
            Self::Tables => "`tables: evolve` creates the table",
            Self::Columns if is_top_level => {
                "declare it under `columns` of the resource, or write `columns: evolve` to let it in or `columns: discard_value` \
                 to leave it out"
            }
            Self::Columns => {
                "write `columns: evolve` to let it in, or `columns: discard_value` to leave it out"
            }
            Self::DataType => {
                "write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"
            }
        }
    }
}

/// A record that was left out, or a value of one.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Position of the record within the page, from 0.
    pub record: usize,
    /// Path to the key that broke the contract; `None` where the table did.
    pub column: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// The whole record was left out.
    pub is_row: bool,
    /// The JSON text of the record or the value, as it came.
    pub value: String,
}

/// What a contract left out of a page.
#[derive(Clone, Debug, Default)]
pub struct Discarded {
    /// How much.
    pub counts: DiscardCounts,
    /// Each record and value, in the order of the page.
    pub rejected: Vec<Rejected>,
}

/// How much a contract left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscardCounts {
    /// Records.
    pub rows: u64,
    /// Values of records that were kept otherwise.
    pub values: u64,
    causes: BTreeMap<Cause, Told>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cause {
    entity: Entity,
    is_row: bool,
}

/// How often, and the first columns by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    count: u64,
    columns: BTreeSet<String>,
    more_columns: bool,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.columns.extend(other.columns);
        self.more_columns |= other.more_columns;
        while self.columns.len() > COLUMNS_TOLD {
            self.columns.pop_last();
            self.more_columns = true;
        }
    }
}

impl Discarded {
    /// Notes a record or a value.
    pub(super) fn add(&mut self, entity: Entity, rejected: Rejected) {
        let told = Told {
            count: 1,
            columns: rejected.column.iter().cloned().collect(),
            more_columns: false,
        };
        let is_row = rejected.is_row;
        let counts = &mut self.counts;
        *(if is_row {
            &mut counts.rows
        } else {
            &mut counts.values
        }) += 1;
        counts
            .causes
            .entry(Cause { entity, is_row })
            .or_default()
            .add(told);
        self.rejected.push(rejected);
    }
}

impl DiscardCounts {
    /// Counts what was left out elsewhere, too.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.values += other.values;
        for (cause, told) in other.causes {
            self.causes.entry(cause).or_default().add(told);
        }
    }

    /// A line for each cause: what was left out of so many `records`, and why.
    pub fn lines(&self, records: u64) -> Vec<String> {
        let line = |(cause, told): (&Cause, &Told)| {
            let count = told.count;
            let mut columns: Vec<String> = told
                .columns
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            if told.more_columns {
                columns.push("others".to_owned());
            }
            let columns = columns.join(", ");
            let what = match (cause.is_row, count) {
                (true, _) => format!("{count} of {records} records were"),
                (false, 1) => "1 value was".to_owned(),
                (false, _) => format!("{count} values were"),
            };
            match cause.entity {
                Entity::Tables if !columns.is_empty() => format!(
                    "{what} discarded, since there is no table of the elements of {columns} (`tables` of `schema_contract`)"
                ),
                Entity::Tables => {
                    format!(
                        "{what} discarded, since the table isn't there (`tables` of `schema_contract`)"
                    )
                }
                Entity::Columns => format!(
                    "{what} discarded, since the table has no column {columns} (`columns` of `schema_contract`)"
                ),
                Entity::DataType => format!(
                    "{what} discarded, since values of {columns} don't fit their column (`data_type` of \
                     `schema_contract`)"
                ),
            }
        };
        self.causes.iter().map(line).collect()
    }
}
