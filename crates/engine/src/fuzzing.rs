//! What the fuzzer feeds: text from outside, as the stages get it. Nothing of it may panic.
//!
//! Each function takes any bytes and checks what must hold whatever they are. A test feeds them the kept corpus, so that
//! they stay true without a fuzzer.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::decode::{self, Decoded, Decoder, SliceMemory};
use crate::flow::{Page, Slice};
use crate::json;
use crate::plan::{DecodePlan, Selector, compile};
use crate::round_trip::{Json, Refusal, Written, check_rows};
use crate::schema::conform;
use crate::spec::{Source, Variables};

/// A spec: every mistake lies inside the text.
pub fn spec(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let variables = Variables::new([("A".to_owned(), "{b}".to_owned())]);
    let diagnostics = match Source::read("spec.yaml", text, &variables) {
        Err(diagnostics) => diagnostics,
        Ok((source, pipeline)) => match source.finish(compile(&pipeline)) {
            Err(diagnostics) => diagnostics,
            Ok(_) => return,
        },
    };
    for diagnostic in &diagnostics.all {
        assert!(
            text.get(diagnostic.span.clone()).is_some(),
            "{diagnostic:?} lies outside the text"
        );
    }
}

/// A selector on its first line, and a body behind it: what is found lies inside the body.
pub fn selector(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (selector, body) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(selector) = Selector::parse(selector) else {
        return;
    };
    if let Ok(selection) = selector.records(body.as_bytes()) {
        for range in selection.records {
            let record = body.get(range).expect("a record lies inside the body");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(record).is_ok());
        }
    }
}

/// A `Link` header.
pub fn link_header(data: &[u8]) {
    crate::extract::fuzz_link_header(data);
}

/// A body whose records are decoded: the rows are what `serde_json` reads in the body, and what it refuses is refused.
///
/// What it accepts may be refused where a record is too deep or too wide, has a key twice, or a number whose exponent has
/// more than 18 digits.
pub fn decoder(data: &[u8]) {
    let Ok(selector) = Selector::detect(data) else {
        return;
    };
    let Ok(selection) = selector.records(data) else {
        return;
    };
    let ranges = selection.records.clone();
    let expected: Result<Vec<Json>, Refusal> = ranges
        .into_iter()
        .map(|range| Json::read(data.get(range).unwrap_or_default()))
        .collect();
    let page = Page {
        number: 1,
        body: Bytes::copy_from_slice(data),
        records: selection.records,
        fetched_at: Timestamp::UNIX_EPOCH,
    };
    let decoder = Arc::new(Decoder::new(DecodePlan::default(), "load"));
    let found = decoder.decode(&Slice::default(), &page, &mut SliceMemory::default());
    if let (Some(early), Ok(found)) = (decode_early(&decoder, &page), &found) {
        let early = early.expect("what is decoded in its turn is decoded early too");
        assert_eq!(early.schema, found.schema);
        assert_eq!(early.batch, found.batch);
    }
    match (expected, found) {
        (Ok(expected), Ok(found)) => {
            let settled = found.schema.settle(None);
            let rows = conform(&found.batch, &found.schema, &settled)
                .expect("a schema that is settled from rows has a place for each value");
            if let Err(difference) = check_rows(&expected, &rows, &settled, Written::Now) {
                panic!("{difference}");
            }
        }
        (Ok(expected), Err(error)) => assert!(
            may_be_refused(&expected, &error),
            "{error:?} for what is well-formed"
        ),
        // A key may come twice as long as its value is the same; a zero may have any exponent.
        (Err(Refusal::KeyTwice | Refusal::HugeExponent), _) | (Err(Refusal::Malformed), Err(_)) => {
        }
        (Err(Refusal::Malformed), Ok(_)) => panic!("what is malformed was decoded"),
    }
}

/// Decodes a page whose records are read one by one, as they are while a body is checked; `None` where one can't be.
fn decode_early(decoder: &Arc<Decoder>, page: &Page) -> Option<Result<Decoded, decode::Error>> {
    let slice = Slice::default();
    let mut reader = decoder.record_readers(&slice)?();
    for range in &page.records {
        let record = std::str::from_utf8(page.body.get(range.clone())?).ok()?;
        reader.read(&json::Reader::new(record))?;
    }
    let mut memory = SliceMemory::default();
    Some(decoder.decode_part(&slice, (0, page), Some(reader), &mut memory))
}

/// Whether records lie beyond a limit, as an error says.
fn may_be_refused(records: &[Json], error: &decode::Error) -> bool {
    match error {
        decode::Error::TooDeep { .. } => records
            .iter()
            .any(|record| record.depth() >= decode::MAXIMUM_LIST_DEPTH),
        decode::Error::TooManyColumns { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Feeds every file of a corpus to its function.
    fn replay(name: &str, target: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let files: Vec<_> = std::fs::read_dir(folder.join(name)).unwrap().collect();
        assert!(files.len() >= 5, "{name} has {} files", files.len());
        for file in files {
            target(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }

    #[test]
    fn the_corpus_holds() {
        replay("spec", super::spec);
        replay("selector", super::selector);
        replay("link_header", super::link_header);
        replay("decoder", super::decoder);
    }
}
