//! Credentials as they go on the wire.

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE, InvalidHeaderValue};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::redact::{Redactor, basic_credentials};
use super::token::TokenSource;
use crate::plan::{ApiKeyPlace, AuthPlan};
use crate::spec::Secret;

/// Where the credentials of a resource's requests come from.
pub(super) enum Credentials {
    /// They stay the same.
    Fixed(Authorization),
    /// They are fetched and renewed.
    Token(Box<TokenSource>),
}

/// What is added to a request.
#[derive(Clone)]
pub(super) enum Authorization {
    Nothing,
    Header(HeaderName, HeaderValue),
    /// The whole `name=value`.
    Cookie(HeaderValue),
    Query(String, Secret),
}

impl Credentials {
    /// Fails where a credential holds a character that a header can't carry.
    pub(super) fn new(plan: &AuthPlan) -> Result<Self, InvalidHeaderValue> {
        Ok(Self::Fixed(match plan {
            AuthPlan::Anonymous => Authorization::Nothing,
            AuthPlan::HttpBasic { username, password } => {
                let credentials = basic_credentials(username.expose(), password.expose());
                Authorization::Header(AUTHORIZATION, sensitive(&format!("Basic {credentials}"))?)
            }
            AuthPlan::Bearer { token } => Authorization::bearer(token)?,
            AuthPlan::ApiKey { api_key, place } => match place {
                ApiKeyPlace::Header(name) => {
                    Authorization::Header(name.clone(), sensitive(api_key.expose())?)
                }
                ApiKeyPlace::Cookie(name) => {
                    Authorization::Cookie(sensitive(&format!("{name}={}", api_key.expose()))?)
                }
                ApiKeyPlace::Query(name) => Authorization::Query(name.clone(), api_key.clone()),
            },
            AuthPlan::ClientCredentials(plan) => {
                let source = TokenSource::new(plan.clone());
                return Ok(Self::Token(Box::new(source)));
            }
        }))
    }
}

impl Authorization {
    /// RFC 6750.
    pub(super) fn bearer(token: &Secret) -> Result<Self, InvalidHeaderValue> {
        Ok(Self::Header(
            AUTHORIZATION,
            sensitive(&format!("Bearer {}", token.expose()))?,
        ))
    }

    /// Adds itself to a request that goes where credentials may go. A key in the query takes the place of one that is
    /// there already, as in a next link that echoes it.
    pub(super) fn apply(&self, url: &mut Url, headers: &mut HeaderMap) {
        match self {
            Self::Nothing => {}
            Self::Header(name, value) => {
                headers.insert(name.clone(), value.clone());
            }
            Self::Cookie(pair) => {
                headers.append(COOKIE, pair.clone());
            }
            Self::Query(name, value) => {
                let is_there = url.query_pairs().any(|(known, _)| known == name.as_str());
                if is_there {
                    let kept: Vec<(String, String)> = url
                        .query_pairs()
                        .into_owned()
                        .filter(|(known, _)| known != name)
                        .collect();
                    url.query_pairs_mut().clear().extend_pairs(kept);
                }
                url.query_pairs_mut().append_pair(name, value.expose());
            }
        }
    }
}

/// The credentials that the resources of a pipeline use, each set up once: equal settings share one token.
#[derive(Default)]
pub(super) struct Keyring(Vec<(AuthPlan, Arc<Credentials>)>);

impl Keyring {
    /// The credentials of a plan; the redactor learns them when they are set up.
    pub(super) fn get(
        &mut self,
        plan: &AuthPlan,
        redactor: &mut Redactor,
    ) -> Result<Arc<Credentials>, InvalidHeaderValue> {
        if let Some((_, credentials)) = self.0.iter().find(|(known, _)| known == plan) {
            return Ok(Arc::clone(credentials));
        }
        redactor.learn_credentials(plan);
        let credentials = Arc::new(Credentials::new(plan)?);
        self.0.push((plan.clone(), Arc::clone(&credentials)));
        Ok(credentials)
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(plan: &AuthPlan, url: &str) -> (String, HeaderMap) {
        let Credentials::Fixed(authorization) = Credentials::new(plan).unwrap() else {
            panic!("the credentials are fetched");
        };
        let (mut url, mut headers) = (url.parse().unwrap(), HeaderMap::new());
        authorization.apply(&mut url, &mut headers);
        (url.to_string(), headers)
    }

    fn api_key(place: ApiKeyPlace) -> AuthPlan {
        AuthPlan::ApiKey {
            api_key: Secret::new("k&y"),
            place,
        }
    }

    #[test]
    fn writes_headers() {
        let basic = AuthPlan::HttpBasic {
            username: Secret::new("Aladdin"),
            password: Secret::new("open sesame"),
        };
        let (_, headers) = applied(&basic, "https://a.b");
        assert_eq!(headers[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{headers:?}").contains("QWxh"));
        let bearer = AuthPlan::Bearer {
            token: Secret::new("t"),
        };
        assert_eq!(applied(&bearer, "https://a.b").1[AUTHORIZATION], "Bearer t");
        assert!(applied(&AuthPlan::Anonymous, "https://a.b").1.is_empty());
        let name = HeaderName::from_static("x-key");
        let (_, headers) = applied(&api_key(ApiKeyPlace::Header(name)), "https://a.b");
        assert_eq!(headers["x-key"], "k&y");
        let (_, headers) = applied(&api_key(ApiKeyPlace::Cookie("k".to_owned())), "https://a.b");
        assert_eq!(headers[COOKIE], "k=k&y");
    }

    #[test]
    fn writes_the_query_once() {
        let plan = api_key(ApiKeyPlace::Query("key".to_owned()));
        let check = |url: &str, expected: &str| assert_eq!(applied(&plan, url).0, expected);
        check("https://a.b/x", "https://a.b/x?key=k%26y");
        check("https://a.b/x?page=2", "https://a.b/x?page=2&key=k%26y");
        check(
            "https://a.b/x?key=old&page=2",
            "https://a.b/x?page=2&key=k%26y",
        );
    }

    #[test]
    fn refuses_a_token_with_a_line_break() {
        let plan = AuthPlan::Bearer {
            token: Secret::new("t\nx"),
        };
        assert!(Credentials::new(&plan).is_err());
    }

    #[test]
    fn equal_settings_share_their_credentials() {
        let mut keyring = Keyring::default();
        let mut get = |token: &str| {
            let token = Secret::new(token);
            keyring
                .get(&AuthPlan::Bearer { token }, &mut Redactor::default())
                .unwrap()
        };
        assert!(Arc::ptr_eq(&get("one"), &get("one")));
        assert!(!Arc::ptr_eq(&get("one"), &get("two")));
    }
}
