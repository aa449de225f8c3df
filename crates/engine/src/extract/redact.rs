//! Text for people with the secrets taken out.

use base64::Engine as _;
use http::{HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::plan::{AuthPlan, ClientPlan};
use crate::spec::{Secret, looks_secret};

/// Characters of a body that an error shows, at most.
const EXCERPT_LETTERS: usize = 300;

/// Bytes of a body that are looked through for an excerpt: room for long secrets before the part that is shown.
const EXCERPT_BYTES: usize = 64 * 1024;

/// Values of secret-looking parameters shorter than this are not looked for in other text.
const SHORTEST_FOUND_BY_NAME: usize = 6;

const MASK: &str = "***";

/// Takes the credentials in use out of text.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    /// Spellings of secrets, longer ones first.
    spellings: Vec<String>,
}

impl Redactor {
    /// Knows the secrets of a client: its credentials and the headers that look like some.
    pub(super) fn new(plan: &ClientPlan) -> Self {
        let mut redactor = Self::default();
        redactor.learn_credentials(&plan.auth);
        for secret in &plan.secrets {
            if secret.expose().len() >= SHORTEST_FOUND_BY_NAME {
                redactor.add(secret.expose());
            }
        }
        redactor.add_headers(plan.headers.iter().map(|(name, value)| (name, value)));
        redactor
    }

    /// Learns credentials that are set up later.
    pub(super) fn learn_credentials(&mut self, plan: &AuthPlan) {
        match plan {
            AuthPlan::Anonymous => {}
            AuthPlan::HttpBasic { username, password } => {
                self.add(username.expose());
                self.add(password.expose());
                self.add(&basic_credentials(username.expose(), password.expose()));
            }
            AuthPlan::Bearer { token } => self.add(token.expose()),
            AuthPlan::ApiKey { api_key, .. } => self.add(api_key.expose()),
            AuthPlan::ClientCredentials(plan) => {
                if plan.client_id.expose().len() >= SHORTEST_FOUND_BY_NAME {
                    self.add(plan.client_id.expose());
                }
                self.add(plan.client_secret.expose());
                let given = plan.access_token.iter();
                let fields = plan.request_data.iter();
                let secret_fields = fields.filter(|(name, _)| looks_secret(name));
                for secret in given.chain(secret_fields.map(|(_, value)| value)) {
                    self.add(secret.expose());
                }
            }
        }
    }

    /// Learns a token that was fetched.
    pub(super) fn learn(&mut self, secret: &Secret) {
        self.add(secret.expose());
    }

    /// Also knows the secret-looking headers and query parameters of a request.
    pub(super) fn with_request<'a>(
        &self,
        url: &Url,
        headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    ) -> Self {
        let mut redactor = self.clone();
        redactor.add_headers(headers);
        for (name, value) in url.query_pairs() {
            if looks_secret(&name) && value.len() >= SHORTEST_FOUND_BY_NAME {
                redactor.add(&value);
            }
        }
        redactor
    }

    /// A text without the secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for spelling in &self.spellings {
            clean = clean.replace(spelling, MASK);
        }
        clean
    }

    /// A URL without the secrets, user info, and values of secret-looking parameters.
    pub(super) fn url(&self, url: &Url) -> String {
        let mut shown = url.clone();
        // Neither call can fail for a URL that has a host, and others have no user info.
        if shown.set_username("").is_err() || shown.set_password(None).is_err() {
            return MASK.to_owned();
        }
        if let Some(query) = url.query() {
            let masked: Vec<String> = query.split('&').map(mask_pair).collect();
            shown.set_query(Some(&masked.join("&")));
        }
        self.text(shown.as_str())
    }

    /// The beginning of a body, on one line.
    pub(super) fn excerpt(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]);
        let clean = self.text(&text);
        let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(EXCERPT_LETTERS) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
            None => line,
        }
    }

    fn add_headers<'a>(
        &mut self,
        headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    ) {
        for (name, value) in headers {
            if (value.is_sensitive() || looks_secret(name.as_str()))
                && let Ok(value) = value.to_str()
            {
                self.add(value);
                if let Some((_, credentials)) = value.split_once(' ') {
                    self.add(credentials);
                }
            }
        }
    }

    /// Adds a secret in each spelling in which a server may echo it.
    fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.is_empty() {
            return;
        }
        let json = serde_json::Value::from(secret).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let json = json.trim_matches('"');
        let html = secret.replace('&', "&amp;").replace('"', "&quot;");
        let html = html.replace('<', "&lt;").replace('>', "&gt;");
        self.spellings.extend([
            secret.to_owned(),
            json.replace('/', "\\/"),
            json.to_owned(),
            html,
            with_lower_escapes(&form),
            with_lower_escapes(&percent),
            form,
            percent,
        ]);
        self.spellings
            .sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        self.spellings.dedup();
    }
}

/// Percent-encoded text with its escapes in lower case, as some servers write them.
fn with_lower_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut left = 0;
    for letter in text.chars() {
        if left > 0 {
            out.push(letter.to_ascii_lowercase());
            left -= 1;
        } else {
            out.push(letter);
            left = if letter == '%' { 2 } else { 0 };
        }
    }
    out
}

/// The part of a Basic authorization behind the scheme.
pub(super) fn basic_credentials(username: &str, password: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"))
}

fn mask_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if looks_secret(name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        let mut redactor = Redactor::default();
        redactor.add("s3\"c/r t");
        redactor
    }

    #[test]
    fn masks_every_spelling() {
        let text = r#"s3"c/r t s3\"c/r t s3%22c%2Fr+t s3%22c%2Fr%20t s3%22c%2fr%20t s3\"c\/r t s3&quot;c/r t rest"#;
        assert_eq!(redactor().text(text), "*** *** *** *** *** *** *** rest");
    }

    #[test]
    fn masks_urls() {
        let check =
            |url: &str, expected: &str| assert_eq!(redactor().url(&url.parse().unwrap()), expected);
        check(
            "https://u:p@a.b/x?api_key=1&X-Amz-Signature=2&page=3",
            "https://a.b/x?api_key=***&X-Amz-Signature=***&page=3",
        );
        check("https://a.b/s3%22c%2Fr%20t/x", "https://a.b/***/x");
        check("https://a.b/x?q=s3%22c%2Fr+t", "https://a.b/x?q=***");
    }

    #[test]
    fn masks_what_a_server_echoes() {
        let plan = ClientPlan {
            base_url: "https://a.b".parse().unwrap(),
            headers: vec![(
                HeaderName::from_static("x-api-key"),
                HeaderValue::from_static("headerkey"),
            )],
            auth: AuthPlan::HttpBasic {
                username: Secret::new("sk_live"),
                password: Secret::new("pw"),
            },
            allowed_hosts: Vec::new(),
            rate_limit: None,
            timeouts: crate::plan::Timeouts::default(),
            retry: crate::plan::RetryPlan {
                max_attempts: 1,
                statuses: Vec::new(),
                max_backoff: std::time::Duration::ZERO,
            },
            secrets: Vec::new(),
        };
        let redactor = Redactor::new(&plan)
            .with_request(&"https://a.b?token=longenough&key=1".parse().unwrap(), []);
        let echoed = format!(
            "sk_live {} headerkey longenough 1",
            basic_credentials("sk_live", "pw")
        );
        assert_eq!(redactor.excerpt(echoed.as_bytes()), "*** *** *** *** 1");
    }

    #[test]
    fn cuts_excerpts_behind_the_masking() {
        let body = format!("{}\n{}", "s3\"c/r t", "é".repeat(400));
        let excerpt = redactor().excerpt(body.as_bytes());
        assert!(
            excerpt.starts_with("*** é") && excerpt.ends_with("é…"),
            "{excerpt}"
        );
        assert_eq!(excerpt.chars().count(), EXCERPT_LETTERS + 1);
    }
}
