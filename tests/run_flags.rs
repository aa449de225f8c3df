//! What `engine run` takes beside the spec.

use crate::support::{Reply, Scripted, Workspace, rows};

fn shop() -> (Workspace, Scripted) {
    let server = Scripted::start(|_| Reply::json(r#"[{"id": 1}, {"id": 2}]"#));
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\nresource_defaults: {{ endpoint: {{ paginator: single_page, data_selector: $ }} }}\n\
         resources: [orders, people, {{ name: lines, endpoint: 'lines/{{resources.people.id}}' }}]\ndestination: {{ url: \
         lake }}\n",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    (workspace, server)
}

#[test]
fn what_is_excluded_is_read_for_others_alone() {
    let (workspace, server) = shop();
    let run = [
        "run",
        "shop.yaml",
        "--exclude",
        "people",
        "--exclude",
        "orders",
    ];
    workspace.engine(run).assert_code(0);
    let lake = workspace.path().join("lake");
    let counts = ["orders", "people", "lines"].map(|table| rows(&lake, table).len());
    assert_eq!(counts, [0, 0, 4]);
    assert_eq!(server.requests().len(), 3);

    let unknown = workspace.engine(["run", "shop.yaml", "--exclude", "peple"]);
    unknown.assert_code(2);
    assert!(
        unknown.stderr.contains("did you mean `people`?"),
        "{unknown:#?}"
    );
    let nothing = workspace.engine(["run", "shop.yaml", "-r", "people", "--exclude", "people"]);
    nothing.assert_code(2);
}

#[test]
fn a_dry_run_asks_for_nothing_and_writes_nothing() {
    let (workspace, server) = shop();
    let told = workspace.engine(["run", "shop.yaml", "--dry-run", "-r", "orders"]);
    told.assert_code(0);
    let plan = workspace.engine(["plan", "shop.yaml", "-r", "orders"]);
    assert_eq!(told.stdout, plan.stdout);
    assert!(server.requests().is_empty());
    assert!(!workspace.path().join("lake").exists());
}

#[test]
fn each_event_is_a_line_of_json_and_the_report_the_last() {
    let (workspace, _server) = shop();
    let run = workspace.engine(["run", "shop.yaml", "--output", "json", "--concurrency", "1"]);
    run.assert_code(0);
    let lines: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let named = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!(
        (named("requested"), named("page_read"), named("committed")),
        (4, 4, 1)
    );
    let report = lines.last().unwrap();
    assert_eq!(
        (&report["event"], &report["end"]),
        (&"report".into(), &"complete".into())
    );
    assert_eq!(report["resources"][0]["table"]["rows_added"], 2);
    assert_eq!(run.stderr, "");
}
