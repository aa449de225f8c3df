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
        "offset", "echoed", "no_total", "keyed", "numbered", "cursor", "linked", "header",
        "detected", "single", "faulty", "one",
    ] {
        let rows = rows(&destination, table);
        assert_eq!(rows.len(), 53, "rows of {table}");
        assert_eq!(rows.distinct(&["id"]), 53, "keys of {table}");
    }
    let offsets: Vec<String> = served
        .requests()
        .into_iter()
        .filter(|request| request.path == "/offset")
        .filter_map(|request| request.query.into_iter().find(|(name, _)| name == "offset"))
        .map(|(_, value)| value)
        .collect();
    assert_eq!(offsets, ["0", "10", "20", "30", "40", "50"]);
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
