//! Credentials: where they go, where they never go, and tokens that are fetched.

use crate::support::{Finished, Reply, Request, Scripted, Workspace, rows};

/// Runs a client's settings with these resources against a server, with variables that hold secrets.
fn run(client: &str, resources: &str) -> (Workspace, Finished) {
    let workspace = Workspace::new();
    let spec = format!(
        "client:\n  retry: {{ max_attempts: 2, max_backoff: 10ms }}\n{client}\nresources:\n{resources}"
    );
    workspace.write("shop.yaml", &spec);
    let mut command = workspace.command(["run", "shop.yaml"]);
    command
        .env("KEY", "hunter2-key")
        .env("SECRET", "hunter2-secret");
    let finished = Finished::from(command.output().unwrap());
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains("hunter2"), "a secret is shown: {text}");
    }
    (workspace, finished)
}

fn count(workspace: &Workspace, table: &str) -> u64 {
    rows(&workspace.path().join("data/shop"), table).len()
}

fn page(id: usize, next: &str) -> Reply {
    Reply::json(format!(r#"{{"items": [{{"id": {id}}}], "next": {next}}}"#))
}

const ITEMS: &str =
    "  - { name: items, endpoint: { data_selector: items, paginator: json_link } }\n";

#[test]
fn an_api_key_goes_with_every_page_and_is_never_shown() {
    for (location, seen) in [
        ("header", "x-key: hunter2-key"),
        ("query", "X-Key=hunter2-key"),
        ("cookie", "cookie: X-Key=hunter2-key"),
    ] {
        let server = Scripted::start(|request: &Request| match request.target.as_str() {
            target if target.starts_with("/items") => page(1, "\"/more?page=2\""),
            // The API echoes what it was sent.
            _ => Reply::status(404, format!("no {} {:?}", request.target, request.headers)),
        });
        let client = format!(
            "  base_url: {}\n  auth: {{ type: api_key, name: X-Key, api_key: \"${{KEY}}\", location: {location} }}",
            server.url()
        );
        let (_, finished) = run(&client, ITEMS);
        finished.assert_code(1);
        assert!(finished.stderr.contains("404"), "{}", finished.stderr);
        for request in server.requests() {
            let headers: Vec<String> = request
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            let all = format!("{}\n{}", request.target, headers.join("\n"));
            assert!(all.contains(seen), "{location}: {all}");
        }
        assert_eq!(server.requests().len(), 2);
    }
}

#[test]
fn an_endpoint_has_credentials_of_its_own_or_none() {
    let server = Scripted::start(|_: &Request| Reply::json("[]"));
    let client = format!(
        "  base_url: {}\n  auth: {{ token: \"${{KEY}}\" }}\nresource_defaults: {{ endpoint: {{ paginator: single_page }} }}",
        server.url()
    );
    let resources = "
  - usual
  - { name: own, endpoint: { auth: { type: http_basic, username: \"${SECRET}\" } } }
  - { name: none, endpoint: { auth: null } }
";
    let (_, finished) = run(&client, resources);
    finished.assert_code(0);
    let sent = |path: &str| {
        let requests = server.requests();
        let request = requests.iter().find(|one| one.target == path).unwrap();
        request.headers.get("authorization").cloned()
    };
    assert_eq!(sent("/usual").as_deref(), Some("Bearer hunter2-key"));
    assert!(sent("/own").unwrap().starts_with("Basic "));
    assert_eq!(sent("/none"), None);
}

#[test]
fn one_token_serves_all_and_is_renewed_once_after_a_401() {
    let server = Scripted::start(|request: &Request| {
        let token = request.headers.get("authorization").map(String::as_str);
        match (request.target.as_str(), token) {
            ("/token", _) => Reply::json(format!(
                r#"{{"access_token": "hunter2-token-{}", "expires_in": 3600}}"#,
                request.time
            )),
            // The first token is withdrawn behind the first page of each.
            ("/a?page=2", Some("Bearer hunter2-token-1")) => Reply::status(401, "expired"),
            ("/a", Some(_)) => page(1, "\"/a?page=2\""),
            ("/a?page=2" | "/b", Some(_)) => page(2, "null"),
            _ => Reply::status(401, "who?"),
        }
    });
    let client = format!(
        "  base_url: {url}\n  auth: {{ type: oauth2_client_credentials, access_token_url: {url}/token, client_id: me, \
         client_secret: \"${{SECRET}}\", client_auth: basic, access_token_request_data: {{ scope: all }} }}",
        url = server.url()
    );
    let resources = "
  - { name: a, endpoint: { data_selector: items, paginator: json_link } }
  - { name: b, endpoint: { data_selector: items, paginator: json_link } }
";
    let (workspace, finished) = run(&client, resources);
    finished.assert_code(0);
    assert_eq!((count(&workspace, "a"), count(&workspace, "b")), (2, 1));
    let requests = server.requests();
    let tokens: Vec<&Request> = requests
        .iter()
        .filter(|one| one.target == "/token")
        .collect();
    assert_eq!(tokens.len(), 2, "{:?}", server.targets());
    assert!(tokens[0].headers["authorization"].starts_with("Basic "));
    assert_eq!(tokens[0].body, "grant_type=client_credentials&scope=all");
}

#[test]
fn a_second_401_is_the_error() {
    let server = Scripted::start(|request: &Request| match request.target.as_str() {
        "/token" => Reply::json(r#"{"access_token": "hunter2-token"}"#),
        _ => Reply::status(401, "token hunter2-token is no good"),
    });
    let client = format!(
        "  base_url: {url}\n  auth: {{ type: oauth2_client_credentials, access_token_url: {url}/token, client_id: me, \
         client_secret: \"${{SECRET}}\" }}",
        url = server.url()
    );
    let (_, finished) = run(&client, ITEMS);
    finished.assert_code(1);
    assert!(finished.stderr.contains("401"), "{}", finished.stderr);
    assert_eq!(server.targets(), ["/token", "/items", "/token", "/items"]);
}

#[test]
fn credentials_leave_only_for_hosts_that_are_allowed() {
    let other = Scripted::start(|_: &Request| page(2, "null"));
    let elsewhere = format!("\"{}/items?page=2\"", other.url());
    let server = Scripted::start(move |_: &Request| page(1, &elsewhere));
    let auth = "auth: { type: api_key, name: X-Key, api_key: \"${KEY}\" }";
    let client = format!("  base_url: {}\n  {auth}", server.url());
    let (_, refused) = run(&client, ITEMS);
    refused.assert_code(1);
    assert!(refused.stderr.contains(&other.host()), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("allowed_hosts"),
        "{}",
        refused.stderr
    );
    assert!(other.requests().is_empty());

    let client = format!("{client}\n  allowed_hosts: [\"{}\"]", other.host());
    let (workspace, allowed) = run(&client, ITEMS);
    allowed.assert_code(0);
    assert_eq!(count(&workspace, "items"), 2);
    assert_eq!(other.requests()[0].headers["x-key"], "hunter2-key");
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let proxy = Scripted::start(|request: &Request| {
        assert!(
            request.target.starts_with("http://api.example.test/"),
            "{}",
            request.target
        );
        Reply::json("[{\"id\": 1}]")
    });
    let workspace = Workspace::new();
    workspace.write(
        "shop.yaml",
        "client: { base_url: http://api.example.test }\nresources: [{ name: items, endpoint: { paginator: single_page } }]\n",
    );
    let mut command = workspace.command(["run", "shop.yaml"]);
    let output = command.env("HTTP_PROXY", proxy.url()).output().unwrap();
    Finished::from(output).assert_code(0);
    assert_eq!(count(&workspace, "items"), 1);
    assert_eq!(proxy.targets(), ["http://api.example.test/items"]);
}

fn token_client(server: &Scripted) -> String {
    format!(
        "  base_url: {url}\n  auth: {{ type: oauth2_client_credentials, access_token_url: {url}/token, client_id: me, \
         client_secret: \"${{SECRET}}\" }}",
        url = server.url()
    )
}

#[test]
fn a_token_endpoint_that_fails_is_told_without_the_secret() {
    for (status, requests) in [(500, 2), (400, 1)] {
        let server = Scripted::start(move |request: &Request| {
            Reply::status(status, format!("can't take `{}`", request.body))
        });
        let (_, finished) = run(&token_client(&server), ITEMS);
        finished.assert_code(1);
        let told = &finished.stderr;
        assert!(told.contains("/token"), "{told}");
        assert!(told.contains(&status.to_string()), "{told}");
        assert!(told.contains("client_secret=***"), "{told}");
        assert_eq!(server.requests().len(), requests, "{:?}", server.targets());
    }
    // One that passes costs nothing.
    let server = Scripted::start(|request: &Request| match request.target.as_str() {
        "/token" if request.time == 1 => Reply::status(503, "busy"),
        "/token" => Reply::json(r#"{"access_token": "hunter2-token"}"#),
        _ => page(1, "null"),
    });
    let (workspace, finished) = run(&token_client(&server), ITEMS);
    finished.assert_code(0);
    assert_eq!(count(&workspace, "items"), 1);
}

#[test]
fn the_client_secret_is_not_sent_after_a_redirect() {
    let other = Scripted::start(|_: &Request| Reply::json(r#"{"access_token": "stolen"}"#));
    let elsewhere = format!("{}/token", other.url());
    for status in [302, 307] {
        let elsewhere = elsewhere.clone();
        let server = Scripted::start(move |_: &Request| {
            Reply::status(status, "").with("Location", elsewhere.clone())
        });
        let (_, finished) = run(&token_client(&server), ITEMS);
        finished.assert_code(1);
        assert!(finished.stderr.contains("/token"), "{}", finished.stderr);
        for request in other.requests() {
            let all = format!("{request:?}");
            assert!(!all.contains("hunter2"), "{all}");
        }
    }
}

#[test]
fn a_redirect_takes_credentials_only_to_hosts_that_are_allowed() {
    for (allowed, key) in [("", None), ("  allowed_hosts: [HOST]", Some("hunter2-key"))] {
        let other = Scripted::start(|_: &Request| page(1, "null"));
        let elsewhere = format!("{}/items", other.url());
        let server = Scripted::start(move |_: &Request| Reply::redirect(elsewhere.clone()));
        let client = format!(
            "  base_url: {}\n  auth: {{ type: api_key, name: X-Key, api_key: \"${{KEY}}\" }}\n{}",
            server.url(),
            allowed.replace("HOST", &format!("\"{}\"", other.host()))
        );
        let (_, finished) = run(&client, ITEMS);
        let sent = other.requests().into_iter().next();
        let sent = sent.and_then(|request| request.headers.get("x-key").cloned());
        assert_eq!(sent.as_deref(), key, "{}", finished.stderr);
    }
}

#[test]
fn an_action_may_ask_for_a_fresh_token() {
    let server = Scripted::start(|request: &Request| {
        let token = request.headers.get("authorization").map(String::as_str);
        match (request.target.as_str(), token) {
            ("/token", _) => Reply::json(format!(
                r#"{{"access_token": "hunter2-token-{}"}}"#,
                request.time
            )),
            // An API that tells an old token in a success.
            (_, Some("Bearer hunter2-token-1")) => Reply::json(r#"{"error": "token_expired"}"#),
            _ => page(1, "null"),
        }
    });
    let items = "  - name: items\n    endpoint:\n      data_selector: items\n      paginator: json_link\n      \
                 response_actions: [{ when: body.error == 'token_expired', action: refresh_token }]\n";
    let (workspace, finished) = run(&token_client(&server), items);
    finished.assert_code(0);
    assert_eq!(count(&workspace, "items"), 1);
    assert_eq!(server.targets(), ["/token", "/items", "/token", "/items"]);
}

#[test]
fn a_proxys_password_is_not_shown_and_some_hosts_go_without_it() {
    let server = Scripted::start(|_: &Request| page(1, "null"));
    // Nothing listens there.
    let dead = "http://me:hunter2-proxy@127.0.0.1:9";
    let spec = format!(
        "client: {{ base_url: {}, retry: {{ max_attempts: 1 }} }}\nresources:\n{ITEMS}",
        server.url()
    );
    let workspace = Workspace::new();
    workspace.write("shop.yaml", &spec);
    let run = |variables: &[(&str, &str)]| {
        let mut command = workspace.command(["run", "shop.yaml"]);
        let command = command.envs(variables.iter().copied());
        Finished::from(command.output().unwrap())
    };
    let refused = run(&[("HTTP_PROXY", dead)]);
    refused.assert_code(1);
    let told = format!("{}{}", refused.stdout, refused.stderr);
    assert!(!told.contains("hunter2"), "{told}");
    assert!(server.requests().is_empty());
    run(&[("HTTP_PROXY", dead), ("NO_PROXY", "127.0.0.1")]).assert_code(0);
    // A proxy that tells what it got.
    let told = format!("me:hunter2-proxy {}", "bWU6aHVudGVyMi1wcm94eQ==");
    let proxy = Scripted::start(move |_: &Request| Reply::status(407, told.clone()));
    let address = format!("http://me:hunter2-proxy@{}", proxy.host());
    let refused = run(&[("HTTP_PROXY", &address)]);
    refused.assert_code(1);
    assert!(
        refused.stderr.contains("407 `me:*** ***"),
        "{}",
        refused.stderr
    );
    // What names no proxy must not lead past it.
    let before = server.requests().len();
    for wrong in [
        "gopher://me:hunter2-proxy@127.0.0.1:9",
        "http://me:hunter2-proxy@no such host/",
    ] {
        let refused = run(&[("HTTP_PROXY", wrong)]);
        refused.assert_code(1);
        assert!(
            refused.stderr.contains("`HTTP_PROXY`"),
            "{}",
            refused.stderr
        );
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
    assert_eq!(server.requests().len(), before);
    // What is said of HTTPS is said of HTTPS alone.
    run(&[("HTTPS_PROXY", dead)]).assert_code(0);
}

#[test]
fn a_secret_in_the_wrong_place_of_the_spec_is_not_shown() {
    for client in [
        "  base_url: http://127.0.0.1:9\n  auth: \"${SECRET}\"",
        "  base_url: http://127.0.0.1:9\n  auth: { type: \"${SECRET}\" }",
        "  base_url: http://127.0.0.1:9\n  auth: { type: api_key, api_key: \"${KEY}\", location: \"${SECRET}\" }",
        "  base_url: http://127.0.0.1:9\n  auth: hunter2-literal",
    ] {
        let (_, refused) = run(client, ITEMS);
        refused.assert_code(2);
        assert!(refused.stderr.contains("***"), "{}", refused.stderr);
    }
}
