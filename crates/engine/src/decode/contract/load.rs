//! What the load itself says of types that neither the table nor the plan does.
//!
//! Which of several kinds is the wrong one can't be told then: a frozen contract fails, any other lets each kind have a
//! column of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::json::{members, peek};
use super::judge::VALUE_DEPTH;
use super::{Entity, ReadPage};
use crate::decode::Error;
use crate::decode::walk::{Read, excerpt};
use crate::json::Peek;
use crate::plan::{ContractMode, DecodePlan};
use crate::schema::{Field, Mixture, TableSchema};

/// What the load has brought so far, all slices together.
#[derive(Debug)]
pub(super) struct Load {
    mode: ContractMode,
    table: Option<TableSchema>,
    brought: Mutex<Brought>,
}

#[derive(Debug, Default)]
struct Brought {
    schema: TableSchema,
    mixtures: Vec<Mixture>,
}

impl Load {
    /// A load into a table, by the mode for `data_type`.
    pub(super) fn new(mode: ContractMode, table: Option<TableSchema>) -> Self {
        Self {
            mode,
            table,
            brought: Mutex::default(),
        }
    }

    /// Adds what is known of the rows of a page.
    ///
    /// # Errors
    /// A key whose values would need a column that a frozen contract forbids; nothing is added then.
    pub(super) fn take_in(&self, schema: &TableSchema) -> Result<(), Mixture> {
        if self.mode == ContractMode::Evolve {
            return Ok(());
        }
        let mut brought = self.brought();
        let joined = brought.schema.join(schema);
        if joined == brought.schema {
            return Ok(());
        }
        let mixtures = joined.mixtures(self.table.as_ref());
        if self.mode == ContractMode::Freeze
            && let Some(first) = mixtures.iter().find(|mixture| !mixture.may_end)
        {
            return Err(first.clone());
        }
        *brought = Brought {
            schema: joined,
            mixtures,
        };
        Ok(())
    }

    /// The error of a page that can't be taken in: it names the first record that would be too much.
    ///
    /// `copied` was observed of the fields that come from the slice's parents.
    pub(super) fn refusal(
        &self,
        mixture: Mixture,
        plan: &DecodePlan,
        read: &ReadPage<'_>,
        copied: Vec<Field>,
    ) -> Result<Error, Error> {
        let before = self.brought().schema.clone();
        let mut schema = before.join(&TableSchema::of_records(copied, plan.nested));
        for (record, range) in read.records() {
            let fields = read.alone(plan, range.clone())?;
            schema = schema.join(&TableSchema::of_records(fields, plan.nested));
            let mut mixtures = schema.mixtures(self.table.as_ref()).into_iter();
            if let Some(mixture) = mixtures.find(|mixture| !mixture.may_end) {
                let data = read.text(record, range)?;
                let value = top_level(data, &mixture.key);
                let value = value.map_err(|fault| fault.into_error(record, data.as_bytes()))?;
                return Ok(error(record, mixture, value.unwrap_or(data)));
            }
        }
        Ok(error(0, mixture, ""))
    }

    /// The keys of which the load has brought values of several kinds.
    pub(super) fn mixtures(&self) -> Vec<Mixture> {
        self.brought().mixtures.clone()
    }

    fn brought(&self) -> MutexGuard<'_, Brought> {
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of a top-level value.
fn top_level<'j>(data: &'j str, key: &str) -> Read<Option<&'j str>> {
    let mut found = None;
    if peek(data)? == Peek::Object {
        members(data, VALUE_DEPTH, |name, value, _| {
            if name == key {
                found = Some(value);
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn error(record: usize, mixture: Mixture, value: &str) -> Error {
    Error::ContractBroken {
        record,
        reason: format!(
            "the values of `{}` are of several kinds ({}), and nothing says which is right",
            mixture.path,
            mixture.kinds.join(", ")
        ),
        column: mixture.path,
        excerpt: excerpt(value.as_bytes()),
        frozen: Entity::DataType.name(),
        help: "declare its `data_type` under `columns`, or let the first load have `data_type: evolve`",
    }
}
