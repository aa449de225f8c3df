//! A client for one started sandbox.

use std::time::Duration;

use engine_sandbox::{Fixture, Sandbox};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// A sandbox, and a client that knows its key.
pub(crate) struct Api {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) key: Option<String>,
}

impl Api {
    pub(crate) async fn start(fixture: Fixture) -> Self {
        // A second test in the same process finds the provider installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let key = fixture.variables.values().next().cloned();
        let sandbox = Sandbox::start(fixture, "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        Self {
            sandbox,
            client,
            key,
        }
    }

    /// Starts a shop with these routes and 25 orders, whose ids go from 1 to 25.
    pub(crate) async fn shop(rest: &str) -> Self {
        let fixture = format!(
            "version: 1\nname: shop\nbase_path: /api\nnow: 2024-01-22T12:30:00Z\ncollections:\n  \
             orders: {{ records: 25, fields: {{ id: {{ increment: {{ start: 1 }} }}, \
             kind: {{ cycle: [a, b] }} }} }}\n{rest}"
        );
        Self::start(Fixture::parse(&fixture).unwrap()).await
    }

    /// A request to the API with the key, for a path with its query.
    pub(crate) fn request(&self, path: &str) -> RequestBuilder {
        self.with_key(self.client.get(format!("{}/{path}", self.sandbox.url())))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = self.client.post(format!("{}/{path}", self.sandbox.url()));
        self.with_key(request.body(body.to_string()))
    }

    /// What a path answers; it must be 200.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = json(self.request(path).send().await.unwrap()).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The status and the message of an error.
    pub(crate) async fn error(&self, path: &str) -> (u16, String) {
        let (status, body) = json(self.request(path).send().await.unwrap()).await;
        (
            status,
            body["error"].as_str().unwrap_or_default().to_owned(),
        )
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.basic_auth(key, Some("")),
            None => request,
        }
    }
}

pub(crate) async fn json(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// The ids of an array of records.
pub(crate) fn ids(records: &Value) -> Vec<u64> {
    records
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["id"].as_u64().unwrap())
        .collect()
}
