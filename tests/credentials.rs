//! Credentials for buckets that the surroundings of a machine give.

use crate::support::{Bucket, Finished, Reply, Request, Scripted, Workspace};

/// A load into a bucket, with this environment in the place of the keys.
fn load(bucket: &Bucket, environment: &[(&str, &str)]) -> Finished {
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: 'http://localhost:9' }}\nresources: [{{ name: people, data: [{{ id: 1 }}] }}]\n{}",
        bucket.destination()
    );
    workspace.write("shop.yaml", &spec);
    let mut command = workspace.command(["run", "shop.yaml"]);
    command.envs(environment.iter().copied());
    // No profile of this machine stands in for what is missing.
    command.env("HOME", workspace.path());
    let finished = Finished::from(command.output().unwrap());
    assert!(
        !format!("{finished:?}").contains("hunter2"),
        "{finished:#?}"
    );
    finished
}

/// What the services for credentials answer, with the keys of the bucket.
fn keys(bucket: &Bucket) -> String {
    let value = |name: &str| {
        let mut environment = bucket.environment.iter();
        environment
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
            .clone()
    };
    format!(
        r#"{{"AccessKeyId": "{}", "SecretAccessKey": "{}", "Token": "hunter2-token", "Expiration": "2099-01-01T00:00:00Z"}}"#,
        value("AWS_ACCESS_KEY_ID"),
        value("AWS_SECRET_ACCESS_KEY"),
    )
}

#[test]
fn a_container_gives_credentials() {
    let bucket = Bucket::s3();
    let keys = keys(&bucket);
    let service = Scripted::start(move |request: &Request| {
        match request.headers.get("authorization").map(String::as_str) {
            Some("hunter2-pod") => Reply::json(keys.clone()),
            _ => Reply::status(401, ""),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "hunter2-pod").unwrap();
    let uri = format!("{}/credentials", service.url());
    let finished = load(
        &bucket,
        &[
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                token.to_str().unwrap(),
            ),
        ],
    );
    finished.assert_code(0);
    assert!(
        bucket
            .objects()
            .iter()
            .any(|path| path.starts_with("people/"))
    );
}

#[test]
fn the_identity_of_a_machine_gives_credentials() {
    const ROLE: &str = "/latest/meta-data/iam/security-credentials/";
    let bucket = Bucket::s3();
    let keys = keys(&bucket);
    let service = Scripted::start(move |request: &Request| {
        let has_token = request
            .headers
            .get("x-aws-ec2-metadata-token")
            .map(String::as_str)
            == Some("session");
        match &*request.target {
            "/latest/api/token" => Reply::status(200, "session"),
            ROLE if has_token => Reply::status(200, "loader"),
            target if has_token && target == format!("{ROLE}loader") => Reply::json(keys.clone()),
            _ => Reply::status(401, ""),
        }
    });
    let finished = load(&bucket, &[("AWS_METADATA_ENDPOINT", &service.url())]);
    finished.assert_code(0);
    assert!(
        bucket
            .objects()
            .iter()
            .any(|path| path.starts_with("people/"))
    );
}
