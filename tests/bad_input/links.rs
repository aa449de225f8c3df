//! Links, redirects and cursors that lead nowhere, in circles, or to somebody else.

use super::{KEY, LINKED, SINGLE, good, page, run, third_page};
use crate::support::{Reply, Scripted};

const CURSOR: &str = "{ name: items, endpoint: { data_selector: items, paginator: { type: cursor, cursor_path: next } } }";

#[test]
fn no_key_leaves_for_another_host() {
    let elsewhere = Scripted::start(|_| good(5));
    let host = elsewhere.host();

    let target = format!("{}/items?page=3", elsewhere.url());
    let server = third_page(move |_| Reply::redirect(target.clone()));
    run(&server, LINKED).failed(&["page 3", "`items`", &host]);

    let target = format!("{}/items?page=3", elsewhere.url());
    let server = Scripted::start(move |_| {
        Reply::json(format!(
            "{{\"items\": [{{\"id\": 1}}], \"next\": \"{target}\"}}"
        ))
    });
    run(&server, LINKED).failed(&["`items`", &host]);

    // A link without a scheme goes to the other host too.
    let target = format!("//{host}/items?page=3");
    let server = Scripted::start(move |_| {
        Reply::json("[{\"id\": 1}]").with("Link", format!("<{target}>; rel=\"next\""))
    });
    let header = "{ name: items, endpoint: { data_selector: $, paginator: header_link } }";
    run(&server, header).failed(&["`items`", &host]);

    assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.targets());
    let sent = server.requests();
    assert!(
        sent.iter()
            .all(|request| request.headers["x-api-key"] == KEY)
    );
}

#[test]
fn redirects_are_followed_at_home_and_never_in_circles() {
    let server = Scripted::start(|request| match request.target.as_str() {
        "/items" => Reply::redirect("/moved?page=1"),
        _ => good(5),
    });
    run(&server, SINGLE).landed(&[5]);
    assert_eq!(server.targets(), ["/items", "/moved?page=1"]);

    let server = third_page(|_| Reply::redirect("/items?page=3"));
    run(&server, LINKED).failed(&["page 3", "`items`", "more than 10 redirects"]);

    let server = Scripted::start(|request| match request.target.as_str() {
        "/login" => Reply::json("<html>Sign in</html>"),
        _ => Reply::redirect("/login"),
    });
    run(&server, SINGLE).failed(&["page 1", "`items`", "answered 200 `<html>Sign in</html>`"]);

    let server = Scripted::start(|_| Reply::status(302, ""));
    run(&server, SINGLE).failed(&["page 1", "`items`", "the server answered 302"]);
}

#[test]
fn a_cursor_that_stays_is_no_way_on() {
    for items in ["[{\"id\": 1}]", "[]"] {
        let server = Scripted::start(move |_| {
            Reply::json(format!("{{\"items\": {items}, \"next\": \"same\"}}"))
        });
        run(&server, CURSOR).failed(&["`items`", "slice `all`", "page 2"]);
        assert_eq!(server.requests().len(), 2);
    }
    // New rows each time, but the cursor goes round.
    let server = Scripted::start(|request| {
        let next = if request.parameter("cursor") == Some("a") {
            "b"
        } else {
            "a"
        };
        let id = request.time;
        Reply::json(format!(
            "{{\"items\": [{{\"id\": {id}}}], \"next\": \"{next}\"}}"
        ))
    });
    run(&server, CURSOR).failed(&["`items`", "page 3", "given before"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_link_that_goes_round_is_no_way_on() {
    let server =
        third_page(|_| Reply::json("{\"items\": [{\"id\": 3}], \"next\": \"/items?page=2\"}"));
    run(&server, LINKED).failed(&["page 3", "`items`", "given before"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_cursor_of_zero_is_a_cursor() {
    let server = Scripted::start(|request| match request.parameter("cursor") {
        None => Reply::json("{\"items\": [{\"id\": 1}], \"next\": 0}"),
        Some("0") => Reply::json("{\"items\": [{\"id\": 2}], \"next\": \"\"}"),
        Some(_) => Reply::status(400, ""),
    });
    run(&server, CURSOR).landed(&[1, 2]);
}

#[test]
fn a_next_link_that_is_no_link_fails_the_run() {
    for next in [
        "{\"href\": \"/items?page=2\"}",
        "[1]",
        "\"http://[\"",
        "true",
    ] {
        let server = Scripted::start(move |request| match page(request) {
            1 => Reply::json(format!("{{\"items\": [{{\"id\": 1}}], \"next\": {next}}}")),
            page => good(page),
        });
        run(&server, LINKED).failed(&["`items`", "slice `all`", "page 1", "`next`"]);
    }
}
