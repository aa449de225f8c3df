//! The rows of one slice.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::batch_file::LaidOutBatch;
use super::encoder::Encoder;
use super::gathering::Gathering;
use super::{SLICE_MEMORY_BYTES, SpooledRows, TableSpool};
use crate::load::causes::Notes;
use crate::load::{Error, RecordPlace};
use crate::schema::TableSchema;

/// Writes the rows of one slice, apart from all other slices.
///
/// Dropped without [`SliceWriter::finish`], its rows vanish and later slices are not held up.
#[derive(Debug)]
pub struct SliceWriter {
    spool: TableSpool,
    order: u64,
    apart: Option<String>,
    gathering: Gathering,
    encoder: Option<Encoder>,
    /// Rows in front of those that are gathered or encoded now.
    parts: Vec<SpooledRows>,
    /// What was known when rows could not be encoded as they came.
    refused: Option<Arc<TableSchema>>,
    schema: Option<Arc<TableSchema>>,
    /// The newest batch's schema, which most following batches share.
    newest: Option<Arc<TableSchema>>,
    bytes: u64,
    /// Where the next row stands; `None` where nobody says.
    place: Option<RecordPlace>,
    notes: Notes,
    /// Rows were lost: the slice can't be finished any more.
    failed: bool,
    finished: bool,
}

/// The rows of a slice that was read to its end.
#[derive(Debug)]
pub(super) struct FinishedSlice {
    pub(super) apart: Option<String>,
    /// Rows of a small slice.
    pub(super) batches: Vec<LaidOutBatch>,
    /// Rows of any other one, in order.
    pub(super) parts: Vec<SpooledRows>,
    pub(super) schema: Option<Arc<TableSchema>>,
    pub(super) bytes: u64,
    pub(super) notes: Notes,
}

impl SliceWriter {
    pub(super) fn new(spool: TableSpool, order: u64, apart: Option<String>) -> Self {
        Self {
            gathering: Gathering::new(&spool.shared.target, SLICE_MEMORY_BYTES),
            spool,
            order,
            apart,
            encoder: None,
            parts: Vec::new(),
            refused: None,
            schema: None,
            newest: None,
            bytes: 0,
            place: None,
            notes: Notes::default(),
            failed: false,
            finished: false,
        }
    }

    /// Says where the first of the next rows stands, so that what they change of the schema has its cause.
    pub fn stand_at(&mut self, place: RecordPlace) {
        self.place = Some(place);
    }

    /// Appends rows, laid out as `schema` says. Blocks: may write a local file.
    ///
    /// A batch without rows makes the schema known, so that a table without rows gets its declared columns.
    pub fn write(&mut self, batch: RecordBatch, schema: &TableSchema) -> Result<(), Error> {
        let (schema, is_new) = self.learn(schema);
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = LaidOutBatch { batch, schema };
        if is_new {
            self.note_changes(&batch);
        }
        self.bytes += batch.bytes() as u64;
        let written = self.put(batch);
        self.failed |= written.is_err();
        written
    }

    fn put(&mut self, batch: LaidOutBatch) -> Result<(), Error> {
        let Some(known) = &self.schema else {
            return self.gathering.write(batch);
        };
        if let Some(mut encoder) = self.encoder.take() {
            if encoder.goes_on(known) {
                let written = encoder.write(&batch);
                self.encoder = Some(encoder);
                return written;
            }
            self.parts.push(SpooledRows::encoded(encoder)?);
        }
        self.gathering.write(batch)?;
        let target = &self.spool.shared.target;
        let is_large = self.gathering.bytes() >= target.settings.encode_from_bytes;
        let refused = self.refused.as_ref();
        if !is_large || refused.is_some_and(|refused| Arc::ptr_eq(refused, known)) {
            return Ok(());
        }
        let Some(mut encoder) = Encoder::begin(target, known)? else {
            self.refused = Some(Arc::clone(known));
            return Ok(());
        };
        if let Some(rows) = self.gathering.take()? {
            rows.read(&mut |batch| encoder.write(&batch))?;
        }
        self.encoder = Some(encoder);
        Ok(())
    }

    /// Notes what the rows change of the table's schema, unless earlier slices have brought it too.
    fn note_changes(&mut self, batch: &LaidOutBatch) {
        let (Some(place), Some(known)) = (&self.place, &self.schema) else {
            return;
        };
        let seen = self.spool.seen();
        if seen.join(&batch.schema) == *seen {
            return;
        }
        let target = &self.spool.shared.target;
        self.notes.seen = Arc::clone(known);
        let noted = self
            .notes
            .look(batch, known, target.committed.as_deref(), place);
        if let Err(error) = noted {
            // A note tells people something; whatever is wrong with the rows is told where they are written.
            tracing::debug!(%error, table = target.table, "note what rows change of the schema");
        }
    }

    /// Hands the rows over to the spool. Blocks, as `write` does.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::SpoolBroken {
                table: self.spool.shared.target.table.clone(),
            });
        }
        let mut slice = FinishedSlice {
            apart: self.apart.take(),
            batches: Vec::new(),
            parts: std::mem::take(&mut self.parts),
            schema: self.schema.take(),
            bytes: self.bytes,
            notes: std::mem::take(&mut self.notes),
        };
        if let Some(encoder) = self.encoder.take() {
            slice.parts.push(SpooledRows::encoded(encoder)?);
        }
        let gathering = &mut self.gathering;
        let must_spill = slice.apart.is_some()
            || self
                .spool
                .must_spill(self.order, gathering.pending_bytes())?;
        if must_spill {
            gathering.spill()?;
        }
        if gathering.has_file() || !slice.parts.is_empty() {
            slice.parts.extend(gathering.take()?);
        } else {
            slice.batches = gathering.take_pending();
        }
        for part in &mut slice.parts {
            part.slice.clone_from(&slice.apart);
        }
        self.finished = true;
        self.spool.end(self.order, Some(slice))
    }

    /// The schema of a batch, and whether it says anything that was not known of the slice.
    fn learn(&mut self, schema: &TableSchema) -> (Arc<TableSchema>, bool) {
        if let Some(newest) = self.newest.as_ref().filter(|newest| ***newest == *schema) {
            return (Arc::clone(newest), false);
        }
        let schema = Arc::new(schema.clone());
        let known = match &self.schema {
            Some(known) => Arc::new(known.join(&schema)),
            None => Arc::clone(&schema),
        };
        let is_new = self.schema.as_deref() != Some(&*known);
        self.schema = Some(known);
        self.newest = Some(Arc::clone(&schema));
        (schema, is_new)
    }
}

impl Drop for SliceWriter {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if let Err(error) = self.spool.end(self.order, None) {
            // The spool remembers that it is broken, and says so at the next call.
            tracing::debug!(%error, order = self.order, "drop a slice");
        }
    }
}
