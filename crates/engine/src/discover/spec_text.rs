//! The text of a spec, for people to read and go on with.

use super::endpoint::Endpoint;
use super::finding::{Discovered, Finding, Paging};
use super::setup::{AuthKind, Setup};
use super::yaml::{Yaml, list, scalar, ticked};
use crate::spec::{ApiKeyLocation, DEFAULT_API_KEY_NAME};

/// The name of the schema's file beside the spec.
pub(super) const SCHEMA_FILE: &str = "pipeline.schema.json";

/// The spec as a YAML file, with comments that say what was found and what else may be written.
///
/// `found` has an entry for each endpoint; `None` stands for one that was not asked, and gives a skeleton.
pub fn render(setup: &Setup, found: &[Option<Discovered>]) -> String {
    let mut yaml = Yaml::default();
    let name = &setup.name;
    yaml.line(0, &format!("# yaml-language-server: $schema={SCHEMA_FILE}"));
    yaml.line(0, "#");
    let origin = if found.iter().any(Option::is_some) {
        "`engine init` has written this file from the first answers of the API: what it found stands beside its evidence. \
         You know the API better: correct it."
    } else {
        "`engine init` has written this file without asking the API: each key that is commented out is for you to decide."
    };
    yaml.comment(0, origin);
    yaml.line(0, "#");
    yaml.line(
        0,
        &format!("#   engine check {name}.yaml     # finds mistakes"),
    );
    yaml.line(
        0,
        &format!("#   engine run {name}.yaml       # reads the API into ./data/{name}"),
    );
    yaml.line(0, "version: 1");
    yaml.line(0, &format!("name: {}", scalar(name)));
    yaml.line(0, "");
    client(&mut yaml, setup);
    yaml.line(0, "resources:");
    let found = found
        .iter()
        .map(Option::as_ref)
        .chain(std::iter::repeat(None));
    for (position, (endpoint, found)) in setup.endpoints.iter().zip(found).enumerate() {
        yaml.teaches = position == 0;
        resource(&mut yaml, endpoint, found);
        yaml.line(0, "");
    }
    yaml.comment(
        0,
        "A folder, or `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`.",
    );
    yaml.line(0, "destination:");
    yaml.line(1, &format!("url: {}", scalar(&format!("./data/{name}"))));
    yaml.text
}

fn client(yaml: &mut Yaml, setup: &Setup) {
    yaml.line(0, "client:");
    yaml.line(1, &format!("base_url: {}", scalar(&setup.base_url)));
    if !setup.headers.is_empty() {
        yaml.line(1, "headers:");
        for (name, value) in &setup.headers {
            yaml.line(2, &format!("{}: {}", scalar(name), scalar(value)));
        }
    }
    let variables = setup.variables();
    if !variables.is_empty() {
        let names: Vec<&str> = variables
            .iter()
            .map(|variable| variable.name.as_str())
            .collect();
        let names = names.join(" and ");
        yaml.comment(
            1,
            &format!("{names}: from the environment, or from the file `.env` beside this one."),
        );
    }
    let auth = auth(setup);
    if !auth.is_empty() {
        yaml.line(1, "auth:");
        for (key, value) in auth {
            yaml.line(2, &format!("{key}: {value}"));
        }
    }
    yaml.comment(
        1,
        "What the API allows, if you know it. Without it, runs slow down where the API answers 429.",
    );
    yaml.line(1, "# rate_limit: { requests: 10, per: 1s }");
    yaml.line(0, "");
}

/// The keys of `auth`, the secrets as variables; none without credentials.
fn auth(setup: &Setup) -> Vec<(&'static str, String)> {
    let mut variables = setup.variables().into_iter().map(|variable| {
        let default = if variable.is_optional { ":-" } else { "" };
        format!("\"${{{}{default}}}\"", variable.name)
    });
    let mut variable = |key| (key, variables.next().unwrap_or_default());
    let kind = |name: &str| ("type", name.to_owned());
    match &setup.auth {
        AuthKind::None => Vec::new(),
        AuthKind::Bearer => vec![kind("bearer"), variable("token")],
        AuthKind::Basic => vec![
            kind("http_basic"),
            variable("username"),
            variable("password"),
        ],
        AuthKind::ApiKey { name, location } => {
            let location = match location {
                ApiKeyLocation::Header => "header",
                ApiKeyLocation::Query => "query",
                ApiKeyLocation::Cookie => "cookie",
            };
            let name = name.as_deref().unwrap_or(DEFAULT_API_KEY_NAME);
            vec![
                kind("api_key"),
                ("name", scalar(name)),
                ("location", location.to_owned()),
                variable("api_key"),
            ]
        }
        AuthKind::ClientCredentials { access_token_url } => vec![
            kind("oauth2_client_credentials"),
            ("access_token_url", scalar(access_token_url)),
            variable("client_secret"),
            variable("client_id"),
        ],
    }
}

fn resource(yaml: &mut Yaml, endpoint: &Endpoint, found: Option<&Discovered>) {
    yaml.line(1, &format!("- name: {}", scalar(&endpoint.name)));
    if let Some(key) = found.and_then(|found| found.primary_key.as_ref()) {
        yaml.finding(2, key);
        yaml.line(2, &format!("primary_key: {}", list(&key.value)));
    } else {
        if found.is_some() {
            let text = "No field was found that tells the records apart; without one, nothing can be merged.";
            yaml.comment(2, text);
        }
        yaml.line(2, "# primary_key: id");
    }
    yaml.lesson(
        2,
        "Each run reads everything, and its rows replace the table. `merge` updates rows by their `primary_key` and keeps \
         those that the API gives no more; `append` only adds.",
    );
    yaml.line(2, "write_disposition: replace");
    yaml.line(2, "endpoint:");
    yaml.line(3, &format!("path: {}", scalar(&endpoint.path)));
    if !endpoint.params.is_empty() {
        yaml.line(3, "params:");
        for (name, values) in by_name(&endpoint.params) {
            yaml.line(4, &format!("{}: {}", scalar(name), list(&values)));
        }
    }
    let Some(found) = found else {
        yaml.lesson(
            3,
            "Where the records are, and how to get the next page: without these keys each run finds both from the first \
             answer.",
        );
        yaml.line(3, "# data_selector: data");
        yaml.line(
            3,
            "# paginator: { type: offset, limit: 100, total_path: total }",
        );
        incremental(yaml, None);
        return;
    };
    yaml.finding(3, &found.records);
    if !found.other_records.is_empty() {
        yaml.comment(
            3,
            &format!(
                "Others that would give records: {}.",
                ticked(&found.other_records)
            ),
        );
    }
    yaml.line(
        3,
        &format!("data_selector: {}", scalar(&found.records.value)),
    );
    match &found.paging {
        Paging::Found(paginator) => {
            yaml.finding(3, paginator);
            yaml.line(3, &format!("paginator: {}", paginator.value));
        }
        Paging::NoneSeen(reason) => {
            yaml.comment(3, &format!("Pages: {reason}."));
            yaml.lesson(
                3,
                "Without this key each run looks for pages in its own first answer; with it, one answer is all.",
            );
            yaml.line(3, "# paginator: single_page");
        }
        Paging::Unknown(reason) => {
            yaml.comment(
                3,
                &format!(
                    "Pages: there are more, and how to ask for them is for you to say ({reason})."
                ),
            );
            yaml.line(
                3,
                "# paginator: { type: page_number, page_param: page, base_page: 1, total_path: null }",
            );
        }
    }
    if found.cursor.is_none() {
        yaml.comment(3, "No time was found that moves when a record changes.");
    }
    incremental(yaml, found.cursor.as_ref());
    if !found.times.is_empty() {
        yaml.line(2, "columns:");
        for time in &found.times {
            yaml.finding(3, time);
            let field = scalar(&time.value.field);
            yaml.line(
                3,
                &format!(
                    "{field}: {{ data_type: timestamp, format: {} }}",
                    time.value.format
                ),
            );
        }
    }
}

/// What makes the resource incremental, for the user to complete: which parameter the API takes, no answer shows.
fn incremental(yaml: &mut Yaml, cursor: Option<&Finding<super::CursorFound>>) {
    yaml.lesson(
        3,
        "To read only what is new: take the parameter's name from the API's documentation (often `since` or \
         `updated_after`), uncomment these lines, and write `write_disposition: merge` above.",
    );
    let (path, initial_value, format) = match cursor {
        Some(cursor) => {
            yaml.finding(3, cursor);
            let found = &cursor.value;
            if found.is_creation {
                yaml.comment(3, "What is edited later is not read again by such a time.");
            }
            (
                found.path.as_str(),
                found.initial_value.as_str(),
                found.format,
            )
        }
        None => ("updated_at", "2024-01-01", None),
    };
    yaml.line(3, "# incremental:");
    yaml.line(3, &format!("#   cursor_path: {}", scalar(path)));
    yaml.line(3, &format!("#   initial_value: \"{initial_value}\""));
    if let Some(format) = format {
        yaml.line(3, &format!("#   format: {format}"));
    }
    yaml.line(3, "#   start_param: since");
}

/// Parameters that come several times, together.
fn by_name(params: &[(String, String)]) -> indexmap::IndexMap<&str, Vec<String>> {
    let mut together: indexmap::IndexMap<&str, Vec<String>> = indexmap::IndexMap::new();
    for (name, value) in params {
        together.entry(name).or_default().push(value.clone());
    }
    together
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::{Source, Variables};

    proptest! {
        #[test]
        fn any_header_comes_back(value in "[ -~]{0,20}") {
            let setup = Setup {
                name: "shop".to_owned(),
                base_url: "https://api.example.com".to_owned(),
                headers: vec![("X-Any".to_owned(), value.clone())],
                endpoints: vec![Endpoint::parse("things").unwrap()],
                ..Setup::default()
            };
            let (_, pipeline) = Source::read("shop.yaml", &render(&setup, &[]), &Variables::default()).unwrap();
            prop_assert_eq!(&pipeline.client.headers["X-Any"], &value);
        }
    }
}
