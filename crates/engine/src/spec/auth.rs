//! `auth`: the credentials of each request.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;

/// The credentials that are sent with every request to the base URL's origin, and nowhere else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "type", transform = super::schema::first_variant_needs_no_type)]
pub enum Auth {
    /// A token in `Authorization: Bearer …` (RFC 6750).
    Bearer(Bearer),
    /// A user name and a password (RFC 7617).
    HttpBasic(HttpBasic),
}

/// A token in `Authorization: Bearer …` (RFC 6750).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    /// The token. Take it from the environment: `"${TOKEN}"`.
    pub token: Secret,
}

/// A user name and a password (RFC 7617).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpBasic {
    /// The user name; many APIs take the API key here. Required, under this name or as `api_key`.
    pub username: Option<Secret>,
    /// The password. Default: empty.
    #[serde(default)]
    pub password: Secret,
    /// A synonym of `username`, for APIs that take the API key as the user name.
    pub api_key: Option<Secret>,
}
