//! Slices of a server that doesn't behave.

use super::server::{answer, json};
use super::*;
use crate::plan::{ChainedPlan, NextPlan, StopPlan};

const GOOD: &str = r#"{"items": [1]}"#;

/// Plays faults and then a good page: it must be read after as many retries.
async fn heals(faults: Vec<Vec<u8>>, reason: &str) {
    let count = faults.len();
    let server = Server::play(faults.into_iter().chain([json(GOOD)]).collect());
    let outcome = read(&server, &resource("people")).await;
    assert_eq!(outcome.records(), ["1"], "{reason}");
    assert_eq!(outcome.result.as_ref().unwrap().requests, count as u64 + 1);
    let retries = outcome.retries();
    assert_eq!(retries.len(), count);
    for (wait, told) in retries {
        // What the system says of a broken connection comes behind.
        assert!(
            wait == MAX_BACKOFF && told.starts_with(reason),
            "{wait} {told}"
        );
    }
}

fn truncated() -> Vec<u8> {
    let mut whole = json(GOOD);
    whole.truncate(whole.len() - 2);
    whole
}

#[tokio::test]
async fn tries_again_what_may_heal() {
    heals(
        vec![answer(429, "Retry-After: 3\r\n", b""), answer(429, "", b"")],
        "the server answered 429",
    )
    .await;
    heals(
        vec![answer(
            503,
            "Retry-After: Thu, 01 Jan 1970 00:01:00 GMT\r\n",
            b"",
        )],
        "the server answered 503",
    )
    .await;
    heals(
        vec![answer(500, "", b"{}"), answer(500, "", b"")],
        "the server answered 500",
    )
    .await;
    heals(vec![Vec::new()], "the connection broke").await;
    heals(vec![truncated()], "the connection broke").await;
    heals(vec![json("<html>")], "the answer looks like an HTML page").await;
    heals(
        vec![json("{\"items\": [1")],
        "the body is not valid JSON at byte 12: EOF while parsing a list",
    )
    .await;
}

#[tokio::test]
async fn gives_up_at_the_last_try() {
    let server = Server::play(vec![
        answer(500, "", b"1"),
        answer(500, "", b"2"),
        answer(500, "", b"3"),
        json(GOOD),
    ]);
    let outcome = read(&server, &resource("people")).await;
    assert_eq!(server.asked().len(), 3);
    assert!(
        matches!(&outcome.result, Err(Error::ServerFailed(answered)) if answered.body == "3" && answered.tried.attempts == 3)
    );
    let server = Server::play(vec![json("<html> x"), json("<html> x"), json("<html> x")]);
    let error = read(&server, &resource("people")).await.error();
    let expected = "(3 tries): the server answered 200 `<html> x`: it looks like an HTML page instead of JSON: a login page, \
                    or one of a proxy?: the body is not valid JSON at byte 0: expected value";
    assert!(error.ends_with(expected), "{error}");
    let server = Server::play(vec![truncated(), truncated(), truncated()]);
    assert!(matches!(
        read(&server, &resource("people")).await.result,
        Err(Error::Unreachable { .. })
    ));
}

#[tokio::test]
async fn says_what_the_caller_may_do() {
    for (status, help) in [
        (401, "check `client.auth`"),
        (403, "check `client.auth`"),
        (404, "no such"),
        (400, "no such"),
    ] {
        let server = Server::play(vec![answer(status, "", b"no such\n  thing")]);
        let outcome = read(&server, &resource("people")).await;
        let error = outcome.error();
        let start = format!(
            "request `GET {}`: the server answered {status} `no such thing`",
            server.url("/v0/people")
        );
        assert!(error.starts_with(&start) && error.contains(help), "{error}");
        assert!(outcome.retries().is_empty());
        let fits = match outcome.result.unwrap_err() {
            Error::Unauthorized { .. } => status == 401 || status == 403,
            Error::NotFound(_) => status == 404,
            Error::BadRequest(_) => status == 400,
            _ => false,
        };
        assert!(fits, "{status}");
    }
}

#[tokio::test]
async fn never_shows_a_secret() {
    // What a server might echo: the user name, the header, a parameter.
    let echo = b"key sk_live header c2tfbGl2ZTo= token tok-12345";
    let mut resource = resource("people?access_token=tok-12345");
    for status in [401, 400, 500] {
        let server = Server::play(vec![answer(status, "", echo); 3]);
        let outcome = read(&server, &resource).await;
        let told = format!(
            "{} {:?} {:?}",
            outcome.error(),
            outcome.result,
            outcome.events
        );
        assert!(
            told.contains("key *** header *** token ***") && told.contains("access_token=***"),
            "{told}"
        );
        assert!(
            ["sk_live", "c2tf", "tok-12345"]
                .iter()
                .all(|secret| !told.contains(secret)),
            "{told}"
        );
    }
    resource.request = request(
        Method::GET,
        "https://sk_live:x@elsewhere.test/?access_token=tok-12345",
        &[],
        None,
    );
    let server = Server::play(Vec::new());
    let outcome = read(&server, &resource).await;
    let told = format!(
        "{} {:?} {:?}",
        outcome.error(),
        outcome.result,
        outcome.events
    );
    assert!(
        !told.contains("sk_live") && !told.contains("tok-12345"),
        "{told}"
    );
}

#[tokio::test]
async fn sends_nothing_to_another_origin() {
    let elsewhere = Server::play(vec![json(GOOD)]);
    let check = |outcome: Outcome| {
        let error = outcome.error();
        let host = elsewhere.url("").replace("http://", "");
        let expected = format!(
            "it leads to `{host}`, which is neither the origin of `base_url` nor one of `allowed_hosts`: credentials go \
             nowhere else"
        );
        assert!(
            matches!(outcome.result, Err(Error::OtherOrigin { .. })) && error.ends_with(&expected),
            "{error}"
        );
    };
    let server = Server::play(vec![answer(
        302,
        &format!("Location: {}\r\n", elsewhere.url("/x")),
        b"",
    )]);
    check(read(&server, &resource("people")).await);
    check(read(&Server::play(Vec::new()), &resource(&elsewhere.url("/x"))).await);
    let server = Server::play(vec![json(&format!(
        r#"{{"items": [1], "next": "{}"}}"#,
        elsewhere.url("/x")
    ))]);
    let mut linked = resource("people");
    linked.paginator = PaginatorPlan::Chained(ChainedPlan {
        next: NextPlan::JsonLink {
            path: Selector::parse("next").unwrap(),
        },
        page_size: None,
        stop: StopPlan::default(),
    });
    check(read(&server, &linked).await);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn follows_no_endless_redirects() {
    let server = Server::play(vec![answer(301, "Location: /v0/people\r\n", b""); 11]);
    let outcome = read(&server, &resource("people")).await;
    assert!(matches!(
        outcome.result,
        Err(Error::TooManyRedirects { limit: 10, .. })
    ));
    assert_eq!(server.asked().len(), 11);
}

#[tokio::test]
async fn bounds_the_body() {
    let large = b" ".repeat(usize::try_from(BODY_LIMIT).unwrap() + 1);
    let announced = Server::play(vec![answer(200, "", &large)]);
    assert!(matches!(
        read(&announced, &resource("people")).await.result,
        Err(Error::BodyTooLarge { .. })
    ));
    let unannounced = Server::play(vec![
        [
            b"HTTP/1.1 200 -\r\nConnection: close\r\n\r\n",
            large.as_slice(),
        ]
        .concat(),
    ]);
    assert!(matches!(
        read(&unannounced, &resource("people")).await.result,
        Err(Error::BodyTooLarge { .. })
    ));
}

#[tokio::test]
async fn names_what_would_match_where_the_selector_does_not() {
    let body = r#"{"people": {"a": {"id": 1}}, "teams": [{"id": 2}]}"#;
    let outcome = read(&Server::play(vec![json(body)]), &resource("people")).await;
    insta::assert_snapshot!(outcome.error(), @"find the records on page 1: `items` matches nothing; these would: `teams`, `people.*`");
    let outcome = read(
        &Server::play(vec![json(r#"{"error": "no"}"#)]),
        &resource("people"),
    )
    .await;
    insta::assert_snapshot!(outcome.error(), @"find the records on page 1: `items` matches nothing; nothing in the answer looks like records");
    let mut lenient = resource("people");
    lenient.allow_missing = true;
    let outcome = read(&Server::play(vec![json(body)]), &lenient).await;
    assert_eq!(outcome.result.unwrap().records, 0);
    let outcome = read(
        &Server::play(vec![json(r#"{"items": null}"#)]),
        &resource("people"),
    )
    .await;
    assert_eq!(outcome.result.unwrap().records, 0);
}
