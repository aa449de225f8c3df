//! How files are encoded that are written again.

use std::collections::BTreeMap;

use parquet::basic::Compression as Codec;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use crate::load::{SpoolSettings, State};
use crate::plan::{Compression, MemoryPlan, MergePlan, Plan};
use crate::schema::ROW_ID;
use crate::spec::{
    DEFAULT_FILE_SIZE_BYTES, DEFAULT_GZIP_LEVEL, DEFAULT_ROW_GROUP_BYTES, DEFAULT_ZSTD_LEVEL,
};

/// How files are encoded that are written again: as a pipeline says, or like the files whose place they take.
#[derive(Clone, Debug)]
pub struct UpkeepSettings {
    /// What no table says of itself.
    defaults: SpoolSettings,
    /// The tables of the pipeline's resources.
    tables: BTreeMap<String, SpoolSettings>,
}

impl UpkeepSettings {
    /// The settings of a pipeline.
    pub fn of(plan: &Plan) -> Self {
        let resources = plan.resources.iter();
        let tables = resources.map(|resource| {
            // No row gets a new version.
            let load_start = jiff::Timestamp::UNIX_EPOCH;
            let settings = SpoolSettings::new(&plan.destination, resource, load_start);
            (resource.table.clone(), settings)
        });
        Self {
            defaults: defaults(
                plan.destination.row_group_bytes,
                plan.destination.file_size_bytes,
                plan.destination.memory,
            ),
            tables: tables.collect(),
        }
    }

    /// Size of a whole file, in bytes.
    pub(super) fn file_size_bytes(&self) -> u64 {
        self.defaults.file_size_bytes
    }

    /// The settings for a table, of whose files this is the footer of one.
    pub(super) fn for_table(
        &self,
        table: &str,
        state: &State,
        footer: &ParquetMetaData,
    ) -> SpoolSettings {
        if let Some(settings) = self.tables.get(table) {
            return settings.clone();
        }
        let mut resources = self.tables.iter();
        let resource = resources.find(|(name, _)| {
            let of_resource = state.tables.get(*name);
            of_resource.is_some_and(|own| own.child_tables(name).iter().any(|child| child == table))
        });
        if let Some((_, settings)) = resource {
            return settings.of_child_tables();
        }
        let column = footer
            .row_groups()
            .first()
            .and_then(|group| group.columns().first());
        let codec = column.map(ColumnChunkMetaData::compression);
        let known = state.tables.get(table);
        let basis = known.and_then(|known| known.basis.as_ref());
        let of_elements = known
            .and_then(|known| known.schema.as_ref())
            .filter(|schema| schema.root_id().is_some());
        SpoolSettings {
            compression: codec.map_or(self.defaults.compression, compression),
            primary_key: match (basis, of_elements) {
                (Some(basis), _) => basis.primary_key.clone(),
                (None, Some(_)) => vec![ROW_ID.to_owned()],
                (None, None) => Vec::new(),
            },
            ..self.defaults.clone()
        }
    }
}

impl Default for UpkeepSettings {
    /// The settings of a destination whose pipeline isn't at hand.
    fn default() -> Self {
        Self {
            defaults: defaults(
                DEFAULT_ROW_GROUP_BYTES,
                DEFAULT_FILE_SIZE_BYTES,
                MemoryPlan::DEFAULT,
            ),
            tables: BTreeMap::new(),
        }
    }
}

fn defaults(row_group_bytes: u64, file_size_bytes: u64, memory: MemoryPlan) -> SpoolSettings {
    SpoolSettings {
        compression: Compression::Zstd(DEFAULT_ZSTD_LEVEL),
        row_group_bytes,
        file_size_bytes,
        encode_from_bytes: u64::MAX,
        primary_key: Vec::new(),
        merge: MergePlan::UPSERT,
        load_start: 0,
        cursor: None,
        partition_by: Vec::new(),
        memory,
    }
}

/// A footer names no level.
fn compression(codec: Codec) -> Compression {
    match codec {
        Codec::UNCOMPRESSED => Compression::None,
        Codec::SNAPPY => Compression::Snappy,
        Codec::LZ4 | Codec::LZ4_RAW => Compression::Lz4,
        Codec::GZIP(_) => Compression::Gzip(DEFAULT_GZIP_LEVEL),
        _ => Compression::Zstd(DEFAULT_ZSTD_LEVEL),
    }
}
