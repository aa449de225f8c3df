//! What of each record is let in, by the breaches that were found in it.

use std::ops::Range;

use super::json::write_without;
use super::judge::Breach;
use super::{Contract, Discarded, Entity, Rejected};
use crate::decode::Error;
use crate::decode::walk::{Read, excerpt};
use crate::plan::ContractMode;

/// The records of a page that are let in, as they are found.
pub(super) struct Admission<'a> {
    contract: &'a Contract,
    /// What is left out.
    pub(super) discarded: Discarded,
    /// The records that are let in, one behind the other.
    pub(super) body: String,
    /// The range of each in `body`.
    pub(super) records: Vec<Range<usize>>,
}

impl<'a> Admission<'a> {
    pub(super) fn new(contract: &'a Contract) -> Self {
        Self {
            contract,
            discarded: Discarded::default(),
            body: String::new(),
            records: Vec::new(),
        }
    }

    /// Lets in what it may of one record, and tells whether that is a row; `copied` are the texts that come from its parents, with their breaches.
    pub(super) fn record(
        &mut self,
        record: usize,
        data: &str,
        own: &[Breach],
        copied: &[(&str, Vec<Breach>)],
    ) -> Result<bool, Error> {
        if self.contract.discards_table() {
            let reason = "the table isn't there".to_owned();
            let entity = Entity::Tables;
            self.discarded
                .add(entity, rejected(record, None, reason, true, data));
            return Ok(false);
        }
        let copied = copied.iter();
        let copied = copied.flat_map(|(json, breaches)| breaches.iter().map(|one| (*json, one)));
        let breaches: Vec<(&str, &Breach)> =
            own.iter().map(|one| (data, one)).chain(copied).collect();
        let first = |mode| breaches.iter().find(|(_, breach)| breach.mode == mode);
        if let Some((json, breach)) = first(ContractMode::Freeze) {
            return Err(Error::ContractBroken {
                record,
                column: breach.path.clone(),
                excerpt: excerpt(breach.text(json).as_bytes()),
                reason: breach.reason.clone(),
                frozen: breach.entity.name(),
                help: breach.entity.help(breach.top.is_some()),
            });
        }
        let takes_row_along = |(_, breach): &&(&str, &Breach)| {
            let top = breach.top.as_ref();
            top.is_some_and(|top| self.contract.required.contains(&top.key))
        };
        let whole =
            first(ContractMode::DiscardRow).or_else(|| breaches.iter().find(takes_row_along));
        if let Some((_, breach)) = whole {
            self.discarded
                .add(breach.entity, breach.rejected(record, true, data));
            return Ok(false);
        }
        for (json, breach) in &breaches {
            let text = breach.text(json);
            self.discarded
                .add(breach.entity, breach.rejected(record, false, text));
        }
        let start = self.body.len();
        match without(data, own).map_err(|fault| fault.into_error(record, data.as_bytes()))? {
            Some(text) => self.body.push_str(&text),
            // A record that is no object has this value only.
            None => self.body.push_str("{}"),
        }
        self.records.push(start..self.body.len());
        Ok(true)
    }
}

impl Breach {
    /// The text of the value, within that of its record or of what is copied.
    fn text<'j>(&self, json: &'j str) -> &'j str {
        json.get(self.place.clone()).unwrap_or_default()
    }

    fn rejected(&self, record: usize, is_row: bool, json: &str) -> Rejected {
        rejected(
            record,
            Some(self.path.clone()),
            self.reason.clone(),
            is_row,
            json,
        )
    }
}

/// JSON text without the values that break the contract; `None` where nothing is left of it.
pub(super) fn without(json: &str, breaches: &[Breach]) -> Read<Option<String>> {
    let cuts: Vec<Range<usize>> = breaches.iter().map(|breach| breach.place.clone()).collect();
    if cuts.contains(&(0..json.len())) {
        return Ok(None);
    }
    let mut text = String::with_capacity(json.len());
    write_without(json, 0, 1, &cuts, &mut text)?;
    Ok(Some(text))
}

fn rejected(
    record: usize,
    column: Option<String>,
    reason: String,
    is_row: bool,
    json: &str,
) -> Rejected {
    Rejected {
        record,
        column,
        reason,
        is_row,
        value: json.to_owned(),
    }
}
