//! A request as a line for a shell that shows no secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, Method, header};
use url::Url;

use super::redact::{MASK, Redactor, SHORTEST_FOUND_BY_NAME};
use crate::spec::may_hold_secret;

/// A request as it goes on the wire.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a Method,
    /// With the credentials that go there.
    pub(super) url: &'a Url,
    /// With the credentials that go there.
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Option<&'a [u8]>,
}

/// The characters that stand for variables until the line is quoted: a plane that is for private use.
const FIRST_MARK: u32 = 0x10_0000;
const LAST_MARK: u32 = 0x10_FFFD;

impl Outgoing<'_> {
    /// The `curl` line. A secret that a variable has put in is written as that variable, any other as `***`.
    pub(super) fn curl(&self, redactor: &Redactor) -> String {
        let line = Line {
            redactor: &redactor.with_request(self.url, self.headers),
        };
        let mut words = vec!["curl".to_owned()];
        if self.method != Method::GET {
            words.extend(["-X".to_owned(), self.method.to_string()]);
        }
        words.push(line.quoted(&line.url(self.url)));
        for (name, value) in self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            words.extend(line.header(name, &value));
        }
        if let Some(body) = self.body {
            let body = line.shown(&String::from_utf8_lossy(body));
            words.extend(["--data-raw".to_owned(), line.quoted(&body)]);
        }
        words.join(" ")
    }
}

struct Line<'a> {
    redactor: &'a Redactor,
}

impl Line<'_> {
    fn header(&self, name: &HeaderName, value: &str) -> [String; 2] {
        if name == header::AUTHORIZATION
            && let Some((user, password)) = basic(value)
        {
            let user = format!("{}:{}", self.shown(&user), self.shown(&password));
            return ["-u".to_owned(), self.quoted(&user)];
        }
        let value = match value.split_once(' ') {
            Some((scheme, rest)) if name == header::AUTHORIZATION => {
                format!("{scheme} {}", self.shown(rest))
            }
            _ => self.shown(value),
        };
        let text = format!("{name}: {value}");
        ["-H".to_owned(), self.quoted(&text)]
    }

    fn url(&self, url: &Url) -> String {
        let mut url = url.clone();
        // Neither call can fail for a URL that has a host, and others have no user info.
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return MASK.to_owned();
        }
        url.set_fragment(None);
        match url.as_str().split_once('?') {
            Some((path, query)) => {
                let pairs: Vec<String> = query.split('&').map(|pair| self.pair(pair)).collect();
                format!("{}?{}", self.shown(path), pairs.join("&"))
            }
            None => self.shown(url.as_str()),
        }
    }

    fn pair(&self, pair: &str) -> String {
        let Some((name, value)) = pair.split_once('=') else {
            return self.shown(pair);
        };
        let shown = self.shown(value);
        // A shell would put the variable in as it is.
        if !value.contains(['%', '+']) && shown.chars().any(is_mark) {
            return format!("{name}={shown}");
        }
        if may_hold_secret(name) {
            return format!("{name}={MASK}");
        }
        self.redactor.text(pair)
    }

    /// A text without its secrets, with marks where variables have put some in.
    fn shown(&self, text: &str) -> String {
        // What came from elsewhere is no mark.
        let mut shown: String = text
            .chars()
            .map(|letter| if is_mark(letter) { '\u{fffd}' } else { letter })
            .collect();
        for (mark, (_, value)) in (FIRST_MARK..).zip(self.redactor.variables()) {
            let value = value.expose();
            let is_whole = shown == value && !value.is_empty();
            if (is_whole || value.len() >= SHORTEST_FOUND_BY_NAME)
                && let Some(mark) = char::from_u32(mark)
            {
                shown = shown.replace(value, mark.encode_utf8(&mut [0; 4]));
            }
        }
        self.redactor.text(&shown)
    }

    /// A word as a shell takes it.
    fn quoted(&self, text: &str) -> String {
        if !text.chars().any(is_mark) {
            return format!("'{}'", text.replace('\'', r"'\''"));
        }
        let mut word = String::from('"');
        for letter in text.chars() {
            let place = (u32::from(letter)).checked_sub(FIRST_MARK);
            let place = place.and_then(|place| usize::try_from(place).ok());
            let variable = place.and_then(|place| self.redactor.variables().get(place));
            match (variable, letter) {
                (Some((name, _)), _) => word.extend(["${", name, "}"]),
                (None, '"' | '$' | '`' | '\\') => word.extend(['\\', letter]),
                (None, letter) => word.push(letter),
            }
        }
        word.push('"');
        word
    }
}

fn is_mark(letter: char) -> bool {
    (FIRST_MARK..=LAST_MARK).contains(&u32::from(letter))
}

/// User and password of a Basic authorization.
fn basic(value: &str) -> Option<(String, String)> {
    let encoded = value.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::extract::redact::basic_credentials;
    use crate::plan::{AuthPlan, ClientPlan, MemoryPlan, RetryPlan, Timeouts};
    use crate::spec::{Secret, SecretVariable};

    fn redactor(auth: AuthPlan) -> Redactor {
        let variable = |name: &str, value: &str| SecretVariable {
            name: name.to_owned(),
            value: Secret::new(value),
        };
        Redactor::new(&ClientPlan {
            base_url: "https://a.b".parse().unwrap(),
            moved_from: Vec::new(),
            headers: Vec::new(),
            auth,
            allowed_hosts: Vec::new(),
            rate_limit: None,
            timeouts: Timeouts::default(),
            memory: MemoryPlan::default(),
            retry: RetryPlan {
                max_attempts: 1,
                statuses: Vec::new(),
                max_backoff: std::time::Duration::ZERO,
            },
            secrets: vec![variable("SHOP_KEY", "sk_live_123"), variable("PIN", "77")],
        })
    }

    fn curl(auth: AuthPlan, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        let outgoing = Outgoing {
            method: if body.is_some() {
                &Method::POST
            } else {
                &Method::GET
            },
            url: &url.parse().unwrap(),
            headers: &map,
            body: body.map(str::as_bytes),
        };
        outgoing.curl(&redactor(auth))
    }

    #[test]
    fn variables_stand_for_what_they_put_in() {
        let key = format!("Basic {}", basic_credentials("sk_live_123", ""));
        let line =
            |url: &str, headers: &[(&str, &str)]| curl(AuthPlan::Anonymous, url, headers, None);
        insta::assert_snapshot!(line("https://a.b/x?limit=2", &[("authorization", &key)]), @r#"curl 'https://a.b/x?limit=2' -u "${SHOP_KEY}:""#);
        insta::assert_snapshot!(line("https://a.b/x", &[("authorization", "Bearer sk_live_123")]), @r#"curl 'https://a.b/x' -H "authorization: Bearer ${SHOP_KEY}""#);
        insta::assert_snapshot!(line("https://a.b/x?api_key=sk_live_123&pin=77&q=177", &[]), @r#"curl "https://a.b/x?api_key=${SHOP_KEY}&pin=${PIN}&q=177""#);
        insta::assert_snapshot!(line("https://a.b/sk_live_123/x?$q=`1`&b=sk_live_123", &[]), @r#"curl "https://a.b/${SHOP_KEY}/x?\$q=\`1\`&b=${SHOP_KEY}""#);
    }

    #[test]
    fn other_secrets_are_masked() {
        let token = AuthPlan::Bearer {
            token: Secret::new("literal"),
        };
        insta::assert_snapshot!(curl(token.clone(), "https://u:pw@a.b/x?token=abc&page=2#f", &[("authorization", "Bearer literal")], None), @"curl 'https://a.b/x?token=***&page=2' -H 'authorization: Bearer ***'");
        insta::assert_snapshot!(curl(token, "https://a.b/x", &[("x-api-key", "another")], Some(r#"{"it's": "literal", "k": "sk_live_123"}"#)), @r#"curl -X POST 'https://a.b/x' -H 'x-api-key: ***' --data-raw "{\"it's\": \"***\", \"k\": \"${SHOP_KEY}\"}""#);
        insta::assert_snapshot!(curl(AuthPlan::Anonymous, "https://a.b/x?q=a'b\u{100000}", &[], None), @"curl 'https://a.b/x?q=a%27b%F4%80%80%80'");
    }
}
