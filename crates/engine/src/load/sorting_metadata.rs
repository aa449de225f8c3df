//! Declaring in a finished file that its rows are sorted.
//!
//! Whether they are is known behind the last row, and the encoder takes the declaration before the first one: the footer is
//! written once more, and nothing but the footer.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FooterTail, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData, SortingColumn,
};

/// Bytes at the end of a file that tell where its footer begins.
const TAIL_BYTES: i64 = 8;

/// Writes the file's footer again, with the order of the rows in each row group.
pub(super) fn declare_sorted(
    path: &Path,
    footer: ParquetMetaData,
    order: &[SortingColumn],
) -> Result<(), ParquetError> {
    let declare = |group: &RowGroupMetaData| {
        let group = group.clone().into_builder();
        group.set_sorting_columns(Some(order.to_vec())).build()
    };
    let row_groups = footer.row_groups().iter().map(declare);
    let row_groups = row_groups.collect::<Result<_, _>>()?;
    // The page index stays where it is, and so do the places of it that the row groups hold.
    let footer = footer.into_builder().set_row_groups(row_groups);
    let footer = footer.set_column_index(None).set_offset_index(None).build();
    let mut content = Vec::new();
    ParquetMetaDataWriter::new(&mut content, &footer).finish()?;

    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let tail_begin = file.seek(SeekFrom::End(-TAIL_BYTES))?;
    let mut tail = [0; 8];
    file.read_exact(&mut tail)?;
    let length = FooterTail::try_new(&tail)?.metadata_length() as u64;
    let begin = tail_begin.saturating_sub(length);
    file.set_len(begin)?;
    file.seek(SeekFrom::Start(begin))?;
    file.write_all(&content)?;
    Ok(())
}
