//! Each kind of credentials: `init` sends them as a run will, and a run finds them in `.env`.

use crate::support::{Finished, Reply, Request, Scripted, Workspace};

/// Runs `init` with flags and secrets, then a run with an empty environment; each request must have what `has` looks for.
fn check(
    flags: &[&str],
    secrets: &[(&str, &str)],
    has: impl Fn(&Request) -> bool + Send + Sync + 'static,
) {
    let server = Scripted::start(move |request| {
        if request.target == "/token" {
            assert!(
                request.body.contains("client_secret=hidden-secret"),
                "{}",
                request.body
            );
            return Reply::json(r#"{"access_token": "fetched-token", "expires_in": 3600}"#);
        }
        if has(request) {
            Reply::json(r#"[{"id": 1}, {"id": 2}]"#)
        } else {
            Reply::status(401, format!("no: {:?}", request.headers))
        }
    });
    let workspace = Workspace::new();
    let url = server.url();
    let token_url = format!("{url}/token");
    let flags = flags.iter().map(|flag| {
        if *flag == "TOKEN_URL" {
            token_url.as_str()
        } else {
            flag
        }
    });
    let given = ["init", "shop", "--base-url", &url, "--endpoint", "things"];
    let mut command = workspace.command(given.into_iter().chain(flags));
    let output = command.envs(secrets.iter().copied()).output().unwrap();
    Finished::from(output).assert_code(0);
    let yaml = std::fs::read_to_string(workspace.path().join("shop.yaml")).unwrap();
    for (_, secret) in secrets {
        assert!(!yaml.contains(secret), "{yaml}");
    }
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
}

#[test]
fn none() {
    check(&["--header", "Api-Version: 2022-06-28"], &[], |request| {
        request.headers["api-version"] == "2022-06-28"
    });
}

#[test]
fn bearer() {
    check(
        &["--auth", "bearer", "--token-env", "MY_TOKEN"],
        &[("MY_TOKEN", "hidden-token")],
        |request| {
            request
                .headers
                .get("authorization")
                .is_some_and(|sent| sent == "Bearer hidden-token")
        },
    );
}

#[test]
fn basic_with_a_key_for_a_name() {
    // `hidden-key:`
    check(
        &["--auth", "basic"],
        &[("SHOP_USERNAME", "hidden-key")],
        |request| {
            request
                .headers
                .get("authorization")
                .is_some_and(|sent| sent == "Basic aGlkZGVuLWtleTo=")
        },
    );
}

#[test]
fn a_key_in_a_header() {
    check(
        &["--auth", "api-key", "--key-name", "X-Api-Key"],
        &[("SHOP_API_KEY", "hidden-key")],
        |request| {
            request
                .headers
                .get("x-api-key")
                .is_some_and(|sent| sent == "hidden-key")
        },
    );
}

#[test]
fn a_key_in_the_query() {
    check(
        &[
            "--auth",
            "api-key",
            "--key-name",
            "api_key",
            "--key-in",
            "query",
        ],
        &[("SHOP_API_KEY", "hidden-key")],
        |request| request.parameter("api_key") == Some("hidden-key"),
    );
}

#[test]
fn client_credentials() {
    check(
        &["--auth", "oauth2", "--token-url", "TOKEN_URL"],
        &[
            ("SHOP_CLIENT_ID", "client-of-ours"),
            ("SHOP_CLIENT_SECRET", "hidden-secret"),
        ],
        |request| {
            request
                .headers
                .get("authorization")
                .is_some_and(|sent| sent == "Bearer fetched-token")
        },
    );
}
