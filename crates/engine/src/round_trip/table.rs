//! A table on local disk that is loaded as a run loads it, and read back file by file.

use std::fs::File;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::{Json, Written, check_rows};
use crate::decode::{Decoder, SliceMemory};
use crate::flow::{Page, Progress, Slice};
use crate::load::{
    Destination, Discards, Lake, Owner, Replaced, SpoolSettings, State, TableCommit, TableState,
};
use crate::plan::{Compression, DecodePlan, MemoryPlan, MergePlan, WriteDisposition};
use crate::schema::{TableSchema, conform};

const NAME: &str = "records";

const SETTINGS: SpoolSettings = SpoolSettings {
    compression: Compression::Zstd(1),
    row_group_bytes: 32 << 20,
    file_size_bytes: 128 << 20,
    encode_from_bytes: u64::MAX,
    primary_key: Vec::new(),
    merge: MergePlan::UPSERT,
    load_start: 0,
    cursor: None,
    partition_by: Vec::new(),
    memory: MemoryPlan::DEFAULT,
};

/// The records of a slice, page by page.
pub(super) type Pages<'r> = Vec<&'r [String]>;

pub(super) struct Table {
    destination: Destination,
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
    /// The records of each load, in slice order.
    loads: Vec<Vec<Json>>,
}

impl Table {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            destination: Destination::open(folder.path().to_str().unwrap()).unwrap(),
            folder,
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            loads: Vec::new(),
        }
    }

    /// Appends one load of one page.
    pub(super) fn load(&mut self, records: &[String]) {
        self.load_slices(&[vec![records]], &[]);
    }

    /// Appends one load; `turns` says which of the unfinished slices writes its next page, and is gone through again and
    /// again.
    pub(super) fn load_slices(&mut self, slices: &[Pages], turns: &[usize]) {
        let load_id = load_id(self.loads.len());
        let mut lake = self
            .runtime
            .block_on(Lake::open(
                self.destination.clone(),
                &Owner::new("test", "api"),
                &load_id,
                Timestamp::UNIX_EPOCH,
            ))
            .unwrap();
        // Some loads encode rows as they come, the others at the commit.
        let settings = SpoolSettings {
            encode_from_bytes: if matches!(self.loads.len() % 4, 0 | 3) {
                0
            } else {
                u64::MAX
            },
            ..SETTINGS
        };
        let spool = lake.spool(NAME, settings).unwrap();
        let decoder = Decoder::new(DecodePlan::default(), &load_id);
        let mut unfinished: Vec<_> = (0..)
            .zip(slices)
            .map(|(order, pages)| {
                let pages = pages.iter();
                (spool.begin(order, None), SliceMemory::default(), pages)
            })
            .collect();
        let mut turns = turns.iter().chain(&[0]).cycle();
        while !unfinished.is_empty() {
            let turn = turns.next().unwrap() % unfinished.len();
            let (writer, memory, pages) = &mut unfinished[turn];
            if let Some(records) = pages.next() {
                let rows = decoder
                    .decode(&Slice::default(), &Page::of_records(records), memory)
                    .unwrap();
                writer.write(rows.batch, &rows.schema).unwrap();
            } else {
                unfinished.remove(turn).0.finish().unwrap();
            }
        }
        let part = TableCommit {
            table: NAME.to_owned(),
            sealed: spool.seal().unwrap(),
            write_disposition: WriteDisposition::Append,
            basis: None,
            progress: Progress::default(),
            discards: Discards::default(),
            replaced: Replaced::Nothing,
        };
        let committed = lake.commit(vec![part], Timestamp::UNIX_EPOCH, true);
        self.runtime.block_on(committed).unwrap();
        let records = slices.iter().flatten().copied().flatten();
        self.loads.push(
            records
                .map(|record| Json::read(record.as_bytes()).unwrap())
                .collect(),
        );
    }

    /// What the commit log says of the table.
    pub(super) fn state(&self) -> TableState {
        let state = self.runtime.block_on(State::read(&self.destination));
        state.unwrap().tables.remove(NAME).unwrap_or_default()
    }

    /// The newest schema.
    pub(super) fn schema(&self) -> TableSchema {
        self.state().schema.unwrap()
    }

    /// Checks each load against its files, both as they lie on disk and brought into the newest schema.
    pub(super) fn check(&self) -> Result<(), String> {
        let state = self.state();
        let newest = state.schema.as_ref().unwrap();
        for (number, records) in self.loads.iter().enumerate() {
            let of_load = format!("/{}-", load_id(number));
            let files: Vec<_> = state
                .files
                .iter()
                .filter(|file| file.path.contains(&of_load))
                .collect();
            let Some(first) = files.first() else {
                if records.is_empty() {
                    continue;
                }
                return Err(format!("load {number} has no file"));
            };
            let schema = &state.schemas[&first.schema_version];
            let rows = files.iter().map(|file| self.rows(&file.path, schema));
            let rows = concat_batches(&schema.arrow_schema(), &rows.collect::<Vec<_>>()).unwrap();
            let named = |difference| format!("load {number}: {difference}");
            check_rows(records, &rows, schema, Written::Now).map_err(named)?;
            let rows = conform(&rows, schema, newest)
                .map_err(|error| format!("load {number}: {error}"))?;
            check_rows(records, &rows, newest, Written::Before)
                .map_err(|difference| format!("load {number}, laid out anew: {difference}"))?;
        }
        Ok(())
    }

    /// All rows of all files, in the newest schema.
    pub(super) fn all_rows(&self) -> RecordBatch {
        let state = self.state();
        let newest = state.schema.as_ref().unwrap();
        let files = state.files.iter().map(|file| {
            let schema = &state.schemas[&file.schema_version];
            conform(&self.rows(&file.path, schema), schema, newest).unwrap()
        });
        concat_batches(&newest.arrow_schema(), &files.collect::<Vec<_>>()).unwrap()
    }

    fn rows(&self, path: &str, schema: &TableSchema) -> RecordBatch {
        let file = File::open(self.folder.path().join(path)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        concat_batches(&schema.arrow_schema(), &batches).unwrap()
    }
}

fn load_id(number: usize) -> String {
    format!("load{number}")
}
