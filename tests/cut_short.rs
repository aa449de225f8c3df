//! Pages that end before all that the API has: the cursor never moves past what was not read.

use crate::support::{Finished, Reply, Request, Scripted, Workspace, rows};

/// Fifty records, ten a page, in the order of `first`; each has the cursor value `at` and the key `id`, both 1 to 50.
fn page(number: u64, newest_first: bool) -> String {
    let records: Vec<String> = (1..=10)
        .map(|place| {
            let place = (number - 1) * 10 + place;
            let id = if newest_first { 51 - place } else { place };
            format!(r#"{{"id": {id}, "at": {id}}}"#)
        })
        .collect();
    records.join(",")
}

/// Numbered pages, and what comes in place of the third.
fn numbered(
    newest_first: bool,
    total: bool,
    third: impl Fn() -> Option<Reply> + Send + Sync + 'static,
) -> Scripted {
    Scripted::start(move |request: &Request| {
        let number: u64 = request.parameter("page").unwrap_or("1").parse().unwrap();
        if number == 3
            && let Some(reply) = third()
        {
            return reply;
        }
        let records = if number > 5 {
            String::new()
        } else {
            page(number, newest_first)
        };
        let total = if total { r#", "total": 5"# } else { "" };
        let next = if number < 5 { number + 1 } else { 0 };
        let next = (next > 0).then(|| next.to_string());
        let next = next.as_deref().unwrap_or("null");
        Reply::json(format!(
            r#"{{"items": [{records}], "next": {next}{total}}}"#
        ))
    })
}

struct Case {
    paginator: &'static str,
    more: &'static str,
    disposition: &'static str,
}

const NUMBERED: Case = Case {
    paginator: "{ type: page_number, base_page: 1, total_path: null, concurrency: 1 }",
    more: "",
    disposition: "merge",
};

fn run(server: &Scripted, workspace: &Workspace, case: &Case) -> Finished {
    let Case {
        paginator,
        more,
        disposition,
    } = case;
    let spec = format!(
        "client: {{ base_url: {}, retry: {{ max_attempts: 1 }} }}\n\
         resources:\n  - name: items\n    primary_key: id\n    write_disposition: {disposition}\n    endpoint:\n      \
         data_selector: items\n      paginator: {paginator}\n      \
         incremental: {{ cursor_path: at, start_param: since, initial_value: 0{more} }}\n      \
         response_actions: [{{ status_code: [404, 503], action: ignore }}, {{ status_code: 410, action: stop }}]\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    workspace.engine(["run", "shop.yaml"])
}

fn count(workspace: &Workspace) -> u64 {
    let rows = rows(&workspace.path().join("data/shop"), "items");
    assert_eq!(rows.distinct(&["id"]), rows.len(), "rows twice");
    rows.len()
}

/// What the second run asks the API to begin with, where the pages are whole by then.
fn since(server: &Scripted) -> String {
    let last = server.requests().pop().unwrap();
    last.parameter("since").unwrap().to_owned()
}

#[track_caller]
fn second_run_has_all(
    newest_first: bool,
    total: bool,
    case: &Case,
    third: fn() -> Reply,
    told: &str,
) {
    let workspace = Workspace::new();
    let is_cut = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let cut = std::sync::Arc::clone(&is_cut);
    let server = numbered(newest_first, total, move || {
        cut.load(std::sync::atomic::Ordering::Relaxed).then(third)
    });
    let finished = run(&server, &workspace, case);
    finished.assert_code(0);
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("the cursor stays where it was"),
        "{}",
        finished.stderr
    );
    assert_eq!(count(&workspace), 20);
    is_cut.store(false, std::sync::atomic::Ordering::Relaxed);
    let finished = run(&server, &workspace, case);
    finished.assert_code(0);
    assert_eq!(since(&server), "0");
    assert_eq!(count(&workspace), 50);
}

#[test]
fn the_cursor_stays_where_an_error_was_taken_for_the_end() {
    let unavailable = || Reply::status(503, "busy");
    let told = "let the pages end at status 503: more may follow";
    second_run_has_all(true, false, &NUMBERED, unavailable, told);
    // Nor do the records that came first have to be the newest.
    second_run_has_all(false, false, &NUMBERED, unavailable, told);
}

#[test]
fn the_cursor_stays_where_more_was_promised() {
    let total = Case {
        paginator: "{ type: page_number, base_page: 1, total_path: total, concurrency: 1 }",
        ..NUMBERED
    };
    let told = "`response_actions` ended the pages early: 2 pages were read, and the total is 5";
    for third in [|| Reply::status(404, "gone"), || Reply::status(410, "gone")] {
        second_run_has_all(true, true, &total, third, told);
    }
    let side_by_side = Case {
        paginator: "{ type: page_number, base_page: 1, total_path: total, concurrency: 8 }",
        ..NUMBERED
    };
    second_run_has_all(
        true,
        true,
        &side_by_side,
        || Reply::status(404, "gone"),
        told,
    );
    let linked = Case {
        paginator: "{ type: cursor, cursor_path: next, cursor_param: page }",
        ..NUMBERED
    };
    let told = "ignored a page to which the page before it leads";
    second_run_has_all(true, false, &linked, || Reply::status(404, "gone"), told);
}

#[test]
fn an_end_that_nothing_speaks_against_moves_the_cursor() {
    for (status, paginator) in [
        (404, NUMBERED.paginator),
        (410, NUMBERED.paginator),
        (
            410,
            "{ type: cursor, cursor_path: next, cursor_param: page }",
        ),
    ] {
        let case = Case {
            paginator,
            ..NUMBERED
        };
        let workspace = Workspace::new();
        let server = numbered(false, false, move || Some(Reply::status(status, "no more")));
        let finished = run(&server, &workspace, &case);
        finished.assert_code(0);
        assert!(!finished.stderr.contains("warning"), "{}", finished.stderr);
        run(&server, &workspace, &case).assert_code(0);
        assert_eq!(since(&server), "20", "{status} {paginator}");
    }
}

#[test]
fn a_maximum_moves_the_cursor_only_where_the_oldest_come_first() {
    for rule in ["max_pages: 2", "max_records: 20", "maximum_page: 3"] {
        let paginator =
            format!("{{ type: page_number, base_page: 1, total_path: null, {rule} }}").leak();
        let unordered = Case {
            paginator,
            ..NUMBERED
        };
        let workspace = Workspace::new();
        let server = numbered(true, false, || None);
        for _ in 0..2 {
            let finished = run(&server, &workspace, &unordered);
            finished.assert_code(0);
            let told = format!("stopped at `{rule}`");
            assert!(finished.stderr.contains(&told), "{}", finished.stderr);
            assert_eq!(since(&server), "0", "{rule}");
            assert_eq!(count(&workspace), 20, "{rule}");
        }
        let ordered = Case {
            more: ", row_order: asc",
            ..unordered
        };
        let workspace = Workspace::new();
        let server = numbered(false, false, || None);
        run(&server, &workspace, &ordered).assert_code(0);
        assert_eq!(count(&workspace), 20, "{rule}");
        run(&server, &workspace, &ordered);
        assert_eq!(since(&server), "20", "{rule}");
        // What the spec says of the order is not true.
        let workspace = Workspace::new();
        let server = numbered(true, false, || None);
        let finished = run(&server, &workspace, &ordered);
        finished.assert_code(0);
        assert!(
            finished.stderr.contains("the cursor stays where it was"),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn an_append_that_was_cut_keeps_nothing() {
    let append = Case {
        paginator: "{ type: page_number, base_page: 1, total_path: null, max_pages: 2 }",
        disposition: "append",
        ..NUMBERED
    };
    let workspace = Workspace::new();
    let server = numbered(true, false, || None);
    let finished = run(&server, &workspace, &append);
    finished.assert_code(1);
    for told in [
        "items",
        "stopped at `max_pages: 2`: more pages may follow",
        "`row_order` helps",
    ] {
        assert!(finished.stderr.contains(told), "{}", finished.stderr);
    }
    assert_eq!(count(&workspace), 0);
    let ordered = Case {
        more: ", row_order: asc",
        ..append
    };
    let server = numbered(false, false, || None);
    run(&server, &workspace, &ordered).assert_code(0);
    assert_eq!(count(&workspace), 20);
}

/// Two parents, each with pages of its own; what comes on the second page of parent `a` is given.
fn families(second: impl Fn() -> Reply + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |request: &Request| {
        let number: u64 = request.parameter("page").unwrap_or("1").parse().unwrap();
        let path = request.target.split('?').next().unwrap();
        match (path, number) {
            ("/parents", _) => Reply::json(r#"{"items": [{"id": "a"}, {"id": "b"}]}"#),
            ("/parents/a", 2) => second(),
            ("/parents/a", _) => {
                Reply::json(r#"{"items": [{"id": 1, "at": 1}, {"id": 2, "at": 2}]}"#)
            }
            ("/parents/b", 1) => Reply::json(r#"{"items": [{"id": 9, "at": 90}]}"#),
            _ => Reply::json(r#"{"items": []}"#),
        }
    })
}

fn run_families(
    server: &Scripted,
    workspace: &Workspace,
    disposition: &str,
    incremental: &str,
    parents: &str,
) -> Finished {
    let spec = format!(
        "client: {{ base_url: {}, retry: {{ max_attempts: 1 }} }}\n\
         resource_defaults: {{ primary_key: id, endpoint: {{ data_selector: items }} }}\n\
         resources:\n  - {{ name: parents, write_disposition: replace, endpoint: {{ paginator: {parents} }} }}\n  \
         - name: children\n    write_disposition: {disposition}\n    endpoint:\n      \
         path: 'parents/{{resources.parents.id}}'\n      \
         paginator: {{ type: page_number, base_page: 1, total_path: null }}\n      \
         incremental: {{ cursor_path: at, start_param: since, initial_value: 0, row_order: asc{incremental} }}\n      \
         response_actions: [{{ status_code: [403, 503], action: ignore }}]\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    workspace.engine(["run", "shop.yaml"])
}

fn asked_since(server: &Scripted, path: &str) -> String {
    let requests = server.requests();
    let last = requests
        .iter()
        .rev()
        .find(|one| one.target.starts_with(path));
    last.unwrap().parameter("since").unwrap().to_owned()
}

#[test]
fn a_cursor_that_parents_share_stays_where_one_of_them_was_cut() {
    let shared = ", per: resource";
    let server = families(|| Reply::status(503, "busy"));
    let workspace = Workspace::new();
    for _ in 0..2 {
        let finished = run_families(&server, &workspace, "merge", shared, "single_page");
        finished.assert_code(0);
        assert!(
            finished.stderr.contains("parents.id=\"a\""),
            "{}",
            finished.stderr
        );
        assert_eq!(asked_since(&server, "/parents/b"), "0");
    }
    // Apart, the parent that was read whole goes on, and the other one goes on from where it was cut.
    let workspace = Workspace::new();
    for since in ["0", "90"] {
        run_families(&server, &workspace, "merge", "", "single_page").assert_code(0);
        assert_eq!(asked_since(&server, "/parents/b"), since);
    }
    assert_eq!(asked_since(&server, "/parents/a"), "2");
    let finished = run_families(&server, &Workspace::new(), "append", shared, "single_page");
    finished.assert_code(3);
    assert!(finished.stdout.contains("was kept"), "{}", finished.stdout);
}

#[test]
fn a_shared_cursor_stays_where_the_parents_were_cut() {
    let server = families(|| Reply::json(r#"{"items": []}"#));
    let cut = "{ type: page_number, base_page: 1, total_path: null, max_pages: 1 }";
    let workspace = Workspace::new();
    for _ in 0..2 {
        let finished = run_families(&server, &workspace, "merge", ", per: resource", cut);
        finished.assert_code(0);
        let told = "warning: children: the pages of `parents` were cut short: the cursor stays";
        assert!(finished.stderr.contains(told), "{}", finished.stderr);
        assert_eq!(asked_since(&server, "/parents/b"), "0");
    }
    let finished = run_families(&server, &Workspace::new(), "append", ", per: resource", cut);
    finished.assert_code(3);
    let told = "the pages of its parent `parents` were cut short";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
}

#[test]
fn the_cursor_stays_where_records_may_have_moved() {
    // A record of the first page goes away behind it, in either order.
    for (newest_first, more) in [
        (true, ""),
        (true, ", row_order: desc"),
        (false, ", row_order: asc"),
    ] {
        let total = Case {
            paginator: "{ type: offset, limit: 10, total_path: total, concurrency: 1 }",
            more,
            ..NUMBERED
        };
        let server = Scripted::start(move |request: &Request| {
            let offset: u64 = request.parameter("offset").unwrap_or("0").parse().unwrap();
            let gone = u64::from(offset > 0);
            let ids = (offset..(30 - gone).min(offset + 10)).map(|place| {
                if newest_first {
                    30 - gone - place
                } else {
                    place + gone + 1
                }
            });
            let records: Vec<String> = ids
                .map(|id| format!(r#"{{"id": {id}, "at": {id}}}"#))
                .collect();
            let total = 30 - gone;
            Reply::json(format!(
                r#"{{"items": [{}], "total": {total}}}"#,
                records.join(",")
            ))
        });
        let workspace = Workspace::new();
        for _ in 0..2 {
            let finished = run(&server, &workspace, &total);
            finished.assert_code(0);
            let told = "the total fell from 30 to 29 while the pages were read";
            assert!(
                finished.stderr.contains(told),
                "{more}: {}",
                finished.stderr
            );
            assert_eq!(since(&server), "0", "{more}");
        }
    }
}

#[test]
fn a_cursor_that_can_not_get_on_is_told() {
    // More records with one value than may be read at once.
    let server = Scripted::start(|request: &Request| {
        let page: u64 = request.parameter("page").unwrap_or("1").parse().unwrap();
        let records: Vec<String> = (0..10)
            .map(|place| format!(r#"{{"id": {}, "at": 7}}"#, page * 10 + place))
            .collect();
        Reply::json(format!(r#"{{"items": [{}]}}"#, records.join(",")))
    });
    let ordered = Case {
        paginator: "{ type: page_number, base_page: 1, total_path: null, max_pages: 2 }",
        more: ", row_order: asc",
        ..NUMBERED
    };
    let workspace = Workspace::new();
    let told = "every run would read the same ones";
    let first = run(&server, &workspace, &ordered);
    assert!(!first.stderr.contains(told), "{}", first.stderr);
    let second = run(&server, &workspace, &ordered);
    second.assert_code(0);
    assert!(second.stderr.contains(told), "{}", second.stderr);
}
