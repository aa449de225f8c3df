//! Variables that a spec declares, and specs that are put together from several files.

use engine_sandbox::Fixture;

use crate::support::{Served, Workspace, files, rows};

const FIXTURE: &str = "
version: 1
name: accounts
now: 2024-01-22T12:31:00Z
collections:
  acme: { records: 3, fields: { id: { increment: { start: 1 } } } }
  other: { records: 2, fields: { id: { increment: { start: 1 } } } }
routes:
  - { path: acme/items, answer: { list: { collection: acme } } }
  - { path: other/items, answer: { list: { collection: other } } }
";

const SPEC: &str = "
include: client.yaml
vars:
  account: acme
  page_size: { default: 10, identity: false }
resources:
  - { name: items, endpoint: { path: \"${account}/items\", params: { limit: \"${page_size}\" }, paginator: single_page } }
";

struct Accounts {
    served: Served,
    workspace: Workspace,
}

impl Accounts {
    fn new() -> Self {
        let served = Served::start(Fixture::parse(FIXTURE).unwrap());
        let workspace = Workspace::new();
        workspace.write("shop.yaml", SPEC);
        let client = format!("client: {{ base_url: {} }}\n", served.url());
        workspace.write("client.yaml", &client);
        Self { served, workspace }
    }

    fn run(&self, more: &[&str]) -> crate::support::Finished {
        let arguments = ["run", "shop.yaml"].iter().chain(more).copied();
        self.workspace.engine(arguments)
    }

    fn count(&self, folder: &str) -> u64 {
        rows(&self.workspace.path().join(folder), "items").len()
    }
}

#[test]
fn accounts_are_kept_apart() {
    let accounts = Accounts::new();
    accounts.run(&[]).assert_code(0);
    accounts.run(&["--var", "account=other"]).assert_code(0);
    assert_eq!(accounts.count("data/shop/account=acme"), 3);
    assert_eq!(accounts.count("data/shop/account=other"), 2);
    // What reads the same data goes into the same tables.
    accounts.run(&["--var", "page_size=5"]).assert_code(0);
    assert_eq!(accounts.count("data/shop/account=acme"), 6);
    let limits: Vec<String> = accounts
        .served
        .requests()
        .into_iter()
        .flat_map(|request| request.query)
        .map(|(_, value)| value)
        .collect();
    assert_eq!(limits, ["10", "10", "5"]);
}

#[test]
fn one_destination_never_mixes_two_accounts() {
    let accounts = Accounts::new();
    let lake = ["--destination", "lake"];
    accounts.run(&lake).assert_code(0);
    let other = [&lake[..], &["--var", "account=other"]].concat();
    let refused = accounts.run(&other);
    refused.assert_code(1);
    assert!(
        refused.stderr.contains("account=acme"),
        "{}",
        refused.stderr
    );
    assert_eq!(accounts.count("lake"), 3);
}

#[test]
fn the_environment_sets_a_variable_and_the_flag_wins() {
    let accounts = Accounts::new();
    let run = |more: &[&str]| {
        let arguments = ["run", "shop.yaml"].iter().chain(more).copied();
        let mut command = accounts.workspace.command(arguments);
        let output = command.env("account", "other").output().unwrap();
        crate::support::Finished::from(output).assert_code(0);
    };
    run(&[]);
    assert_eq!(accounts.count("data/shop/account=other"), 2);
    assert!(
        files(
            &accounts.workspace.path().join("data/shop/account=acme"),
            "items"
        )
        .is_empty()
    );
    run(&["--var", "account=acme"]);
    assert_eq!(accounts.count("data/shop/account=acme"), 3);
}

#[test]
fn a_variable_that_is_not_declared_is_refused() {
    let accounts = Accounts::new();
    let refused = accounts.run(&["--var", "acount=other"]);
    refused.assert_code(2);
    assert!(
        refused.stderr.contains("did you mean `account`?"),
        "{}",
        refused.stderr
    );
    assert!(accounts.served.requests().is_empty());
}

#[test]
fn a_variable_in_credentials_stands_nowhere() {
    let accounts = Accounts::new();
    let client = format!(
        "client: {{ base_url: {}, auth: {{ type: bearer, token: \"${{workspace}}\" }} }}\n",
        accounts.served.url()
    );
    accounts.workspace.write("client.yaml", &client);
    let spec = |var: &str| SPEC.replace("  account: acme", &format!("  account: acme\n  {var}"));
    accounts
        .workspace
        .write("shop.yaml", &spec("workspace: hunter2hunter2"));
    let finished = accounts.run(&[]);
    finished.assert_code(2);
    assert!(finished.stderr.contains("plan::secret_identity"));
    assert!(!finished.stderr.contains("hunter2"), "{}", finished.stderr);

    // A parameter within a path is a parameter.
    accounts.workspace.write(
        "other.yaml",
        &spec("login: hunter2hunter2")
            .replace("/items\"", "/items?api_key=${login}\"")
            .replace(
                "include: client.yaml",
                "client: { base_url: http://127.0.0.1:9 }",
            ),
    );
    let finished = accounts.workspace.engine(["run", "other.yaml"]);
    finished.assert_code(2);
    assert!(
        finished.stderr.contains("plan::secret_identity"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("hunter2"), "{}", finished.stderr);

    accounts.workspace.write(
        "shop.yaml",
        &spec("workspace: { default: none, identity: false }"),
    );
    accounts
        .run(&["--var", "workspace=hunter2hunter2"])
        .assert_code(0);
    let mut folders = vec![accounts.workspace.path().join("data")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(!path.to_string_lossy().contains("hunter2"), "{path:?}");
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !String::from_utf8_lossy(&bytes).contains("hunter2"),
                "{path:?}"
            );
            read += 1;
        }
    }
    assert!(read > 2, "{read} files were looked through");
}
