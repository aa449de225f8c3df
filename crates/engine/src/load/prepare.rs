//! What a commit will do to a table: its rows in final files, and the files that leave.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::commit_log::{TableChange, VersionedSchema};
use super::destination::off_the_async_threads;
use super::key_index::MergeCounts;
use super::merge::{Merged, merge};
use super::parquet_writer::WrittenFile;
use super::spool::{SpooledRows, Target};
use super::stored_file::lay_out;
use super::table_writer::TableWriter;
use super::{Destination, Error, SealedRejected, SealedSpool, TableReport, TableState};
use crate::flow::Progress;
use crate::plan::WriteDisposition;
use crate::schema::TableSchema;

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
    /// How far the resource is read once the commit exists; takes the place of what was known before.
    pub progress: Progress,
    /// What the table's schema contract left out.
    pub discards: Discards,
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
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) table: String,
    /// `add` is filled in as the files are staged.
    pub(super) change: TableChange,
    pub(super) files: Vec<WrittenFile>,
    pub(super) rejected: Option<SealedRejected>,
    pub(super) schema_version: u32,
    pub(super) report: TableReport,
}

/// Brings the rows into the table's settled schema and finds the files that leave.
pub(super) async fn prepare(
    destination: &Destination,
    before: &TableState,
    commit: TableCommit,
) -> Result<Prepared, Error> {
    let mut prepared = Prepared {
        table: commit.table,
        change: TableChange {
            progress: commit.progress,
            ..TableChange::default()
        },
        files: Vec::new(),
        rejected: commit.discards.file,
        schema_version: before.schema_version,
        report: TableReport {
            rows_discarded: commit.discards.rows,
            values_discarded: commit.discards.values,
            ..TableReport::default()
        },
    };
    if commit.write_disposition == WriteDisposition::Skip {
        return Ok(prepared);
    }
    let SealedSpool {
        target,
        mut parts,
        schema,
        apart,
        ..
    } = commit.sealed;
    let committed = before.schema.as_ref();
    let settled = match (schema, committed) {
        (Some(schema), committed) => Some(Arc::new(schema.settle(committed))),
        (None, Some(committed)) => Some(Arc::new(committed.clone())),
        (None, None) => None,
    };
    if let Some(settled) = &settled {
        prepared.change_schema(before, settled);
    }
    match commit.write_disposition {
        WriteDisposition::Replace => {
            prepared.change.remove = before.files.iter().map(|file| file.path.clone()).collect();
        }
        WriteDisposition::Append => {
            let read_again: BTreeSet<String> = apart.into_iter().collect();
            let is_replaced = |slice: &String| read_again.contains(slice);
            let files = before.files.iter();
            let replaced = files.filter(|file| file.slice.as_ref().is_some_and(is_replaced));
            prepared.change.remove = replaced.map(|file| file.path.clone()).collect();
        }
        WriteDisposition::Merge | WriteDisposition::Skip => {}
    }
    let Some(settled) = settled.filter(|_| !parts.is_empty()) else {
        return Ok(prepared);
    };
    if commit.write_disposition == WriteDisposition::Merge {
        let merged = merge(destination, &target, before, parts, &settled).await?;
        prepared.take_merged(merged);
        return Ok(prepared);
    }
    if commit.write_disposition != WriteDisposition::Append {
        // Only an append puts whole slices in the place of earlier ones.
        for part in &mut parts {
            part.slice = None;
        }
    }
    prepared.report.rows_added = parts.iter().map(|part| part.rows).sum();
    prepared.files = off_the_async_threads(move || encode(&target, parts, &settled)).await?;
    Ok(prepared)
}

impl Prepared {
    fn change_schema(&mut self, before: &TableState, settled: &TableSchema) {
        let committed = before.schema.as_ref();
        if committed == Some(settled) {
            return;
        }
        self.report.new_columns = settled.new_columns(committed);
        // What is known of the values may grow while the layout of the files stays the same.
        if committed.map(TableSchema::arrow_schema) != Some(settled.arrow_schema()) {
            self.schema_version += 1;
        }
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
        } = merged.counts;
        self.files = merged.files;
        self.change.remove = merged.remove;
        self.report.rows_added = added;
        self.report.rows_updated = updated;
        self.report.rows_unchanged = unchanged;
        self.report.duplicates_dropped = duplicates;
    }
}

/// Writes rows to final files: slices that are kept apart to files of their own, all others together.
fn encode(
    target: &Target,
    parts: Vec<SpooledRows>,
    settled: &Arc<TableSchema>,
) -> Result<Vec<WrittenFile>, Error> {
    let mut files = Vec::new();
    let mut writer = TableWriter::new(target, settled)?;
    for part in parts {
        let slice = part.slice.clone();
        let part = match part.into_files(settled) {
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
            writer.write(lay_out(&target.table, &new.batch, &new.schema, settled)?)
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
