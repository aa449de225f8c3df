//! Azure's blob storage as azurite understands it.

use std::process::Command;
use std::sync::Arc;

use object_store::azure::MicrosoftAzureBuilder;

use super::{Bucket, Server, free_port, install_provider, part, runtime};
use crate::support::root;

/// The key of azurite's account, which everybody knows.
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const ACCOUNT: &str = "devstoreaccount1";

pub(super) fn start() -> Option<Bucket> {
    let program = part("ENGINE_TEST_AZURITE", "`azurite-blob`")?;
    install_provider();
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .args([
            "--silent",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--location",
        ])
        .arg(folder.path())
        .args(["--blobPort", &port.to_string()]);
    let server = Server::start(&mut command, port);
    let endpoint = format!("http://127.0.0.1:{port}");
    let created = Command::new("node")
        .arg(root().join("tests/azurite/create_container.mjs"))
        .args([endpoint.as_str(), "lake"])
        .status();
    assert!(created.unwrap().success());
    let endpoint = format!("{endpoint}/{ACCOUNT}");
    let store = MicrosoftAzureBuilder::new()
        .with_account(ACCOUNT)
        .with_access_key(KEY)
        .with_endpoint(endpoint.clone())
        .with_allow_http(true)
        .with_container_name("lake")
        .build()
        .unwrap();
    Some(Bucket {
        url: "az://lake/p".to_owned(),
        options: format!("{{ endpoint: '{endpoint}', allow_http: true, account_name: {ACCOUNT} }}"),
        environment: vec![("AZURE_STORAGE_ACCOUNT_KEY", KEY.to_owned())],
        store: Arc::new(store),
        runtime: runtime(),
        mood: None,
        _server: Some(server),
        folder: Some(folder),
    })
}
