//! Erasing rows from every file of a table, and their elements from its child tables.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use super::condition::Condition;
use super::rewrite::{Rewriting, check_rows};
use super::{UpkeepSettings, find_table};
use crate::load::destination::off_the_async_threads;
use crate::load::spool::SpoolFolder;
use crate::load::stored_file::{local_copy, read_columns};
use crate::load::{DataFile, Destination, Error, Lake, State, TableState};
use crate::schema::{PARENT_ID, ROW_ID, TableSchema};

/// What was erased, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForgetReport {
    /// Position of the commit in the log; `None` where nothing was changed.
    pub sequence: Option<u64>,
    /// The table that was named and its child tables, those without such rows too.
    pub tables: BTreeMap<String, ForgottenTable>,
}

/// What was erased from one table, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForgottenTable {
    /// Rows that went.
    pub rows: u64,
    /// Files that held such rows, and others: they were written again.
    pub files_rewritten: u64,
    /// Files that held nothing else.
    pub files_removed: u64,
    /// Files that were looked at.
    pub files: u64,
}

/// Erases the rows of a table that meet a condition, and the rows of its child tables that are elements of them, in one commit.
///
/// The files that held them are deleted when the commit is published. Files without such rows stay as they are.
pub async fn forget(
    lake: &mut Lake,
    table: &str,
    condition: &Condition,
    settings: &UpkeepSettings,
    now: Timestamp,
) -> Result<ForgetReport, Error> {
    let mut report = ForgetReport::default();
    let mut changes = Vec::new();
    let mut search = Search::new(lake.destination(), lake.spool_folder(), lake.state());
    for (name, meant) in search.family(table, condition)? {
        let Some(before) = lake.state().tables.get(&name) else {
            continue;
        };
        let rewriting = Rewriting {
            destination: lake.destination(),
            folder: lake.spool_folder(),
            state: lake.state(),
            settings,
            name: &name,
            table: before,
        };
        let mut counts = ForgottenTable::default();
        let mut files = Vec::new();
        let mut remove = BTreeSet::new();
        for file in &before.files {
            let matches = search.matches(&name, before, file, &meant).await?;
            counts.add(file, &matches);
            if matches.rows == 0 {
                continue;
            }
            remove.insert(file.path.clone());
            if matches.rows < file.rows {
                let keep = matches.keep();
                files.extend(rewriting.rewrite(vec![(file, Some(keep))]).await?);
            }
        }
        if !remove.is_empty() {
            changes.push(rewriting.prepared(files, remove, counts.rows));
        }
        report.tables.insert(name, counts);
    }
    if !changes.is_empty() {
        report.sequence = Some(lake.commit_upkeep(changes, now).await?.sequence);
    }
    Ok(report)
}

/// Counts what [`forget`] would erase, and changes nothing.
pub async fn would_forget(
    destination: &Destination,
    state: &State,
    table: &str,
    condition: &Condition,
) -> Result<ForgetReport, Error> {
    let mut report = ForgetReport::default();
    let folder = Arc::new(SpoolFolder::new(None, "look"));
    let mut search = Search::new(destination, &folder, state);
    for (name, meant) in search.family(table, condition)? {
        let Some(before) = state.tables.get(&name) else {
            continue;
        };
        let mut counts = ForgottenTable::default();
        for file in &before.files {
            let matches = search.matches(&name, before, file, &meant).await?;
            counts.add(file, &matches);
        }
        report.tables.insert(name, counts);
    }
    Ok(report)
}

impl ForgottenTable {
    fn add(&mut self, file: &DataFile, matches: &Matches) {
        self.files += 1;
        self.rows += matches.rows;
        if matches.rows == file.rows {
            self.files_removed += 1;
        } else if matches.rows > 0 {
            self.files_rewritten += 1;
        }
    }
}

/// Looks for the rows that are meant, in a table and then in its child tables.
struct Search<'a> {
    destination: &'a Destination,
    folder: &'a Arc<SpoolFolder>,
    state: &'a State,
    /// Hashes of the ids of the rows that were found.
    found: HashSet<u128>,
}

/// Which rows of a table are meant.
#[derive(Clone)]
enum Meant {
    /// Those that meet the condition.
    By(Condition),
    /// The elements of lists in rows that were found.
    Elements,
}

/// The rows of one file that are meant.
#[derive(Debug, Default)]
struct Matches {
    rows: u64,
    /// One value for each row of each batch.
    batches: Vec<BooleanArray>,
    /// Hashes of their ids.
    ids: Vec<u128>,
}

impl<'a> Search<'a> {
    fn new(destination: &'a Destination, folder: &'a Arc<SpoolFolder>, state: &'a State) -> Self {
        Self {
            destination,
            folder,
            state,
            found: HashSet::new(),
        }
    }

    /// The tables to search, each before those of the lists in its rows.
    fn family(&self, table: &str, condition: &Condition) -> Result<Vec<(String, Meant)>, Error> {
        find_table(self.state, table)?;
        let resources = self.state.tables.iter();
        let mut families = resources.map(|(name, own)| own.child_tables(name));
        let family = families.find(|children| children.iter().any(|child| child == table));
        let children = match family {
            Some(children) => children,
            None => self.state.tables[table].child_tables(table),
        };
        let mut all = vec![(table.to_owned(), Meant::By(condition.clone()))];
        let others = children
            .into_iter()
            .filter(|child| child != table && self.state.tables.contains_key(child));
        all.extend(others.map(|child| (child, Meant::Elements)));
        Ok(all)
    }

    /// The rows of a file that are meant; notes their ids.
    async fn matches(
        &mut self,
        name: &str,
        table: &TableState,
        file: &DataFile,
        meant: &Meant,
    ) -> Result<Matches, Error> {
        if matches!(meant, Meant::Elements) && self.found.is_empty() {
            return Ok(Matches::default());
        }
        let copy = local_copy(self.destination, &file.path, self.folder).await?;
        let schema = table.schema_of(file)?.clone();
        let (name, meant) = (name.to_owned(), meant.clone());
        let found = std::mem::take(&mut self.found);
        let (found, matches) = off_the_async_threads(move || {
            let matches = match meant {
                Meant::By(condition) => by_condition(&name, copy.path(), &schema, &condition),
                Meant::Elements => elements_of(&name, copy.path(), &found),
            };
            (found, matches)
        })
        .await;
        self.found = found;
        let matches = matches?;
        let rows = matches.batches.iter().map(|batch| batch.len() as u64).sum();
        check_rows(file, rows)?;
        self.found.extend(&matches.ids);
        Ok(matches)
    }
}

fn by_condition(
    table: &str,
    path: &Path,
    schema: &TableSchema,
    condition: &Condition,
) -> Result<Matches, Error> {
    let id = schema.row_id().map(|_| ROW_ID);
    let mut matches = Matches::default();
    condition.matching(table, path, schema, id, |batch, ids| {
        matches.add(batch, ids.as_ref());
        Ok(())
    })?;
    Ok(matches)
}

fn elements_of(table: &str, path: &Path, found: &HashSet<u128>) -> Result<Matches, Error> {
    let mut matches = Matches::default();
    let is_read = |name: &str| name == ROW_ID || name == PARENT_ID;
    read_columns(table, path, &is_read, |batch| {
        let parents = batch.column_by_name(PARENT_ID);
        let parents = parents.and_then(|parents| parents.as_string_opt::<i32>());
        let of_found = |id: Option<&str>| id.is_some_and(|id| found.contains(&hash(id)));
        let of_found: Vec<bool> = match parents {
            Some(parents) => parents.iter().map(of_found).collect(),
            None => vec![false; batch.num_rows()],
        };
        matches.add(BooleanArray::from(of_found), batch.column_by_name(ROW_ID));
        Ok(())
    })?;
    Ok(matches)
}

fn hash(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

impl Matches {
    fn add(&mut self, batch: BooleanArray, ids: Option<&ArrayRef>) {
        self.rows += batch.true_count() as u64;
        let ids = ids.and_then(|ids| ids.as_string_opt::<i32>());
        if let Some(ids) = ids {
            let meant = ids.iter().zip(batch.values()).filter(|(_, meant)| *meant);
            self.ids.extend(meant.filter_map(|(id, _)| id.map(hash)));
        }
        self.batches.push(batch);
    }

    /// The rows that stay.
    fn keep(&self) -> Vec<BooleanBuffer> {
        let meant = self.batches.iter();
        meant.map(|batch| !batch.values()).collect()
    }
}
