//! Pages that are asked for at the same time: in order, within bounds, and faster.

use engine_sandbox::Fixture;

use crate::support::{Reply, Request, Scripted, Served, Workspace, rows};

const PAGES: u64 = 40;

fn fixture() -> Fixture {
    let text = "
version: 1
name: parallel
now: 2024-01-22T12:31:00Z
latency: 25ms
collections:
  items: { records: 400, fields: { id: { increment: { start: 1 } } } }
routes:
  - path: items
    answer: { list: { collection: items, body: { records_at: items, members: { total: total, pages: pages } }, page: { style: offset, default_size: 10, maximum_size: 10 } } }
  - path: numbered
    answer: { list: { collection: items, body: { records_at: items, members: { pages: pages } }, page: { style: page_number, default_size: 10 } } }
";
    Fixture::parse(text).unwrap()
}

/// Reads all pages with some concurrency; gives the milliseconds from the first request to the last, and the most
/// requests within the time that one answer takes.
fn read(path: &str, paginator: &str) -> (u64, usize) {
    let served = Served::start(fixture());
    let workspace = Workspace::new();
    let spec = format!(
        "version: 1\nname: parallel\nclient: {{ base_url: https://api.example.com }}\nresources:\n  - {{ name: items, \
         endpoint: {{ path: {path}, data_selector: items, paginator: {{ {paginator} }} }} }}\n"
    );
    let spec = workspace.write("spec.yaml", &spec);
    let arguments = ["run", spec.to_str().unwrap(), "--sandbox", &served.origin()];
    workspace.engine(arguments).assert_code(0);
    let rows = rows(&workspace.path().join("data/parallel"), "items");
    let ids: Vec<u64> = rows
        .rows
        .iter()
        .map(|row| row["id"].parse().unwrap())
        .collect();
    assert_eq!(ids, (1..=400).collect::<Vec<_>>(), "in order, each once");
    let times: Vec<u64> = served
        .requests()
        .iter()
        .map(|request| request.milliseconds)
        .collect();
    assert_eq!(times.len() as u64, PAGES, "no page is asked for twice");
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    let at_once = |start: &u64| {
        times
            .iter()
            .filter(|time| (*start..start + 25).contains(time))
            .count()
    };
    let most = times.iter().map(at_once).max().unwrap();
    (last - first, most)
}

#[test]
fn pages_are_read_side_by_side_and_land_in_order() {
    let (one_by_one, most) = read("items", "type: offset, limit: 500, concurrency: 1");
    assert_eq!(most, 1);
    let (side_by_side, most) = read("items", "type: offset, limit: 500");
    assert!(most > 1 && most <= 8, "{most} at once");
    assert!(
        side_by_side * 3 <= one_by_one,
        "{side_by_side} ms side by side, {one_by_one} ms one by one"
    );
    let (numbered, most) = read(
        "numbered",
        "type: page_number, base_page: 1, total_path: pages",
    );
    assert!(most > 1 && most <= 8, "{most} at once");
    assert!(
        numbered * 3 <= one_by_one,
        "{numbered} ms, {one_by_one} ms one by one"
    );
}

#[test]
fn slices_and_pages_share_one_bound() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (Arc::clone(&now), Arc::clone(&most));
    let server = Scripted::start(move |request: &Request| {
        let at_once = counting.fetch_add(1, Ordering::SeqCst) + 1;
        highest.fetch_max(at_once, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(15));
        counting.fetch_sub(1, Ordering::SeqCst);
        let offset: u64 = request.parameter("offset").unwrap().parse().unwrap();
        let team = request.parameter("team").unwrap();
        Reply::json(format!(
            r#"{{"items": [{{"id": {offset}, "team": "{team}"}}], "total": 6}}"#
        ))
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\nresources:\n  - name: items\n    concurrency: 3\n    for_each: {{ team: [a, b, c, d] }}\n    \
         endpoint: {{ data_selector: items, params: {{ team: '{{partition.team}}' }}, paginator: {{ type: offset, limit: 1 }} }}\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    let rows = rows(&workspace.path().join("data/shop"), "items");
    assert_eq!(rows.distinct(&["id", "team"]), 24);
    let most = most.load(Ordering::SeqCst);
    assert!((2..=3).contains(&most), "{most} requests at once");
}
