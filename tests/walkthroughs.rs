//! The shell blocks of pages that are followed from top to bottom run, and print what the page shows.

use std::process::Command;

use crate::support::{Workspace, python_of_the_readers, root};

/// What stands in front of a block that only a person can run.
const NOT_RUN: &str = "<!-- not run by the tests";

/// What the shell prints between two blocks.
const NEXT_BLOCK: &str = "@@ next block";

/// A shell block of a page, and the output that the page shows of it.
struct Step {
    script: String,
    shown: Option<String>,
}

#[test]
fn the_tutorial_is_true() {
    follow("tutorial.md");
}

#[test]
fn the_page_about_histories_is_true() {
    follow("backfill.md");
}

/// Runs the blocks of a page in one shell, since they build on each other, in a folder that looks like a clone.
fn follow(page: &str) {
    let steps = steps(&std::fs::read_to_string(root().join("docs").join(page)).unwrap());
    assert!(steps.iter().filter(|step| step.shown.is_some()).count() > 2);
    let workspace = Workspace::new();
    let pipelines = workspace.path().join("pipelines/sandbox");
    std::fs::create_dir_all(&pipelines).unwrap();
    let fixture = "assembled.yaml";
    std::fs::copy(
        root().join("pipelines/sandbox").join(fixture),
        pipelines.join(fixture),
    )
    .unwrap();
    let scripts: Vec<&str> = steps.iter().map(|step| step.script.as_str()).collect();
    let script = scripts.join(&format!("\necho '{NEXT_BLOCK}'\n"));
    let output = Command::new("bash")
        .args([
            "-e",
            "-o",
            "pipefail",
            "-c",
            &format!("exec 2>&1\n{}{script}", commands()),
        ])
        .current_dir(workspace.path())
        .env_remove("ASSEMBLED_API_KEY")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{page}: {printed}");
    let blocks: Vec<&str> = printed.split(NEXT_BLOCK).collect();
    assert_eq!(blocks.len(), steps.len(), "{printed}");
    for (step, printed) in steps.iter().zip(blocks) {
        if let Some(shown) = &step.shown {
            assert_shown(page, shown, printed);
        }
    }
}

/// The commands that a page may call, as functions of the shell.
fn commands() -> String {
    let engine = env!("CARGO_BIN_EXE_engine");
    let duckdb = match python_of_the_readers() {
        Some(python) => format!(
            "'{}' -c 'import duckdb, sys; duckdb.sql(sys.argv[1]).show()' \"$2\"",
            python.to_str().unwrap()
        ),
        None => ":".to_owned(),
    };
    format!("engine() {{ '{engine}' \"$@\"; }}\nduckdb() {{ {duckdb}; }}\n")
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if !line.starts_with("```") {
            before = if line.is_empty() { before } else { line };
            continue;
        }
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        match line {
            "```sh" if !before.starts_with(NOT_RUN) => steps.push(Step {
                script: block,
                shown: None,
            }),
            "```text" => steps.last_mut().unwrap().shown = Some(block),
            _ => {}
        }
        before = "";
    }
    steps
}

/// Each line of the page must be among those that were printed, in their order. `…` stands for any text.
fn assert_shown(page: &str, shown: &str, printed: &str) {
    let mut lines = printed.lines().map(unchanging);
    for line in shown.lines().map(unchanging) {
        let (start, end) = line.split_once('…').unwrap_or((&line, ""));
        let is_open = line.contains('…');
        let found = lines.any(|printed| {
            printed == line || is_open && printed.starts_with(start) && printed.ends_with(end)
        });
        assert!(
            found,
            "{page}: `{line}` was not printed, or elsewhere:\n{printed}"
        );
    }
}

/// A line without what differs from run to run: ids of loads, how long it took, how well it compressed, and how wide the columns are.
fn unchanging(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut kept = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let unit = words.get(index + 1).copied().unwrap_or_default();
        let is_measure = matches!(unit, "s" | "ms" | "kB" | "MB");
        let is_load = word.len() > 24 && word.as_bytes()[8] == b'T' && word.ends_with(':');
        kept.push(match () {
            () if is_measure => "N",
            () if is_load => "LOAD:",
            () => word,
        });
    }
    kept.join(" ")
}
