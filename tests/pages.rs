//! Every way of paging, every place of the records, and faults in between: each record is there once.

use engine_sandbox::Fixture;

use crate::support::{Served, Workspace, rows};

/// 53 records: no whole number of pages.
const FIXTURE: &str = "
version: 1
name: paging
now: 2024-01-22T12:31:00Z
collections:
  items: { records: 53, fields: { id: { increment: { start: 1 } }, name: { words: { minimum: 1, maximum: 2 } } } }
routes:
  - path: offset
    answer: { list: { collection: items, body: { records_at: data.items, members: { total: total } }, page: { style: offset, default_size: 10, maximum_size: 10 } } }
  - path: echoed
    answer: { list: { collection: items, body: { records_at: items, members: { total: total, limit: limit, offset: offset } }, page: { style: offset, default_size: 10 } } }
  - path: no_total
    answer: { list: { collection: items, page: { style: offset, default_size: 10 } } }
  - path: keyed
    answer: { list: { collection: items, body: { records_at: items, keyed_by: id, members: { total: total } }, page: { style: offset, default_size: 10 } } }
  - path: numbered
    answer: { list: { collection: items, body: { records_at: items, members: { pages: pages } }, page: { style: page_number, default_size: 10 } } }
  - path: cursor
    answer: { list: { collection: items, body: { records_at: items }, page: { style: cursor, default_size: 10, next_at: meta.after } } }
  - path: linked
    answer: { list: { collection: items, body: { records_at: items }, page: { style: json_link, default_size: 10, next_at: links.next } } }
  - path: header
    answer: { list: { collection: items, page: { style: link_header, default_size: 10 } } }
  - path: header_cursor
    answer: { list: { collection: items, page: { style: header_cursor, default_size: 10, next_at: X-Next-Cursor } } }
  - path: starting_after
    answer: { list: { collection: items, body: { records_at: data, members: { has_more: has_more } }, page: { style: starting_after, key_field: id, default_size: 10 } } }
  - path: search
    method: POST
    answer: { list: { collection: items, body: { records_at: items, members: { total: total } }, page: { style: offset, default_size: 10, maximum_size: 10, size_parameter: page.size, position_parameter: page.from } } }
  - path: scroll
    method: POST
    answer: { list: { collection: items, body: { records_at: items }, page: { style: cursor, default_size: 10, next_at: after, position_parameter: after } } }
  - path: bare_pages
    answer: { list: { collection: items, body: { records_at: items }, page: { style: page_number, default_size: 10, first_page: 1, size_parameter: per_page } } }
  - path: total_pages
    answer: { list: { collection: items, body: { records_at: items, members: { total_pages: pages } }, page: { style: page_number, default_size: 10 } } }
  - path: single
    answer: { list: { collection: items } }
  - path: faulty
    faults:
      - { after: 1, times: 2, status: 500 }
      - { after: 4, truncate: connection }
      - { after: 6, truncate: json }
      - { after: 8, status: 429, retry_after: 1 }
    answer: { list: { collection: items, body: { records_at: items, members: { total: total } }, page: { style: offset, default_size: 10 } } }
  - path: 'items/{id}'
    answer: { record: { collection: items, parameter: id, field: id } }
";

const SPEC: &str = "
version: 1
name: paging
client: { base_url: https://api.example.com, retry: { max_attempts: 4 } }
resource_defaults: { endpoint: { data_selector: items } }
resources:
  # The server gives 10 records where 500 are asked for: the offset advances by what came.
  - { name: offset, endpoint: { data_selector: data.items, paginator: { type: offset, limit: 500 } } }
  - { name: echoed, endpoint: { data_selector: null } }
  - { name: no_total, endpoint: { data_selector: '$', paginator: { type: offset, limit: 7, total_path: null } } }
  - { name: keyed, endpoint: { data_selector: 'items.*', paginator: { type: offset, limit: 20 } } }
  - { name: numbered, endpoint: { paginator: { type: page_number, base_page: 1, total_path: pages } } }
  - { name: cursor, endpoint: { paginator: { type: cursor, cursor_path: meta.after } } }
  - { name: linked, endpoint: { paginator: { type: json_link, next_url_path: links.next } } }
  - { name: header, endpoint: { data_selector: '$', paginator: header_link } }
  - { name: detected, endpoint: { path: header, data_selector: null } }
  - { name: header_cursor, endpoint: { data_selector: '$', paginator: { type: header_cursor, cursor_key: x-next-cursor } } }
  - { name: starting_after, endpoint: { data_selector: data, paginator: { type: cursor, cursor_record_path: id, cursor_param: starting_after, has_more_path: has_more } } }
  - { name: json_body, endpoint: { path: search, method: POST, json: { page: { sort: id } }, paginator: { type: offset, limit: 500, limit_body_path: page.size, offset_body_path: page.from } } }
  - { name: form_body, endpoint: { path: search, method: POST, data: { q: 'a b' }, paginator: { type: offset, limit: 7, limit_body_path: page.size, offset_body_path: page.from } } }
  - { name: form_cursor, endpoint: { path: scroll, method: POST, data: { q: 'a b' }, paginator: { type: cursor, cursor_path: after, cursor_body_path: after } } }
  - { name: short_page, endpoint: { path: bare_pages, paginator: { type: page_number, base_page: 1, total_path: null, page_size: 7, page_size_param: per_page, stop_after_empty_page: false, stop_after_short_page: true } } }
  - { name: clamped_short_page, endpoint: { path: search, method: POST, paginator: { type: offset, limit: 500, limit_body_path: page.size, offset_body_path: page.from, total_path: null, stop_after_short_page: true } } }
  - { name: stop_when, endpoint: { path: bare_pages, paginator: { type: page_number, base_page: 1, total_path: null, stop_when: 'last_record.id == 53' } } }
  - { name: maximum_page, endpoint: { path: bare_pages, paginator: { type: page_number, base_page: 1, total_path: null, maximum_page: 7 } } }
  - { name: base_is_found, endpoint: { path: total_pages, paginator: auto } }
  - { name: total_items, endpoint: { path: echoed, paginator: { type: offset, limit: 10, total_items_path: total } } }
  - { name: cursor_total, endpoint: { path: cursor, paginator: { type: cursor, cursor_path: meta.after, stop_after_empty_page: true } } }
  - { name: single, endpoint: { data_selector: null, paginator: single_page } }
  - { name: faulty, endpoint: { paginator: { type: offset, limit: 10 } } }
  - { name: one, endpoint: { path: 'items/{resources.single.id}', data_selector: null } }
";

#[test]
fn every_record_is_read_once() {
    let served = Served::start(Fixture::parse(FIXTURE).unwrap());
    let workspace = Workspace::new();
    let spec = workspace.write("spec.yaml", SPEC);
    let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &served.origin()];
    let finished = workspace.engine(arguments);
    finished.assert_code(0);
    let destination = workspace.path().join("data/paging");
    for table in [
        "offset",
        "echoed",
        "no_total",
        "keyed",
        "numbered",
        "cursor",
        "linked",
        "header",
        "detected",
        "header_cursor",
        "starting_after",
        "json_body",
        "form_body",
        "form_cursor",
        "short_page",
        "clamped_short_page",
        "stop_when",
        "maximum_page",
        "base_is_found",
        "total_items",
        "cursor_total",
        "single",
        "faulty",
        "one",
    ] {
        let rows = rows(&destination, table);
        assert_eq!(rows.len(), 53, "rows of {table}");
        assert_eq!(rows.distinct(&["id"]), 53, "keys of {table}");
    }
    let mut offsets: Vec<u64> = served
        .requests()
        .into_iter()
        .filter(|request| request.path == "/offset")
        .filter_map(|request| request.query.into_iter().find(|(name, _)| name == "offset"))
        .map(|(_, value)| value.parse().unwrap())
        .collect();
    // They are asked for at the same time, and arrive in any order.
    offsets.sort_unstable();
    assert_eq!(offsets, [0, 10, 20, 30, 40, 50]);
    let asked = |path: &str| {
        let requests = served.requests();
        requests.iter().filter(|one| one.path == path).count()
    };
    assert_eq!(
        asked("/starting_after"),
        6,
        "`has_more` ends, not an empty page"
    );
    assert_eq!(
        asked("/total_pages"),
        7,
        "page 1 is read again, to see where numbers begin"
    );
    assert!(
        finished.stderr.contains("retry: faulty"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("note: echoed"),
        "what was detected is told: {}",
        finished.stderr
    );
}

/// Runs one resource against the fixture, and gives its rows and what was said.
fn run(endpoint: &str) -> (u64, String) {
    let served = Served::start(Fixture::parse(FIXTURE).unwrap());
    let workspace = Workspace::new();
    let spec = format!(
        "version: 1\nname: paging\nclient: {{ base_url: https://api.example.com }}\nresources:\n  - {{ name: items, \
         endpoint: {{ {endpoint} }} }}\n"
    );
    let spec = workspace.write("spec.yaml", &spec);
    let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &served.origin()];
    let finished = workspace.engine(arguments);
    let rows = rows(&workspace.path().join("data/paging"), "items");
    (rows.len(), finished.stderr)
}

#[test]
fn maxima_cut_what_is_read_and_say_so() {
    let (rows, told) = run(
        "path: cursor, data_selector: items, paginator: { type: cursor, cursor_path: meta.after, max_pages: 2 }",
    );
    assert_eq!(rows, 20, "{told}");
    assert!(told.contains("stopped at `max_pages: 2`"), "{told}");
    let (rows, told) = run(
        "path: offset, data_selector: data.items, paginator: { type: offset, limit: 10, max_records: 25 }",
    );
    assert_eq!(rows, 25, "{told}");
    assert!(told.contains("stopped at `max_records: 25`"), "{told}");
}

#[test]
fn what_the_answer_does_not_prove_is_not_guessed() {
    let (rows, told) = run("path: single, data_selector: '$', params: { limit: 53 }");
    assert_eq!(rows, 53);
    assert!(
        told.contains("only one page was read, and it is full"),
        "{told}"
    );
    let (rows, told) = run("path: starting_after, paginator: auto");
    assert_eq!(rows, 0);
    assert!(told.contains("cursor_record_path: id"), "{told}");
    // An API that counts from 1, and a spec that leaves `base_page` at 0.
    let (rows, told) = run(
        "path: numbered, data_selector: items, paginator: { type: page_number, total_path: pages }",
    );
    assert_eq!(rows, 0);
    assert!(told.contains("400"), "{told}");
}
