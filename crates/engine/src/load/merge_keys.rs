//! What a merge knows of the new rows: by which keys existing ones are found, and which files may hold them.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use parquet::file::metadata::ParquetMetaData;

use super::absent_rows::{AbsentRows, ReadAnew};
use super::columns::{Columns, key_columns, key_positions};
use super::key_index::{Choice, Identity, KeyIndex};
use super::key_probe::KeyProbe;
use super::spool::TableRows;
use super::versions::Versions;
use super::{DataFile, Destination, Error};
use crate::plan::{self, MergeAction};
use crate::schema::{METADATA_NAMES, TableSchema};

/// The keys of the new rows of a table.
#[derive(Debug)]
pub(super) struct MergeKeys {
    pub(super) index: KeyIndex,
    /// Where existing rows are found by their primary key.
    probe: Option<KeyProbe>,
    /// Where rows are versions.
    pub(super) versions: Option<Versions>,
}

impl MergeKeys {
    /// Keys of no rows yet, for rows of this table; of a child table, where they are elements of lists in records.
    pub(super) fn new(rows: &TableRows, elements_of: Option<Arc<ReadAnew>>) -> Result<Self, Error> {
        let settings = &rows.target.settings;
        let (table, settled) = (&rows.target.table, &*rows.schema);
        let plan = &settings.merge;
        let layout = settled.arrow_schema();
        let failed = || Error::rows("compare", table);
        let missing = |column| Error::KeyColumnMissing {
            table: table.clone(),
            column,
        };
        let versions = plan.versions();
        let versions = versions.map(|plan| Versions::new(plan, settled, settings.load_start));
        let versions = versions.transpose().map_err(missing)?;
        let key = key_columns(settled, &settings.primary_key).map_err(missing)?;
        let content = match plan
            .versions()
            .and_then(|versions| versions.row_version.as_ref())
        {
            Some(version) => {
                key_positions(settled, std::slice::from_ref(version)).map_err(missing)?
            }
            None => content(&layout, &key.concat(), versions.as_ref()),
        };
        let columns = |positions: Vec<usize>| Columns::new(&layout, positions).map_err(failed());
        let absent = match (elements_of, settled.root_id()) {
            (Some(records), Some(position)) => {
                AbsentRows::elements_of(&layout, position, records).map_err(failed())?
            }
            _ => match &plan.absent {
                plan::AbsentRows::Unconcerned => AbsentRows::None,
                plan::AbsentRows::Concerned => AbsentRows::All,
                plan::AbsentRows::InGroups(merge_key) => {
                    let groups = key_columns(settled, merge_key).map_err(missing)?;
                    AbsentRows::in_groups(&layout, &groups).map_err(failed())?
                }
            },
        };
        let identity = if !key.is_empty() {
            Identity::key(columns(key.concat())?)
        } else if versions.is_some() {
            Identity::key(columns(content.clone())?)
        } else if matches!(absent, AbsentRows::None) {
            return Err(Error::KeyMissing {
                table: table.clone(),
            });
        } else {
            Identity::counted(columns(content.clone())?)
        };
        let probe = if key.is_empty() {
            None
        } else {
            Some(KeyProbe::new(&layout, &key).map_err(failed())?)
        };
        let is_child = matches!(absent, AbsentRows::ElementsOf(_));
        let expected: u64 = rows.parts.iter().map(|part| part.rows).sum();
        let expected = usize::try_from(expected).unwrap_or_default();
        let deletion_marks = plan.hard_delete.iter().cloned().collect::<Vec<_>>();
        let index = KeyIndex::new(identity, columns(content)?, expected)
            .choosing(choice(plan, settled, &layout).map_err(failed())?)
            .concerning(absent)
            // No record may have the mark yet: then none is deleted.
            .deleting(key_positions(settled, &deletion_marks).unwrap_or_default())
            .noting_ids(settled.row_id().filter(|_| !is_child));
        Ok(Self {
            index,
            probe,
            versions,
        })
    }

    /// Adds new rows, in the order in which they were read.
    pub(super) fn add(&mut self, table: &str, batch: &RecordBatch) -> Result<(), Error> {
        let added = self.index.add(batch);
        added.map_err(Error::rows("compare", table))?;
        let probed = self.probe.as_mut().map(|probe| probe.add(batch));
        probed.transpose().map_err(Error::rows("compare", table))?;
        Ok(())
    }

    /// Which of some existing rows stay as they are.
    pub(super) fn keep(&mut self, table: &str, batch: &RecordBatch) -> Result<BooleanArray, Error> {
        let versions = self.versions.as_ref();
        let open = versions.map(|versions| versions.are_active(batch));
        let kept = self.index.keep(batch, open.as_ref());
        kept.map_err(Error::rows("compare", table))
    }

    /// Whether a file may hold rows that the new ones concern.
    pub(super) async fn may_be_in(
        &self,
        destination: &Destination,
        file: &DataFile,
        footer: &ParquetMetaData,
    ) -> Result<bool, Error> {
        if let Some(versions) = &self.versions {
            let may_be_active = versions.may_be_active_in(footer);
            let may_be_active = may_be_active.map_err(|source| Error::Parquet {
                action: "read the statistics of",
                path: file.path.clone(),
                source,
            })?;
            if !may_be_active {
                return Ok(false);
            }
        }
        let absent = self.index.absent();
        if absent.may_be_in(destination, file, footer).await? {
            return Ok(true);
        }
        match &self.probe {
            Some(probe) => probe.may_be_in(destination, file, footer).await,
            None => Ok(false),
        }
    }
}

/// The columns of which a change makes another row: not those that differ each time a row is read.
fn content(layout: &SchemaRef, key: &[usize], versions: Option<&Versions>) -> Vec<usize> {
    let of_versions = versions.map(Versions::positions);
    let is_content = |position: &usize| {
        let name = layout.field(*position).name().as_str();
        let is_of_load = METADATA_NAMES.contains(&name)
            || of_versions.is_some_and(|positions| positions.contains(position));
        key.contains(position) || !is_of_load
    };
    (0..layout.fields().len()).filter(is_content).collect()
}

/// Which of several rows with one key counts.
fn choice(
    plan: &plan::MergePlan,
    settled: &TableSchema,
    layout: &SchemaRef,
) -> Result<Choice, arrow::error::ArrowError> {
    let Some(sort) = &plan.dedup_sort else {
        return Ok(match plan.action {
            MergeAction::KeepEarlier => Choice::First,
            MergeAction::Replace | MergeAction::KeepVersions(_) => Choice::Last,
        });
    };
    let Ok(positions) = key_positions(settled, std::slice::from_ref(&sort.column)) else {
        // No record has it: none comes before another.
        return Ok(Choice::Last);
    };
    let options = SortOptions {
        descending: false,
        // A row without a value gives way.
        nulls_first: sort.greatest,
    };
    Ok(Choice::Sorted {
        columns: Columns::ordered(layout, positions, options)?,
        greatest: sort.greatest,
        values: Vec::new(),
    })
}
