//! S3 as moto's server understands it.

use std::process::Command;
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;

use super::{Bucket, Server, free_port, install_provider, part, runtime};

pub(super) fn start() -> Option<Bucket> {
    let python = part("ENGINE_TEST_MOTO_PYTHON", "Python with moto's server")?;
    install_provider();
    let port = free_port();
    let mut command = Command::new(python);
    command.args([
        "-m",
        "moto.server",
        "-H",
        "127.0.0.1",
        "-p",
        &port.to_string(),
    ]);
    let server = Server::start(&mut command, port);
    let endpoint = format!("http://127.0.0.1:{port}");
    let builder = AmazonS3Builder::new()
        .with_endpoint(&endpoint)
        .with_allow_http(true)
        .with_access_key_id("AKIAEXAMPLE")
        .with_secret_access_key("hunter2");
    let created = Command::new("python3")
        .args([
            "-c",
            "import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method='PUT'))",
        ])
        .arg(format!("{endpoint}/lake"))
        .status();
    assert!(created.unwrap().success());
    let store = builder.with_bucket_name("lake").build().unwrap();
    Some(Bucket {
        url: "s3://lake/p".to_owned(),
        options: format!(
            "{{ endpoint: '{endpoint}', allow_http: true, access_key_id: AKIAEXAMPLE, secret_access_key: hunter2 }}"
        ),
        environment: Vec::new(),
        store: Arc::new(store),
        runtime: runtime(),
        mood: None,
        _server: Some(server),
        folder: None,
    })
}
