//! Batches on local disk, each as it came, with the schema that lays it out.
//!
//! The final schema is known only when all rows of a commit are; until then a batch is kept as it was decoded, which
//! costs one copy, rather than encoded for readers, which would have to be done again after each surprise.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::load::Error;
use crate::load::temporary_file::TemporaryFile;
use crate::schema::TableSchema;

/// Where a stream keeps the schema of its batches, among the metadata of its Arrow schema.
const TABLE_SCHEMA: &str = "table_schema";

/// Rows, and the schema that lays them out.
#[derive(Clone, Debug)]
pub(in crate::load) struct LaidOutBatch {
    pub(in crate::load) batch: RecordBatch,
    pub(in crate::load) schema: Arc<TableSchema>,
}

impl LaidOutBatch {
    pub(super) fn bytes(&self) -> usize {
        self.batch.get_array_memory_size()
    }
}

/// A closed file of batches: Arrow IPC streams, one behind the other. Removed with this value.
#[derive(Debug)]
pub(in crate::load) struct BatchFile {
    path: TemporaryFile,
    streams: usize,
}

impl BatchFile {
    /// Hands every batch to `each`, in the order in which they were written.
    pub(super) fn read(
        &self,
        each: &mut dyn FnMut(LaidOutBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = self.path.path();
        let failed = || Error::spool("read", path);
        let file = File::open(path).map_err(Error::local_file("open", path))?;
        let mut reader = BufReader::new(file);
        for _ in 0..self.streams {
            let stream = StreamReader::try_new(&mut reader, None).map_err(failed())?;
            let schema = table_schema(&stream.schema()).map_err(failed())?;
            for batch in stream {
                let batch = batch.map_err(failed())?;
                let schema = Arc::clone(&schema);
                each(LaidOutBatch { batch, schema })?;
            }
        }
        Ok(())
    }
}

/// A stream and the schema of all its batches.
type OpenStream = (Arc<TableSchema>, StreamWriter<BufWriter<File>>);

/// Writes a [`BatchFile`]. Dropped without `close` it removes the file.
pub(super) struct BatchFileWriter {
    path: TemporaryFile,
    streams: usize,
    /// Gone only after a failed write.
    stream: Option<OpenStream>,
}

impl BatchFileWriter {
    pub(super) fn create(path: PathBuf, first: &LaidOutBatch) -> Result<Self, Error> {
        let file = File::create_new(&path).map_err(Error::local_file("create", &path))?;
        let stream = begin_stream(&path, BufWriter::new(file), first)?;
        Ok(Self {
            path: TemporaryFile::new(path),
            streams: 1,
            stream: Some(stream),
        })
    }

    pub(super) fn write(&mut self, batch: &LaidOutBatch) -> Result<(), Error> {
        let (mut schema, mut stream) = self.take_stream()?;
        let path = self.path.path();
        let failed = || Error::spool("write", path);
        if !Arc::ptr_eq(&schema, &batch.schema) && *schema != *batch.schema {
            let file = stream.into_inner().map_err(failed())?;
            (schema, stream) = begin_stream(path, file, batch)?;
            self.streams += 1;
        }
        stream.write(&batch.batch).map_err(failed())?;
        self.stream = Some((schema, stream));
        Ok(())
    }

    pub(super) fn close(mut self) -> Result<BatchFile, Error> {
        let (_, stream) = self.take_stream()?;
        let closed = stream.into_inner().and_then(|file| {
            let file = file.into_inner();
            file.map(drop)
                .map_err(|error| ArrowError::from(error.into_error()))
        });
        closed.map_err(Error::spool("close", self.path.path()))?;
        Ok(BatchFile {
            path: self.path,
            streams: self.streams,
        })
    }

    fn take_stream(&mut self) -> Result<OpenStream, Error> {
        self.stream.take().ok_or_else(|| {
            let closed = ArrowError::IpcError("an earlier write has failed".to_owned());
            Error::spool("write", self.path.path())(closed)
        })
    }
}

impl fmt::Debug for BatchFileWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BatchFileWriter")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn begin_stream(
    path: &Path,
    file: BufWriter<File>,
    first: &LaidOutBatch,
) -> Result<OpenStream, Error> {
    let begun = serde_json::to_string(&*first.schema)
        .map_err(|error| ArrowError::ExternalError(Box::new(error)))
        .and_then(|json| {
            let metadata = HashMap::from([(TABLE_SCHEMA.to_owned(), json)]);
            let fields = first.batch.schema().fields().clone();
            StreamWriter::try_new(file, &Schema::new_with_metadata(fields, metadata))
        });
    let stream = begun.map_err(Error::spool("write", path))?;
    Ok((Arc::clone(&first.schema), stream))
}

fn table_schema(schema: &Schema) -> Result<Arc<TableSchema>, ArrowError> {
    let json = schema
        .metadata()
        .get(TABLE_SCHEMA)
        .map_or("", String::as_str);
    serde_json::from_str(json)
        .map(Arc::new)
        .map_err(|error| ArrowError::ExternalError(Box::new(error)))
}
