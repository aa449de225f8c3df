//! Requests as they go on the wire: methods, encodings, bodies, placeholders, and what `resource_defaults` adds.

use crate::support::{Reply, Request, Scripted, Workspace};

/// Runs resources against a server that answers an empty list; gives what each path was asked for.
fn asked(resources: &str) -> Vec<Request> {
    let server = Scripted::start(|_: &Request| Reply::json("[]"));
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {}, headers: {{ X-Braces: '{{{{x}}}}' }} }}\n{resources}",
        server.url()
    );
    workspace.write("shop.yaml", &spec);
    workspace.engine(["run", "shop.yaml"]).assert_code(0);
    server.requests()
}

fn targets(resources: &str) -> Vec<String> {
    let mut targets: Vec<String> = asked(resources)
        .into_iter()
        .map(|request| request.target)
        .collect();
    targets.sort();
    targets
}

#[test]
fn values_are_encoded_as_the_spec_says() {
    let resources = "
resource_defaults: { endpoint: { paginator: single_page } }
resources:
  - { name: a, endpoint: { params: { l: [1, b c], t: true, n: null, e: '', f: 1.0, '{{k}}': '{{v}}' } } }
  - { name: b, endpoint: { list_encoding: comma, boolean_encoding: title, params: { l: [1, 2], t: true } } }
  - { name: c, endpoint: { list_encoding: brackets, boolean_encoding: number, params: { l: [1, 2], t: [true, false] } } }
  - { name: d, endpoint: { list_encoding: json, params: { l: [1, x] } } }
";
    assert_eq!(
        targets(resources),
        [
            "/a?l=1&l=b+c&t=true&e=&f=1.0&%7Bk%7D=%7Bv%7D",
            "/b?l=1%2C2&t=True",
            "/c?l%5B%5D=1&l%5B%5D=2&t%5B%5D=1&t%5B%5D=0",
            "/d?l=%5B1%2C%22x%22%5D",
        ]
    );
}

#[test]
fn placeholders_stand_in_names_and_values_with_filters() {
    let resources = "
resources:
  - name: a
    for_each: { day: [2024-01-31], team: [North West] }
    endpoint:
      path: \"days/{partition.day | strftime('%Y/%m')}/{partition.team}\"
      paginator: single_page
      params: { \"{partition.team | lower}\": \"{partition.day | add('1d') | date}\" }
      headers: { X-Team: \"{partition.team | replace(' ', '-')}\" }
";
    let requests = asked(resources);
    assert_eq!(
        requests[0].target,
        "/days/2024%2F01/North%20West?north+west=2024-02-01"
    );
    assert_eq!(requests[0].headers["x-team"], "North-West");
    assert_eq!(requests[0].headers["x-braces"], "{{x}}");
}

#[test]
fn bodies_are_json_forms_or_texts() {
    let resources = "
resource_defaults: { endpoint: { method: post, paginator: single_page } }
resources:
  - { name: a, endpoint: { json: {} } }
  - { name: b, endpoint: { data: {} } }
  - { name: c, endpoint: { data: [[k, 1], [k, b c], [n, null]] } }
  - { name: d, endpoint: { data: '<q/>' } }
  - { name: e, endpoint: { method: Query, json: { q: ['{{x}}', 1.50, true] } } }
";
    let mut requests = asked(resources);
    requests.sort_by(|one, other| one.target.cmp(&other.target));
    let shown: Vec<String> = requests
        .iter()
        .map(|request| {
            let media_type = request.headers.get("content-type");
            let media_type = media_type.map_or("-", String::as_str);
            format!("{} {media_type} {}", request.target, request.body)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "/a application/json {}",
            "/b - ",
            "/c application/x-www-form-urlencoded k=1&k=b+c",
            "/d - <q/>",
            r#"/e application/json {"q":["{x}",1.5,true]}"#,
        ]
    );
}

#[test]
fn defaults_are_merged_as_in_dlt() {
    let resources = "
resource_defaults:
  endpoint:
    path: never
    paginator: single_page
    params: { a: 1, b: 2, c: 3 }
    headers: { X-A: one, X-B: two }
resources:
  - plain
  - { name: own, endpoint: { params: { b: 20, c: null, d: 4 }, headers: { X-C: three } } }
  - { name: reset, endpoint: { params: null, headers: null } }
";
    let mut requests = asked(resources);
    requests.sort_by(|one, other| one.target.cmp(&other.target));
    let targets: Vec<&str> = requests.iter().map(|one| one.target.as_str()).collect();
    assert_eq!(
        targets,
        ["/own?b=20&d=4&a=1", "/plain?a=1&b=2&c=3", "/reset"]
    );
    let named = |request: &Request| -> Vec<String> {
        let own = ["x-a", "x-b", "x-c"].iter();
        own.filter(|name| request.headers.contains_key(**name))
            .map(|name| (*name).to_owned())
            .collect()
    };
    assert_eq!(named(&requests[0]), ["x-c"]);
    assert_eq!(named(&requests[1]), ["x-a", "x-b"]);
    assert_eq!(named(&requests[2]), [] as [&str; 0]);
}
