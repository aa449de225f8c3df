//! Compiling `auth`.

use http::{HeaderName, HeaderValue};
use url::Url;

use super::mistakes::{Mistakes, Place, Reported};
use crate::spec::{self, ApiKeyLocation, Auth, ClientAuth, Secret};

/// Credentials for each request.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AuthPlan {
    /// None.
    #[default]
    Anonymous,
    /// RFC 7617.
    HttpBasic {
        /// The user name.
        username: Secret,
        /// The password; empty where the API takes a key as the user name.
        password: Secret,
    },
    /// RFC 6750.
    Bearer {
        /// The token.
        token: Secret,
    },
    /// A key that is sent as it is.
    ApiKey {
        /// The key.
        api_key: Secret,
        /// Where it is sent.
        place: ApiKeyPlace,
    },
    /// A token that is fetched (RFC 6749, section 4.4) and sent as RFC 6750 says.
    ClientCredentials(ClientCredentialsPlan),
}

/// Where an API key is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiKeyPlace {
    /// In the header of that name.
    Header(HeaderName),
    /// In the query parameter of that name.
    Query(String),
    /// In the cookie of that name.
    Cookie(String),
}

/// See [`AuthPlan::ClientCredentials`].
#[derive(Clone, Debug, PartialEq)]
pub struct ClientCredentialsPlan {
    /// The token endpoint: the only place where the client id and the secret go.
    pub access_token_url: Url,
    /// The client id.
    pub client_id: Secret,
    /// The client secret.
    pub client_secret: Secret,
    /// A token at hand.
    pub access_token: Option<Secret>,
    /// Fields of the token request that win over those that are sent by themselves.
    pub request_data: Vec<(String, Secret)>,
    /// How long a token holds where its answer doesn't say.
    pub default_expiration: std::time::Duration,
    /// Whether the client id and the secret go as HTTP Basic rather than in the form.
    pub client_auth: ClientAuth,
}

pub(super) fn compile(
    auth: &Auth,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<AuthPlan, Reported> {
    match auth {
        Auth::None(_) => Ok(AuthPlan::Anonymous),
        Auth::Bearer(bearer) => Ok(AuthPlan::Bearer {
            token: in_header(&bearer.token, "token", place, mistakes)?,
        }),
        Auth::ApiKey(api_key) => compile_api_key(api_key, place, mistakes),
        Auth::HttpBasic(basic) => compile_basic(basic, place, mistakes),
        Auth::Oauth2ClientCredentials(credentials) => {
            compile_client_credentials(credentials, place, mistakes)
                .map(AuthPlan::ClientCredentials)
        }
    }
}

fn compile_api_key(
    auth: &spec::ApiKey,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<AuthPlan, Reported> {
    let name = auth.name.as_deref().unwrap_or(spec::DEFAULT_API_KEY_NAME);
    let name_place = place.key("name");
    let api_key = match auth.location {
        ApiKeyLocation::Query => required(&auth.api_key, "api_key", place, mistakes),
        ApiKeyLocation::Header => in_header(&auth.api_key, "api_key", place, mistakes),
        ApiKeyLocation::Cookie => {
            in_header(&auth.api_key, "api_key", place, mistakes).and_then(|api_key| {
                if api_key.expose().contains([';', ',', '"', '\\', ' ']) {
                    let message = "`api_key` holds a character that cookies can't hold";
                    return Err(mistakes.add(
                        "plan::auth",
                        &place.key("api_key"),
                        message,
                        "percent-encode it, if that is what the API expects".to_owned(),
                    ));
                }
                Ok(api_key)
            })
        }
    };
    // Cookies have names of the same letters as headers (RFC 6265, section 4.1.1).
    let token = HeaderName::from_bytes(name.as_bytes());
    let place = match (auth.location, token) {
        (ApiKeyLocation::Header, Ok(name)) => ApiKeyPlace::Header(name),
        (ApiKeyLocation::Cookie, Ok(_)) => ApiKeyPlace::Cookie(name.to_owned()),
        (ApiKeyLocation::Query, _) if !name.is_empty() => ApiKeyPlace::Query(name.to_owned()),
        _ => {
            let message = format!("`{name}` can't be the name of an API key there");
            return Err(mistakes.add("plan::auth", &name_place, message, None));
        }
    };
    Ok(AuthPlan::ApiKey {
        api_key: api_key?,
        place,
    })
}

fn compile_basic(
    basic: &spec::HttpBasic,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<AuthPlan, Reported> {
    let username = match (&basic.username, &basic.api_key) {
        (Some(username), None) => required(username, "username", place, mistakes),
        (None, Some(api_key)) => required(api_key, "api_key", place, mistakes),
        (None, None) => Err(mistakes.add(
            "plan::auth",
            place,
            "`http_basic` needs a `username`",
            "give `username` (and `password`), or `api_key` where the API takes its key as the user name".to_owned(),
        )),
        (Some(_), Some(_)) => Err(mistakes.add(
            "plan::auth",
            &place.key("api_key"),
            "`api_key` and `username` mean the same here",
            "keep one of the two".to_owned(),
        )),
    };
    Ok(AuthPlan::HttpBasic {
        username: username?,
        password: basic.password.clone(),
    })
}

fn compile_client_credentials(
    credentials: &spec::Oauth2ClientCredentials,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<ClientCredentialsPlan, Reported> {
    let url = token_url(
        &credentials.access_token_url,
        &place.key("access_token_url"),
        mistakes,
    );
    let client_id = required(&credentials.client_id, "client_id", place, mistakes);
    let client_secret = required(&credentials.client_secret, "client_secret", place, mistakes);
    let access_token = credentials
        .access_token
        .as_ref()
        .map(|token| in_header(token, "access_token", place, mistakes))
        .transpose();
    let expiration = credentials
        .default_token_expiration
        .unwrap_or(spec::DEFAULT_TOKEN_EXPIRATION);
    if expiration == 0 {
        mistakes.add(
            "plan::auth",
            &place.key("default_token_expiration"),
            "`default_token_expiration` must be at least 1",
            "it is how long a token holds, in seconds".to_owned(),
        );
    }
    Ok(ClientCredentialsPlan {
        access_token_url: url?,
        client_id: client_id?,
        client_secret: client_secret?,
        access_token: access_token?,
        request_data: credentials
            .access_token_request_data
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        default_expiration: std::time::Duration::from_secs(expiration),
        client_auth: credentials.client_auth,
    })
}

/// The text is not shown: it may hold a key.
fn token_url(text: &str, place: &Place, mistakes: &mut Mistakes) -> Result<Url, Reported> {
    let help = "write the whole URL, such as `https://login.example.com/oauth/token`";
    let problem = match Url::parse(text) {
        Err(error) => format!("`access_token_url` isn't a URL: {error}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            format!("`access_token_url` starts with `{}:`", url.scheme())
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "`access_token_url` holds credentials".to_owned()
        }
        Ok(url) => return Ok(url),
    };
    Err(mistakes.add("plan::auth", place, problem, help.to_owned()))
}

fn required(
    secret: &Secret,
    key: &str,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Secret, Reported> {
    if secret.expose().is_empty() {
        return Err(mistakes.add(
            "plan::auth",
            &place.key(key),
            format!("`{key}` is empty"),
            "check the variable that it comes from".to_owned(),
        ));
    }
    Ok(secret.clone())
}

/// A secret that is sent in a header.
fn in_header(
    secret: &Secret,
    key: &str,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Secret, Reported> {
    let secret = required(secret, key, place, mistakes)?;
    if HeaderValue::from_str(secret.expose()).is_err() {
        return Err(mistakes.add(
            "plan::auth",
            &place.key(key),
            format!("`{key}` holds a character that headers can't hold"),
            "look for a line break at the end of the variable that it comes from".to_owned(),
        ));
    }
    Ok(secret)
}
