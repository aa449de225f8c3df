//! Destinations in the clouds: what lies there after two runs is what lies in a local folder.

use std::path::Path;

use crate::support::{Bucket, Finished, Mood, Reply, Request, Scripted, Workspace, rows};

/// An API whose second answers differ from its first; the table of each disposition.
fn api() -> Scripted {
    Scripted::start(|request: &Request| {
        let is_first = request.time == 1;
        let path = request.target.split('?').next().unwrap();
        Reply::json(match (path, is_first) {
            ("/events", true) => {
                r#"[{"id": 1, "what": "begun"}, {"id": 2, "what": "done"}]"#.to_owned()
            }
            ("/events", false) => r#"[{"id": 3, "what": "begun"}]"#.to_owned(),
            ("/teams", true) => r#"[{"name": "red"}, {"name": "blue"}]"#.to_owned(),
            ("/teams", false) => r#"[{"name": "green", "size": 2}]"#.to_owned(),
            ("/people", true) => {
                r#"[{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}]"#.to_owned()
            }
            ("/people", false) => {
                r#"[{"id": 2, "name": "bea"}, {"id": 3, "name": "cid"}]"#.to_owned()
            }
            ("/texts", _) => texts(),
            _ => "[]".to_owned(),
        })
    })
}

/// More than one part of an upload holds, and nothing that a dictionary makes small.
fn texts() -> String {
    let mut state: u64 = 7;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{state:016x}")
    };
    let record = |id: usize, word: &mut dyn FnMut() -> String| {
        let text: String = (0..300).map(|_| word()).collect();
        format!(r#"{{"id": {id}, "text": "{text}"}}"#)
    };
    let records: Vec<String> = (0..2000).map(|id| record(id, &mut word)).collect();
    format!("[{}]", records.join(","))
}

fn spec(api: &Scripted, destination: &str) -> String {
    format!(
        "name: shop\nclient: {{ base_url: '{}', retry: {{ max_attempts: 1 }} }}\n\
         resource_defaults: {{ endpoint: {{ paginator: single_page }} }}\n\
         resources:\n\
         - {{ name: events, write_disposition: append }}\n\
         - {{ name: teams, write_disposition: replace }}\n\
         - {{ name: people, write_disposition: merge, primary_key: id }}\n\
         {destination}",
        api.url()
    )
}

fn run(workspace: &Workspace, spec: &str, bucket: &Bucket, arguments: &[&str]) -> Finished {
    workspace.write("shop.yaml", spec);
    let mut command = workspace.command(arguments.iter().copied());
    command.envs(
        bucket
            .environment
            .iter()
            .map(|(name, value)| (*name, value)),
    );
    let finished = Finished::from(command.output().unwrap());
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains("hunter2"), "a secret is shown:\n{text}");
    }
    finished
}

fn check_equal(bucket: &Bucket, local: &Path) {
    let copy = tempfile::tempdir().unwrap();
    bucket.download(copy.path());
    for (table, key) in [("events", "id"), ("teams", "name"), ("people", "id")] {
        let (found, expected) = (rows(copy.path(), table), rows(local, table));
        assert_eq!(found.by_key(&[key]), expected.by_key(&[key]), "{table}");
        assert_eq!(found.rows.len(), expected.rows.len(), "{table}");
    }
    let waiting: Vec<String> = bucket.objects();
    assert!(
        !waiting.iter().any(|path| path.contains("staging")),
        "{waiting:#?}"
    );
}

/// The tables of two undisturbed runs into a local folder.
fn local_tables(folder: &Path) {
    let (workspace, api) = (Workspace::new(), api());
    let url = folder.to_str().unwrap();
    workspace.write(
        "shop.yaml",
        &spec(&api, &format!("destination: {{ url: '{url}' }}\n")),
    );
    for _ in 0..2 {
        workspace.engine(["run", "shop.yaml"]).assert_code(0);
    }
}

/// Checks the destination, runs twice, and compares with the local tables.
fn check_bucket(bucket: &Bucket) {
    let workspace = Workspace::new();
    let local = tempfile::tempdir().unwrap();
    local_tables(local.path());
    let api = api();
    let spec = spec(&api, &bucket.destination());
    // The API answers the first request otherwise than the second.
    let another = self::api();
    let to_check = self::spec(&another, &bucket.destination());
    let checked = run(&workspace, &to_check, bucket, &["check", "shop.yaml"]);
    checked.assert_code(0);
    let told = of_destination(&checked.stdout);
    assert_eq!(told.matches(" ok ").count(), 6, "{checked:#?}");
    assert_eq!(bucket.objects(), Vec::<String>::new());
    for _ in 0..2 {
        run(&workspace, &spec, bucket, &["run", "shop.yaml"]).assert_code(0);
    }
    check_equal(bucket, local.path());
}

/// A file of several parts goes up, and comes back for a merge.
fn check_large_file(bucket: &mut Bucket) {
    bucket.move_to("large/files");
    let (workspace, api) = (Workspace::new(), api());
    let spec = spec(&api, &bucket.destination()).replace("name: people", "name: texts");
    for _ in 0..2 {
        run(
            &workspace,
            &spec,
            bucket,
            &["run", "shop.yaml", "-r", "texts"],
        )
        .assert_code(0);
    }
    let copy = tempfile::tempdir().unwrap();
    bucket.download(copy.path());
    assert_eq!(rows(copy.path(), "texts").rows.len(), 2000);
    let files = crate::support::files(copy.path(), "texts");
    let size: u64 = files
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(size > 8 << 20, "{size} bytes fit into one part");
}

#[test]
fn tables_on_s3_equal_local_ones() {
    let mut bucket = Bucket::s3();
    check_bucket(&bucket);
    check_large_file(&mut bucket);
}

#[test]
fn tables_on_moto_equal_local_ones() {
    if let Some(mut bucket) = Bucket::moto() {
        check_bucket(&bucket);
        check_large_file(&mut bucket);
    }
}

#[test]
fn tables_on_google_cloud_equal_local_ones() {
    let mut bucket = Bucket::google_cloud();
    check_bucket(&bucket);
    check_large_file(&mut bucket);
}

#[test]
fn tables_on_azure_equal_local_ones() {
    if let Some(mut bucket) = Bucket::azurite() {
        check_bucket(&bucket);
        check_large_file(&mut bucket);
    }
}

#[test]
fn an_upload_whose_completion_is_not_answered_is_found() {
    let mut bucket = Bucket::s3();
    bucket.set_mood(Mood::LosesCompletions);
    check_large_file(&mut bucket);
}

/// Without the parts that differ from run to run.
fn shown(text: &str, bucket: &Bucket) -> String {
    let text = of_destination(text);
    let endpoint = bucket.options.split('\'').nth(1).unwrap();
    let text = text.replace(endpoint, "http://endpoint");
    // Part of the names of the objects that `check` tries things with.
    let id = text.split("_engine/probe/").nth(1).unwrap_or_default();
    let id: String = id.chars().take(32).collect();
    if id.is_empty() {
        text
    } else {
        text.replace(&id, "ID")
    }
}

/// What a check says of the destination, behind what it says of the API.
fn of_destination(text: &str) -> &str {
    text.splitn(3, "\n\n").last().unwrap_or_default()
}

#[test]
fn check_says_what_is_missing() {
    let bucket = Bucket::s3();
    let (workspace, api) = (Workspace::new(), api());
    let spec = spec(&api, &bucket.destination());
    for (name, mood) in [
        ("check_without_writing", Mood::ReadOnly),
        ("check_without_conditions", Mood::IgnoresConditions),
        ("check_without_deleting", Mood::KeepsAll),
    ] {
        bucket.set_mood(mood);
        let finished = run(&workspace, &spec, &bucket, &["check", "shop.yaml"]);
        finished.assert_code(1);
        insta::assert_snapshot!(name, shown(&finished.stdout, &bucket));
        let left = if mood == Mood::KeepsAll { 3 } else { 0 };
        assert_eq!(bucket.objects().len(), left);
    }
}

#[test]
fn check_names_a_bucket_that_is_missing() {
    let bucket = Bucket::google_cloud();
    let (workspace, api) = (Workspace::new(), api());
    let spec = spec(&api, &bucket.destination()).replace("gs://lake", "gs://sea");
    let finished = run(&workspace, &spec, &bucket, &["check", "shop.yaml"]);
    finished.assert_code(1);
    insta::assert_snapshot!("check_without_bucket", shown(&finished.stdout, &bucket));
}

#[test]
fn a_store_that_ignores_conditions_is_refused() {
    let bucket = Bucket::s3();
    bucket.set_mood(Mood::IgnoresConditions);
    let (workspace, api) = (Workspace::new(), api());
    let spec = spec(&api, &bucket.destination());
    let finished = run(&workspace, &spec, &bucket, &["run", "shop.yaml"]);
    finished.assert_code(1);
    insta::assert_snapshot!(finished.stderr, @"error: open the destination: the store has no create-if-absent (it ignores `If-None-Match: *`), so that one run could overwrite the commit of another; use a store with conditional writes");
    assert_eq!(api.requests().len(), 0);
}

#[test]
fn credentials_may_stand_in_a_profile() {
    let bucket = Bucket::s3();
    let (workspace, api) = (Workspace::new(), api());
    let (id, secret) = (&bucket.environment[0].1, &bucket.environment[1].1);
    let process = workspace.write(
        "keys.json",
        &format!(r#"{{"Version": 1, "AccessKeyId": "{id}", "SecretAccessKey": "{secret}"}}"#),
    );
    workspace.write(
        "credentials",
        &format!(
            "[keys]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n[process]\ncredential_process = cat {}\n\
             [wrong]\naws_access_key_id = {id}\naws_secret_access_key = hunter2hunter3\n",
            process.display()
        ),
    );
    workspace.write("shop.yaml", &spec(&api, &bucket.destination()));
    for (profile, code) in [("keys", 0), ("process", 0), ("wrong", 1), ("none", 1)] {
        let mut command = workspace.command(["check", "shop.yaml"]);
        command
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                workspace.path().join("credentials"),
            )
            .env("AWS_PROFILE", profile);
        let finished = Finished::from(command.output().unwrap());
        finished.assert_code(code);
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!said.contains("hunter2"), "{said}");
    }
}
