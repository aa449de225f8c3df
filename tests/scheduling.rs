//! The files for schedulers are what their schedulers read, and call the command as it is.

use std::process::Command;

use serde_yaml::Value;

use crate::support::{Workspace, python_of_the_readers, root};

fn file(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/scheduling").join(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_yaml::from_str(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Five fields of numbers, ranges and stars.
fn assert_cron(schedule: &str) {
    let fields: Vec<&str> = schedule.split(' ').collect();
    assert_eq!(fields.len(), 5, "{schedule}");
    let limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    for (field, (least, most)) in fields.iter().zip(limits) {
        for part in field.split([',', '-', '/']).filter(|part| *part != "*") {
            let number: u32 = part.parse().unwrap();
            assert!((least..=most).contains(&number), "{schedule}: {field}");
        }
    }
}

/// Each `engine …` of a text must be a command line that the command takes.
fn assert_commands(text: &str) {
    let workspace = Workspace::new();
    workspace.write("shop.yaml", "");
    let mut commands = 0;
    for behind in text.split("engine ").skip(1) {
        let line = behind.split(['"', '\n', '>', '&', '|']).next().unwrap();
        let mut words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"--quiet") {
            words.remove(0);
        }
        if !matches!(words.first(), Some(&("run" | "compact" | "vacuum"))) {
            continue;
        }
        words.push("--help");
        workspace.engine(words).assert_code(0);
        commands += 1;
    }
    assert!(commands > 0, "{text}");
}

#[test]
fn the_crontab_has_times_and_commands() {
    let mut entries = 0;
    for line in file("crontab").lines() {
        let is_variable = line.split(' ').next().unwrap().contains('=');
        if line.starts_with('#') || is_variable {
            continue;
        }
        let fields: Vec<&str> = line.splitn(6, ' ').collect();
        assert_cron(&fields[..5].join(" "));
        assert!(!line.contains('%'), "a line ends at `%`: {line}");
        assert_commands(fields[5]);
        entries += 1;
    }
    assert_eq!(entries, 2);
}

#[test]
fn systemd_finds_its_sections_and_keys() {
    for (name, sections) in [
        ("engine-shop.service", &["[Unit]", "[Service]"] as &[&str]),
        ("engine-shop.timer", &["[Unit]", "[Timer]", "[Install]"]),
    ] {
        let text = file(name);
        let mut found = Vec::new();
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if line.starts_with('[') {
                found.push(line);
                continue;
            }
            let value = line.split_once('=').map(|(_, value)| value);
            assert!(value.is_some_and(|value| !value.is_empty()), "{line}");
        }
        assert_eq!(found, sections, "{name}");
    }
    assert_commands(&file("engine-shop.service"));
    verify_with_systemd();
}

/// systemd's own opinion, where it is at hand: all it may miss is the command, the folder and the user.
fn verify_with_systemd() {
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--man=no"]);
    for name in ["engine-shop.timer", "engine-shop.service"] {
        command.arg(root().join("docs/scheduling").join(name));
    }
    let Ok(output) = command.output() else {
        eprintln!("left out: no systemd-analyze is at hand");
        return;
    };
    let said = String::from_utf8(output.stderr).unwrap();
    for complaint in [
        "Unknown key",
        "Unknown section",
        "Failed to parse",
        "Invalid",
    ] {
        assert!(!said.contains(complaint), "{said}");
    }
}

#[test]
fn github_runs_it_and_tells_exit_code_3() {
    let workflow = yaml("github-actions.yaml");
    assert_cron(workflow["on"]["schedule"][0]["cron"].as_str().unwrap());
    let steps = workflow["jobs"]["shop"]["steps"].as_sequence().unwrap();
    let script = steps.last().unwrap()["run"].as_str().unwrap();
    // A stand-in for the container ends as the command would.
    for (ends_with, expected) in [(0, 0), (1, 1), (2, 2), (3, 0), (130, 130)] {
        let script = format!("docker() {{ return {ends_with}; }}\n{script}");
        let output = Command::new("bash")
            .args(["-e", "-c", &script])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(expected), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.contains("::warning::"), ends_with == 3, "{said}");
    }
}

#[test]
fn kubernetes_starts_the_command() {
    let job = yaml("kubernetes-cronjob.yaml");
    assert_cron(job["spec"]["schedule"].as_str().unwrap());
    let job = &job["spec"]["jobTemplate"]["spec"];
    // A pod's failure policy needs pods that are not started again in place.
    assert_eq!(job["template"]["spec"]["restartPolicy"], "Never");
    let container = &job["template"]["spec"]["containers"][0];
    for rule in job["podFailurePolicy"]["rules"].as_sequence().unwrap() {
        let codes = &rule["onExitCodes"];
        assert!(codes.is_null() || codes["containerName"] == container["name"]);
    }
    let arguments = container["args"].as_sequence().unwrap();
    let arguments = arguments.iter().map(|word| word.as_str().unwrap());
    let workspace = Workspace::new();
    workspace.engine(arguments.chain(["--help"])).assert_code(0);
}

#[test]
fn airflow_and_dagster_get_python() {
    for name in ["airflow_dag.py", "dagster_job.py"] {
        assert_commands(&file(name).replace("\", \"", " "));
        let Some(python) = python_of_the_readers() else {
            continue;
        };
        let script = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
        let path = root().join("docs/scheduling").join(name);
        let output = Command::new(python)
            .args(["-c", script])
            .arg(path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn our_own_workflows_are_yaml_with_jobs() {
    for name in ["ci.yaml", "release.yaml"] {
        let text = std::fs::read_to_string(root().join(".github/workflows").join(name)).unwrap();
        let workflow: Value = serde_yaml::from_str(&text).unwrap();
        for (job, of) in workflow["jobs"].as_mapping().unwrap() {
            assert!(of["steps"].is_sequence(), "{job:?}");
        }
    }
}
