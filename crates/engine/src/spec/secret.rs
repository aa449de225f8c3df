//! A value that must not be shown.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// A secret: its `Debug` is redacted, and it has no `Display`, so that formatting it into text doesn't compile.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself. Call it only where the value goes on the wire.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A secret that a variable has put into a spec.
#[derive(Clone, Debug)]
pub struct SecretVariable {
    /// The variable's name.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

/// Whether a key, parameter or header of that name usually holds a secret.
pub fn looks_secret(name: &str) -> bool {
    let name: String = name
        .to_ascii_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let inside = [
        "token",
        "secret",
        "password",
        "passwd",
        "pwd",
        "apikey",
        "accesskey",
        "credential",
        "signature",
        "cookie",
    ];
    matches!(
        name.as_str(),
        "key" | "sig" | "auth" | "authorization" | "proxyauthorization"
    ) || inside.iter().any(|part| name.contains(part))
}

/// Whether a header or parameter of that name may hold a secret: enough to mask its value, not to tell what it is for.
pub fn may_hold_secret(name: &str) -> bool {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_word = |word: &str| {
        matches!(
            word.to_ascii_lowercase().as_str(),
            "auth"
                | "bearer"
                | "creds"
                | "jwt"
                | "key"
                | "pass"
                | "passcode"
                | "passphrase"
                | "pat"
                | "session"
                | "sid"
                | "tok"
        )
    };
    looks_secret(name) || words.into_iter().any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets() {
        for name in ["X-Key", "shop_pat", "X-Shop-Auth", "account_sid", "db-pass"] {
            assert!(may_hold_secret(name) && !looks_secret(name), "{name}");
        }
        for name in ["apiToken", "Authorization", "X-Api-Key"] {
            assert!(may_hold_secret(name) && looks_secret(name), "{name}");
        }
        for name in ["path", "passenger", "patient_id", "account"] {
            assert!(!may_hold_secret(name), "{name}");
        }
    }
}
