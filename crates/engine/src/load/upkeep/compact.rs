//! Small files become large ones, and old ones get the table's current schema.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::rewrite::{Rewriting, folder_in_table};
use super::{UpkeepSettings, with_children};
use crate::load::parquet_writer::WrittenFile;
use crate::load::prepare::Prepared;
use crate::load::{DataFile, Error, Lake, State, TableState, durable};

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// Position of its commit in the log; `None` where there was nothing to do.
    pub sequence: Option<u64>,
    /// The tables that were changed.
    pub tables: BTreeMap<String, CompactedTable>,
}

/// What became of the files of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactedTable {
    /// All files of the table before.
    pub files_before: usize,
    /// All files of the table now.
    pub files_after: usize,
    /// Rows that were written again.
    pub rows_rewritten: u64,
    /// Size of the files that were written again, in bytes.
    pub bytes_before: u64,
    /// Size of the files that took their place, in bytes.
    pub bytes_after: u64,
}

/// Whether there is nothing to do for these tables and their child tables; for all where none is named.
pub fn is_compact(
    state: &State,
    tables: &[String],
    settings: &UpkeepSettings,
) -> Result<bool, Error> {
    let names = with_children(state, tables)?;
    let found = names
        .iter()
        .filter_map(|name| Some((name, state.tables.get(name)?)));
    let mut groups =
        found.flat_map(|(name, table)| groups(name, table, settings.file_size_bytes()));
    Ok(groups.next().is_none())
}

/// Merges small files of these tables and their child tables, and brings files of an earlier schema to the current one; of
/// all tables where none is named. All of it is one commit.
///
/// The rows stay as they are, in their order within each folder, and the files of slices that are kept apart stay apart.
pub async fn compact(
    lake: &mut Lake,
    tables: &[String],
    settings: &UpkeepSettings,
    now: Timestamp,
) -> Result<CompactReport, Error> {
    let mut report = CompactReport::default();
    let mut changes = Vec::new();
    for name in with_children(lake.state(), tables)? {
        let Some(table) = lake.state().tables.get(&name) else {
            continue;
        };
        let rewriting = Rewriting {
            destination: lake.destination(),
            folder: lake.spool_folder(),
            state: lake.state(),
            settings,
            name: &name,
            table,
        };
        if let Some((change, compacted)) = compact_table(&rewriting).await? {
            changes.push(change);
            report.tables.insert(name, compacted);
        }
    }
    if !changes.is_empty() {
        let committed = lake.commit_upkeep(changes, now).await?;
        report.sequence = Some(committed.sequence);
    }
    Ok(report)
}

async fn compact_table(
    rewriting: &Rewriting<'_>,
) -> Result<Option<(Prepared, CompactedTable)>, Error> {
    let Rewriting { name, table, .. } = rewriting;
    let mut written: Vec<WrittenFile> = Vec::new();
    let mut remove = BTreeSet::new();
    let mut report = CompactedTable {
        files_before: table.files.len(),
        ..CompactedTable::default()
    };
    for group in groups(name, table, rewriting.settings.file_size_bytes()) {
        let sources = group.iter().map(|file| (*file, None)).collect();
        let new = rewriting.rewrite(sources).await?;
        let is_current = |file: &&DataFile| file.schema_version == table.schema_version;
        if new.len() >= group.len() && group.iter().all(is_current) {
            // They were as large as they get.
            for file in new {
                durable::remove_file(&file.path)?;
            }
            continue;
        }
        report.rows_rewritten += group.iter().map(|file| file.rows).sum::<u64>();
        report.bytes_before += group.iter().map(|file| file.bytes).sum::<u64>();
        report.bytes_after += new.iter().map(|file| file.bytes).sum::<u64>();
        remove.extend(group.iter().map(|file| file.path.clone()));
        written.extend(new);
    }
    if remove.is_empty() {
        return Ok(None);
    }
    report.files_after = report.files_before - remove.len() + written.len();
    Ok(Some((rewriting.prepared(written, remove, 0), report)))
}

/// Files that are to be written again together: neighbours in one folder, of one slice where slices are kept apart.
fn groups<'t>(name: &str, table: &'t TableState, file_size_bytes: u64) -> Vec<Vec<&'t DataFile>> {
    let is_old = |file: &DataFile| file.schema_version != table.schema_version;
    let is_small = |file: &DataFile| file.bytes < file_size_bytes / 2;
    let mut folders: BTreeMap<&str, Vec<&DataFile>> = BTreeMap::new();
    for file in &table.files {
        let folder = folder_in_table(name, &file.path);
        folders.entry(folder).or_default().push(file);
    }
    let neighbours = folders.values().flat_map(|files| {
        files.chunk_by(|one, next| {
            one.slice == next.slice
                && [one, next]
                    .into_iter()
                    .all(|file| is_old(file) || is_small(file))
        })
    });
    let worth_it = |group: &&[&DataFile]| group.len() > 1 || group.iter().any(|file| is_old(file));
    neighbours.filter(worth_it).map(<[_]>::to_vec).collect()
}
