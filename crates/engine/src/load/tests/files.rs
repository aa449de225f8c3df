//! How files are encoded, read back from their footers.

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, SortingColumn};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;

use super::*;

/// The files of `people` as they lie in the destination, in order.
async fn contents(destination: &Destination) -> Vec<bytes::Bytes> {
    let state = State::read(destination).await.unwrap();
    let mut contents = Vec::new();
    for file in &state.tables["people"].files {
        contents.push(destination.read(&file.path).await.unwrap().unwrap());
    }
    contents
}

fn footer(content: &bytes::Bytes) -> ParquetMetaData {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(content, options).unwrap();
    metadata.metadata().as_ref().clone()
}

/// One file of these rows.
async fn written(settings: SpoolSettings, batches: Vec<Rows>) -> bytes::Bytes {
    let place = local();
    load_with(
        &place.destination,
        "a",
        settings,
        WriteDisposition::Append,
        batches,
    )
    .await
    .unwrap();
    let mut contents = contents(&place.destination).await;
    assert_eq!(contents.len(), 1);
    contents.remove(0)
}

fn numbered(ids: impl IntoIterator<Item = i64> + Clone) -> Rows {
    let names: Vec<String> = ids
        .clone()
        .into_iter()
        .map(|id| format!("name {id}"))
        .collect();
    let names = texts(names.iter().map(String::as_str));
    rows(vec![("id", ints(ids)), ("name", names)])
}

#[tokio::test]
async fn pages_are_compressed_as_the_settings_say() {
    let codecs = [
        (Compression::Zstd(9), "ZSTD"),
        (Compression::Snappy, "SNAPPY"),
        (Compression::Lz4, "LZ4_RAW"),
        (Compression::Gzip(1), "GZIP"),
        (Compression::None, "UNCOMPRESSED"),
    ];
    for (compression, expected) in codecs {
        let settings = SpoolSettings {
            compression,
            ..settings()
        };
        // Far apart, or they would be written as differences.
        let ids = (0..1000_i64).map(|id| (id * id).wrapping_mul(0x5851_f42d_4c95_7f2d));
        let content = written(settings, vec![numbered(ids)]).await;
        let footer = footer(&content);
        for column in footer.row_group(0).columns() {
            let codec = column.compression_codec();
            assert_eq!(format!("{codec}"), expected);
        }
        let rows = ParquetRecordBatchReaderBuilder::try_new(content).unwrap();
        let rows: usize = rows
            .build()
            .unwrap()
            .map(|batch| batch.unwrap().num_rows())
            .sum();
        assert_eq!(rows, 1000);
    }
}

#[tokio::test]
async fn a_level_that_a_codec_has_not_is_refused() {
    let settings = SpoolSettings {
        compression: Compression::Zstd(99),
        ..settings()
    };
    let place = local();
    let batches = vec![numbered(0..1)];
    let disposition = WriteDisposition::Append;
    let loaded = load_with(&place.destination, "a", settings, disposition, batches).await;
    assert_eq!(
        loaded.unwrap_err().to_string(),
        "set up the Parquet file `people`"
    );
}

#[tokio::test]
async fn row_groups_end_by_their_size() {
    let small = SpoolSettings {
        compression: Compression::None,
        row_group_bytes: 1 << 20,
        ..settings()
    };
    // Scattered ids, so that a row takes about 20 bytes.
    let scattered = (0..300_000).map(|id: i64| id.wrapping_mul(0x1E37_79B9_7F4A_7C15));
    let content = written(small, vec![numbered(scattered)]).await;
    let footer = footer(&content);
    assert!(footer.num_row_groups() >= 5, "{}", footer.num_row_groups());
    for group in footer.row_groups() {
        assert!(
            group.compressed_size() < 3 << 19,
            "{}",
            group.compressed_size()
        );
    }
}

#[tokio::test]
async fn keys_have_bloom_filters_as_large_as_the_rows_need() {
    let content = written(settings(), vec![numbered(0..10_000)]).await;
    let options = ReadOptionsBuilder::new().build();
    let reader = SerializedFileReader::new_with_options(content.clone(), options).unwrap();
    let group = reader.metadata().row_group(0);
    let [id, name] = group.columns() else {
        panic!("two columns");
    };
    assert_eq!(name.bloom_filter_offset(), None);
    let length = id.bloom_filter_length().unwrap();
    assert!((8_000..20_000).contains(&length), "{length} bytes");
    let filter = Sbbf::read_from_column_chunk(id, &content).unwrap().unwrap();
    assert!((0..10_000_i64).all(|id| filter.check(&id)));
    let found = (10_000..20_000_i64).filter(|id| filter.check(id)).count();
    assert!(found < 1_000, "{found} of 10000 found that aren't there");
}

#[tokio::test]
async fn a_key_of_one_column_has_no_dictionary() {
    let has_dictionaries = async |primary_key: &[&str]| {
        let settings = SpoolSettings {
            primary_key: primary_key.iter().map(|key| (*key).to_owned()).collect(),
            ..settings()
        };
        // Far apart, or they would be written as differences.
        let ids = (0..1000_i64).map(|id| (id * id).wrapping_mul(0x5851_f42d_4c95_7f2d));
        let content = written(settings, vec![numbered(ids)]).await;
        let footer = footer(&content);
        let columns = footer.row_group(0).columns().iter();
        columns
            .map(|column| column.dictionary_page_offset().is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(has_dictionaries(&["id"]).await, [false, true]);
    assert_eq!(has_dictionaries(&["id", "name"]).await, [true, true]);
    assert_eq!(has_dictionaries(&[]).await, [true, true]);
}

#[tokio::test]
async fn every_page_has_bounds_and_long_texts_are_cut() {
    let long = |id: i64| format!("{}{id:06}", "x".repeat(200));
    let names: Vec<String> = (0..50_000).map(long).collect();
    let names = texts(names.iter().map(String::as_str));
    let content = written(
        settings(),
        vec![rows(vec![("id", ints(0..50_000)), ("name", names)])],
    )
    .await;
    let footer = footer(&content);
    let pages = footer.column_index().unwrap()[0]
        .iter()
        .map(ColumnIndexMetaData::num_pages)
        .collect::<Vec<_>>();
    assert!(pages.iter().all(|pages| *pages >= 2), "{pages:?}");
    assert_eq!(footer.offset_index().unwrap()[0].len(), 2);
    let statistics = footer.row_group(0).column(1).statistics().unwrap();
    let (least, greatest) = (
        statistics.min_bytes_opt().unwrap(),
        statistics.max_bytes_opt().unwrap(),
    );
    assert!(least.len() <= 64 && greatest.len() <= 64);
    assert!(least <= long(0).as_bytes() && greatest >= long(49_999).as_bytes());
    assert!(!statistics.max_is_exact());
}

fn sorted_by(content: &bytes::Bytes) -> Option<Vec<SortingColumn>> {
    footer(content).row_group(0).sorting_columns().cloned()
}

fn sorting(column_idx: i32, descending: bool) -> Vec<SortingColumn> {
    vec![SortingColumn {
        column_idx,
        descending,
        nulls_first: true,
    }]
}

#[tokio::test]
async fn an_order_is_declared_where_all_rows_keep_it() {
    let by_key = written(settings(), vec![numbered(0..100_000)]).await;
    assert_eq!(sorted_by(&by_key), Some(sorting(0, false)));
    // The footer was written anew: all that it tells is still there.
    assert!(footer(&by_key).column_index().is_some());
    assert!(
        footer(&by_key)
            .row_group(0)
            .column(0)
            .bloom_filter_offset()
            .is_some()
    );

    let one_behind = (0..100_000).chain([99_998]);
    let unsorted = written(settings(), vec![numbered(one_behind)]).await;
    assert_eq!(sorted_by(&unsorted), None);

    let across_pages = written(settings(), vec![numbered(5..9), numbered(0..3)]).await;
    assert_eq!(sorted_by(&across_pages), None);
}

#[tokio::test]
async fn the_cursor_may_be_what_rows_are_sorted_by() {
    let with_cursor = || SpoolSettings {
        cursor: Some("at".to_owned()),
        ..settings()
    };
    let at = |ids: &[i64], at: &[i64]| {
        rows(vec![
            ("id", ints(ids.iter().copied())),
            ("at", ints(at.iter().copied())),
        ])
    };
    let check = async |ids: &[i64], values: &[i64], expected| {
        let content = written(with_cursor(), vec![at(ids, values)]).await;
        assert_eq!(sorted_by(&content), expected, "{values:?}");
    };
    check(&[3, 1, 2], &[1, 1, 2], Some(sorting(1, false))).await;
    check(&[3, 1, 2], &[9, 9, 2], Some(sorting(1, true))).await;
    check(&[1, 2, 3], &[9, 9, 2], Some(sorting(0, false))).await;
    check(&[3, 1, 2], &[1, 5, 2], None).await;
}

#[tokio::test]
async fn a_declared_order_points_at_the_leaf() {
    // Fractions come before the key; their own order is never declared.
    let by_fraction = SpoolSettings {
        primary_key: vec!["share".to_owned()],
        cursor: Some("id".to_owned()),
        ..settings()
    };
    let sorted = rows(vec![
        ("share", floats([0.5, 0.75, 1.5])),
        ("id", ints([1, 2, 3])),
    ]);
    assert_eq!(
        sorted_by(&written(by_fraction, vec![sorted]).await),
        Some(sorting(1, false))
    );
}

#[tokio::test]
async fn a_file_that_is_closed_by_size_is_judged_by_itself() {
    let place = local();
    let small = SpoolSettings {
        compression: Compression::None,
        file_size_bytes: 1 << 20,
        ..settings()
    };
    let up_then_back = (0..100_000).chain(0..100_000);
    let batches = vec![numbered(up_then_back)];
    load_with(
        &place.destination,
        "a",
        small,
        WriteDisposition::Append,
        batches,
    )
    .await
    .unwrap();
    let contents = contents(&place.destination).await;
    let declared = contents.iter().map(sorted_by).collect::<Vec<_>>();
    assert!(declared.len() > 2, "{declared:?}");
    assert!(
        declared.iter().filter(|one| one.is_none()).count() <= 1,
        "{declared:?}"
    );
    assert!(declared.contains(&Some(sorting(0, false))));
    let codec = footer(&contents[0])
        .row_group(0)
        .column(0)
        .compression_codec();
    assert_eq!(codec.to_string(), "UNCOMPRESSED");
}
