//! What README.md and docs/new-api.md say of `init` is what happens.

use crate::support::{Served, Workspace, assembled_fixture, root, rows};

/// The words behind `init` in the command of a page that goes to the sandbox.
fn arguments(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let is_command = |line: &&str| line.contains(" init support ");
    let line = text.lines().find(is_command).unwrap();
    let (_, arguments) = line.split_once(" init ").unwrap();
    arguments.split(' ').map(str::to_owned).collect()
}

fn the_page_leads_to_tables(page: &str) -> String {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let arguments = arguments(page);
    let arguments = arguments
        .iter()
        .map(|word| word.replace("http://127.0.0.1:8080", &served.origin()));
    let arguments: Vec<String> = std::iter::once("init".to_owned())
        .chain(arguments)
        .collect();
    let mut command = workspace.command(arguments.iter().map(String::as_str));
    let output = command
        .env("SUPPORT_USERNAME", "sk_live_sandbox")
        .output()
        .unwrap();
    let finished = crate::support::Finished::from(output);
    finished.assert_code(0);
    workspace
        .engine(["check", "support.yaml", "--offline"])
        .assert_code(0);
    workspace.engine(["run", "support.yaml"]).assert_code(0);
    let lake = workspace.path().join("data/support");
    for table in ["people", "roles"] {
        let rows = rows(&lake, table);
        assert_eq!(rows.len(), served.collections()[table]);
        assert_eq!(rows.distinct(&["id"]), rows.len());
    }
    finished
        .stdout
        .replace(&served.origin(), "http://127.0.0.1:8080")
}

#[test]
fn the_readme_leads_to_tables() {
    the_page_leads_to_tables("README.md");
}

#[test]
fn the_guide_leads_to_tables_and_shows_what_is_said() {
    let said = the_page_leads_to_tables("docs/new-api.md");
    let page = std::fs::read_to_string(root().join("docs/new-api.md")).unwrap();
    let (_, shown) = page.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    assert!(said.starts_with(shown), "{said}");
}
