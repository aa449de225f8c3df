//! What a commit will do to a table: its rows in final files, and the files that leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::absent_rows::ReadAnew;
use super::causes::Notes;
use super::commit_log::{TableChange, VersionedSchema};
use super::destination::off_the_async_threads;
use super::key_index::MergeCounts;
use super::merge::{Merged, counting, merge, not_yet_there};
use super::parquet_writer::WrittenFile;
use super::progress_change::ProgressChange;
use super::spool::{TableRows, divide};
use super::stored_file::lay_out;
use super::table_writer::TableWriter;
use super::{
    Basis, Destination, Error, ReplacedRange, SealedRejected, SealedSpool, State, TableReport,
    TableState,
};
use crate::flow::Progress;
use crate::plan::{AbsentRows, MergeAction, WriteDisposition};
use crate::schema::{TableSchema, changes};

/// One table's part of a commit.
#[derive(Debug)]
pub struct TableCommit {
    /// The table's name.
    pub table: String,
    /// The rows.
    pub sealed: SealedSpool,
    /// How the rows join the table. A `replace` takes all earlier files away, those of this run's own earlier commits
    /// too: such a table is committed once in a run.
    pub write_disposition: WriteDisposition,
    /// How the rows of the table are put together; `None` leaves what is known of it.
    pub basis: Option<Basis>,
    /// How far the resource is read once the commit exists; takes the place of what was known before.
    pub progress: Progress,
    /// What the table's schema contract left out.
    pub discards: Discards,
    /// What of the table leaves in any case.
    pub replaced: Replaced,
}

/// What of a table leaves, whatever rows come.
#[derive(Clone, Debug, Default)]
pub enum Replaced {
    /// Nothing.
    #[default]
    Nothing,
    /// All rows: the new ones join an empty table.
    All,
    /// The rows of a range of time, of an append.
    Range(ReplacedRange),
}

/// What a schema contract left out of a commit.
#[derive(Debug, Default)]
pub struct Discards {
    /// Records.
    pub rows: u64,
    /// Values of records that were kept otherwise.
    pub values: u64,
    /// Each of them, where they are kept.
    pub file: Option<SealedRejected>,
}

/// A table's part of a commit, ready to be staged.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) table: String,
    /// `add` is filled in as the files are staged.
    pub(super) change: TableChange,
    pub(super) files: Vec<WrittenFile>,
    pub(super) rejected: Option<SealedRejected>,
    pub(super) schema_version: u32,
    pub(super) report: TableReport,
}

/// Brings the rows into the table's settled schema, the elements of lists into its child tables, and finds the files that
/// leave; the table itself comes first.
pub(super) async fn prepare(
    destination: &Destination,
    state: &State,
    commit: TableCommit,
) -> Result<Vec<Prepared>, Error> {
    let unknown = TableState::default();
    let before = |table: &str| state.tables.get(table).unwrap_or(&unknown);
    let mut own = Prepared::new(&commit.table, before(&commit.table));
    own.change.progress = ProgressChange::between(&before(&commit.table).progress, commit.progress);
    own.change.basis = commit
        .basis
        .filter(|basis| before(&commit.table).basis.as_ref() != Some(basis));
    own.rejected = commit.discards.file;
    own.report.rows_discarded = commit.discards.rows;
    own.report.values_discarded = commit.discards.values;
    let SealedSpool {
        target,
        parts,
        schema,
        apart,
        notes,
        ..
    } = commit.sealed;
    let committed = before(&commit.table).schema.as_ref();
    let is_merge = commit.write_disposition == WriteDisposition::Merge;
    let versions = target.settings.merge.versions().filter(|_| is_merge);
    let schema = match versions {
        Some(versions) if schema.is_some() || committed.is_some() => {
            let of_versions = [&versions.valid_from, &versions.valid_to];
            let known = schema.unwrap_or_default();
            Some(known.join(&TableSchema::of_timestamps(of_versions)))
        }
        _ => schema,
    };
    let settled = match (schema, committed) {
        (Some(schema), committed) => Some(Arc::new(schema.settle(committed))),
        (None, Some(committed)) => Some(Arc::new(committed.clone())),
        (None, None) => None,
    };
    let Some(settled) = settled.filter(|_| commit.write_disposition != WriteDisposition::Skip)
    else {
        return Ok(vec![own]);
    };
    let keeps_earlier = is_merge && target.settings.merge.action == MergeAction::KeepEarlier;
    let joining = Joining {
        disposition: if keeps_earlier {
            WriteDisposition::Append
        } else {
            commit.write_disposition
        },
        apart: apart.into_iter().collect(),
        replaced: commit.replaced,
    };
    let mut rows = TableRows {
        target,
        schema: settled,
        parts,
    };
    let mut left_out = MergeCounts::default();
    let mut kept = None;
    if keeps_earlier && !rows.parts.is_empty() {
        let earlier = joining.earlier(before(&commit.table));
        let new;
        (rows, new, left_out) = not_yet_there(destination, &earlier, rows).await?;
        kept = Some(new);
    }
    let (tables, superseded) = off_the_async_threads(move || {
        let mut superseded = 0;
        let has_tables = rows.schema.has_child_tables();
        if kept.is_none() && is_merge && has_tables && !rows.parts.is_empty() {
            // What lies in lists of rows that don't count never gets to their tables.
            let counting = counting(&rows)?;
            superseded = counting.iter().filter(|counts| !**counts).count() as u64;
            kept = Some(counting);
        }
        Ok::<_, Error>((divide(rows, kept)?, superseded))
    })
    .await?;
    let mut read_anew = None;
    let mut prepared = Vec::with_capacity(tables.len());
    for rows in tables {
        let before = before(&rows.target.table);
        let mut table = if prepared.is_empty() {
            std::mem::take(&mut own)
        } else {
            Prepared::new(&rows.target.table, before)
        };
        let elements_of = read_anew.clone();
        let of_root = rows.target.table.strip_prefix(&commit.table);
        let child = of_root.and_then(|rest| rest.strip_prefix("__"));
        table.change_schema(before, &rows.schema, &notes, child.unwrap_or_default());
        let noted = table
            .join(destination, before, rows, &joining, elements_of)
            .await?;
        read_anew.get_or_insert_with(|| Arc::new(noted));
        if prepared.is_empty() || !table.is_untouched() {
            prepared.push(table);
        }
    }
    if let Some(own) = prepared.first_mut() {
        own.report.duplicates_dropped += superseded + left_out.duplicates;
        own.report.rows_unchanged += left_out.unchanged;
    }
    Ok(prepared)
}

/// How rows join those that a table already holds.
struct Joining {
    disposition: WriteDisposition,
    /// Slices whose rows are kept apart.
    apart: BTreeSet<String>,
    replaced: Replaced,
}

impl Joining {
    /// The table as it is for the new rows: empty, where they take the place of all.
    fn earlier(&self, before: &TableState) -> TableState {
        match self.replaced {
            Replaced::All => before.without_files(),
            _ => before.clone(),
        }
    }
}

impl Prepared {
    fn new(table: &str, before: &TableState) -> Self {
        Self {
            table: table.to_owned(),
            schema_version: before.schema_version,
            ..Self::default()
        }
    }

    /// Whether no row of the commit concerns the table.
    fn is_untouched(&self) -> bool {
        self.change == TableChange::default()
            && self.report == TableReport::default()
            && self.files.is_empty()
    }

    /// Joins new rows with those of a table, a child table where they are elements of lists in records; gives the records
    /// that a merge has read anew.
    async fn join(
        &mut self,
        destination: &Destination,
        before: &TableState,
        rows: TableRows,
        how: &Joining,
        elements_of: Option<Arc<ReadAnew>>,
    ) -> Result<ReadAnew, Error> {
        let emptied;
        let before = if matches!(how.replaced, Replaced::All) {
            let files = before.files.iter();
            self.change.remove = files.map(|file| file.path.clone()).collect();
            emptied = before.without_files();
            &emptied
        } else {
            before
        };
        let files = before.files.iter();
        match how.disposition {
            WriteDisposition::Merge => {
                let of_any = elements_of
                    .as_ref()
                    .is_some_and(|records| !records.is_empty());
                let of_any = of_any || rows.target.settings.merge.absent == AbsentRows::Concerned;
                if rows.parts.is_empty() && (!of_any || before.files.is_empty()) {
                    return Ok(ReadAnew::default());
                }
                let mut merged = merge(destination, before, rows, elements_of).await?;
                let read_anew = std::mem::take(&mut merged.read_anew);
                self.take_merged(merged);
                return Ok(read_anew);
            }
            WriteDisposition::Replace => {
                let all = files.map(|file| file.path.clone());
                self.change.remove.extend(all);
            }
            WriteDisposition::Append => {
                let is_replaced = |slice: &String| how.apart.contains(slice);
                let (replaced, others): (Vec<_>, Vec<_>) =
                    files.partition(|file| file.slice.as_ref().is_some_and(is_replaced));
                let replaced = replaced.into_iter().map(|file| file.path.clone());
                self.change.remove.extend(replaced);
                if let Replaced::Range(range) = &how.replaced {
                    let files = others.into_iter();
                    let rest =
                        range.take_out(destination, before, files, &rows.target, &rows.schema);
                    let rest = rest.await?;
                    self.change.remove.extend(rest.remove);
                    self.report.rows_removed = rest.rows_removed;
                    self.files = rest.files;
                }
            }
            WriteDisposition::Skip => {}
        }
        let mut rows = rows;
        if rows.parts.is_empty() {
            return Ok(ReadAnew::default());
        }
        if how.disposition != WriteDisposition::Append {
            // Only an append puts whole slices in the place of earlier ones.
            for part in &mut rows.parts {
                part.slice = None;
            }
        }
        self.report.rows_added = rows.parts.iter().map(|part| part.rows).sum();
        let new = off_the_async_threads(move || encode(rows)).await?;
        self.files.extend(new);
        Ok(ReadAnew::default())
    }

    /// `child` is the name of a child table behind that of its root; empty for the root.
    fn change_schema(
        &mut self,
        before: &TableState,
        settled: &TableSchema,
        notes: &Notes,
        child: &str,
    ) {
        let committed = before.schema.as_ref();
        if committed == Some(settled) {
            return;
        }
        self.report.new_columns = settled.new_columns(committed);
        // What is known of the values may grow while the layout of the files stays the same.
        if committed.map(TableSchema::arrow_schema) != Some(settled.arrow_schema()) {
            self.schema_version += 1;
        }
        self.change.causes = notes.causes(child, &changes(committed, Some(settled)));
        self.change.schema = Some(VersionedSchema {
            version: self.schema_version,
            schema: settled.clone(),
        });
    }

    fn take_merged(&mut self, merged: Merged) {
        let MergeCounts {
            added,
            updated,
            unchanged,
            duplicates,
            removed,
        } = merged.counts;
        self.files = merged.files;
        self.change.remove.extend(merged.remove);
        self.report.rows_added = added;
        self.report.rows_updated = updated;
        self.report.rows_unchanged = unchanged;
        self.report.rows_removed = removed;
        self.report.duplicates_dropped = duplicates;
    }
}

/// Writes rows to final files: slices that are kept apart to files of their own, all others together.
fn encode(rows: TableRows) -> Result<Vec<WrittenFile>, Error> {
    let TableRows {
        target,
        schema: settled,
        parts,
    } = rows;
    let mut files = Vec::new();
    let mut writer = TableWriter::new(&target, &settled)?;
    for part in parts {
        let slice = part.slice.clone();
        let part = match part.into_files(&settled) {
            Ok(encoded) => {
                files.extend(writer.close()?);
                files.extend(encoded);
                continue;
            }
            Err(part) => part,
        };
        if slice.is_some() {
            files.extend(writer.close()?);
        }
        part.read(&mut |new| {
            writer.write(lay_out(&target.table, &new.batch, &new.schema, &settled)?)
        })?;
        if slice.is_some() {
            files.extend(writer.close()?.into_iter().map(|file| WrittenFile {
                slice: slice.clone(),
                ..file
            }));
        }
    }
    files.extend(writer.close()?);
    Ok(files)
}
