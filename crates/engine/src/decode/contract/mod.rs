//! The schema contract of a table: which records and values are let in.
//!
//! A page is decoded as if there were no contract. Only where what was observed of it doesn't fit the table as it is, is
//! each of its records judged by itself, against nothing but the table and the plan: neither the order of records nor the
//! size of pages matters.

mod admission;
mod columns;
mod discarded;
mod fit;
mod json;
mod judge;
mod load;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use bytes::Bytes;
use indexmap::IndexMap;

pub use discarded::{DiscardCounts, Discarded, Rejected};

use self::admission::{Admission, without};
use self::columns::Columns;
use self::discarded::Entity;
use self::judge::{COPY_DEPTH, Judge, observe};
use self::load::Load;
use super::Error;
use super::cursor::Verdict;
use super::hints::Hint;
use super::memory::SliceMemory;
use super::object::Keys;
use super::parents::parent_fields;
use super::records::Records;
use crate::flow::{Page, Slice};
use crate::plan::{ContractMode, ContractPlan, CursorPath, DecodePlan, ParentField};
use crate::schema::{Column, Field, Form, Mixture, Source, TableSchema};

/// What a load may change of its table.
#[derive(Debug)]
pub(super) struct Contract {
    modes: ContractPlan,
    /// What the table has of columns and of tables of its lists, and the columns of declared type that it hasn't.
    columns: Columns,
    /// The form of nested values, and those of keys that have another.
    form: Form,
    forms: HashMap<String, Form>,
    /// Keys that the plan names: each may get a column.
    pub(super) named: HashSet<String>,
    /// Keys without whose value there is no row.
    required: HashSet<String>,
    /// The load itself says which columns there are: the table's first one, of which nothing is declared.
    is_baseline: bool,
    is_new_table: bool,
    /// How the rows of records that are let in are read: other resources get their fields from what came.
    rows: DecodePlan,
    /// What other resources use of a record.
    parent_fields: Vec<ParentField>,
    load: Load,
}

/// A page whose records were read, and how.
pub(super) struct ReadPage<'a> {
    pub(super) hints: &'a IndexMap<String, Hint>,
    pub(super) slice: &'a Slice,
    pub(super) page: &'a Page,
    /// What became of each record; `None`: all were kept.
    pub(super) verdicts: Option<&'a [Verdict]>,
    /// The hash of each record's key; `None`, or not there, where it isn't compared.
    pub(super) keys: &'a [Option<u128>],
}

/// What a contract lets in of a page.
pub(super) struct Admitted {
    pub(super) records: Records,
    /// What is copied from the slice's parents.
    pub(super) constants: Vec<(String, String)>,
    pub(super) discarded: Discarded,
    /// Records that came twice, and were judged since the first one was discarded.
    pub(super) twins: u64,
}

impl ReadPage<'_> {
    /// The positions and places of the records that were kept.
    fn records(&self) -> impl Iterator<Item = (usize, &Range<usize>)> {
        let all = self.page.records.iter().enumerate();
        all.filter(|(record, _)| self.verdict(*record) == Verdict::Kept)
    }

    fn verdict(&self, record: usize) -> Verdict {
        self.verdicts
            .map_or(Verdict::Kept, |verdicts| verdicts[record])
    }

    fn text(&self, record: usize, range: &Range<usize>) -> Result<&str, Error> {
        let data = self.page.body.get(range.clone());
        let text = data.and_then(|data| std::str::from_utf8(data).ok());
        text.ok_or(Error::OutsideBody { record })
    }

    /// What is observed of one record.
    fn alone(&self, plan: &DecodePlan, range: Range<usize>) -> Result<Vec<Field>, Error> {
        let page = Page {
            records: vec![range],
            ..self.page.clone()
        };
        let records = self.read_rows(plan, &page)?;
        Ok(records.root.observed_fields(self.hints))
    }

    /// Reads all records of a page that holds some of this one's.
    fn read_rows(&self, plan: &DecodePlan, page: &Page) -> Result<Records, Error> {
        let all = vec![Verdict::Kept; page.records.len()];
        let keys = Keys {
            hints: self.hints,
            always_read: None,
        };
        Records::read_kept(plan, keys, self.slice, page, &all)
    }
}

impl Contract {
    /// The contract with a table, by its schema before the load; `None` where anything goes.
    pub(super) fn new(
        plan: &DecodePlan,
        hints: &IndexMap<String, Hint>,
        table: Option<&TableSchema>,
    ) -> Option<Self> {
        let modes = plan.contract;
        let table = table.filter(|table| table.has_columns());
        let is_new_table = table.is_none();
        let may_discard_table = is_new_table && modes.tables != ContractMode::Evolve;
        let may_refuse_lists = modes.tables != ContractMode::Evolve && plan.has_tables();
        if !may_discard_table && !may_refuse_lists && !modes.concerns_records() {
            return None;
        }
        let mut columns = Columns::of_level(table.map(TableSchema::level).unwrap_or_default());
        for (key, hint) in hints {
            if let Some(declared) = declared_column(key, hint)
                && !columns
                    .of(&declared.source)
                    .iter()
                    .any(|column| column.data_type == declared.data_type)
            {
                columns.add(declared);
            }
        }
        let cursor = plan.cursor.as_ref().and_then(|cursor| match &cursor.path {
            CursorPath::Keys(keys) => keys.first(),
            CursorPath::Selector(_) => None,
        });
        let keys = plan.primary_key.iter().chain(&plan.merge_key);
        let named = hints.keys().chain(keys.clone()).chain(cursor);
        let never_null = hints.iter().filter(|(_, hint)| hint.declaration.required);
        let never_null = never_null.map(|(key, _)| key);
        let forms = hints.iter().filter_map(|(key, hint)| {
            let form = hint.declaration.form?;
            Some((key.clone(), form))
        });
        Some(Self {
            modes,
            columns,
            form: plan.nested,
            forms: forms.collect(),
            named: named.cloned().collect(),
            required: never_null.chain(keys).cloned().collect(),
            is_baseline: is_new_table && plan.columns.is_empty(),
            is_new_table,
            rows: DecodePlan {
                parent_fields: Vec::new(),
                ..plan.clone()
            },
            parent_fields: plan.parent_fields.clone(),
            load: Load::new(modes.data_type, table.cloned()),
        })
    }

    /// Whether the table isn't there, and all of its records are left out.
    pub(super) fn discards_table(&self) -> bool {
        let discards = matches!(
            self.modes.tables,
            ContractMode::DiscardRow | ContractMode::DiscardValue
        );
        self.is_new_table && discards
    }

    /// Leaves out what the contract doesn't let in of a page. A discarded record doesn't keep out one with the same key.
    ///
    /// # Errors
    /// A frozen contract is broken.
    pub(super) fn admit(
        &self,
        read: &ReadPage<'_>,
        mut records: Records,
        constants: Vec<(String, String)>,
        memory: &mut SliceMemory,
    ) -> Result<Admitted, Error> {
        let fields = records.root.observed_fields(read.hints);
        let copied = observed_copies(&constants);
        let lets_all_in = !records.root.has_surplus()
            && fields
                .iter()
                .chain(&copied)
                .all(|field| self.lets_in(field, self.root()));
        if lets_all_in && !self.discards_table() {
            return Ok(Admitted {
                records,
                constants,
                discarded: Discarded::default(),
                twins: 0,
            });
        }
        let mut admission = Admission::new(self);
        let mut copied = Vec::with_capacity(constants.len());
        for (key, json) in &constants {
            let breaches = Judge::copied(self, key, json);
            let breaches = breaches.map_err(|fault| fault.into_error(0, json.as_bytes()))?;
            copied.push((json.as_str(), breaches));
        }
        let mut discarded_keys = HashSet::new();
        let mut twins = 0;
        // Other resources are asked for what depends on a record, whether its row is discarded or not.
        let mut first_parents = std::mem::take(&mut records.parents).into_iter();
        let mut parents = Vec::new();
        for (record, range) in read.page.records.iter().enumerate() {
            let key = read.keys.get(record).copied().flatten();
            match read.verdict(record) {
                Verdict::Kept => parents.extend(first_parents.next()),
                Verdict::Duplicate if key.is_some_and(|key| discarded_keys.contains(&key)) => {
                    twins += 1;
                    let data = read.text(record, range)?.as_bytes();
                    parents.extend(parent_fields(
                        &self.parent_fields,
                        read.slice,
                        record,
                        data,
                    )?);
                }
                _ => continue,
            }
            let data = read.text(record, range)?;
            let own = Judge::record(self, read.hints, data);
            let own = own.map_err(|fault| fault.into_error(record, data.as_bytes()))?;
            let is_let_in = admission.record(record, data, &own, &copied)?;
            if let Some(key) = key {
                if is_let_in {
                    memory.keys.insert(key);
                    discarded_keys.remove(&key);
                } else {
                    memory.keys.remove(&key);
                    discarded_keys.insert(key);
                }
            }
        }
        let mut kept_constants = Vec::with_capacity(constants.len());
        for ((key, json), (_, breaches)) in constants.iter().zip(&copied) {
            let text = without(json, breaches);
            let text = text.map_err(|fault| fault.into_error(0, json.as_bytes()))?;
            kept_constants.extend(text.map(|text| (key.clone(), text)));
        }
        let page = Page {
            number: read.page.number,
            body: Bytes::from(admission.body),
            records: admission.records,
            fetched_at: read.page.fetched_at,
        };
        let rows = read.read_rows(&self.rows, &page)?;
        Ok(Admitted {
            records: Records { parents, ..rows },
            constants: kept_constants,
            discarded: admission.discarded,
            twins,
        })
    }

    /// Adds what is known of the rows of a page to what the load has brought.
    ///
    /// # Errors
    /// They would need a column that a frozen contract doesn't let them have.
    pub(super) fn take_in(
        &self,
        schema: &TableSchema,
        read: &ReadPage<'_>,
        constants: &[(String, String)],
    ) -> Result<(), Error> {
        match self.load.take_in(schema) {
            Ok(()) => Ok(()),
            Err(mixture) => {
                let copied = observed_copies(constants);
                Err(self.load.refusal(mixture, &self.rows, read, copied)?)
            }
        }
    }

    /// The keys of which the load has brought values of several kinds, where no contract says which are wrong.
    pub(super) fn mixtures(&self) -> Vec<Mixture> {
        self.load.mixtures()
    }

    fn mode(&self, entity: Entity) -> ContractMode {
        match entity {
            Entity::Tables => self.modes.tables,
            Entity::Columns => self.modes.columns,
            Entity::DataType => self.modes.data_type,
        }
    }
}

/// A column whose type is declared, as the table would have it.
fn declared_column(key: &str, hint: &Hint) -> Option<Column> {
    let data_type = hint.declaration.data_type.clone()?;
    Some(Column {
        source: Source::key(key),
        kind: data_type.kind(),
        name: key.to_owned(),
        data_type,
        required: false,
        declared: true,
        closed: false,
        description: None,
    })
}

/// What is observed of the fields that are copied from the slice's parents; they were read before.
fn observed_copies(constants: &[(String, String)]) -> Vec<Field> {
    let field = |(key, json): &(String, String)| {
        Some(Field {
            source: Source {
                from_parent: true,
                ..Source::key(key)
            },
            declared: None,
            observed: observe(json, None, COPY_DEPTH).ok()?,
        })
    };
    constants.iter().filter_map(field).collect()
}
