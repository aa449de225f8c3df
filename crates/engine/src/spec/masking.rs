//! Which parts of a spec hold secrets, by their keys, and its text without them.

use std::ops::Range;

use super::document::{Key, Kind, Node};
use super::secret::{looks_secret, may_hold_secret};

/// Replaces each byte of a secret that was written into the spec itself; places stay as they are.
pub(super) fn mask(text: &str, tree: &Node) -> String {
    let mut leaves = Vec::new();
    secret_leaves(tree, &looks_secret, false, &mut leaves);
    let is_only_a_variable = |span: &Range<usize>| {
        text.get(span.clone()).is_some_and(|value| {
            let value = value.trim_matches(['"', '\'']);
            value.starts_with("${")
                && value.find('}') == Some(value.len() - 1)
                && !value.contains(":-")
        })
    };
    let spans = leaves.into_iter().map(|leaf| leaf.span.clone());
    let secrets = spans.filter(|span| !is_only_a_variable(span));
    overwrite(text, secrets.chain(userinfo_spans(text)))
}

/// Masks a text that is not YAML: from each secret key to the end of its line.
pub(super) fn mask_lines(text: &str) -> String {
    let mut secrets = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut behind = start;
        for part in line.split_inclusive(':') {
            behind += part.len();
            let mut words = part.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
            let key = words.rfind(|word| !word.is_empty());
            let is_secret = |key: &str| looks_secret(key) || key == "username";
            if part.ends_with(':') && key.is_some_and(is_secret) {
                secrets.push(behind..start + line.trim_end().len());
                break;
            }
        }
        start += line.len();
    }
    overwrite(text, secrets.into_iter().chain(userinfo_spans(text)))
}

/// The text with each byte of these places replaced, but for ends of lines.
pub(super) fn overwrite(text: &str, places: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut masked = text.as_bytes().to_vec();
    for place in places {
        for byte in masked.get_mut(place).into_iter().flatten() {
            if *byte != b'\n' {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(masked).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// The `user:password` of every URL in the text.
fn userinfo_spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, separator)| {
        let start = at + separator.len();
        let rest = text.get(start..)?;
        let end = rest.find(|c: char| c == '/' || c == '?' || c == '#' || c.is_whitespace());
        let authority = rest.get(..end.unwrap_or(rest.len()))?;
        Some(start..start + authority.rfind('@')?)
    })
}

/// The texts of a spec that are credentials.
pub(super) fn secret_texts(tree: &Node) -> Vec<String> {
    let Kind::Mapping(entries) = &tree.kind else {
        return Vec::new();
    };
    let mut leaves = Vec::new();
    for (_, value) in entries.iter().filter(|(key, _)| key.name != "vars") {
        secret_leaves(value, &looks_secret, false, &mut leaves);
    }
    let texts = leaves.into_iter().filter_map(Node::as_text);
    let mut texts: Vec<String> = texts.map(ToOwned::to_owned).collect();
    secret_parameters(tree, &mut texts);
    texts
}

/// Where the defaults of variables stand that are put into credentials, those that name the account left out.
pub(super) fn secret_defaults(tree: &Node) -> Vec<Range<usize>> {
    let Some(Kind::Mapping(vars)) = tree.get("vars").map(|vars| &vars.kind) else {
        return Vec::new();
    };
    let credentials = secret_texts(tree);
    let is_account = |var: &Node| {
        let identity = var.get("identity").map(|identity| &identity.kind);
        matches!(identity, Some(Kind::Bool(true)))
    };
    let is_secret = |(key, var): &&(Key, Node)| {
        !is_account(var) && credentials.iter().any(|text| names(text, &key.name))
    };
    let default = |var: &'_ Node| match &var.kind {
        Kind::Mapping(_) => var.get("default").map(|default| default.span.clone()),
        _ => Some(var.span.clone()),
    };
    let secret = vars.iter().filter(is_secret);
    secret.filter_map(|(_, var)| default(var)).collect()
}

/// Values of secret-looking query parameters within a text, such as `items?api_key=${KEY}`.
fn secret_parameters(node: &Node, texts: &mut Vec<String>) {
    match &node.kind {
        Kind::Text(text) => {
            let parameters = text.value.split(['?', '&']).skip(1);
            let named = parameters.filter_map(|parameter| parameter.split_once('='));
            texts.extend(
                named
                    .filter(|(name, _)| may_hold_secret(name))
                    .map(|(_, value)| value.to_owned()),
            );
        }
        Kind::Sequence(items) => items.iter().for_each(|item| secret_parameters(item, texts)),
        Kind::Mapping(entries) => {
            for (_, value) in entries {
                secret_parameters(value, texts);
            }
        }
        _ => {}
    }
}

/// Whether a text puts in the variable of that name.
pub(super) fn names(text: &str, variable: &str) -> bool {
    let mut placeholders = text.split("${").skip(1);
    placeholders.any(|rest| {
        let behind = rest.strip_prefix(variable);
        behind.is_some_and(|behind| behind.starts_with(['}', ':']))
    })
}

/// Leaves that hold a credential, by their keys.
fn secret_leaves<'a>(
    node: &'a Node,
    looks: &dyn Fn(&str) -> bool,
    secret: bool,
    leaves: &mut Vec<&'a Node>,
) {
    match &node.kind {
        Kind::Mapping(entries) => {
            for (key, value) in entries {
                let name = key.name.to_ascii_lowercase();
                let within = match name.as_str() {
                    "auth" => true,
                    "type"
                    | "name"
                    | "location"
                    | "client_auth"
                    | "access_token_url"
                    | "default_token_expiration" => false,
                    name => secret || looks(name),
                };
                // A selector, a name or a type under such a key is no secret: a mapping of hints, a list of keys.
                let names_columns = matches!(
                    name.as_str(),
                    "columns" | "primary_key" | "merge_key" | "for_each"
                );
                let looks = match name.as_str() {
                    "headers" | "params" | "json" | "data" => &may_hold_secret,
                    _ => looks,
                };
                secret_leaves(value, looks, within && !names_columns, leaves);
            }
        }
        Kind::Sequence(items) => {
            for item in items {
                secret_leaves(item, looks, secret, leaves);
            }
        }
        Kind::Text(_) | Kind::Number(_) if secret => leaves.push(node),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_the_shown_source() {
        let text = "auth: { type: bearer, token: hunter2 }\nother: { password: \"hunter3\", x: \"${Y}\" }\n\
                    url: https://me:hunter4@a.example\n\
                    params: { api_key: '${KEY}' }\n";
        let masked = mask(text, &Node::parse(text).unwrap());
        assert_eq!(
            masked,
            "auth: { type: bearer, token: ******* }\nother: { password: *********, x: \"${Y}\" }\n\
             url: https://**********@a.example\nparams: { api_key: '${KEY}' }\n"
        );
    }

    #[test]
    fn secrets_are_masked_where_the_text_is_no_yaml() {
        assert_eq!(
            mask_lines("a: [1\nauth: { token: hunter2\nbase_url: http://me:hunter3@a\n"),
            "a: [1\nauth:*****************\nbase_url: http://**********@a\n"
        );
    }
}
