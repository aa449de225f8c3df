//! `init` at a terminal asks for what is missing.

use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

use crate::support::{Reply, Scripted, Workspace, rows};

/// Longest wait for what the command is to say next, in milliseconds.
const PATIENCE: u64 = 30_000;

const DOWN: &str = "\u{1b}[B";
const ENTER: &str = "\r";

fn at_a_terminal(workspace: &Workspace, arguments: &[&str]) -> PtySession {
    let mut command: Command = workspace.command(arguments.iter().copied());
    command.env("TERM", "xterm");
    spawn_command(command, Some(PATIENCE)).unwrap()
}

/// Waits for a question, and types.
fn answer(session: &mut PtySession, question: &str, text: &str) {
    session.exp_string(question).unwrap();
    session.send(text).unwrap();
    session.flush().unwrap();
}

fn things(request: &crate::support::Request) -> Reply {
    match request.headers.get("x-api-key").map(String::as_str) {
        Some("typed-secret") => Reply::json(r#"[{"id": 1}, {"id": 2}, {"id": 3}]"#),
        _ => Reply::status(401, "no"),
    }
}

#[test]
fn from_nothing_to_a_table() {
    let server = Scripted::start(things);
    let workspace = Workspace::new();
    workspace.write("taken.yaml", "");
    let mut session = at_a_terminal(&workspace, &["init"]);
    let session = &mut session;
    answer(session, "Name of the pipeline", &format!("taken{ENTER}"));
    // Ctrl-U clears what was typed.
    answer(session, "there already", &format!("\u{15}shop{ENTER}"));
    answer(session, "Base URL", &format!("{}{ENTER}", server.url()));
    answer(session, "Credentials", &format!("{DOWN}{ENTER}"));
    answer(session, "Where is the key sent", ENTER);
    answer(session, "Its name there", &format!("X-Api-Key{ENTER}"));
    answer(session, "First path", &format!("things/{{id}}{ENTER}"));
    answer(
        session,
        "has a placeholder",
        &format!("\u{15}things{ENTER}"),
    );
    answer(session, "Another path", ENTER);
    answer(session, "SHOP_API_KEY", &format!("typed-secret{ENTER}"));
    let said = session.exp_eof().unwrap();
    assert!(said.contains("engine run shop.yaml"), "{said}");
    assert!(!said.contains("typed-secret"), "{said}");
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    assert_eq!(rows(&workspace.path().join("data/shop"), "things").len(), 3);
}

#[test]
fn only_the_secret_where_all_else_is_given() {
    let server = Scripted::start(things);
    let workspace = Workspace::new();
    let url = server.url();
    let given = [
        "init",
        "shop",
        "--base-url",
        &url,
        "--endpoint",
        "things",
        "--auth",
        "api-key",
        "--key-name",
        "X-Api-Key",
    ];
    let mut session = at_a_terminal(&workspace, &given);
    answer(
        &mut session,
        "SHOP_API_KEY",
        &format!("typed-secret{ENTER}"),
    );
    session.exp_string("engine run shop.yaml").unwrap();
    session.exp_eof().unwrap();
    let env = std::fs::read_to_string(workspace.path().join(".env")).unwrap();
    assert_eq!(env, "SHOP_API_KEY=typed-secret\n");
}

#[test]
fn ctrl_c_ends_it_and_nothing_is_written() {
    let workspace = Workspace::new();
    let mut session = at_a_terminal(&workspace, &["init"]);
    answer(
        &mut session,
        "Name of the pipeline",
        &format!("shop{ENTER}"),
    );
    answer(
        &mut session,
        "Base URL",
        &format!("http://127.0.0.1:1{ENTER}"),
    );
    session.exp_string("no credentials").unwrap();
    session.send_control('c').unwrap();
    session.flush().unwrap();
    let said = session.exp_eof().unwrap();
    assert!(
        said.contains("interrupted, and nothing was written"),
        "{said}"
    );
    // The choice had hidden the cursor.
    assert!(said.contains("\u{1b}[?25h"), "{said}");
    let status = session.process().wait().unwrap();
    assert!(format!("{status:?}").contains("130"), "{status:?}");
    assert_eq!(std::fs::read_dir(workspace.path()).unwrap().count(), 0);
}
