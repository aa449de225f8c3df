//! `engine show`: one page about all tables and loads.

use engine::load::fail_point::FailPoint;

use crate::support::{Reply, Scripted, Workspace};

const EVIL: &str = "<script>alert('x')</script>";

fn shown(workspace: &Workspace, place: &str) -> String {
    let finished = workspace.engine(["show", place, "--to", "page.html"]);
    finished.assert_code(0);
    assert_eq!(finished.stdout, "");
    std::fs::read_to_string(workspace.path().join("page.html")).unwrap()
}

/// Every element that is opened is closed, in order; gives the elements by name.
fn elements(html: &str) -> Vec<&str> {
    let mut open = Vec::new();
    let mut all = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").unwrap();
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, behind) = tag.split_once('>').unwrap();
        rest = behind;
        assert!(!tag.contains('<'), "a bracket in <{tag}>");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed in the wrong order");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        all.push(name);
        if name != "meta" && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    all
}

fn count(elements: &[&str], name: &str) -> usize {
    elements.iter().filter(|element| **element == name).count()
}

#[test]
fn the_page_stands_by_itself_whatever_the_records_are_called() {
    let workspace = Workspace::new();
    for key in ["id", EVIL] {
        let spec = format!(
            "name: shop
client: {{ base_url: \"http://localhost:9\" }}
resources:
  - name: orders
    columns: {{ id: {{ description: \"{EVIL}\" }} }}
    data: [{{ \"{key}\": 1, \"a\\\"&b\": {{ c: 2 }} }}]
  - {{ name: lists, nested: tables, data: [{{ items: [{{ sku: 1 }}] }}] }}
"
        );
        workspace.write("shop.yaml", &spec);
        workspace
            .engine(["run", "shop.yaml", "--destination", "la<b>ke"])
            .assert_code(0);
    }
    let html = shown(&workspace, "la<b>ke");
    let elements = elements(&html);
    for from_elsewhere in ["script", "link", "img", "iframe", "a", "b>ke"] {
        assert_eq!(count(&elements, from_elsewhere), 0, "{from_elsewhere}");
    }
    for reference in ["src=", "href=", "url(", "@import", "http://", "https://"] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(html.contains("default-src 'none'"));
    // Loads and tables.
    assert_eq!(count(&elements, "details"), 2 + 3);
    assert_eq!(count(&elements, "svg"), 2);
    assert_eq!(count(&elements, "title"), 1 + 2 * 2);
    for text in ["lists__items", "orders", "2 rows", "a moment ago"] {
        assert!(html.contains(text), "{text}");
    }
    assert!(
        html.contains("&lt;script&gt;alert(&#x27;x&#x27;)&lt;&#x2f;script&gt;"),
        "{html}"
    );
    assert!(html.contains("orders, page 1, record 0"));
}

#[test]
fn failures_retries_and_lost_time_are_told() {
    let workspace = Workspace::new();
    let server = Scripted::start(|request| match request.target.as_str() {
        "/broken" => Reply::status(404, EVIL),
        "/slow" if request.time == 1 => Reply::status(429, "").with("Retry-After", "1"),
        _ => Reply::json(r#"[{"id": 1}]"#),
    });
    let spec = format!(
        "name: shop
client: {{ base_url: \"{}\" }}
resources:
  - {{ name: slow, endpoint: {{ path: slow, paginator: single_page }} }}
  - {{ name: broken, endpoint: {{ path: broken, paginator: single_page }} }}
",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    let lake = ["--destination", "lake"];
    workspace
        .engine(["run", "shop.yaml"].into_iter().chain(lake))
        .assert_code(3);
    let nothing = ["run", "shop.yaml", "-r", "broken"];
    workspace
        .engine(nothing.into_iter().chain(lake))
        .assert_code(1);
    let html = shown(&workspace, "lake");
    elements(&html);
    for text in [
        "2 of 2",
        "partly failed",
        ">failed<",
        "1 retry",
        "the server answered 404",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
}

#[test]
fn a_run_that_was_killed_is_told() {
    let workspace = Workspace::new();
    let spec = "name: shop
client: { base_url: \"http://localhost:9\" }
resources: [{ name: orders, data: [{ id: 1 }] }]
";
    workspace.write("shop.yaml", spec);
    let run = ["run", "shop.yaml", "--destination", "lake"];
    workspace.engine(run).assert_code(0);
    assert!(!shown(&workspace, "lake").contains("notice\">The load"));
    let mut killed = workspace.command(run);
    let killed = killed.env("ENGINE_FAIL_POINT", FailPoint::AllStaged.name());
    assert!(!killed.status().unwrap().success());
    let html = shown(&workspace, "lake");
    elements(&html);
    assert!(html.contains("has not come to its end"), "{html}");
    workspace.engine(run).assert_code(0);
    assert!(!shown(&workspace, "lake").contains("has not come to its end"));
}

#[test]
fn a_place_without_tables_is_an_error_and_leaves_no_file() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path().join("empty")).unwrap();
    for (place, code) in [("nowhere", 2), ("empty", 1)] {
        workspace.engine(["show", place]).assert_code(code);
    }
    assert!(!workspace.path().join("engine-show.html").exists());
    assert!(!workspace.path().join("nowhere").exists());
}
