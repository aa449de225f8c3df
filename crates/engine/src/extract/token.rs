//! Access tokens that are fetched (OAuth 2.0 client credentials, RFC 6749 section 4.4).

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded;

use super::auth::Authorization;
use super::redact::basic_credentials;
use super::request::Request;
use crate::plan::ClientCredentialsPlan;
use crate::spec::{ClientAuth, Secret};

/// How long before its end a token is renewed.
const RENEWAL_MARGIN: Duration = Duration::from_secs(30);

/// The part of a short life that is given up for the same, as a divisor.
const SHORTEST_LIFE_SHARE: u32 = 4;

/// The one token of all resources that share an `auth`.
pub(super) struct TokenSource {
    plan: ClientCredentialsPlan,
    /// Locked while a token is fetched, so that the others wait for that one.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many tokens there have been.
    generation: u64,
    token: Option<Token>,
}

struct Token {
    authorization: Authorization,
    renew_at: Instant,
}

/// What a token endpoint answered.
pub(super) struct Grant {
    pub(super) access_token: Secret,
    pub(super) expires_in: Option<Duration>,
}

/// A token in use, and which one it is.
pub(super) struct Current {
    pub(super) authorization: Authorization,
    pub(super) generation: u64,
}

impl TokenSource {
    pub(super) fn new(plan: ClientCredentialsPlan) -> Self {
        let given = plan.access_token.as_ref();
        // A token that a header can't carry is refused when the spec is read.
        let given = given.and_then(|token| Authorization::bearer(token).ok());
        let state = State {
            generation: 0,
            token: given.map(|authorization| Token {
                authorization,
                renew_at: renew_at(Instant::now(), plan.default_expiration),
            }),
        };
        Self {
            plan,
            state: Mutex::new(state),
        }
    }

    /// The token; fetched where there is none that holds, by one caller while the others wait.
    ///
    /// `refused` is the generation of a token that the API didn't take.
    pub(super) async fn get<E>(
        &self,
        refused: Option<u64>,
        fetch: impl Future<Output = Result<(Grant, Authorization), E>>,
    ) -> Result<Current, E> {
        let mut state = self.state.lock().await;
        let generation = state.generation;
        if let Some(token) = &state.token
            && refused != Some(generation)
            && Instant::now() < token.renew_at
        {
            return Ok(Current {
                authorization: token.authorization.clone(),
                generation,
            });
        }
        state.token = None;
        let asked_at = Instant::now();
        let (grant, authorization) = fetch.await?;
        let lifetime = grant.expires_in.unwrap_or(self.plan.default_expiration);
        state.generation += 1;
        state.token = Some(Token {
            authorization: authorization.clone(),
            renew_at: renew_at(asked_at, lifetime),
        });
        Ok(Current {
            authorization,
            generation: state.generation,
        })
    }

    /// The request that asks for a token.
    pub(super) fn request(&self) -> Request {
        let plan = &self.plan;
        let mut fields = Vec::new();
        let mut headers = HeaderMap::from_iter([(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )]);
        match plan.client_auth {
            ClientAuth::Body => fields.extend([
                ("client_id", plan.client_id.expose()),
                ("client_secret", plan.client_secret.expose()),
            ]),
            ClientAuth::Basic => {
                let credentials = basic_credentials(
                    &form_encoded(plan.client_id.expose()),
                    &form_encoded(plan.client_secret.expose()),
                );
                let mut value = HeaderValue::from_str(&format!("Basic {credentials}"))
                    .expect("Base64 holds only letters that a header can carry");
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
        }
        fields.push(("grant_type", "client_credentials"));
        fields.retain(|(name, _)| plan.request_data.iter().all(|(other, _)| other != name));
        let given = plan.request_data.iter();
        fields.extend(given.map(|(name, value)| (name.as_str(), value.expose())));
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        Request {
            method: Method::POST,
            url: plan.access_token_url.clone(),
            headers,
            body: Some(Bytes::from(body)),
        }
    }
}

impl Grant {
    /// Reads the answer of a token endpoint (RFC 6749, section 5.1); `None` where it has no `access_token`.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let answer: Value = serde_json::from_slice(body).ok()?;
        let access_token = answer.get("access_token")?.as_str()?;
        let expires_in = answer.get("expires_in").and_then(|value| match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        });
        let expires_in = expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        (!access_token.is_empty()).then(|| Self {
            access_token: Secret::new(access_token),
            expires_in: expires_in.filter(|lifetime| !lifetime.is_zero()),
        })
    }
}

/// When a token of that life is renewed.
fn renew_at(asked_at: Instant, lifetime: Duration) -> Instant {
    let margin = RENEWAL_MARGIN.min(lifetime / SHORTEST_LIFE_SHARE);
    // A life that no clock can hold is as good as a very long one.
    asked_at
        .checked_add(lifetime.saturating_sub(margin))
        .unwrap_or(asked_at + Duration::from_hours(24 * 365))
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(client_auth: ClientAuth) -> ClientCredentialsPlan {
        ClientCredentialsPlan {
            access_token_url: "https://login.test/token".parse().unwrap(),
            client_id: Secret::new("i d"),
            client_secret: Secret::new("s:t"),
            access_token: None,
            request_data: vec![("scope".to_owned(), Secret::new("read all"))],
            default_expiration: Duration::from_hours(1),
            client_auth,
        }
    }

    fn body(request: &Request) -> &str {
        str::from_utf8(request.body.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn asks_with_the_client_in_the_body_or_as_basic() {
        let request = TokenSource::new(plan(ClientAuth::Body)).request();
        assert_eq!(
            body(&request),
            "client_id=i+d&client_secret=s%3At&grant_type=client_credentials&scope=read+all"
        );
        assert!(!request.headers.contains_key(AUTHORIZATION));
        let request = TokenSource::new(plan(ClientAuth::Basic)).request();
        assert_eq!(
            body(&request),
            "grant_type=client_credentials&scope=read+all"
        );
        // `i+d:s%3At`
        assert_eq!(request.headers[AUTHORIZATION], "Basic aStkOnMlM0F0");
        let mut other = plan(ClientAuth::Body);
        other.request_data = vec![("grant_type".to_owned(), Secret::new("password"))];
        let request = TokenSource::new(other).request();
        assert_eq!(
            body(&request),
            "client_id=i+d&client_secret=s%3At&grant_type=password"
        );
    }

    #[test]
    fn reads_grants() {
        let read = |body: &str| {
            let grant = Grant::parse(body.as_bytes())?;
            Some((
                grant.access_token.expose().to_owned(),
                grant.expires_in.map(|life| life.as_secs()),
            ))
        };
        let token = |life| Some(("t".to_owned(), life));
        assert_eq!(
            read(r#"{"access_token":"t","expires_in":60}"#),
            token(Some(60))
        );
        assert_eq!(
            read(r#"{"access_token":"t","expires_in":"60"}"#),
            token(Some(60))
        );
        for unclear in ["null", "-1", "0", "\"soon\"", "1e400"] {
            let body = format!(r#"{{"access_token":"t","expires_in":{unclear}}}"#);
            let expected = if unclear == "1e400" {
                None
            } else {
                token(None)
            };
            assert_eq!(read(&body), expected, "{unclear}");
        }
        for none in [
            "",
            "[]",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":1}"#,
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    /// Takes a token as a request does, and says which one came.
    async fn take(source: &TokenSource, refused: Option<u64>, life: Option<u64>) -> u64 {
        let fetch = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let access_token = Secret::new("t");
            let authorization = Authorization::bearer(&access_token).unwrap();
            let expires_in = life.map(Duration::from_secs);
            let grant = Grant {
                access_token,
                expires_in,
            };
            Ok((grant, authorization))
        };
        let current: Result<Current, ()> = source.get(refused, fetch).await;
        current.unwrap().generation
    }

    #[tokio::test(start_paused = true)]
    async fn many_ask_and_one_fetches() {
        let source = TokenSource::new(plan(ClientAuth::Body));
        let start = Instant::now();
        let (one, two, three) = tokio::join!(
            take(&source, None, None),
            take(&source, None, None),
            take(&source, None, None)
        );
        assert_eq!((one, two, three), (1, 1, 1));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        // Two are refused with the same token: one fresh token serves both.
        let (one, two) = tokio::join!(take(&source, Some(1), None), take(&source, Some(1), None));
        assert_eq!((one, two), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn renews_before_the_end() {
        for (life, holds_for) in [(None, 3570), (Some(60), 45), (Some(4), 3)] {
            let source = TokenSource::new(plan(ClientAuth::Body));
            // It was fetched for a second, which counts.
            assert_eq!(take(&source, None, life).await, 1);
            tokio::time::sleep(Duration::from_millis(holds_for * 1000 - 1100)).await;
            assert_eq!(take(&source, None, life).await, 1, "{life:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(take(&source, None, life).await, 2, "{life:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_given_token_is_used_until_it_is_refused() {
        let mut plan = plan(ClientAuth::Body);
        plan.access_token = Some(Secret::new("given"));
        let source = TokenSource::new(plan);
        assert_eq!(take(&source, None, None).await, 0);
        assert_eq!(take(&source, Some(0), None).await, 1);
    }
}
