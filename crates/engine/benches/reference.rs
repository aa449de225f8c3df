//! What a straight-line program takes for the same work: a fixed schema, no inference, no retries, no state.
//!
//! `reference URL FILE` fetches the pages of agent states one after another, decodes them with `arrow-json` and writes one
//! Parquet file, each on a thread of its own. It stays as it is, so that ratios to it can be compared over time.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a program of the benchmarks stops where something is not as it must be"
)]

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema};
use arrow_json::ReaderBuilder;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const PAGE_ROWS: usize = 500;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, file] = &arguments[..] else {
        eprintln!("usage: reference URL FILE");
        return;
    };
    let (bodies, fetched) = sync_channel(4);
    let (batches, decoded) = sync_channel(4);
    std::thread::scope(|scope| {
        scope.spawn(move || fetch(url, &bodies));
        scope.spawn(move || decode(&fetched, &batches));
        write(file, &decoded);
    });
}

fn fetch(url: &str, bodies: &SyncSender<Bytes>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // Plain HTTP; the provider is asked for all the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    runtime.block_on(async {
        let client = reqwest::Client::new();
        let mut offset = 0;
        loop {
            let page = format!("{url}/agents/state?limit={PAGE_ROWS}&offset={offset}");
            let body = client
                .get(page)
                .send()
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
            let total = total(&body);
            bodies.send(body).unwrap();
            offset += PAGE_ROWS;
            if offset >= total {
                return;
            }
        }
    });
}

/// The number behind the last colon of the body.
fn total(body: &[u8]) -> usize {
    let colon = body.iter().rposition(|byte| *byte == b':').unwrap();
    let digits = &body[colon + 1..body.len() - 1];
    std::str::from_utf8(digits).unwrap().parse().unwrap()
}

fn fields() -> Fields {
    let text = [
        "agent_id",
        "agent_name",
        "agent_email",
        "platform",
        "agent_platform_id",
        "state",
    ];
    let times = ["start_time", "end_time", "modified_at"];
    let more = ["external_id", "ticket_id", "ticket_status"];
    let field = |data_type: DataType| move |name| Field::new(name, data_type.clone(), true);
    text.into_iter()
        .map(field(DataType::Utf8))
        .chain(times.into_iter().map(field(DataType::Int64)))
        .chain(more.into_iter().map(field(DataType::Utf8)))
        .collect()
}

fn decode(bodies: &Receiver<Bytes>, batches: &SyncSender<RecordBatch>) {
    let record = Field::new_struct("item", fields(), true);
    let answer = Arc::new(Schema::new(vec![
        Field::new_list("agent_states", record, true),
        Field::new("total", DataType::Int64, true),
    ]));
    let mut decoder = ReaderBuilder::new(answer)
        .with_batch_size(1)
        .build_decoder()
        .unwrap();
    for body in bodies {
        decoder.decode(&body).unwrap();
        let answer = decoder.flush().unwrap().unwrap();
        assert!(answer.column(1).as_primitive::<Int64Type>().is_valid(0));
        let records = answer.column(0).as_list::<i32>().value(0);
        batches
            .send(RecordBatch::from(records.as_struct()))
            .unwrap();
    }
}

fn write(file: &str, batches: &Receiver<RecordBatch>) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .build();
    let schema = Arc::new(Schema::new(fields()));
    let mut writer =
        ArrowWriter::try_new(File::create(file).unwrap(), schema, Some(properties)).unwrap();
    for batch in batches {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
}
