//! What a straight-line program takes for the same work: a fixed schema, no inference, no retries, no state.
//!
//! `reference URL FILE` fetches the pages of agent states one after another, decodes them with `arrow-json` and writes one
//! Parquet file, each on a thread of its own. It stays as it is, so that ratios to it can be compared over time.
use std::error::Error;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow_json::ReaderBuilder;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const PAGE_ROWS: usize = 500;

/// The result of a stage.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, file] = &arguments[..] else {
        // `cargo bench` runs it without any.
        return Ok(());
    };
    let (bodies, fetched) = sync_channel(4);
    let (batches, decoded) = sync_channel(4);
    std::thread::scope(|scope| {
        let fetching = scope.spawn(move || fetch(url, &bodies));
        let decoding = scope.spawn(move || decode(&fetched, &batches));
        let written = write(file, &decoded);
        let stages = [fetching.join(), decoding.join()];
        for stage in stages {
            stage.map_err(|_| "a stage panicked")??;
        }
        written
    })
}

fn fetch(url: &str, bodies: &SyncSender<Bytes>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Plain HTTP; the provider is asked for all the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    runtime.block_on(async {
        let client = reqwest::Client::new();
        let mut offset = 0;
        loop {
            let page = format!("{url}/agents/state?limit={PAGE_ROWS}&offset={offset}");
            let body = client.get(page).send().await?.bytes().await?;
            let total = total(&body)?;
            bodies.send(body)?;
            offset += PAGE_ROWS;
            if offset >= total {
                return Ok(());
            }
        }
    })
}

/// The number behind the last colon of the body.
fn total(body: &[u8]) -> Outcome<usize> {
    let digits = body.rsplit(|byte| *byte == b':').next().unwrap_or_default();
    let digits = digits
        .strip_suffix(b"}")
        .ok_or("the page has no total at its end")?;
    Ok(std::str::from_utf8(digits)?.parse()?)
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

fn decode(bodies: &Receiver<Bytes>, batches: &SyncSender<RecordBatch>) -> Outcome {
    let record = Field::new_struct("item", fields(), true);
    let answer = Arc::new(Schema::new(vec![
        Field::new_list("agent_states", record, true),
        Field::new("total", DataType::Int64, true),
    ]));
    let mut decoder = ReaderBuilder::new(answer)
        .with_batch_size(1)
        .build_decoder()?;
    for body in bodies {
        decoder.decode(&body)?;
        let answer = decoder.flush()?.ok_or("the page is no whole answer")?;
        let records = answer.column(0).as_list::<i32>().value(0);
        batches.send(RecordBatch::from(records.as_struct()))?;
    }
    Ok(())
}

fn write(file: &str, batches: &Receiver<RecordBatch>) -> Outcome {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let schema = Arc::new(Schema::new(fields()));
    let mut writer = ArrowWriter::try_new(File::create(file)?, schema, Some(properties))?;
    for batch in batches {
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}
