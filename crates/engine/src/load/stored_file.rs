//! Rows of Parquet files, read back in the layout that is asked for.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use futures::StreamExt;
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use tokio::io::AsyncWriteExt;

use super::spool::SpoolFolder;
use super::{DataFile, Destination, Error};
use crate::schema::{TableSchema, conform};

/// Rows that are read at once: enough to be quick, little enough for wide rows.
const ROWS_AT_ONCE: usize = 8192;

/// What is read of a file's end to find its footer; larger footers take a second read. In bytes.
const FOOTER_GUESS_BYTES: u64 = 64 << 10;

/// Brings rows from the layout in which they were written into a commit's schema.
pub(super) fn lay_out(
    table: &str,
    batch: &RecordBatch,
    from: &TableSchema,
    to: &TableSchema,
) -> Result<RecordBatch, Error> {
    conform(batch, from, to).map_err(|source| Error::Conform {
        table: table.to_owned(),
        source,
    })
}

/// Hands every batch of a local Parquet file to `each`, in order and laid out as `to` says.
pub(super) fn read_rows(
    table: &str,
    path: &Path,
    from: &TableSchema,
    to: &TableSchema,
    mut each: impl FnMut(RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::local_file("open", path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(ROWS_AT_ONCE).build())
        .map_err(Error::parquet("open", path))?;
    for batch in reader {
        let batch = batch.map_err(Error::rows("read", table))?;
        each(lay_out(table, &batch, from, to)?)?;
    }
    Ok(())
}

/// Hands every batch of some columns of a local Parquet file to `each`, in order and laid out as in the file.
pub(super) fn read_columns(
    table: &str,
    path: &Path,
    is_read: &dyn Fn(&str) -> bool,
    mut each: impl FnMut(RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::local_file("open", path))?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(Error::parquet("open", path))?;
    let fields = builder.schema().fields().iter().enumerate();
    let read: Vec<usize> = fields
        .filter(|(_, field)| is_read(field.name()))
        .map(|(position, _)| position)
        .collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), read);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(ROWS_AT_ONCE)
        .build()
        .map_err(Error::parquet("open", path))?;
    for batch in reader {
        each(batch.map_err(Error::rows("read", table))?)?;
    }
    Ok(())
}

/// The footer of a file of the destination, in one read or two.
pub(super) async fn read_footer(
    destination: &Destination,
    file: &DataFile,
) -> Result<ParquetMetaData, Error> {
    let object = destination.object(&file.path);
    let mut reader = ParquetMetaDataReader::new();
    let mut wanted = FOOTER_GUESS_BYTES.min(file.bytes);
    loop {
        let range = file.bytes.saturating_sub(wanted)..file.bytes;
        let end = destination
            .store
            .get_range(&object, range)
            .await
            .map_err(|error| gone("read the footer of", &file.path, error))?;
        let parquet = |source| Error::Parquet {
            action: "read the footer of",
            path: file.path.clone(),
            source,
        };
        match reader.try_parse_sized(&end, file.bytes) {
            Ok(()) => return reader.finish().map_err(parquet),
            Err(ParquetError::NeedMoreData(needed)) if (needed as u64) > wanted => {
                wanted = needed as u64;
            }
            Err(source) => return Err(parquet(source)),
        }
    }
}

/// Why a file can't be read: it may have been removed by someone.
fn gone(action: &'static str, path: &str, error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::FileGone {
            path: path.to_owned(),
        },
        error => Error::store(action, path)(error),
    }
}

/// A local copy of a file, for as long as it is needed.
pub(super) enum LocalCopy {
    /// The file itself, where the destination is local.
    Original(PathBuf),
    /// Removed with this value.
    Downloaded(tempfile::TempPath),
}

impl LocalCopy {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Original(path) => path,
            Self::Downloaded(path) => path,
        }
    }
}

/// Brings a file of the destination where it can be read.
pub(super) async fn local_copy(
    destination: &Destination,
    relative: &str,
    spool: &SpoolFolder,
) -> Result<LocalCopy, Error> {
    if let Some(path) = destination.local_path(relative) {
        return if path.exists() {
            Ok(LocalCopy::Original(path))
        } else {
            Err(Error::FileGone {
                path: relative.to_owned(),
            })
        };
    }
    let folder = spool.path()?;
    let (file, path) = tempfile::NamedTempFile::new_in(folder)
        .map_err(Error::local_file("create a file in", folder))?
        .into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut content = destination
        .store
        .get(&destination.object(relative))
        .await
        .map_err(|error| gone("download", relative, error))?
        .into_stream();
    while let Some(bytes) = content.next().await {
        let bytes = bytes.map_err(Error::store("download", relative))?;
        file.write_all(&bytes)
            .await
            .map_err(Error::local_file("write", &path))?;
    }
    file.flush()
        .await
        .map_err(Error::local_file("write", &path))?;
    Ok(LocalCopy::Downloaded(path))
}
