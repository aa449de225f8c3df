//! How the Parquet files of a table are encoded.
//!
//! Statistics of each page, with bounds cut to 64 bytes, and the page index are what the encoder writes by default.

use arrow::datatypes::DataType;
use parquet::basic::{Compression as Codec, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::SpoolSettings;
use super::columns::key_positions;
use super::row_order::SortOrder;
use crate::plan::Compression;
use crate::schema::TableSchema;

/// Rows in a row group at most; readers skip and share out work by row groups.
const ROW_GROUP_ROWS: usize = 1 << 20;

/// Values in a row group at most, absent ones included: each column that is being encoded takes some hundred kilobytes by
/// itself, and as much again once it has more rows than fit into a page.
const ROW_GROUP_VALUES: usize = 16 << 20;

/// Columns that may each have a dictionary: one takes some 70 kilobytes before it holds anything.
const MOST_DICTIONARIES: usize = 512;

/// How often a Bloom filter says that a value may be there that isn't.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// How the files of one layout are encoded, and which orders of their rows are worth telling.
#[derive(Clone, Debug)]
pub(super) struct FileFormat {
    pub(super) properties: WriterProperties,
    pub(super) orders: Vec<SortOrder>,
}

impl FileFormat {
    /// # Errors
    /// A level that the codec hasn't.
    pub(super) fn new(
        settings: &SpoolSettings,
        settled: &TableSchema,
    ) -> Result<Self, ParquetError> {
        let keys = positions(settled, &settings.primary_key);
        let cursor = positions(settled, settings.cursor.as_slice());
        Ok(Self {
            properties: properties(settings, settled, &keys)?,
            orders: orders(&keys, &cursor),
        })
    }
}

fn properties(
    settings: &SpoolSettings,
    settled: &TableSchema,
    keys: &[usize],
) -> Result<WriterProperties, ParquetError> {
    let layout = settled.arrow_schema();
    let columns = layout.flattened_fields().len();
    let row_group_rows = ROW_GROUP_ROWS.min(ROW_GROUP_VALUES / columns.max(1)).max(1);
    let row_group_bytes = usize::try_from(settings.row_group_bytes).unwrap_or(usize::MAX);
    let mut properties = WriterProperties::builder()
        .set_compression(codec(settings.compression)?)
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_max_row_group_bytes(Some(row_group_bytes));
    let path = |position: usize| ColumnPath::new(vec![layout.field(position).name().clone()]);
    if columns > MOST_DICTIONARIES {
        properties = properties.set_dictionary_enabled(false);
    }
    let is_unique = settings.primary_key.len() == 1;
    let unique = keys.iter().copied().filter(|_| is_unique);
    for position in unique.chain(settled.row_id()) {
        // A dictionary of values that come once each is the column once more.
        properties = properties.set_column_dictionary_enabled(path(position), false);
    }
    // A merge looks for the elements of records that were read anew.
    for position in keys.iter().copied().chain(settled.root_id()) {
        let path = path(position);
        let looked_up = matches!(
            layout.field(position).data_type(),
            DataType::Utf8 | DataType::Int64 | DataType::UInt64
        );
        if looked_up {
            // Large enough for a whole row group; what its rows don't need is folded away when it is written.
            properties = properties
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS as u64);
        }
    }
    Ok(properties.build())
}

/// Positions of the columns that were made of these keys; none where one of them is missing.
fn positions(settled: &TableSchema, keys: &[String]) -> Vec<usize> {
    key_positions(settled, keys).unwrap_or_default()
}

/// The orders in which APIs give records: by key, and by time, the oldest or the newest first.
fn orders(keys: &[usize], cursor: &[usize]) -> Vec<SortOrder> {
    let order = |columns: &[usize], descending| SortOrder {
        columns: columns.to_vec(),
        descending,
    };
    let all = [
        order(keys, false),
        order(cursor, false),
        order(cursor, true),
    ];
    let all = all.into_iter();
    all.filter(|order| !order.columns.is_empty()).collect()
}

fn codec(compression: Compression) -> Result<Codec, ParquetError> {
    Ok(match compression {
        Compression::Zstd(level) => Codec::ZSTD(ZstdLevel::try_new(level)?),
        Compression::Snappy => Codec::SNAPPY,
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::Gzip(level) => Codec::GZIP(GzipLevel::try_new(level)?),
        Compression::None => Codec::UNCOMPRESSED,
    })
}
