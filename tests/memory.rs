//! What a run takes in memory: its budget, however large an answer is.

use std::fmt::Write as _;

use crate::support::{Reply, Scripted, Workspace, rows};

const RECORDS: usize = 410_000;

/// A list of records of about 400 bytes each, behind and before something else.
fn large_answer() -> String {
    let mut body = String::from(r#"{"version": 1, "items": ["#);
    for id in 0..RECORDS {
        let separator = if id == 0 { "" } else { "," };
        write!(
            body,
            r#"{separator}{{"id":{id},"name":"item {id}","tags":["a","b{}"],"text":"{:0>300}"}}"#,
            id % 10,
            id.wrapping_mul(0x9E37_79B9)
        )
        .unwrap();
    }
    write!(body, r#"], "total": {RECORDS}}}"#).unwrap();
    body
}

#[test]
fn an_answer_larger_than_the_budget_is_read_within_it() {
    let answer = large_answer();
    assert!(answer.len() > 128 << 20, "{} bytes", answer.len());
    let server = Scripted::start(move |_| Reply::json(answer.clone()));
    let workspace = Workspace::new();
    workspace.write(
        "large.yaml",
        &format!(
            "
client: {{ base_url: {} }}
memory_budget: 128MiB
resources:
  - name: items
    primary_key: id
    endpoint: {{ data_selector: items, paginator: {{ type: offset, limit: 1000000, total_path: total }} }}
destination: {{ url: lake }}
",
            server.url()
        ),
    );
    let mut command = workspace.command(["run", "large.yaml"]);
    let mut run = command.spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_memory(run.id()).unwrap_or(0));
        match run.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    };
    assert!(status.success());
    let rows = rows(&workspace.path().join("lake"), "items");
    assert_eq!(rows.len(), RECORDS as u64);
    assert_eq!(rows.distinct(&["id"]), RECORDS as u64);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(peak > 0, cfg!(target_os = "linux"));
    // A fifth more is for what is not counted.
    let most = (128 << 20) * 12 / 10;
    assert!(peak <= most, "{peak} bytes are more than {most}");
}

/// What a process has taken at most, in bytes, where the system tells it.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}
