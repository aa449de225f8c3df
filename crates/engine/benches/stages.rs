//! What each stage takes for one page, for records of each shape: `cargo bench -p engine --bench stages`.

mod shapes;

use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use engine::benching;
use engine::decode::{Decoded, Decoder, SliceMemory};
use engine::flow::{Page, Progress, RecordReader, Slice};
use engine::load::{Destination, Discards, Lake, Owner, Replaced, SpoolSettings, TableCommit};
use engine::plan::{Compression, DecodePlan, MemoryPlan, MergePlan, Selector, WriteDisposition};
use engine::schema::TableSchema;
use jiff::Timestamp;

const NAMES: [&str; 4] = ["flat", "nested", "wide", "sparse"];

fn main() {
    divan::main();
}

/// A page of about 150,000 bytes, and how many records it has.
fn body(shape: &str, page: usize) -> (Bytes, usize) {
    let (_, record) = shapes::SHAPES
        .iter()
        .find(|(name, _)| *name == shape)
        .expect("a shape");
    let rows = (150_000 / record(0).len()).max(1);
    let records: Vec<String> = (page * rows..(page + 1) * rows).map(record).collect();
    let body = format!(r#"{{"items":[{}],"total":1000000}}"#, records.join(","));
    (body.into(), rows)
}

fn selector() -> Selector {
    Selector::parse("items").expect("a selector")
}

fn page(shape: &str, number: usize) -> Page {
    let (body, _) = body(shape, number);
    let records = selector().records(&body).expect("a page").records;
    Page {
        number: 1,
        body,
        records,
        fetched_at: Timestamp::UNIX_EPOCH,
    }
}

fn decoder() -> Arc<Decoder> {
    Arc::new(Decoder::new(DecodePlan::default(), "bench"))
}

fn decoded(shape: &str, number: usize) -> Decoded {
    let decoded = decoder().decode(
        &Slice::default(),
        &page(shape, number),
        &mut SliceMemory::default(),
    );
    decoded.expect("a page")
}

/// As a run without any settings writes an append.
fn settings() -> SpoolSettings {
    SpoolSettings {
        compression: Compression::Zstd(3),
        row_group_bytes: 32 << 20,
        file_size_bytes: 128 << 20,
        encode_from_bytes: 32 << 20,
        primary_key: Vec::new(),
        merge: MergePlan::UPSERT,
        load_start: 0,
        cursor: None,
        partition_by: Vec::new(),
        memory: MemoryPlan::DEFAULT,
    }
}

/// Every key and value of a body by the pull parser alone.
#[divan::bench(args = NAMES)]
fn parse(bencher: Bencher<'_, '_>, shape: &str) {
    let (body, rows) = body(shape, 0);
    let text = std::str::from_utf8(&body).expect("a text");
    let bencher = bencher
        .counter(BytesCount::new(body.len()))
        .counter(ItemsCount::new(rows));
    bencher.bench(|| benching::parse(text).expect("a document"));
}

/// Checking a body and finding its records.
#[divan::bench(args = NAMES)]
fn select(bencher: Bencher<'_, '_>, shape: &str) {
    let ((body, rows), selector) = (body(shape, 0), selector());
    let total = Selector::parse("total").expect("a selector");
    let bencher = bencher
        .counter(BytesCount::new(body.len()))
        .counter(ItemsCount::new(rows));
    bencher.bench(|| selector.read(&[&total], &body, None));
}

/// Records that were found, into a batch.
#[divan::bench(args = NAMES)]
fn decode(bencher: Bencher<'_, '_>, shape: &str) {
    let (page, decoder) = (page(shape, 0), decoder());
    let bencher = bencher
        .counter(BytesCount::new(page.body.len()))
        .counter(ItemsCount::new(page.records.len()));
    bencher.bench(|| decoder.decode(&Slice::default(), &page, &mut SliceMemory::default()));
}

/// Both in one pass, as a run does it.
#[divan::bench(args = NAMES)]
fn select_and_decode(bencher: Bencher<'_, '_>, shape: &str) {
    let (page, decoder, selector) = (page(shape, 0), decoder(), selector());
    let slice = Slice::default();
    let readers = decoder.record_readers(&slice).expect("readers");
    let bencher = bencher
        .counter(BytesCount::new(page.body.len()))
        .counter(ItemsCount::new(page.records.len()));
    bencher.bench(|| {
        let mut reader = readers();
        let as_reader: &mut dyn RecordReader = &mut *reader;
        let read = selector
            .read(&[], &page.body, Some(as_reader))
            .expect("a page");
        assert!(read.records_read, "the records are read on the way");
        decoder.decode_part(
            &slice,
            (0, &page),
            Some(reader),
            &mut SliceMemory::default(),
        )
    });
}

/// Joining what is known of sixteen pages, and settling it.
#[divan::bench(args = NAMES)]
fn evolve(bencher: Bencher<'_, '_>, shape: &str) {
    let schemas: Vec<TableSchema> = (0..16).map(|page| decoded(shape, page).schema).collect();
    bencher.bench(|| {
        let joined = schemas.iter().cloned().reduce(|all, one| all.join(&one));
        joined.expect("schemas").settle(None)
    });
}

/// Sixteen pages, from batches to a commit in memory.
#[divan::bench(args = NAMES, sample_count = 20)]
fn encode(bencher: Bencher<'_, '_>, shape: &str) {
    let pages: Vec<Decoded> = (0..16).map(|page| decoded(shape, page)).collect();
    let rows: usize = pages.iter().map(|page| page.batch.num_rows()).sum();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    bencher.counter(ItemsCount::new(rows)).bench(|| {
        let destination = Destination::open("memory://").expect("a destination");
        let owner = Owner::new("bench", "sandbox");
        let open = Lake::open(destination, &owner, "bench", Timestamp::UNIX_EPOCH);
        let mut lake = runtime.block_on(open).expect("a lake");
        let spool = lake.spool("table", settings()).expect("a spool");
        let mut slice = spool.begin(0, None);
        for page in &pages {
            slice.write(page.batch.clone(), &page.schema).expect("rows");
        }
        slice.finish().expect("a slice");
        let commit = TableCommit {
            table: "table".to_owned(),
            sealed: spool.seal().expect("rows"),
            write_disposition: WriteDisposition::Append,
            basis: None,
            progress: Progress::default(),
            discards: Discards::default(),
            replaced: Replaced::Nothing,
        };
        let commit = lake.commit(vec![commit], Timestamp::UNIX_EPOCH, true);
        runtime.block_on(commit).expect("a commit")
    });
}
