//! Outputs that the documentation shows are those of the commands above them.

use crate::support::{Finished, Workspace, root};

/// The page whose blocks are run: a command under `sh`, then its output under `text`.
const PAGE: &str = "docs/preview-check-plan.md";

/// Width of the terminal on the page.
const COLUMNS: &str = "110";

/// `UPDATE_DOCS=1` writes the outputs into the page.
#[test]
fn the_page_on_looking_before_a_run_shows_what_the_commands_print() {
    let path = root().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let workspace = Workspace::new();
    std::os::unix::fs::symlink(root().join("pipelines"), workspace.path().join("pipelines"))
        .unwrap();
    let mut written = String::new();
    let mut rest = page.as_str();
    let mut commands = 0;
    while let Some((before, behind)) = rest.split_once("```sh\n") {
        let (command, behind) = behind.split_once("\n```\n\n```text\n").unwrap();
        let (_, behind) = behind.split_once("```").unwrap();
        let output = steady(&run(&workspace, command));
        let block = format!("```sh\n{command}\n```\n\n```text\n{output}```");
        written.extend([before, &block]);
        rest = behind;
        commands += 1;
    }
    written.push_str(rest);
    assert!(commands > 0);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &written).unwrap();
    } else if written != page {
        let differs = written
            .lines()
            .zip(page.lines())
            .find(|(new, old)| new != old);
        panic!("{PAGE} shows something else; UPDATE_DOCS=1 brings it up to date: {differs:#?}");
    }
}

fn run(workspace: &Workspace, command: &str) -> String {
    let words = command.strip_prefix("engine ").unwrap().split(' ');
    let mut command = workspace.command(words);
    let finished = Finished::from(command.env("COLUMNS", COLUMNS).output().unwrap());
    finished.assert_code(0);
    finished.stdout
}

/// The output without what differs from run to run: the port, and how long an answer took.
fn steady(output: &str) -> String {
    let mut steady = String::new();
    for line in output.lines() {
        let mut line = line.to_owned();
        if let Some((before, behind)) = line.split_once("127.0.0.1:") {
            let behind = behind.trim_start_matches(|letter: char| letter.is_ascii_digit());
            line = format!("{before}127.0.0.1:8080{behind}");
        }
        if let Some((before, _)) = line.split_once(" in ").filter(|_| line.ends_with(" ms")) {
            line = format!("{before} in 3 ms");
        }
        steady.push_str(line.trim_end());
        steady.push('\n');
    }
    steady
}
