//! Compiling `client`.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::auth::{self, AuthPlan};
use super::memory::MemoryPlan;
use super::mistakes::{Mistakes, Place, Reported};
use super::model::{ClientPlan, RateLimitPlan, RetryPlan};
use crate::spec;

pub(super) fn compile(
    client: &spec::Client,
    memory: MemoryPlan,
    mistakes: &mut Mistakes,
) -> Result<ClientPlan, Reported> {
    let place = Place::root().key("client");
    let base_url = base_url(
        "base_url",
        &client.base_url,
        &place.key("base_url"),
        mistakes,
    );
    let headers_place = place.key("headers");
    let mut headers = Vec::with_capacity(client.headers.len());
    for (name, value) in &client.headers {
        let place = headers_place.key(name);
        let name = header_name(name, &place, mistakes);
        // The value may be a secret: it is not shown.
        let value = HeaderValue::from_str(value).map_err(|_| {
            let message = "the header's value holds a character that headers can't hold";
            mistakes.add("plan::header", &place, message, None)
        });
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.push((name, value));
        }
    }
    let auth = match &client.auth {
        None => Ok(AuthPlan::Anonymous),
        Some(auth) => auth::compile(auth, &place.key("auth"), mistakes),
    };
    let rate_limit = client
        .rate_limit
        .as_ref()
        .map(|limit| rate_limit(limit, &place.key("rate_limit"), mistakes))
        .transpose();
    let allowed_hosts = allowed_hosts(client, mistakes);
    let retry = retry(&client.retry, None, &place.key("retry"), mistakes);
    let timeouts = timeouts(&client.timeout, &place.key("timeout"), mistakes);
    Ok(ClientPlan {
        base_url: base_url?,
        moved_from: moved_from(client, &place.key("moved_from"), mistakes),
        headers,
        auth: auth?,
        allowed_hosts,
        rate_limit: rate_limit?,
        retry,
        timeouts,
        memory,
        secrets: Vec::new(),
    })
}

pub(super) fn header_name(
    name: &str,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<HeaderName, Reported> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        let message = format!("`{name}` isn't a header's name");
        mistakes.add("plan::header", place, message, None)
    })
}

fn base_url(
    key: &str,
    text: &str,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Url, Reported> {
    let mut wrong = |problem: String, help: &str| {
        Err(mistakes.add("plan::base_url", place, problem, help.to_owned()))
    };
    let help = "write the whole URL, such as `https://api.example.com/v1`";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return wrong(format!("`{key}` isn't a URL: {error}"), help),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong(format!("`{key}` starts with `{}:`", url.scheme()), help);
    }
    if !url.username().is_empty() || url.password().is_some() {
        let help = "put them into `client.auth`, as `type: http_basic`";
        return wrong(format!("`{key}` holds credentials"), help);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(format!("`{key}` holds a query or a fragment"), help);
    }
    Ok(url)
}

/// The origins at which the API was before.
fn moved_from(client: &spec::Client, place: &Place, mistakes: &mut Mistakes) -> Vec<String> {
    let urls = client.moved_from.0.iter();
    let urls = urls.filter_map(|url| base_url("moved_from", url, place, mistakes).ok());
    urls.map(|url| url.origin().ascii_serialization()).collect()
}

fn rate_limit(
    limit: &spec::RateLimit,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<RateLimitPlan, Reported> {
    let per = match &limit.per {
        None => Ok(spec::DEFAULT_RATE_LIMIT_PERIOD),
        Some(span) => fixed(span, &place.key("per"), mistakes),
    };
    let burst = limit.burst.unwrap_or(1);
    for (key, value) in [("requests", limit.requests), ("burst", burst)] {
        if value == 0 {
            let message = format!("`{key}` must be at least 1");
            mistakes.add("plan::rate_limit", &place.key(key), message, None);
        }
    }
    Ok(RateLimitPlan {
        requests: limit.requests,
        per: per?,
        burst,
    })
}

/// `client` is what holds where `retry` says nothing; without it the defaults do.
pub(super) fn retry(
    retry: &spec::Retry,
    client: Option<&spec::Retry>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> RetryPlan {
    if retry.max_attempts == Some(0) {
        mistakes.add(
            "plan::retry",
            &place.key("max_attempts"),
            "`max_attempts` counts the first try too, and must be at least 1",
            None,
        );
    }
    if let Some(span) = &retry.max_backoff {
        // Only to report it: which of the two counts is decided below.
        fixed(span, &place.key("max_backoff"), mistakes).ok();
    }
    let max_attempts = retry
        .max_attempts
        .or(client.and_then(|client| client.max_attempts));
    let statuses = retry.statuses.as_deref();
    let statuses = statuses.or(client.and_then(|client| client.statuses.as_deref()));
    let max_backoff = retry.max_backoff.as_ref();
    let max_backoff = max_backoff.or(client.and_then(|client| client.max_backoff.as_ref()));
    RetryPlan {
        max_attempts: max_attempts.unwrap_or(spec::DEFAULT_MAX_ATTEMPTS),
        statuses: statuses
            .unwrap_or(&spec::DEFAULT_RETRY_STATUSES)
            .iter()
            .map(|range| (range.first, range.last))
            .collect(),
        max_backoff: max_backoff
            .and_then(spec::TimeSpan::fixed)
            .unwrap_or(spec::DEFAULT_MAX_BACKOFF),
    }
}

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest wait for the next bytes of an answer.
    pub read: Duration,
    /// The longest wait for a whole answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: spec::DEFAULT_CONNECT_TIMEOUT,
            read: spec::DEFAULT_READ_TIMEOUT,
            total: spec::DEFAULT_TOTAL_TIMEOUT,
        }
    }
}

fn timeouts(timeout: &spec::Timeout, place: &Place, mistakes: &mut Mistakes) -> Timeouts {
    let mut length = |key: &str, span: &Option<spec::TimeSpan>, default: Duration| {
        let span = span.as_ref();
        let length = span.and_then(|span| fixed(span, &place.key(key), mistakes).ok());
        length.unwrap_or(default)
    };
    let defaults = Timeouts::default();
    Timeouts {
        connect: length("connect", &timeout.connect, defaults.connect),
        read: length("read", &timeout.read, defaults.read),
        total: length("total", &timeout.total, defaults.total),
    }
}

/// A host beside the base URL's that gets the headers and the credentials too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// The host in lower case; for `*.example.com` what stands behind the star, with its dot.
    name: String,
    /// Every host below `name` is meant, and not the name itself.
    below: bool,
    /// The port; `None`: the scheme's own.
    port: Option<u16>,
}

impl AllowedHost {
    /// Reads `cdn.example.com`, `cdn.example.com:8443` or `*.example.com`; `None` for all else.
    pub fn parse(text: &str) -> Option<Self> {
        let below = text.strip_prefix("*.");
        let url = Url::parse(&format!("https://{}/", below.unwrap_or(text))).ok()?;
        let host = url.host_str()?;
        let only_a_host = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.ends_with('/')
            && !host.contains('*');
        // Nobody owns all of `*.com`.
        let whole_top_level = below.is_some() && !host.contains('.');
        (only_a_host && !whole_top_level).then(|| Self {
            name: match below {
                Some(_) => format!(".{host}"),
                None => host.to_owned(),
            },
            below: below.is_some(),
            port: url.port(),
        })
    }

    /// Whether the URL leads to this host.
    pub fn includes(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let named = if self.below {
            host.len() > self.name.len() && host.ends_with(&self.name)
        } else {
            host == self.name
        };
        named
            && match self.port {
                None => url.port().is_none(),
                port => url.port_or_known_default() == port,
            }
    }
}

/// The hosts that can be read; the others are reported.
fn allowed_hosts(client: &spec::Client, mistakes: &mut Mistakes) -> Vec<AllowedHost> {
    let place = Place::root().key("client").key("allowed_hosts");
    let mut hosts = Vec::with_capacity(client.allowed_hosts.len());
    for (index, text) in client.allowed_hosts.iter().enumerate() {
        if let Some(host) = AllowedHost::parse(text) {
            hosts.push(host);
            continue;
        }
        mistakes.add(
            "plan::allowed_hosts",
            &place.index(index),
            format!("`{text}` isn't a host"),
            "write the host alone, such as `cdn.example.com`, `cdn.example.com:8443` or `*.example.com`".to_owned(),
        );
    }
    hosts
}

/// A length of time that doesn't depend on the calendar.
pub(super) fn fixed(
    span: &spec::TimeSpan,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<Duration, Reported> {
    span.fixed().ok_or_else(|| {
        mistakes.add(
            "plan::duration",
            place,
            "months and years differ in length",
            "write it in seconds, minutes, hours, days or weeks".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_hosts_are_exact_or_below_a_name() {
        let includes = |host: &str, url: &str| {
            AllowedHost::parse(host).is_some_and(|host| host.includes(&url.parse().unwrap()))
        };
        assert!(includes("cdn.example.com", "https://CDN.example.com/x?y"));
        assert!(includes("cdn.example.com", "http://cdn.example.com/"));
        assert!(!includes(
            "cdn.example.com",
            "https://cdn.example.com:8443/"
        ));
        assert!(includes(
            "cdn.example.com:8443",
            "https://cdn.example.com:8443/"
        ));
        assert!(!includes(
            "cdn.example.com",
            "https://cdn.example.com.evil.test/"
        ));
        assert!(!includes("cdn.example.com", "https://a.cdn.example.com/"));
        assert!(includes("cdn.example.com:80", "http://cdn.example.com/"));
        assert!(includes("*.example.com", "https://a.b.example.com/"));
        assert!(!includes("*.example.com", "https://example.com/"));
        assert!(!includes("*.example.com", "https://evilexample.com/"));
        assert!(includes("127.0.0.1:8080", "http://127.0.0.1:8080/"));
        for wrong in [
            "",
            "*",
            "*.com",
            "https://a.b",
            "a.b/c",
            "a.b?c",
            "u@a.b",
            "a.*.b",
            "a b",
        ] {
            assert_eq!(AllowedHost::parse(wrong), None, "{wrong}");
        }
    }
}
