//! What the user sees when the API or the spec is not as it should be.

use crate::support::{Served, Workspace, assembled, assembled_fixture, files};

/// Assembled's sandbox as a client, to which each test adds its resources.
const HEAD: &str = "\
version: 1
name: assembled
client: { base_url: https://api.assembledhq.com/v0, auth: { type: http_basic, api_key: \"${ASSEMBLED_API_KEY}\" } }
resources:";

#[test]
fn a_wrong_key_is_one_clear_message_and_no_data() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    // The pipeline as a user has it, with only the address changed and a wrong key in the environment.
    let spec = std::fs::read_to_string(assembled()).unwrap();
    let spec = spec.replace("https://api.assembledhq.com/v0", &served.url());
    let spec = workspace.write("wrong.yaml", &spec);
    let output = workspace
        .command(["run", spec.to_str().unwrap(), "--destination", "lake"])
        .env("ASSEMBLED_API_KEY", "sk_live_wrong_one")
        .output()
        .unwrap();
    let finished = crate::support::Finished::from(output);
    finished.assert_code(1);
    let stderr = &finished.stderr;
    assert_eq!(stderr.matches("error:").count(), 1, "{stderr}");
    assert!(stderr.contains("401"), "{stderr}");
    assert!(stderr.contains(&served.url()), "{stderr}");
    assert!(stderr.contains("client.auth"), "{stderr}");
    assert!(!stderr.contains("sk_live_wrong_one"), "{stderr}");
    // Whichever resource asked first: the requests run side by side.
    let named = stderr
        .split('`')
        .nth(1)
        .unwrap_or_else(|| panic!("{stderr}"));
    let shipped = std::fs::read_to_string(assembled()).unwrap();
    assert!(shipped.contains(&format!("name: {named}")), "{stderr}");
    let tables = std::fs::read_dir(workspace.path().join("lake")).map_or_else(
        |_| Vec::new(),
        |entries| entries.map(|entry| entry.unwrap().file_name()).collect(),
    );
    for table in tables.iter().map(|name| name.to_string_lossy()) {
        assert!(
            files(&workspace.path().join("lake"), &table).is_empty(),
            "{table}"
        );
    }
}

#[test]
fn a_selector_that_matches_nothing_lists_what_would_have_matched() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = "
  - { name: people, endpoint: { data_selector: person.*, paginator: single_page } }
";
    let spec = workspace.write("spec.yaml", &format!("{HEAD}{spec}"));
    let finished = workspace.engine(["run", spec.to_str().unwrap(), "--sandbox", &served.origin()]);
    finished.assert_code(1);
    assert!(
        finished.stderr.contains("`people.*`"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("person.*"), "{}", finished.stderr);
    assert!(files(&workspace.path().join("data/assembled"), "people").is_empty());
}

#[test]
fn a_failed_resource_leaves_the_others_committed() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = "
  - { name: teams, endpoint: { data_selector: teams.* } }
  - { name: nothing, endpoint: no/such/path }
  - { name: child, endpoint: \"x/{resources.nothing.id}\" }
";
    let spec = workspace.write("spec.yaml", &format!("{HEAD}{spec}"));
    let finished = workspace.engine(["run", spec.to_str().unwrap(), "--sandbox", &served.origin()]);
    finished.assert_code(3);
    assert!(
        finished.stdout.contains("failed: nothing:"),
        "{}",
        finished.stdout
    );
    assert!(
        finished
            .stdout
            .contains("failed: child: its parent `nothing`"),
        "{}",
        finished.stdout
    );
    assert_eq!(
        files(&workspace.path().join("data/assembled"), "teams").len(),
        1
    );
}

#[test]
fn a_run_that_brings_nothing_fails() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = "
  - { name: teams, endpoint: { data_selector: teams.*, paginator: single_page } }
  - { name: child, endpoint: \"no/such/{resources.teams.id}\" }
";
    let spec = workspace.write("spec.yaml", &format!("{HEAD}{spec}"));
    let origin = served.origin();
    let arguments = [
        "run",
        spec.to_str().unwrap(),
        "--sandbox",
        &origin,
        "-r",
        "child",
    ];
    workspace.engine(arguments).assert_code(1);
}

#[test]
fn where_all_fail_each_is_told() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let spec = "
  - { name: one, endpoint: { path: no/such/one, paginator: single_page } }
  - { name: two, endpoint: { path: no/such/two, paginator: single_page } }
";
    let spec = workspace.write("spec.yaml", &format!("{HEAD}{spec}"));
    let finished = workspace.engine(["run", spec.to_str().unwrap(), "--sandbox", &served.origin()]);
    finished.assert_code(1);
    for path in ["no/such/one", "no/such/two"] {
        assert_eq!(
            finished.stderr.matches(path).count(),
            1,
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn a_host_that_does_not_answer_is_named() {
    let workspace = Workspace::new();
    let spec = "\
version: 1
name: x
client: { base_url: http://127.0.0.1:9/v1, retry: { max_attempts: 1 } }
resources: [a]
";
    let spec = workspace.write("spec.yaml", spec);
    let finished = workspace.engine(["run", spec.to_str().unwrap()]);
    finished.assert_code(1);
    assert!(
        finished.stderr.contains("127.0.0.1:9"),
        "{}",
        finished.stderr
    );
}
