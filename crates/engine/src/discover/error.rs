//! Why nothing was found out.

use super::records::Missing;
use super::setup::SetupError;
use crate::extract;
use crate::spec::Diagnostics;

/// Why nothing was found out. No text in it holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the user said can't be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// What the user said gives no valid spec.
    #[error("{}", messages(.0))]
    Spec(Box<Diagnostics>),
    /// The HTTP client can't be set up.
    #[error("set up the client")]
    Client(#[source] Box<extract::Error>),
    /// The API gave no answer that can be used.
    #[error("look at `{endpoint}`: {}", told(source))]
    Request {
        /// Name of the resource.
        endpoint: String,
        /// What came.
        source: Box<extract::Error>,
    },
    /// The answer has no records.
    #[error("look at `{endpoint}`: no records were found in the answer `{excerpt}`")]
    NoRecords {
        /// Name of the resource.
        endpoint: String,
        /// The beginning of the answer.
        excerpt: String,
        /// What is there instead.
        missing: Missing,
    },
}

impl Error {
    /// What to try.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Setup(_) | Self::Spec(_) | Self::Client(_) => None,
            Self::Request { source, .. } => Some(advice(source).to_owned()),
            Self::NoRecords { missing, .. } => Some(match missing {
                Missing::EmptyList(path) => format!(
                    "the list `{path}` is empty, so that there is nothing to learn from: name a path or a query that \
                     gives records, or write a skeleton with `--offline`"
                ),
                Missing::Nothing => {
                    "the answer has nothing in it: check the path, or write a skeleton with `--offline`".to_owned()
                }
                Missing::Failure => {
                    "the answer tells of a failure, though its status is a success: check `--auth`, the key, the path \
                     and what headers the API wants (`--header`)"
                        .to_owned()
                }
                Missing::NoObjects => {
                    "the answer holds values that are no objects; a table needs records with fields: name another path"
                        .to_owned()
                }
            }),
        }
    }

    /// Whether the user's words are wrong, rather than the API's answers.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Setup(_) | Self::Spec(_))
    }
}

/// The failure itself; what errors say of the keys of a spec doesn't help who has none yet.
pub(super) fn told(error: &extract::Error) -> String {
    use extract::Error::{
        BadRequest, InvalidBody, NotFound, RateLimited, ServerFailed, Unauthorized,
    };
    match error {
        NotFound(answered)
        | RateLimited(answered)
        | BadRequest(answered)
        | ServerFailed(answered)
        | Unauthorized { answered, .. }
        | InvalidBody { answered, .. } => answered.to_string(),
        other => other.to_string(),
    }
}

fn advice(error: &extract::Error) -> &'static str {
    use extract::Error::{
        BadRequest, InvalidBody, NotFound, OtherOrigin, RateLimited, ServerFailed, Token,
        TooManyRedirects, Unauthorized, Unreachable,
    };
    match error {
        Unauthorized { answered, .. } if answered.status == 401 => {
            "the API doesn't take the credentials: check the key, and how the API's documentation sends it (`--auth bearer`, \
             `basic`, `api-key` with `--key-name`, or `oauth2`)"
        }
        Unauthorized { .. } => {
            "the API knows the credentials, or wants some, and they don't allow this: check `--auth`, what the key may read, \
             and whether the API wants a header such as `--header \"User-Agent: …\"`"
        }
        Token { .. } => "check `--token-url`, the client id and the client secret",
        NotFound(_) => {
            "there is nothing at this address: check `--base-url` (some APIs want a version such as `/v1` in it) and \
             `--endpoint`; some APIs answer so where the key is missing or may not read this"
        }
        InvalidBody { is_html: true, .. } => {
            "it looks like a page for people, a login page perhaps: the base URL of an API is often another, such as \
             `https://api.example.com` or `https://example.com/api/v1`"
        }
        InvalidBody { .. } => {
            "only APIs that answer in JSON can be read: perhaps a header or a parameter asks for it (`--header \"Accept: \
             application/json\"`, `--endpoint 'PATH?format=json'`)"
        }
        RateLimited(_) => "wait a while, and try again",
        BadRequest(_) => {
            "the API doesn't take this request: perhaps it wants a parameter (`--endpoint 'PATH?NAME=VALUE'`) or a header \
             (`--header \"NAME: VALUE\"`)"
        }
        ServerFailed(_) => {
            "the API has failed: try again later, or write a skeleton with `--offline`"
        }
        Unreachable { .. } => "check `--base-url`, and whether this machine reaches it",
        OtherOrigin { .. } | TooManyRedirects { .. } => {
            "give the address that the API is really at as `--base-url`: credentials go nowhere else"
        }
        _ => "check `--base-url` and `--endpoint`",
    }
}

/// The mistakes in the user's words; the file that they would be in doesn't exist.
fn messages(diagnostics: &Diagnostics) -> String {
    let mistakes = diagnostics.all.iter().map(|mistake| match &mistake.help {
        Some(help) => format!("{}: {help}", mistake.message),
        None => mistake.message.clone(),
    });
    mistakes.collect::<Vec<_>>().join("; ")
}
