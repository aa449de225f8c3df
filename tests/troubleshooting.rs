//! The messages in `docs/troubleshooting.md` are those that the command gives.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Bucket, Finished, Mood, Reply, Request, Scripted, Workspace, root};

/// Something that goes wrong: what the API answers, what the spec says of `orders`, and the exit code.
struct Trouble {
    name: &'static str,
    reply: fn(&Request) -> Reply,
    resource: &'static str,
    code: i32,
}

const SINGLE_PAGE: &str = "endpoint: { paginator: single_page }";

const TROUBLES: &[Trouble] = &[
    Trouble {
        name: "credentials are refused",
        reply: |_| Reply::status(401, r#"{"error":"invalid token"}"#),
        resource: SINGLE_PAGE,
        code: 1,
    },
    Trouble {
        name: "a right is missing",
        reply: |_| Reply::status(403, r#"{"error":"scope orders:read is missing"}"#),
        resource: SINGLE_PAGE,
        code: 1,
    },
    Trouble {
        name: "the path is wrong",
        reply: |_| Reply::status(404, r#"{"error":"not found"}"#),
        resource: SINGLE_PAGE,
        code: 1,
    },
    Trouble {
        name: "the API throttles",
        reply: |_| Reply::status(429, r#"{"error":"slow down"}"#).with("Retry-After", "0"),
        resource: SINGLE_PAGE,
        code: 1,
    },
    Trouble {
        name: "a page of HTML",
        reply: |_| Reply::json("<html><body>Sign in</body></html>"),
        resource: SINGLE_PAGE,
        code: 1,
    },
    Trouble {
        name: "the selector is wrong",
        reply: |_| Reply::json(r#"{"data":{"items":[{"id":1}]},"total":1}"#),
        resource: "endpoint: { data_selector: data.orders, paginator: single_page }",
        code: 1,
    },
    Trouble {
        name: "the total is missing",
        reply: |_| Reply::json(r#"{"items":[{"id":1}]}"#),
        resource: "endpoint: { data_selector: items, paginator: { type: offset, limit: 1, total_path: total } }",
        code: 1,
    },
    Trouble {
        name: "a page repeats itself",
        reply: |_| Reply::json(r#"{"items":[{"id":1}],"next":"/orders"}"#),
        resource: "endpoint: { data_selector: items, paginator: { type: json_link, next_url_path: next } }",
        code: 1,
    },
    Trouble {
        name: "a value breaks the contract",
        reply: |_| Reply::json(r#"[{"id":1},{"id":"A-2"}]"#),
        resource: "schema_contract: { data_type: freeze }, columns: { id: { data_type: bigint } }, endpoint: { paginator: \
                   single_page }",
        code: 1,
    },
    Trouble {
        name: "the key is missing",
        reply: |_| Reply::json(r#"[{"number":1}]"#),
        resource: "write_disposition: merge, primary_key: id, endpoint: { paginator: single_page }",
        code: 1,
    },
];

/// The page of troubles, the cases that it shows and no test has given yet, and the messages that it lacks.
struct Page {
    text: String,
    shown: Vec<String>,
    missing: String,
}

impl Page {
    fn read() -> Self {
        let text = std::fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
        let blocks = text.split("<!-- case: ").skip(1);
        let shown = blocks.map(|block| block.split(" -->").next().unwrap().to_owned());
        Self {
            shown: shown.collect(),
            missing: String::new(),
            text,
        }
    }

    /// What the page shows of a case must be what was said.
    fn check(&mut self, name: &str, said: &str) {
        let expected = format!("<!-- case: {name} -->\n```text\n{}\n```\n", said.trim_end());
        if !self.text.contains(&expected) {
            self.missing.push_str(&expected);
        }
        self.shown.retain(|shown| shown != name);
    }
}

fn spec(url: &str, resource: &str, destination: &str) -> String {
    format!(
        "name: shop\nclient: {{ base_url: '{url}', retry: {{ max_attempts: 2 }} }}\nresources: [{{ name: orders, {resource} \
         }}]\n{destination}"
    )
}

#[test]
fn each_message_of_the_page_is_what_the_command_says() {
    let mut page = Page::read();
    for trouble in TROUBLES {
        let server = Scripted::start(trouble.reply);
        let workspace = Workspace::new();
        workspace.write("shop.yaml", &spec(&server.url(), trouble.resource, ""));
        let finished = workspace.engine(["--quiet", "run", "shop.yaml"]);
        finished.assert_code(trouble.code);
        let said = finished
            .stderr
            .replace(&server.url(), "https://api.example.com");
        page.check(trouble.name, &said);
    }
    page.check("a variable is missing", &missing_variable());
    page.check("the bucket denies", &denied());
    page.check("another run works", &another_run());
    page.check("another pipeline's tables", &other_pipeline());
    page.check("other windows", &other_windows());
    assert!(
        page.missing.is_empty(),
        "the page should have:\n{}",
        page.missing
    );
    assert_eq!(
        page.shown,
        Vec::<String>::new(),
        "no test gives these messages"
    );
}

fn missing_variable() -> String {
    let workspace = Workspace::new();
    let text = "client:\n  base_url: https://api.example.com\n  auth: { type: bearer, token: \"${SHOP_TOKEN}\" }\nresources: [orders]\n";
    workspace.write("shop.yaml", text);
    let finished = workspace.engine(["run", "shop.yaml"]);
    finished.assert_code(2);
    finished.stderr
}

fn denied() -> String {
    let bucket = Bucket::s3();
    bucket.set_mood(Mood::ReadOnly);
    let workspace = Workspace::new();
    let spec = spec("http://127.0.0.1:1", SINGLE_PAGE, &bucket.destination());
    workspace.write("shop.yaml", &spec);
    let mut command = workspace.command(["run", "shop.yaml"]);
    command.envs(
        bucket
            .environment
            .iter()
            .map(|(name, value)| (*name, value)),
    );
    let finished = Finished::from(command.output().unwrap());
    finished.assert_code(1);
    let message = finished.stderr;
    let (before, behind) = message.split_once("http://").unwrap();
    let (_, path) = behind.split_once('/').unwrap();
    format!("{before}https://s3.example.com/{path}")
}

fn another_run() -> String {
    let go = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&go);
    let server = Scripted::start(move |_| {
        while !gone.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Reply::json("[]")
    });
    let workspace = Workspace::new();
    workspace.write("shop.yaml", &spec(&server.url(), SINGLE_PAGE, ""));
    let mut command = workspace.command(["run", "shop.yaml"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut first = command.spawn().unwrap();
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = workspace.engine(["run", "shop.yaml"]);
    go.store(true, Ordering::Relaxed);
    assert!(first.wait().unwrap().success());
    second.assert_code(1);
    let parts: Vec<&str> = second.stderr.split('`').collect();
    second
        .stderr
        .replace(&first.id().to_string(), "4711")
        .replace(&format!("`{}`", parts[1]), "`worker-1`")
        .replace(parts[3], "20240122T021500000000Z-1a2b3c4d")
}

fn other_pipeline() -> String {
    let server = Scripted::start(|_| Reply::json("[]"));
    let workspace = Workspace::new();
    let shop = spec(&server.url(), SINGLE_PAGE, "destination: { url: lake }\n");
    workspace.write("shop.yaml", &shop);
    workspace.write("billing.yaml", &shop.replace("name: shop", "name: billing"));
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    let finished = workspace.engine(["run", "billing.yaml"]);
    finished.assert_code(1);
    finished.stderr
}

fn other_windows() -> String {
    let server = Scripted::start(|request| {
        let from = request.parameter("from").unwrap().replace("%3A", ":");
        Reply::json(format!(r#"[{{"at": "{from}"}}]"#))
    });
    let workspace = Workspace::new();
    let resource = "endpoint: { paginator: single_page, incremental: { cursor_path: at, initial_value: '2024-01-01', window: \
                    1d, start_param: from, end_param: to } }";
    let shop = spec(&server.url(), resource, "");
    workspace.write("shop.yaml", &shop);
    workspace.write("wider.yaml", &shop.replace("1d", "7d"));
    let run = |name| workspace.engine(["--quiet", "run", name, "--now", "2024-01-10"]);
    run("shop.yaml").assert_code(0);
    let finished = run("wider.yaml");
    finished.assert_code(1);
    finished.stderr
}
