//! `auth`: the credentials of each request.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;

/// The credentials that are sent with every request to the base URL's origin and to `allowed_hosts`, and nowhere else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "type", transform = super::schema::auth_by_name)]
pub enum Auth {
    /// A token in `Authorization: Bearer …` (RFC 6750).
    Bearer(Bearer),
    /// A key in a header, in the query or in a cookie.
    ApiKey(ApiKey),
    /// A user name and a password (RFC 7617).
    HttpBasic(HttpBasic),
    /// A token that is fetched for a client id and a secret (RFC 6749, section 4.4), and renewed before it expires.
    Oauth2ClientCredentials(Oauth2ClientCredentials),
    /// No credentials; null says the same.
    None(NoAuth),
}

/// A token in `Authorization: Bearer …` (RFC 6750).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    /// The token. Take it from the environment: `"${TOKEN}"`.
    pub token: Secret,
}

/// A key in a header, in the query or in a cookie.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The name of the header, the query parameter or the cookie. Default: `Authorization`.
    pub name: Option<String>,
    /// The key, sent as it is. Take it from the environment: `"${API_KEY}"`.
    pub api_key: Secret,
    /// Where the key is sent. Default: `header`.
    #[serde(default)]
    pub location: ApiKeyLocation,
}

/// Where an API key is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyLocation {
    /// In a header.
    #[default]
    Header,
    /// In the query of every request, next links included.
    #[serde(alias = "param")]
    Query,
    /// In a cookie.
    Cookie,
}

/// The name of an API key's header, parameter or cookie, unless the spec says otherwise.
pub const DEFAULT_API_KEY_NAME: &str = "Authorization";

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

/// A token that is fetched for a client id and a secret (RFC 6749, section 4.4), and sent in `Authorization: Bearer …`.
///
/// All resources with the same settings share one token. It is renewed before it expires, and once where the API
/// refuses it with 401.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oauth2ClientCredentials {
    /// The whole URL of the token endpoint. The client id and the secret go to its host, and to no other.
    #[schemars(example = "https://login.example.com/oauth/token")]
    pub access_token_url: String,
    /// The client id.
    pub client_id: Secret,
    /// The client secret. Take it from the environment: `"${CLIENT_SECRET}"`.
    pub client_secret: Secret,
    /// A token at hand, which is used until it expires or is refused. Default: none, one is fetched.
    pub access_token: Option<Secret>,
    /// What the token request holds besides, such as `scope` or `audience`; it wins over what is sent by itself
    /// (`client_id`, `client_secret`, and `grant_type: client_credentials`). Default: nothing.
    #[serde(default)]
    pub access_token_request_data: IndexMap<String, Secret>,
    /// Seconds that a token holds where the answer has no `expires_in`. Default: 3600.
    #[schemars(range(min = 1))]
    pub default_token_expiration: Option<u64>,
    /// How the client id and the secret are sent: in the form's `body`, or in a `basic` authorization. Default: `body`.
    #[serde(default)]
    pub client_auth: ClientAuth,
}

/// How a client shows itself to a token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// As `client_id` and `client_secret` in the form.
    #[default]
    Body,
    /// As user name and password of HTTP Basic, form-encoded first (RFC 6749, section 2.3.1).
    Basic,
}

/// How long a token holds where its answer doesn't say, in seconds.
pub const DEFAULT_TOKEN_EXPIRATION: u64 = 3600;

/// No credentials.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoAuth {}
