//! Writing a spec for people to read and go on with.

use std::fmt::Write as _;

use super::finding::{Certainty, Discovered, Finding, Paging};
use super::setup::{AuthKind, Endpoint, Setup};
use crate::spec::ApiKeyLocation;

/// Columns that a line of comment fills.
const WIDTH: usize = 110;

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
            &format!("The value of {names} comes from the environment, or from the file `.env` beside this one."),
        );
    }
    if let Some(auth) = auth(setup) {
        yaml.line(1, &format!("auth: {auth}"));
    }
    yaml.comment(
        1,
        "What the API allows, if you know it. Without it, runs slow down where the API answers 429.",
    );
    yaml.line(1, "# rate_limit: { requests: 10, per: 1s }");
    yaml.line(0, "");
}

fn auth(setup: &Setup) -> Option<String> {
    let variables = setup.variables();
    let variable = |position: usize| {
        let variable = variables.get(position)?;
        let default = if variable.is_optional { ":-" } else { "" };
        Some(format!("\"${{{}{default}}}\"", variable.name))
    };
    let first = variable(0)?;
    Some(match &setup.auth {
        AuthKind::None => return None,
        AuthKind::Bearer => format!("{{ type: bearer, token: {first} }}"),
        AuthKind::Basic => {
            format!(
                "{{ type: http_basic, username: {first}, password: {} }}",
                variable(1)?
            )
        }
        AuthKind::ApiKey { name, location } => {
            let location = match location {
                ApiKeyLocation::Header => "header",
                ApiKeyLocation::Query => "query",
                ApiKeyLocation::Cookie => "cookie",
            };
            let name = scalar(Setup::key_name(name.as_ref()));
            format!("{{ type: api_key, name: {name}, location: {location}, api_key: {first} }}")
        }
        AuthKind::ClientCredentials { access_token_url } => format!(
            "{{ type: oauth2_client_credentials, access_token_url: {}, client_id: {}, client_secret: {first} }}",
            scalar(access_token_url),
            variable(1)?
        ),
    })
}

fn resource(yaml: &mut Yaml, endpoint: &Endpoint, found: Option<&Discovered>) {
    yaml.line(1, &format!("- name: {}", scalar(&endpoint.name)));
    match found.and_then(|found| found.primary_key.as_ref()) {
        Some(key) => {
            yaml.finding(2, key);
            yaml.line(2, &format!("primary_key: {}", list(&key.value)));
        }
        None => {
            if found.is_some() {
                yaml.comment(2, "No field was found that tells the records apart; without one, nothing can be merged.");
            }
            yaml.line(2, "# primary_key: id");
        }
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
        yaml.comment(
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
            yaml.comment(
                3,
                &format!(
                    "Pages: {reason}. Without this key each run looks for pages in its own first answer; with it, one \
                     answer is all."
                ),
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

/// One value alone, or a list of several.
fn list(values: &[String]) -> String {
    match values {
        [only] => scalar(only),
        _ => {
            let texts: Vec<String> = values.iter().map(|text| scalar(text)).collect();
            format!("[{}]", texts.join(", "))
        }
    }
}

fn ticked(texts: &[String]) -> String {
    let texts: Vec<String> = texts
        .iter()
        .map(|text| format!("`{}`", one_line(text)))
        .collect();
    texts.join(", ")
}

/// A text as YAML reads it back, also within `{ }` and `[ ]`, and as the spec takes it: without variables.
fn scalar(text: &str) -> String {
    let is_plain_letter = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '/' | '-' | '$' | '*')
    };
    let begins_plainly = text.starts_with(|letter: char| {
        letter.is_ascii_alphabetic() || matches!(letter, '_' | '$' | '.' | '/')
    });
    let is_word = !matches!(
        text.to_ascii_lowercase().as_str(),
        "true"
            | "false"
            | "null"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "y"
            | "n"
            | ".nan"
            | ".inf"
            | "."
            | "---"
            | "..."
    );
    let is_number = text.parse::<f64>().is_ok();
    if begins_plainly && is_word && !is_number && text.chars().all(is_plain_letter) {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for letter in text.replace("${", "$${").chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(quoted, "\\u{:04x}", u32::from(letter))
                    .expect("writing to a string does not fail");
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A text from outside, as a comment can hold it.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

fn capital(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "Certain",
        Certainty::Likely => "Likely",
        Certainty::Guess => "A guess",
    }
}

#[derive(Default)]
struct Yaml {
    text: String,
    /// What holds for each resource is explained at the first one.
    teaches: bool,
}

impl Yaml {
    fn line(&mut self, level: usize, text: &str) {
        if !text.is_empty() {
            self.text.push_str(&"  ".repeat(level));
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Text in lines that begin with `#`.
    fn comment(&mut self, level: usize, text: &str) {
        let text = one_line(text);
        let mut line = String::from("#");
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if line.len() > 1 && line.chars().count() + word.chars().count() >= WIDTH {
                self.line(level, &line);
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(level, &line);
    }

    /// A comment that the first resource alone gets.
    fn lesson(&mut self, level: usize, text: &str) {
        if self.teaches {
            self.comment(level, text);
        }
    }

    fn finding<T>(&mut self, level: usize, finding: &Finding<T>) {
        let certainty = capital(finding.certainty);
        self.comment(level, &format!("{certainty}: {}.", finding.evidence));
    }
}
