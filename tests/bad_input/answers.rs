//! Answers that are refused, cut off, or no JSON.

use super::{LINKED, SINGLE, good, run, third_page};
use crate::support::{Reply, Scripted};

/// What an error about the third page names.
const THIRD: [&str; 3] = ["page 3", "`items`", "slice `all`"];

fn third(more: &[&'static str]) -> Vec<&'static str> {
    [&THIRD, more].concat()
}

#[test]
fn a_fault_that_passes_costs_nothing() {
    for fault in [
        Reply::Dropped,
        Reply::Short {
            announced: 1000,
            body: br#"{"items": [{"id": 3}"#.to_vec(),
        },
        Reply::json(r#"{"items": [{"id": 3}"#),
        Reply::status(500, ""),
        // A server may ask for a day; the spec's longest wait is a moment.
        Reply::status(429, "").with("Retry-After", "86400"),
        Reply::status(503, "").with("Retry-After", "Fri, 31 Dec 2999 23:59:59 GMT"),
    ] {
        let server = third_page(move |time| if time == 1 { fault.clone() } else { good(3) });
        run(&server, LINKED).landed(&[1, 2, 3, 4, 5]);
        assert_eq!(server.requests().len(), 6);
    }
}

#[test]
fn a_status_that_stays_fails_the_run() {
    for (status, tries, help) in [
        (404, 1, "no such page"),
        (400, 1, "no such page"),
        (403, 1, "check `client.auth`"),
        (500, 2, "(2 tries)"),
        (429, 2, "check `client.rate_limit`"),
    ] {
        let server =
            third_page(move |_| Reply::status(status, "no such page").with("Retry-After", "86400"));
        let answered = format!("the server answered {status} `no such page`");
        run(&server, LINKED).failed(&[THIRD.as_slice(), &[&answered, help]].concat());
        assert_eq!(server.requests().len(), 2 + tries);
    }
}

#[test]
fn a_body_that_is_cut_off_each_time_fails_the_run() {
    let server = third_page(|_| Reply::Short {
        announced: 1000,
        body: br#"{"items": [{"id": 3}]"#.to_vec(),
    });
    run(&server, LINKED).failed(&third(&[
        "/items?page=3",
        "(2 tries)",
        "no whole answer came",
    ]));
}

#[test]
fn what_is_no_json_fails_the_run_and_is_shown() {
    for (body, told) in [
        (
            "<!DOCTYPE html>\n<title>Sign in</title>",
            "answered 200 `<!DOCTYPE html> <title>Sign in</title>`",
        ),
        (r#"{"items": [{"id": 3}, {"#, "is not valid JSON at byte 23"),
        (
            r#"{"items": [{"id": NaN}]}"#,
            "answered 200 `{\"items\": [{\"id\": NaN}]}`",
        ),
        (r#"{"items": [{"id": -Infinity}]}"#, "not valid JSON"),
        (
            r#"{"items": [{"id": 3}]} {"items": []}"#,
            "trailing characters",
        ),
        (r"{'items': []}", "not valid JSON"),
        (r#"{"items": [{"id": 3,}]}"#, "not valid JSON"),
        ("{\"items\": [{\"id\": \"a\tb\"}]}", "not valid JSON"),
        (r#"{"items": [{"id": 03}]}"#, "not valid JSON"),
    ] {
        let server = third_page(move |_| Reply::json(body));
        run(&server, LINKED).failed(&third(&[told]));
    }
    let server = third_page(|_| Reply::json(b"{\"items\": [{\"id\": \"\xff\"}]}".as_slice()));
    run(&server, LINKED).failed(&third(&["not UTF-8 from byte 19 on"]));
    // The excerpt is short, and has no secret in it however it came.
    let server =
        third_page(|_| Reply::json(format!("<html>{} {}", super::KEY, "x".repeat(100_000))));
    run(&server, LINKED).failed(&third(&["answered 200 `<html>*** xxx"]));
}

#[test]
fn a_body_that_is_not_encoded_as_it_says_fails_the_run() {
    let server = third_page(|_| Reply::json(r#"{"items": []}"#).with("Content-Encoding", "gzip"));
    run(&server, LINKED).failed(&third(&["no whole answer came"]));
}

#[test]
fn an_error_in_a_success_is_no_end() {
    let server = third_page(|_| Reply::json(r#"{"error": {"message": "try later"}}"#));
    run(&server, LINKED).failed(&third(&["`items` matches nothing"]));
    // Detected paths are held to as well.
    let server = third_page(|_| Reply::json(r#"{"error": {"message": "try later"}}"#));
    let detected =
        "{ name: items, endpoint: { paginator: { type: json_link, next_url_path: next } } }";
    run(&server, detected).failed(&third(&["`items` matches nothing"]));
}

#[test]
fn a_page_of_nothing_is_empty_and_no_end() {
    for nothing in ["null", "[]", "{}"] {
        let server = third_page(move |_| {
            Reply::json(format!(
                "{{\"items\": {nothing}, \"next\": \"/items?page=4\"}}"
            ))
        });
        run(&server, LINKED).landed(&[1, 2, 4, 5]);
    }
}

#[test]
fn a_selector_that_never_matches_fails_the_run() {
    let server = Scripted::start(|_| good(5));
    let typo = "{ name: items, endpoint: { data_selector: itmes, paginator: single_page } }";
    run(&server, typo).failed(&["page 1", "`itmes` matches nothing", "`items`"]);
    // What would match may have names of any length.
    let name = "n".repeat(1_000_000);
    let server = Scripted::start(move |_| Reply::json(format!("{{\"{name}\": [{{}}]}}")));
    run(&server, typo).failed(&["`itmes` matches nothing"]);
}

#[test]
fn a_body_has_a_limit() {
    let limit = "larger than 1073741824 bytes";
    let server = third_page(|_| Reply::Short {
        announced: 1 << 40,
        body: Vec::new(),
    });
    run(&server, LINKED).failed(&third(&[limit]));
    assert_eq!(server.requests().len(), 3);
    // A few kilobytes that unpack to 1.1 GB.
    let bomb = zeros(8800);
    let server = third_page(move |_| Reply::json(bomb.clone()).with("Content-Encoding", "zstd"));
    run(&server, LINKED).failed(&third(&[limit]));
    assert_eq!(server.requests().len(), 3);
}

/// A zstd frame of so many blocks of 128 KiB of zeros (RFC 8878, 3.1.1).
fn zeros(blocks: usize) -> Vec<u8> {
    const BLOCK: u32 = 128 * 1024;
    // Magic number, a header without sizes or checksum, and a window of one block.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for block in 1..=blocks {
        let run_of_one_byte = 1 << 1;
        let header = u32::from(block == blocks) | run_of_one_byte | BLOCK << 3;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

#[test]
fn nesting_has_a_limit() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for body in [
            format!("{{\"items\": {deep}}}"),
            format!("{{\"items\": [{{\"id\": 3}}], \"other\": {deep}}}"),
            "[".repeat(100_000),
        ] {
            let server = third_page(move |_| Reply::json(body.clone()));
            run(&server, LINKED).failed(&third(&["128 deep", "answered 200 `"]));
            assert_eq!(
                server.requests().len(),
                3,
                "the same again would help nobody"
            );
        }
    }
    // Within the limit of bodies, lists still end before any reader of Parquet does.
    let server = super::records(&format!("{{\"a\": {}1{}}}", "[".repeat(60), "]".repeat(60)));
    run(&server, SINGLE).failed(&["page 1", "`items`", "nested more than `20` levels deep"]);
}
