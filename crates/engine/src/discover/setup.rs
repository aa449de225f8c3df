//! What the user says of an API before anything is known of it.

use super::endpoint::Endpoint;
use crate::spec::{ApiKeyLocation, looks_secret};

/// An API and what is to be read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Name of the pipeline: letters, digits, `_` and `-`.
    pub name: String,
    /// The URL that all paths lie below.
    pub base_url: String,
    /// The credentials.
    pub auth: AuthKind,
    /// The variable that holds the secret; by default it is made of the name, such as `GITHUB_TOKEN`.
    pub token_variable: Option<String>,
    /// Headers that every request has, no secrets among them.
    pub headers: Vec<(String, String)>,
    /// What is read; at least one.
    pub endpoints: Vec<Endpoint>,
}

/// A kind of credentials, as a spec has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthKind {
    /// No credentials.
    #[default]
    None,
    /// A token in `Authorization: Bearer …`.
    Bearer,
    /// A user name and a password.
    Basic,
    /// A key in a header, in the query or in a cookie.
    ApiKey {
        /// The name of the header, parameter or cookie; by default `Authorization`.
        name: Option<String>,
        /// Where it is sent.
        location: ApiKeyLocation,
    },
    /// A token that is fetched for a client id and a secret.
    ClientCredentials {
        /// The whole URL of the token endpoint.
        access_token_url: String,
    },
}

/// A variable that the spec names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name, such as `GITHUB_TOKEN`.
    pub name: String,
    /// What it holds, such as `the token`.
    pub meaning: &'static str,
    /// Whether a spec runs without it.
    pub is_optional: bool,
}

/// What is wrong with a [`Setup`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: {help}")]
pub struct SetupError {
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

impl Setup {
    /// Checks what can be checked before there is a spec.
    pub fn check(&self) -> Result<(), SetupError> {
        let wrong = |problem: String, help: &str| {
            let help = help.to_owned();
            Err(SetupError { problem, help })
        };
        check_name(&self.name)?;
        for (name, value) in &self.headers {
            if looks_secret(name) {
                let problem = format!("the header `{name}` looks like a secret");
                return wrong(
                    problem,
                    "the file would show it; give it as `--auth api-key --key-name`",
                );
            }
            if name.is_empty() || value.contains(char::is_control) {
                return wrong(format!("`{name}` can't be a header"), "write `NAME: VALUE`");
            }
        }
        if let Some(name) = &self.token_variable
            && !is_variable(name)
        {
            let problem = format!("`{name}` is no name for a variable");
            return wrong(
                problem,
                "use capital letters, digits and `_`, such as `GITHUB_TOKEN`",
            );
        }
        if let AuthKind::ApiKey {
            name: Some(name), ..
        } = &self.auth
            && (name.is_empty()
                || name.contains(|letter: char| letter.is_control() || letter == ' '))
        {
            return wrong(
                format!("`{name}` is no name for a key"),
                "such as `X-Api-Key`",
            );
        }
        for (position, endpoint) in self.endpoints.iter().enumerate() {
            let before = self.endpoints.iter().take(position);
            if before
                .clone()
                .any(|other| other.name.eq_ignore_ascii_case(&endpoint.name))
            {
                let problem = format!("two endpoints are called `{}`", endpoint.name);
                return wrong(problem, "name one of them, as in `--endpoint NAME=PATH`");
            }
        }
        Ok(())
    }

    /// The variables that the spec names, the secret first.
    pub fn variables(&self) -> Vec<Variable> {
        let stem: String = self.name.to_ascii_uppercase().replace('-', "_");
        // A variable's name begins with no digit.
        let stem = if stem.starts_with(|letter: char| letter.is_ascii_digit()) {
            format!("API_{stem}")
        } else {
            stem
        };
        let variable = |suffix: &str, meaning, is_optional| Variable {
            name: format!("{stem}_{suffix}"),
            meaning,
            is_optional,
        };
        let mut variables = match &self.auth {
            AuthKind::None => Vec::new(),
            AuthKind::Bearer => vec![variable("TOKEN", "the token", false)],
            AuthKind::Basic => vec![
                variable(
                    "USERNAME",
                    "the user name, or the key that stands in for one",
                    false,
                ),
                variable(
                    "PASSWORD",
                    "the password; empty where a key is the user name",
                    true,
                ),
            ],
            AuthKind::ApiKey { .. } => vec![variable("API_KEY", "the key", false)],
            AuthKind::ClientCredentials { .. } => vec![
                variable("CLIENT_SECRET", "the client secret", false),
                variable("CLIENT_ID", "the client id", false),
            ],
        };
        if let (Some(name), Some(first)) = (&self.token_variable, variables.first_mut()) {
            first.name.clone_from(name);
        }
        variables
    }
}

/// Checks the name of a pipeline.
pub fn check_name(name: &str) -> Result<(), SetupError> {
    if is_name(name) {
        return Ok(());
    }
    Err(SetupError {
        problem: format!("`{name}` is no name for a pipeline"),
        help: "use letters, digits, `_` and `-`, such as `github`".to_owned(),
    })
}

/// Whether a pipeline or a resource may be called so.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
}

fn is_variable(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_after_the_pipeline() {
        let names = |name: &str, auth: AuthKind, token_variable: Option<&str>| {
            let setup = Setup {
                name: name.to_owned(),
                auth,
                token_variable: token_variable.map(str::to_owned),
                ..Setup::default()
            };
            let names: Vec<String> = setup
                .variables()
                .into_iter()
                .map(|variable| variable.name)
                .collect();
            names.join(" ")
        };
        assert_eq!(names("my-shop", AuthKind::Bearer, None), "MY_SHOP_TOKEN");
        assert_eq!(names("1shop", AuthKind::Bearer, None), "API_1SHOP_TOKEN");
        assert_eq!(
            names("shop", AuthKind::Basic, Some("KEY")),
            "KEY SHOP_PASSWORD"
        );
        assert_eq!(names("shop", AuthKind::None, None), "");
    }
}
