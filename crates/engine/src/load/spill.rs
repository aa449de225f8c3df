//! A local file of batches that are read back in another order.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::Error;
use super::temporary_file::TemporaryFile;

/// A file of batches, each found again by its [`Segment`]. Removed with this value.
#[derive(Debug)]
pub(super) struct SpillFile {
    path: TemporaryFile,
    file: File,
    end: u64,
}

/// Where a batch lies in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    begin: u64,
}

impl SpillFile {
    pub(super) fn create(path: PathBuf) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(Error::local_file("create", &path))?;
        let path = TemporaryFile::new(path);
        Ok(Self { path, file, end: 0 })
    }

    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<Segment, Error> {
        let begin = self.end;
        let written = (|| {
            self.file.seek(SeekFrom::Start(begin))?;
            let buffered = BufWriter::new(&mut self.file);
            let mut stream = StreamWriter::try_new(buffered, &batch.schema())?;
            stream.write(batch)?;
            stream.into_inner()?.flush()?;
            Ok::<u64, ArrowError>(self.file.stream_position()?)
        })();
        self.end = written.map_err(Error::spool("write", self.path.path()))?;
        Ok(Segment { begin })
    }

    /// Hands what a segment holds to `each`.
    pub(super) fn read(
        &mut self,
        segment: Segment,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = || Error::spool("read", self.path.path());
        let sought = self.file.seek(SeekFrom::Start(segment.begin));
        sought.map_err(Error::local_file("read", self.path.path()))?;
        let stream =
            StreamReader::try_new(BufReader::new(&mut self.file), None).map_err(failed())?;
        for batch in stream {
            each(batch.map_err(failed())?)?;
        }
        Ok(())
    }
}
