//! A path to read, as the user names it.

use super::setup::{SetupError, is_name};
use crate::spec::looks_secret;

/// One path of the API, which becomes a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name of the resource.
    pub name: String,
    /// The path below the base URL, without a query.
    pub path: String,
    /// The query, in its order.
    pub params: Vec<(String, String)>,
}

impl Endpoint {
    /// Reads `repos/x/y/issues?state=all`, or `open_issues=repos/x/y/issues` where the resource is to have another name.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        let wrong = |problem: String, help: &str| {
            let help = help.to_owned();
            SetupError { problem, help }
        };
        let (given, path) = match text.split_once('=') {
            Some((name, path)) if is_name(name) => (Some(name), path),
            _ => (None, text),
        };
        if path.contains(['{', '}']) {
            return Err(wrong(
                format!("`{path}` has a placeholder"),
                "write a path that the API answers, with a real id in it; placeholders go into the file later",
            ));
        }
        if path.contains("://") || path.contains(char::is_control) {
            return Err(wrong(
                "an endpoint is a path, and no whole URL".to_owned(),
                "write what follows the base URL, such as `v1/orders`",
            ));
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let params: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        if let Some((name, _)) = params.iter().find(|(name, _)| looks_secret(name)) {
            return Err(wrong(
                format!("the parameter `{name}` looks like a secret"),
                "the file would show it; give it as `--auth api-key --key-in query --key-name`",
            ));
        }
        let path = path.trim_matches('/');
        let name = given.map_or_else(|| name_of(path), str::to_owned);
        Ok(Self {
            name,
            path: path.to_owned(),
            params,
        })
    }

    /// Whether a list of that name in an answer is what the endpoint is about.
    pub(super) fn is_called(&self, name: &str) -> bool {
        name == self.name || name == name_of(&self.path)
    }
}

/// The last part of a path that is a name, without its file extension: `orders` of `admin/orders.json`.
fn name_of(path: &str) -> String {
    let parts = path
        .rsplit('/')
        .map(|part| part.split('.').next().unwrap_or(part));
    let names = parts.map(|part| {
        let letter = |letter: char| {
            if letter.is_ascii_alphanumeric() || letter == '-' {
                letter
            } else {
                '_'
            }
        };
        part.chars().map(letter).collect::<String>()
    });
    let is_word =
        |name: &String| is_name(name) && name.contains(|letter: char| letter.is_ascii_alphabetic());
    names
        .into_iter()
        .find(is_word)
        .unwrap_or_else(|| "records".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read() {
        let check = |text: &str, expected: &str| {
            let Endpoint { name, path, params } = Endpoint::parse(text).unwrap();
            let params: Vec<String> = params
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            assert_eq!(format!("{name} {path} {}", params.join(" ")), expected);
        };
        check("orders", "orders orders ");
        check("/v1/orders/", "orders v1/orders ");
        check(
            "repos/a/b/issues?state=all&labels=x%20y",
            "issues repos/a/b/issues state=all labels=x y",
        );
        check("states=agents/state", "states agents/state ");
        check("orders?status=any", "orders orders status=any");
        check("admin/orders.json", "orders admin/orders.json ");
        check("accounts/17", "accounts accounts/17 ");
        check("v0/app 1/Table%20x", "Table_20x v0/app 1/Table%20x ");
        check("", "records  ");
    }
}
