//! Answers that no good server gives: what comes out, what the user is told, and that nothing half-done can be seen.

mod answers;
mod links;
mod text;
mod values;

use std::path::PathBuf;

use crate::support::{Finished, Reply, Request, Scripted, Workspace, files, rows};

/// A key that must stay between the command and the API.
const KEY: &str = "key-that-nobody-may-see";

/// The resource of most tests: its pages are linked.
const LINKED: &str = "{ name: items, endpoint: { data_selector: items, paginator: { type: json_link, next_url_path: next } } }";

/// The same on one page.
const SINGLE: &str = "{ name: items, endpoint: { data_selector: items, paginator: single_page } }";

/// A run that has ended.
struct Ran {
    finished: Finished,
    workspace: Workspace,
}

/// Runs one resource, `items`, against the server, with two tries for each request.
fn run(server: &Scripted, resource: &str) -> Ran {
    let workspace = Workspace::new();
    let spec = format!(
        "version: 1\nname: bad\nclient: {{ base_url: {}, headers: {{ X-Api-Key: \"${{API_KEY}}\" }}, retry: {{ \
         max_attempts: 2, max_backoff: 20ms }} }}\nresources:\n  - {resource}\n",
        server.url()
    );
    let spec = workspace.write("spec.yaml", &spec);
    let mut command = workspace.command(["run", spec.to_str().unwrap()]);
    let finished = Finished::from(command.env("API_KEY", KEY).output().unwrap());
    let told = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!told.contains(KEY), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    Ran {
        finished,
        workspace,
    }
}

impl Ran {
    fn lake(&self) -> PathBuf {
        self.workspace.path().join("data/bad")
    }

    /// The run failed with one message that holds these texts, and left nothing that a reader could find.
    fn failed(&self, texts: &[&str]) {
        self.finished.assert_code(1);
        let stderr = &self.finished.stderr;
        assert_eq!(stderr.matches("error:").count(), 1, "{stderr}");
        for text in texts {
            assert!(stderr.contains(text), "`{text}` in\n{stderr}");
        }
        let longest = stderr.lines().map(str::len).max();
        assert!(longest < Some(2000), "a message is for people: {longest:?}");
        assert!(files(&self.lake(), "items").is_empty());
        for folder in ["_engine/commits", "_engine/staging"] {
            let left = std::fs::read_dir(self.lake().join(folder));
            let left = left.map_or(0, Iterator::count);
            assert_eq!(left, 0, "left in {folder}");
        }
    }

    /// The run succeeded with these ids, in this order.
    fn landed(&self, ids: &[u64]) {
        self.finished.assert_code(0);
        let rows = rows(&self.lake(), "items").rows;
        let found: Vec<u64> = rows.iter().map(|row| row["id"].parse().unwrap()).collect();
        assert_eq!(found, ids);
    }

    /// Each column but those of the load: its name, its type, and its value in each row, in ASCII.
    fn table(&self) -> String {
        self.finished.assert_code(0);
        let table = rows(&self.lake(), "items");
        let mut lines = Vec::new();
        for (name, data_type) in &table.types {
            if name == "_load_id" || name == "_extracted_at" {
                continue;
            }
            let cell = |row: &std::collections::BTreeMap<String, String>| {
                row.get(name)
                    .map_or("-".to_owned(), |text| text.escape_default().to_string())
            };
            let cells: Vec<String> = table.rows.iter().map(cell).collect();
            lines.push(format!(
                "{}: {data_type} | {}",
                name.escape_default(),
                cells.join(" | ")
            ));
        }
        lines.join("\n")
    }
}

/// Number of the page that a request asks for.
fn page(request: &Request) -> u64 {
    request
        .parameter("page")
        .map_or(1, |page| page.parse().unwrap())
}

/// One record, and the link to the page behind it unless it is the fifth.
fn good(page: u64) -> Reply {
    let next = if page < 5 {
        format!("\"/items?page={}\"", page + 1)
    } else {
        "null".to_owned()
    };
    Reply::json(format!(
        "{{\"items\": [{{\"id\": {page}}}], \"next\": {next}}}"
    ))
}

/// Five pages, the third of which is answered as told; the closure gets how often it was asked for.
fn third_page(fault: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |request| match page(request) {
        3 => fault(request.time),
        page => good(page),
    })
}

/// One page with these records.
fn records(records: &str) -> Scripted {
    let body = format!("{{\"items\": [{records}]}}");
    Scripted::start(move |_| Reply::json(body.clone()))
}
