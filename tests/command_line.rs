//! What the command says of itself: completions, manual pages, its version.

use std::process::Command;

use crate::support::{Finished, Workspace};

/// What bash offers behind `words`, the last of which is being typed.
fn offered(words: &str) -> Vec<String> {
    let workspace = Workspace::new();
    let script = workspace.engine(["completions", "bash"]);
    script.assert_code(0);
    workspace.write("engine.bash", &script.stdout);
    let bash = |script: &str| {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(workspace.path());
        Finished::from(command.output().unwrap())
    };
    bash("bash -n engine.bash").assert_code(0);
    let completed = bash(&format!(
        "source engine.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
         _engine engine \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    ));
    completed.assert_code(0);
    completed.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(offered("engine comp"), ["compact", "completions"]);
    assert_eq!(offered("engine run --fa"), ["--fail-fast"]);
    assert_eq!(offered("engine sql ./lake people --for d"), ["duckdb"]);
}

#[test]
fn every_shell_gets_a_script() {
    let workspace = Workspace::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let finished = workspace.engine(["completions", shell]);
        finished.assert_code(0);
        assert!(finished.stdout.contains("fail-fast"), "{shell}");
    }
    let unknown = workspace.engine(["completions", "csh"]);
    unknown.assert_code(2);
    assert!(
        unknown.stderr.contains("possible values: bash"),
        "{unknown:?}"
    );
}

#[test]
fn every_command_has_a_manual_page() {
    let workspace = Workspace::new();
    let finished = workspace.engine(["man", "--to", "share/man1"]);
    finished.assert_code(0);
    assert_eq!(finished.stdout, "");
    let help = workspace.engine(["--help"]).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    // What a command does may go on in further lines, which are indented more.
    let names = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty());
    for name in names.filter(|name| *name != "help").chain(["state-show"]) {
        let page = workspace.path().join(format!("share/man1/engine-{name}.1"));
        let text =
            std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page:?}: {error}"));
        assert!(text.contains(".SH NAME"), "{text}");
    }
    assert!(workspace.path().join("share/man1/engine.1").exists());
}

#[test]
fn pages_that_cannot_be_written_are_told() {
    let workspace = Workspace::new();
    workspace.write("taken", "a file");
    let finished = workspace.engine(["man", "--to", "taken"]);
    finished.assert_code(2);
    assert!(
        finished
            .stderr
            .starts_with("error: write the manual pages to `taken`\n  because: "),
        "{}",
        finished.stderr
    );
}

#[test]
fn the_long_version_says_what_was_built() {
    let workspace = Workspace::new();
    let short = workspace.engine(["-V"]).stdout;
    assert_eq!(short, format!("engine {}\n", env!("CARGO_PKG_VERSION")));
    let long = workspace.engine(["--version"]).stdout;
    assert!(long.starts_with(&short), "{long}");
    let names: Vec<&str> = long
        .lines()
        .skip(1)
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    assert_eq!(names, ["commit", "target", "profile"]);
}

/// A script that keeps what a command says must notice where it can't.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_can_not_be_written_is_a_failure() {
    let workspace = Workspace::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = workspace
        .command(["completions", "bash"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    let told = String::from_utf8(run.stderr).unwrap();
    assert_eq!(
        told,
        "error: write the result: No space left on device (os error 28)\n"
    );
}
