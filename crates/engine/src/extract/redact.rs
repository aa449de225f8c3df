//! Text for people with the secrets taken out.

use std::borrow::Cow;
use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue};
use regex::Regex;
use url::Url;

use super::proxy;
use crate::plan::{AuthPlan, ClientPlan};
use crate::spec::{Secret, SecretVariable, looks_secret, may_hold_secret};

/// Characters of a body that an error shows, at most.
const EXCERPT_LETTERS: usize = 300;

/// Bytes of a body that are looked through for an excerpt: room for long secrets before the part that is shown.
const EXCERPT_BYTES: usize = 64 * 1024;

/// Values of secret-looking parameters shorter than this are not looked for in other text.
pub(super) const SHORTEST_FOUND_BY_NAME: usize = 6;

/// Characters of a secret that are looked for as one: a pattern has many branches for each.
const PATTERN_LETTERS: usize = 256;

pub(super) const MASK: &str = "***";

/// Secrets shorter than this, such as the `x` that some APIs take for a password, are not looked for in what is kept.
const SHORTEST_RECORDED: usize = 4;

/// Takes the credentials in use out of text.
#[derive(Clone, Default)]
pub(super) struct Redactor {
    /// Patterns of secrets in any spelling, longer ones first.
    patterns: Vec<Regex>,
    /// The same of what variables have put in whose names don't look like those of secrets.
    unlikely: Vec<Regex>,
    /// Secrets that variables have put in, by the name of the variable.
    variables: Vec<(String, Secret)>,
}

impl Redactor {
    /// Knows the secrets of a client: its credentials and the headers that look like some.
    pub(super) fn new(plan: &ClientPlan) -> Self {
        let mut redactor = Self::default();
        redactor.learn_credentials(&plan.auth);
        for SecretVariable { name, value } in &plan.secrets {
            if value.expose().len() >= SHORTEST_FOUND_BY_NAME {
                let patterns = if may_hold_secret(name) {
                    &mut redactor.patterns
                } else {
                    &mut redactor.unlikely
                };
                add(patterns, value.expose());
            }
            redactor.variables.push((name.clone(), value.clone()));
        }
        let longest_first = |(_, value): &(String, Secret)| Reverse(value.expose().len());
        redactor.variables.sort_by_key(longest_first);
        redactor.add_headers(plan.headers.iter().map(|(name, value)| (name, value)));
        for proxy in proxy::credentials() {
            redactor.add(&proxy.password);
            redactor.add_spelling(&basic_credentials(&proxy.username, &proxy.password));
        }
        redactor
    }

    /// Learns credentials that are set up later.
    pub(super) fn learn_credentials(&mut self, plan: &AuthPlan) {
        match plan {
            AuthPlan::Anonymous => {}
            AuthPlan::HttpBasic { username, password } => {
                // A key, with some APIs; else a name, and a short one stands in other words too.
                if username.expose().len() >= SHORTEST_FOUND_BY_NAME {
                    self.add(username.expose());
                }
                self.add(password.expose());
                self.add_spelling(&basic_credentials(username.expose(), password.expose()));
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
            if may_hold_secret(&name) && value.len() >= SHORTEST_FOUND_BY_NAME {
                redactor.add(&value);
            }
        }
        redactor
    }

    /// Secrets that variables have put in, by the name of the variable; the longest first.
    pub(super) fn variables(&self) -> &[(String, Secret)] {
        &self.variables
    }

    /// A text without the secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let all = self.patterns.iter().chain(&self.unlikely);
        masked(text, all)
    }

    /// A value of a record without the secrets. What a variable has put in that is no secret by its name, such as a date,
    /// is a value like any other.
    pub(super) fn value(&self, text: &str) -> String {
        masked(text, &self.patterns)
    }

    /// A text that is kept to be sent or read again, with something in the place of the secrets. What is so short that it
    /// stands in other words stays.
    pub(super) fn recorded(&self, text: &str, mask: &str) -> String {
        let mut clean = text.to_owned();
        for pattern in &self.patterns {
            if letters(pattern) >= SHORTEST_RECORDED
                && let Cow::Owned(masked) = pattern.replace_all(&clean, mask)
            {
                clean = masked;
            }
        }
        clean
    }

    /// A URL that is kept, without the secrets. Values of secret-looking parameters that are not known go too, and stay
    /// different from each other: they may be marks of pages.
    pub(super) fn recorded_url(&self, url: &Url) -> String {
        let mut kept = url.clone();
        if kept.set_username("").is_err() || kept.set_password(None).is_err() {
            return MASK.to_owned();
        }
        if let Some(query) = url.query() {
            let pairs = query.split('&').map(|pair| self.recorded_pair(pair));
            let pairs: Vec<String> = pairs.collect();
            kept.set_query(Some(&pairs.join("&")));
        }
        self.recorded(kept.as_str(), MASK)
    }

    fn recorded_pair(&self, pair: &str) -> String {
        match pair.split_once('=') {
            Some((name, value)) if looks_secret(name) && self.recorded(value, MASK) == value => {
                let mark = xxhash_rust::xxh3::xxh3_64(value.as_bytes()) & 0xffff;
                format!("{name}={MASK}{mark:04x}")
            }
            _ => pair.to_owned(),
        }
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

    /// The beginning of a body, on one line, without what would move the cursor of a terminal.
    pub(super) fn excerpt(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]);
        let clean = self.text(&text).replace(char::is_control, " ");
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
            let by_name = || {
                looks_secret(name.as_str())
                    || may_hold_secret(name.as_str()) && value.len() >= SHORTEST_FOUND_BY_NAME
            };
            if (value.is_sensitive() || by_name())
                && let Ok(value) = value.to_str()
            {
                self.add(value);
                if let Some((_, credentials)) = value.split_once(' ') {
                    self.add(credentials);
                }
            }
        }
    }

    fn add(&mut self, secret: &str) {
        add(&mut self.patterns, secret);
    }

    fn add_spelling(&mut self, secret: &str) {
        add_spelling(&mut self.patterns, secret);
    }
}

fn masked<'p>(text: &str, patterns: impl IntoIterator<Item = &'p Regex>) -> String {
    let mut clean = text.to_owned();
    for pattern in patterns {
        if let Cow::Owned(masked) = pattern.replace_all(&clean, MASK) {
            clean = masked;
        }
    }
    clean
}

/// How many letters of a secret a pattern looks for: each is a group of its own.
fn letters(pattern: &Regex) -> usize {
    pattern.as_str().matches("(?:").count()
}

/// Adds a secret in each spelling in which a server may echo it.
fn add(patterns: &mut Vec<Regex>, secret: &str) {
    let secret = secret.trim();
    for encoded in [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|encoding| encoding.encode(secret)) {
        if encoded.len() >= SHORTEST_FOUND_BY_NAME {
            add_spelling(patterns, &encoded);
        }
    }
    add_spelling(patterns, secret);
}

/// A text with a mask in the place of a secret, in each spelling in which a server may echo it.
pub(crate) fn without(text: &str, secret: &str, mask: &str) -> String {
    let mut patterns = Vec::new();
    add(&mut patterns, secret);
    patterns.iter().fold(text.to_owned(), |text, pattern| {
        pattern
            .replace_all(&text, regex::NoExpand(mask))
            .into_owned()
    })
}

fn add_spelling(patterns: &mut Vec<Regex>, secret: &str) {
    let letters: Vec<char> = secret.chars().collect();
    let parts = letters.len().div_ceil(PATTERN_LETTERS).max(1);
    for part in letters.chunks(letters.len().div_ceil(parts).max(1)) {
        let pattern: String = part.iter().map(|letter| any_spelling(*letter)).collect();
        if patterns.iter().any(|known| known.as_str() == pattern) {
            continue;
        }
        let pattern = Regex::new(&pattern).expect("a pattern of escaped letters, bounded in size");
        let is_shorter = |known: &Regex| known.as_str().len() < pattern.as_str().len();
        let place = patterns.iter().position(is_shorter);
        patterns.insert(place.unwrap_or(patterns.len()), pattern);
    }
}

/// A pattern of a letter as it is, or escaped in a URL (RFC 3986, section 2.1), a form, JSON (RFC 8259, section 7), JSON
/// within JSON, or HTML.
fn any_spelling(letter: char) -> String {
    let mut utf8 = [0; 4];
    let bytes = letter.encode_utf8(&mut utf8).bytes();
    let in_url = bytes.fold(String::new(), |text, byte| format!("{text}%{byte:02x}"));
    let mut utf16 = [0; 2];
    let units = letter.encode_utf16(&mut utf16).iter();
    let in_json = units.fold(String::new(), |text, unit| format!(r"{text}\\+u{unit:04x}"));
    let code = u32::from(letter);
    let escaped = regex::escape(&letter.to_string());
    let other = match letter {
        ' ' => r"|\+",
        '\n' => r"|\\+n",
        '\r' => r"|\\+r",
        '\t' => r"|\\+t",
        '/' => r"|\\+/",
        '\\' => r"|\\{2,}",
        '"' => "|\\\\+\"|&quot;",
        '\'' => "|\\\\+'|&apos;",
        '&' => "|&amp;",
        '<' => "|&lt;",
        '>' => "|&gt;",
        _ => "",
    };
    format!("(?:{escaped}|(?i:{in_url}|{in_json}|&#0*{code};|&#x0*{code:x};){other})")
}

/// The part of a Basic authorization behind the scheme.
pub(super) fn basic_credentials(username: &str, password: &str) -> String {
    STANDARD.encode(format!("{username}:{password}"))
}

fn mask_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, _)) if may_hold_secret(name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3\"c/ré t";

    fn redactor() -> Redactor {
        let mut redactor = Redactor::default();
        redactor.add(SECRET);
        redactor
    }

    #[test]
    fn masks_every_spelling() {
        for spelling in [
            r#"s3"c/ré t"#,
            r#"s3\"c/ré t"#,
            r#"s3\"c\/r\u00e9 t"#,
            r#"s3\\\"c\/r\\u00E9 t"#,
            "s3%22c%2Fr%C3%A9+t",
            "s3%22c/r%c3%a9%20t",
            "%73%33%22%63%2f%72%c3%a9%20%74",
            "s3&quot;c/r&#xe9; t",
            "s3&#34;c/r&#233; t",
            &STANDARD.encode(SECRET),
            &URL_SAFE_NO_PAD.encode(SECRET),
        ] {
            let masked = redactor().text(&format!("before {spelling} behind"));
            let masked = masked.replace('=', "");
            assert_eq!(masked, "before *** behind", "{spelling}");
        }
    }

    #[test]
    fn masks_long_secrets_whole() {
        let mut random = fastrand::Rng::with_seed(7);
        let secret: String = (0..5000).map(|_| random.alphanumeric()).collect();
        let mut redactor = Redactor::default();
        redactor.add(&secret);
        let masked = redactor.text(&format!("before {secret} behind"));
        assert_eq!(masked.replace('*', ""), "before  behind");
    }

    #[test]
    fn masks_urls() {
        let check =
            |url: &str, expected: &str| assert_eq!(redactor().url(&url.parse().unwrap()), expected);
        check(
            "https://u:p@a.b/x?api_key=1&X-Amz-Signature=2&page=3",
            "https://a.b/x?api_key=***&X-Amz-Signature=***&page=3",
        );
        check("https://a.b/s3%22c%2Fr%C3%A9%20t/x", "https://a.b/***/x");
        check("https://a.b/x?q=s3%22c%2Fr%C3%A9+t", "https://a.b/x?q=***");
    }

    #[test]
    fn masks_what_a_server_echoes() {
        let plan = ClientPlan {
            base_url: "https://a.b".parse().unwrap(),
            moved_from: Vec::new(),
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
            memory: crate::plan::MemoryPlan::default(),
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
        let body = format!("{SECRET}\n{}", "é".repeat(400));
        let excerpt = redactor().excerpt(body.as_bytes());
        assert!(
            excerpt.starts_with("*** é") && excerpt.ends_with("é…"),
            "{excerpt}"
        );
        assert_eq!(excerpt.chars().count(), EXCERPT_LETTERS + 1);
    }
}
