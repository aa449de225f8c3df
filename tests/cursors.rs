//! A resource that is followed by a cursor: each run asks for what is new, loads it once, and remembers how far it came.

use engine_sandbox::{Fixture, SeenRequest};

use crate::support::{Finished, Served, Workspace, rows};

/// Events, one an hour, that the API gives from `since` on; notes of two authors; articles without any order of time.
const FIXTURE: &str = "
version: 1
name: feed
now: 2024-01-02T12:31:00Z
collections:
  events:
    series: { from: 2024-01-01T00:00:00Z, every: 1h }
    fields:
      id: { increment: { start: 1 } }
      at: { instant: rfc3339 }
      author: { cycle: [a, b] }
      meta: { object: { stamp: { instant: unix } } }
      note: { constant: first }
  newest: { records: 40, fields: { n: { increment: { start: 1040, step: -1 } } } }
  authors: { records: 2, fields: { id: { cycle: [a, b] }, changed: { increment: { start: 5 } } } }
  sparse: { records: 4, fields: { id: { increment: { start: 1 } }, at: { cycle: [1, null, 3, null] } } }
edits:
  - { at: 2024-01-03T12:00:00Z, collection: events, change: { positions: [36] }, set: { note: { constant: edited } } }
routes:
  - path: events
    answer: { list: { collection: events, filter: { time: { field: at, from: since, to: until } } } }
  - path: numbers
    answer: { list: { collection: events, filter: { time: { field: id, from: since } } } }
  - path: all
    answer: { list: { collection: events } }
  - path: 'authors/{author}/events'
    AUTHOR_FAULTS
    answer: { list: { collection: events, filter: { time: { field: at, from: since }, equal: { author: author } } } }
  - path: authors
    answer: { list: { collection: authors } }
  - path: sparse
    answer: { list: { collection: sparse } }
  - path: newest
    answer: { list: { collection: newest, page: { style: offset, default_size: 5 } } }
";

const HEAD: &str = "
version: 1
name: feed
client: { base_url: https://api.example.com, retry: { max_attempts: 1 } }
resource_defaults: { endpoint: { data_selector: $, paginator: single_page } }
resources:
";

const LATER: &str = "2024-01-03T12:31:00Z";

struct Feed {
    served: Served,
    workspace: Workspace,
}

impl Feed {
    fn new(author_faults: &str) -> Self {
        let fixture = FIXTURE.replace("AUTHOR_FAULTS", author_faults);
        Self {
            served: Served::start(Fixture::parse(&fixture).unwrap()),
            workspace: Workspace::new(),
        }
    }

    fn run(&self, resources: &str) -> Finished {
        let spec = self
            .workspace
            .write("spec.yaml", &format!("{HEAD}{resources}"));
        let origin = self.served.origin();
        self.workspace
            .engine(["run", spec.to_str().unwrap(), "--sandbox", &origin])
    }

    /// Runs, and gives the requests of the run.
    fn requests_of(&self, resources: &str) -> Vec<SeenRequest> {
        let before = self.served.requests().len();
        self.run(resources).assert_code(0);
        self.served.requests().split_off(before)
    }

    /// The values of a query parameter in the requests of a run.
    fn asked(&self, resources: &str, parameter: &str) -> Vec<String> {
        let requests = self.requests_of(resources);
        let query = requests.into_iter().flat_map(|request| request.query);
        let named = query.filter(|(name, _)| name == parameter);
        let mut values: Vec<String> = named.map(|(_, value)| value).collect();
        values.sort();
        values
    }

    /// The number of rows of a table; no id comes twice.
    fn events(&self, table: &str) -> u64 {
        let rows = rows(&self.workspace.path().join("data/feed"), table);
        assert_eq!(rows.distinct(&["id"]), rows.len(), "{table} has rows twice");
        rows.len()
    }
}

#[test]
fn a_text_is_followed_and_sent_as_it_came() {
    let feed = Feed::new("");
    let spec = "  - { name: events, primary_key: id, endpoint: { incremental: { cursor_path: at, start_param: since } } }\n";
    assert_eq!(
        feed.asked(spec, "since"),
        [] as [&str; 0],
        "there is no start yet"
    );
    assert_eq!(feed.events("events"), 37);
    // Unchanged: the one record at the start is known.
    assert_eq!(feed.asked(spec, "since"), ["2024-01-02T12:00:00Z"]);
    assert_eq!(feed.events("events"), 37);
    feed.served.set_now(LATER);
    assert_eq!(feed.asked(spec, "since"), ["2024-01-02T12:00:00Z"]);
    assert_eq!(feed.events("events"), 61);
    assert_eq!(feed.asked(spec, "since"), ["2024-01-03T12:00:00Z"]);
}

#[test]
fn numbers_and_nested_times_are_followed() {
    let feed = Feed::new("");
    let spec = "
  - { name: numbers, primary_key: id, endpoint: { incremental: { cursor_path: id, initial_value: 10, start_param: since } } }
  - name: nested
    primary_key: id
    endpoint:
      path: all
      params: { stamp: '{incremental.start_value}' }
      incremental: { cursor_path: meta.stamp, format: unix, initial_value: 2024-01-02 }
";
    assert_eq!(feed.asked(spec, "since"), ["10"]);
    assert_eq!((feed.events("numbers"), feed.events("nested")), (28, 13));
    feed.served.set_now(LATER);
    assert_eq!(feed.asked(spec, "stamp"), ["1704196800"]);
    assert_eq!((feed.events("numbers"), feed.events("nested")), (52, 37));
    assert_eq!(feed.asked(spec, "since"), ["61"]);
    assert_eq!((feed.events("numbers"), feed.events("nested")), (52, 37));
}

#[test]
fn a_merge_takes_what_was_edited_within_the_lag_and_at_the_start() {
    let feed = Feed::new("");
    let spec = |lag: &str| {
        format!(
            "  - name: events
    primary_key: id
    write_disposition: merge
    endpoint: {{ incremental: {{ cursor_path: at, initial_value: 2024-01-01, start_param: since{lag} }} }}\n"
        )
    };
    assert_eq!(feed.asked(&spec(""), "since"), ["2024-01-01"]);
    feed.served.set_now(LATER);
    // The record at the start was edited, and kept its time.
    assert_eq!(feed.asked(&spec(""), "since"), ["2024-01-02T12:00:00Z"]);
    let edited = rows(&feed.workspace.path().join("data/feed"), "events").by_key(&["id"]);
    assert_eq!(edited["37"]["note"], "edited");
    assert_eq!(
        feed.asked(&spec(", lag: 3600"), "since"),
        ["2024-01-03T11:00:00Z"]
    );
    assert_eq!(
        feed.asked(&spec(", lag: 5d"), "since"),
        ["2024-01-01"],
        "not before the initial value"
    );
    assert_eq!(feed.events("events"), 61);
}

#[test]
fn an_end_is_remembered_and_can_be_moved() {
    let feed = Feed::new("");
    let spec = |end: &str| {
        format!(
            "  - name: events
    primary_key: id
    endpoint:
      incremental: {{ cursor_path: at, initial_value: 2024-01-01, end_value: '{end}', start_param: since, end_param: until }}\n"
        )
    };
    assert_eq!(
        feed.asked(&spec("2024-01-01T05:00:00Z"), "until"),
        ["2024-01-01T05:00:00Z"]
    );
    assert_eq!(feed.events("events"), 5);
    feed.run(&spec("2024-01-01T05:00:00Z")).assert_code(0);
    assert_eq!(feed.events("events"), 5);
    assert_eq!(
        feed.asked(&spec("2024-01-01T09:00:00Z"), "since"),
        ["2024-01-01T04:00:00Z"]
    );
    assert_eq!(feed.events("events"), 9);
}

#[test]
fn each_parent_and_each_partition_has_a_cursor_of_its_own() {
    let feed = Feed::new("");
    let spec = |authors: &str| {
        format!(
            "
  - {{ name: authors, write_disposition: replace }}
  - name: per_author
    primary_key: id
    endpoint:
      path: 'authors/{{resources.authors.id}}/events'
      incremental: {{ cursor_path: at, start_param: since }}
  - name: partitioned
    for_each: {{ author: {authors} }}
    primary_key: id
    endpoint:
      path: 'authors/{{partition.author}}/events'
      incremental: {{ cursor_path: at, start_param: since }}
"
        )
    };
    assert_eq!(feed.asked(&spec("[a]"), "since"), [] as [&str; 0]);
    assert_eq!(
        (feed.events("per_author"), feed.events("partitioned")),
        (37, 19)
    );
    feed.served.set_now(LATER);
    // The partition that is new has no start.
    assert_eq!(
        feed.asked(&spec("[a, b]"), "since"),
        [
            "2024-01-02T11:00:00Z",
            "2024-01-02T12:00:00Z",
            "2024-01-02T12:00:00Z"
        ]
    );
    assert_eq!(
        (feed.events("per_author"), feed.events("partitioned")),
        (61, 61)
    );
}

#[test]
fn a_parent_that_failed_is_gone_on_with_where_it_was() {
    // The first run reads one author, and fails at the other.
    let feed = Feed::new("faults: [{ after: 1, status: 500 }]");
    let spec = |per: &str| {
        format!(
            "
  - authors
  - name: per_author
    concurrency: 1
    endpoint:
      path: 'authors/{{resources.authors.id}}/events'
      incremental: {{ cursor_path: at, start_param: since{per} }}
"
        )
    };
    feed.run(&spec("")).assert_code(3);
    assert_eq!(feed.events("per_author"), 19);
    assert_eq!(feed.asked(&spec(""), "since"), ["2024-01-02T12:00:00Z"]);
    assert_eq!(feed.events("per_author"), 37);

    // One cursor for all waits until all are read.
    let shared = Feed::new("faults: [{ after: 1, status: 500 }]");
    shared.run(&spec(", per: resource")).assert_code(3);
    assert_eq!(shared.events("per_author"), 0);
    assert_eq!(
        shared.asked(&spec(", per: resource"), "since"),
        [] as [&str; 0]
    );
    assert_eq!(shared.events("per_author"), 37);
    let both = ["2024-01-02T12:00:00Z", "2024-01-02T12:00:00Z"];
    assert_eq!(shared.asked(&spec(", per: resource"), "since"), both);
    assert_eq!(shared.events("per_author"), 37);
}

#[test]
fn only_parents_that_are_new_reach_their_children() {
    let feed = Feed::new("");
    let spec = "
  - { name: authors, endpoint: { incremental: { cursor_path: changed } } }
  - { name: per_author, endpoint: { path: 'authors/{resources.authors.id}/events' } }
";
    assert_eq!(feed.requests_of(spec).len(), 3);
    assert_eq!(feed.requests_of(spec).len(), 1, "no author has changed");
}

#[test]
fn a_missing_cursor_is_an_error_or_as_the_spec_says() {
    let spec = |missing: &str| {
        format!(
            "  - {{ name: sparse, endpoint: {{ incremental: {{ cursor_path: at{missing} }} }} }}\n"
        )
    };
    let feed = Feed::new("");
    let refused = feed.run(&spec(""));
    refused.assert_code(1);
    assert!(refused.stderr.contains("cursor `at`"), "{}", refused.stderr);
    feed.run(&spec(", on_cursor_value_missing: exclude"))
        .assert_code(0);
    assert_eq!(feed.events("sparse"), 2);
    let feed = Feed::new("");
    feed.run(&spec(", on_cursor_value_missing: include"))
        .assert_code(0);
    assert_eq!(feed.events("sparse"), 4);
}

#[test]
fn newest_first_stops_at_the_first_page_that_is_known() {
    let feed = Feed::new("");
    let spec = |initial: u64, order: &str| {
        format!(
            "  - name: newest
    endpoint:
      paginator: {{ type: offset, limit: 5, total_path: null }}
      incremental: {{ cursor_path: n, initial_value: {initial}, row_order: {order} }}\n"
        )
    };
    // 1040 to 1033 lie in the range: the second page holds the first one below it.
    assert_eq!(feed.requests_of(&spec(1033, "desc")).len(), 2);
    let path = feed.workspace.path().join("data/feed");
    assert_eq!(rows(&path, "newest").len(), 8);
    assert_eq!(feed.requests_of(&spec(1033, "desc")).len(), 1);
    assert_eq!(rows(&path, "newest").len(), 8);

    let other = Feed::new("");
    let spec = spec(1033, "asc").replace("row_order", "end_value: 2000, row_order");
    let finished = other.run(&spec);
    finished.assert_code(0);
    let told = format!("{}{}", finished.stdout, finished.stderr);
    assert!(told.contains("row_order"), "{told}");
    assert_eq!(
        rows(&other.workspace.path().join("data/feed"), "newest").len(),
        8
    );
}

#[test]
fn another_cursor_is_refused_where_rows_would_come_twice() {
    let feed = Feed::new("");
    let spec = "  - { name: events, endpoint: { incremental: { cursor_path: at } } }\n";
    feed.run(spec).assert_code(0);
    let refused = feed.run(&spec.replace("path: at", "path: id"));
    refused.assert_code(1);
    assert!(
        refused.stderr.contains("followed by `at`"),
        "{}",
        refused.stderr
    );
    assert_eq!(feed.events("events"), 37);
}

#[test]
fn a_number_to_start_from_may_come_from_a_variable() {
    let feed = Feed::new("");
    let spec = |initial: &str| {
        format!(
            "  - {{ name: numbers, primary_key: id, endpoint: {{ path: all, incremental: {{ cursor_path: id, start_param: \
             since, initial_value: {initial} }} }} }}\n"
        )
    };
    assert_eq!(feed.asked(&spec("\"${NONE:-5}\""), "since"), ["5"]);
    // Ids 1 to 37, of which those from 5 on are wanted.
    let all = feed.events("numbers");
    assert!(all > 10);
    let other = Feed::new("");
    assert_eq!(other.asked(&spec("5"), "since"), ["5"]);
    assert_eq!(other.events("numbers"), all);
}

#[test]
fn a_time_in_another_format_names_that_format() {
    let feed = Feed::new("");
    let spec = "  - { name: events, endpoint: { path: all, incremental: { cursor_path: at, format: date, initial_value: \
                2024-01-01, start_param: since } } }\n";
    let finished = feed.run(spec);
    finished.assert_code(1);
    let told = "is not written as `date`; `format: rfc3339` reads it";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
}
