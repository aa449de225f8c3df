//! What is kept of a request and its answer, without credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::files::{BodyText, body_file};
use super::{Asked, Outgoing};
use crate::extract::address::same_origin;
use crate::extract::large::BodyFile;
use crate::extract::redact::{MASK, Redactor};
use crate::extract::token::Grant;
use crate::spec::looks_secret;

/// Headers of answers that differ each time, or tell of the connection alone.
const NOT_KEPT: [&str; 17] = [
    "age",
    "alt-svc",
    "cf-ray",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "nel",
    "report-to",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "x-request-id",
];

/// Takes the credentials out of what is kept.
pub(super) struct Scrubber {
    redactor: Redactor,
}

impl Scrubber {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor }
    }

    /// What a request is known by, and its body.
    pub(super) fn asked(
        &self,
        outgoing: Outgoing<'_>,
        base_url: &Url,
    ) -> (Asked, Option<BodyText>) {
        let request = outgoing.request;
        let url = self.redactor.recorded_url(&request.url);
        let is_at_home = outgoing.is_for_token || same_origin(&request.url, base_url);
        let origin = request.url.origin().ascii_serialization();
        let relative = url.strip_prefix(&origin).filter(|_| is_at_home);
        let body = request.body.as_deref().filter(|body| !body.is_empty());
        let body = body.map(|body| self.request_body(body));
        let asked = Asked {
            resource: (!outgoing.is_for_token).then(|| outgoing.resource.to_owned()),
            method: request.method.to_string(),
            url: relative.unwrap_or(&url).to_owned(),
            headers: self.headers(&request.headers, &[]),
            body: body.as_ref().map(body_file),
        };
        (asked, body)
    }

    pub(super) fn answer_headers(&self, headers: &HeaderMap) -> BTreeMap<String, String> {
        self.headers(headers, &NOT_KEPT)
    }

    /// The body of an answer; `None` for an empty one. Reads it back where it is on disk.
    pub(super) fn answer_body(
        &self,
        body: &[u8],
        file: Option<&Arc<BodyFile>>,
        is_for_token: bool,
    ) -> std::io::Result<Option<BodyText>> {
        let whole = file.map(|file| file.load()).transpose()?;
        let body = whole.as_deref().unwrap_or(body);
        Ok(match body {
            [] => None,
            body if is_for_token => Some(token_answer(body)),
            body => Some(self.body(body)),
        })
    }

    fn headers(&self, headers: &HeaderMap, without: &[&str]) -> BTreeMap<String, String> {
        let mut kept: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in headers {
            if without.contains(&name.as_str()) {
                continue;
            }
            let text = if value.is_sensitive() || looks_secret(name.as_str()) {
                MASK.to_owned()
            } else {
                let text = String::from_utf8_lossy(value.as_bytes());
                self.redactor.recorded(&text, MASK)
            };
            let entry = kept.entry(name.to_string()).or_default();
            if !entry.is_empty() {
                entry.push_str(", ");
            }
            entry.push_str(&text);
        }
        kept
    }

    /// A body that the spec describes: what stands under a name that looks like one of a secret goes too.
    fn request_body(&self, body: &[u8]) -> BodyText {
        if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
            mask_members(&mut value);
            return self.body(value.to_string().as_bytes());
        }
        let pairs = form_urlencoded::parse(body);
        if str::from_utf8(body).is_ok() && pairs.clone().any(|(name, _)| looks_secret(&name)) {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in pairs {
                let is_secret = looks_secret(&name);
                form.append_pair(&name, if is_secret { MASK } else { &value });
            }
            return self.body(form.finish().as_bytes());
        }
        self.body(body)
    }

    fn body(&self, body: &[u8]) -> BodyText {
        let text = String::from_utf8_lossy(body);
        let masked = self.redactor.recorded(&text, MASK);
        if masked == text {
            return BodyText::new(body.to_vec());
        }
        let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
        if is_json(&text) && !is_json(&masked) {
            // A secret of digits stood there as a number.
            return BodyText::new(self.redactor.recorded(&text, "0").into_bytes());
        }
        BodyText::new(masked.into_bytes())
    }
}

/// What a client needs of a token's answer, and nothing of the token.
fn token_answer(body: &[u8]) -> BodyText {
    let text = match Grant::parse(body) {
        Some(grant) => {
            let life = grant.expires_in.map(|life| life.as_secs());
            json!({ "access_token": MASK, "expires_in": life }).to_string()
        }
        None if serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
            json!({ "error": "not recorded: it may hold a token" }).to_string()
        }
        None => "not recorded: it may hold a token".to_owned(),
    };
    BodyText::new(text.into_bytes())
}

fn mask_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if looks_secret(name) && (member.is_string() || member.is_number()) {
                    *member = MASK.into();
                } else {
                    mask_members(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_members),
        _ => {}
    }
}
