//! What `engine init` takes.

use clap::{Args, ValueEnum};
use engine::discover::{AuthKind, Endpoint, Setup};
use engine::spec::ApiKeyLocation;

/// Looks at an API, and writes the spec of a pipeline that reads it.
///
/// Each endpoint is asked for its first two pages. From the answers come where the records are, how pages follow each other,
/// which fields tell the records apart, and which numbers are times; each with its evidence, here and in the file. On a
/// terminal, what is missing is asked for.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine init github --base-url https://api.github.com --auth bearer --endpoint repos/rust-lang/cargo/issues
  engine init shop --base-url https://api.example.com/v1 --auth api-key --key-name X-Api-Key --endpoint orders --endpoint items
  engine init pokemon --base-url https://pokeapi.co/api/v2 --endpoint pokemon

The secret is read from a variable of the environment or of `.env`, such as GITHUB_TOKEN. It is written to `.env`, for its
owner alone to read, and nowhere else.

Exit codes: 0 done; 1 the API gave nothing to go by, and nothing was written; 2 bad usage.")]
pub(crate) struct InitArguments {
    /// Name of the pipeline, which its file gets: `NAME.yaml`.
    pub(crate) name: Option<String>,
    /// The URL that all paths lie below, such as `https://api.example.com/v1`.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// A path below the base URL to read, such as `orders` or `orders?status=any`; `NAME=PATH` names its table. May be given
    /// several times.
    #[arg(long = "endpoint", value_name = "PATH")]
    pub(crate) endpoints: Vec<String>,
    /// How the API takes credentials. Default: none.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) auth: Option<Auth>,
    /// The variable with the token, the key, the user name (`basic`) or the client secret (`oauth2`). Default: made of the
    /// name, such as `GITHUB_TOKEN`.
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) token_env: Option<String>,
    /// The header, parameter or cookie of an `api-key`. Default: `Authorization`.
    #[arg(long, value_name = "NAME")]
    pub(crate) key_name: Option<String>,
    /// Where an `api-key` is sent. Default: in a header.
    #[arg(long, value_enum, value_name = "PLACE")]
    pub(crate) key_in: Option<KeyPlace>,
    /// The whole URL of the token endpoint, for `oauth2`.
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,
    /// A header that every request has, such as `Notion-Version: 2022-06-28`; no secret. May be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Asks nothing of the API, and writes a skeleton to fill in.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Writes `NAME.yaml` anew where it is there already.
    #[arg(long)]
    pub(crate) force: bool,
}

/// A kind of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// No credentials.
    None,
    /// A token in `Authorization: Bearer …`.
    Bearer,
    /// A user name and a password; or a key as the user name.
    Basic,
    /// A key in a header, in the query or in a cookie.
    ApiKey,
    /// A token that is fetched for a client id and a secret.
    #[value(name = "oauth2")]
    Oauth2,
}

/// Where an API key is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyPlace {
    Header,
    Query,
    Cookie,
}

impl InitArguments {
    /// What the arguments say, or what is wrong with them. Values that may hold a secret are not repeated.
    pub(crate) fn setup(&self) -> Result<Setup, String> {
        let endpoints = self.endpoints.iter().map(|text| Endpoint::parse(text));
        let endpoints = endpoints.collect::<Result<_, _>>();
        let setup = Setup {
            name: self.name.clone().unwrap_or_default(),
            base_url: self.base_url.clone().unwrap_or_default(),
            auth: self.auth_kind()?,
            token_variable: self.token_env.clone(),
            headers: self
                .headers
                .iter()
                .map(|text| header(text))
                .collect::<Result<_, _>>()?,
            endpoints: endpoints.map_err(|error| error.to_string())?,
        };
        Ok(setup)
    }

    fn auth_kind(&self) -> Result<AuthKind, String> {
        let auth = self.auth.unwrap_or(Auth::None);
        if auth != Auth::ApiKey && (self.key_name.is_some() || self.key_in.is_some()) {
            return Err("`--key-name` and `--key-in` go with `--auth api-key`".to_owned());
        }
        if auth != Auth::Oauth2 && self.token_url.is_some() {
            return Err("`--token-url` goes with `--auth oauth2`".to_owned());
        }
        Ok(match auth {
            Auth::None if self.token_env.is_some() => {
                return Err(
                    "`--token-env` names a secret, and `--auth` doesn't say how it is sent: add `--auth bearer`, `basic`, \
                     `api-key` or `oauth2`"
                        .to_owned(),
                );
            }
            Auth::None => AuthKind::None,
            Auth::Bearer => AuthKind::Bearer,
            Auth::Basic => AuthKind::Basic,
            Auth::ApiKey => AuthKind::ApiKey {
                name: self.key_name.clone(),
                location: match self.key_in {
                    None | Some(KeyPlace::Header) => ApiKeyLocation::Header,
                    Some(KeyPlace::Query) => ApiKeyLocation::Query,
                    Some(KeyPlace::Cookie) => ApiKeyLocation::Cookie,
                },
            },
            Auth::Oauth2 => AuthKind::ClientCredentials {
                access_token_url: self
                    .token_url
                    .clone()
                    .ok_or("`--auth oauth2` needs `--token-url`")?,
            },
        })
    }

    /// The flags without which there is nothing to ask.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let lacks = [
            ("NAME", self.name.is_none()),
            ("--base-url URL", self.base_url.is_none()),
            ("--endpoint PATH", self.endpoints.is_empty()),
        ];
        let missing = lacks.into_iter().filter(|(_, is_missing)| *is_missing);
        missing.map(|(flag, _)| flag).collect()
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("`--header` takes a name and a value, such as `Notion-Version: 2022-06-28`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
