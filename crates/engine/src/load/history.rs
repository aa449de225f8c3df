//! What commits did to the schemas of tables, as the log has it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::commit_log::{self, CommitRecord};
use super::{Cause, Destination, Error, State};
use crate::schema::{ColumnChange, TableSchema, changes};

/// The commits of a destination, from the first to the newest.
#[derive(Debug)]
pub struct History {
    commits: Vec<CommitRecord>,
    newest: u64,
}

/// One change of a table's schema.
#[derive(Clone, Debug, Serialize)]
pub struct SchemaChange {
    /// Position of the commit in the log.
    pub sequence: u64,
    /// The load that the commit is of.
    pub load_id: String,
    /// When the commit was written.
    pub committed_at: Timestamp,
    /// Version of the schema behind the commit.
    pub schema_version: u32,
    /// What changed.
    pub columns: Vec<ColumnChange>,
    /// The records that needed it first, as far as the log has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
}

impl History {
    /// Reads all commits and changes nothing.
    pub async fn read(destination: &Destination) -> Result<Self, Error> {
        let newest = State::read(destination).await?.sequence;
        let commits = commit_log::read_up_to(destination, newest).await?;
        Ok(Self { commits, newest })
    }

    /// Name of the pipeline that wrote the newest commit; empty without any.
    pub fn pipeline(&self) -> &str {
        self.commits.last().map_or("", |commit| &commit.pipeline)
    }

    /// When the newest commit of a load was written.
    pub fn newest_commit_at(&self) -> Option<Timestamp> {
        self.newest_commits().into_values().max()
    }

    /// When the newest commit of a load was written that is about a table, under the name that the table has now.
    pub fn newest_commits(&self) -> BTreeMap<String, Timestamp> {
        let mut found = BTreeMap::new();
        for commit in &self.commits {
            for renamed in &commit.renamed {
                if let Some(earlier) = found.remove(&renamed.from) {
                    found.insert(renamed.to.clone(), earlier);
                }
            }
            for name in commit.tables.keys().filter(|_| !commit.opening) {
                found.insert(name.clone(), commit.created_at);
            }
        }
        found
    }

    /// What changed in the schema of each table that there is now, under the name that it has now, in the order of commits.
    pub fn schema_changes(&self) -> BTreeMap<String, Vec<SchemaChange>> {
        let mut state = State::default();
        let mut found: BTreeMap<String, Vec<SchemaChange>> = BTreeMap::new();
        for commit in &self.commits {
            for renamed in &commit.renamed {
                if let Some(earlier) = found.remove(&renamed.from) {
                    found.insert(renamed.to.clone(), earlier);
                }
            }
            let before: BTreeMap<&String, Option<TableSchema>> = commit
                .tables
                .iter()
                .filter(|(_, change)| change.schema.is_some())
                .map(|(name, _)| (name, schema_in(&state, name).cloned()))
                .collect();
            state.apply(commit);
            for (name, before) in before {
                let columns = changes(before.as_ref(), schema_in(&state, name));
                if columns.is_empty() {
                    continue;
                }
                found.entry(name.clone()).or_default().push(SchemaChange {
                    sequence: commit.sequence,
                    load_id: commit.load_id.clone(),
                    committed_at: commit.created_at,
                    schema_version: state.tables[name].schema_version,
                    columns,
                    causes: commit.tables[name].causes.clone(),
                });
            }
        }
        found
    }

    /// The state behind the newest commit.
    pub fn state(&self) -> State {
        self.state_up_to(self.newest)
    }

    /// The state behind the last commit of a load, which is named by its id or by the number of a commit.
    ///
    /// # Errors
    /// [`Error::NoSuchCommit`] or [`Error::NoSuchLoad`].
    pub fn state_behind(&self, load: &str) -> Result<State, Error> {
        let sequence = match load.parse() {
            Ok(sequence) if sequence == 0 || sequence > self.newest => {
                return Err(Error::NoSuchCommit {
                    sequence,
                    newest: self.newest,
                });
            }
            Ok(sequence) => sequence,
            Err(_) => self.last_of(load)?,
        };
        Ok(self.state_up_to(sequence))
    }

    fn state_up_to(&self, sequence: u64) -> State {
        let mut state = State::default();
        let commits = self.commits.iter();
        for commit in commits.take_while(|commit| commit.sequence <= sequence) {
            state.apply(commit);
        }
        state
    }

    fn last_of(&self, load: &str) -> Result<u64, Error> {
        let mut commits = self.commits.iter().rev();
        let last = commits.find(|commit| commit.load_id == load);
        last.map(|commit| commit.sequence)
            .ok_or_else(|| Error::NoSuchLoad {
                load_id: load.to_owned(),
                newest: self
                    .commits
                    .last()
                    .map(|commit| commit.load_id.clone())
                    .unwrap_or_default(),
            })
    }
}

fn schema_in<'s>(state: &'s State, table: &str) -> Option<&'s TableSchema> {
    state.tables.get(table)?.schema.as_ref()
}
