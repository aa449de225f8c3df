//! Compiling `client`.

use http::{HeaderName, HeaderValue};
use url::Url;

use super::mistakes::{Mistakes, Place, Reported};
use super::model::{AuthPlan, ClientPlan, RateLimitPlan, RetryPlan};
use crate::spec::{self, Auth, Secret};

pub(super) fn compile(
    client: &spec::Client,
    mistakes: &mut Mistakes,
) -> Result<ClientPlan, Reported> {
    let place = Place::root().key("client");
    let base_url = base_url(&client.base_url, &place.key("base_url"), mistakes);
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
        Some(auth) => compile_auth(auth, &place.key("auth"), mistakes),
    };
    let rate_limit = client
        .rate_limit
        .as_ref()
        .map(|limit| rate_limit(limit, &place.key("rate_limit"), mistakes))
        .transpose();
    let retry = retry(&client.retry, &place.key("retry"), mistakes);
    Ok(ClientPlan {
        base_url: base_url?,
        headers,
        auth: auth?,
        rate_limit: rate_limit?,
        retry,
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

fn base_url(text: &str, place: &Place, mistakes: &mut Mistakes) -> Result<Url, Reported> {
    let mut wrong = |problem: String, help: &str| {
        Err(mistakes.add("plan::base_url", place, problem, help.to_owned()))
    };
    let help = "write the whole URL, such as `https://api.example.com/v1`";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return wrong(format!("`base_url` isn't a URL: {error}"), help),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong(format!("`base_url` starts with `{}:`", url.scheme()), help);
    }
    if !url.username().is_empty() || url.password().is_some() {
        let help = "put them into `client.auth`, as `type: http_basic`";
        return wrong("`base_url` holds credentials".to_owned(), help);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("`base_url` holds a query or a fragment".to_owned(), help);
    }
    Ok(url)
}

fn compile_auth(auth: &Auth, place: &Place, mistakes: &mut Mistakes) -> Result<AuthPlan, Reported> {
    let basic = match auth {
        Auth::Bearer(bearer) => {
            return Ok(AuthPlan::Bearer {
                token: required(&bearer.token, "token", place, mistakes)?,
            });
        }
        Auth::HttpBasic(basic) => basic,
    };
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

fn retry(retry: &spec::Retry, place: &Place, mistakes: &mut Mistakes) -> RetryPlan {
    let max_attempts = retry.max_attempts.unwrap_or(spec::DEFAULT_MAX_ATTEMPTS);
    if max_attempts == 0 {
        mistakes.add(
            "plan::retry",
            &place.key("max_attempts"),
            "`max_attempts` counts the first try too, and must be at least 1",
            None,
        );
    }
    let statuses = retry.statuses.as_deref();
    let statuses = statuses.unwrap_or(&spec::DEFAULT_RETRY_STATUSES);
    let max_backoff = retry
        .max_backoff
        .as_ref()
        .and_then(|span| fixed(span, &place.key("max_backoff"), mistakes).ok());
    RetryPlan {
        max_attempts,
        statuses: statuses
            .iter()
            .map(|range| (range.first, range.last))
            .collect(),
        max_backoff: max_backoff.unwrap_or(spec::DEFAULT_MAX_BACKOFF),
    }
}

/// A length of time that doesn't depend on the calendar.
pub(super) fn fixed(
    span: &spec::TimeSpan,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Result<std::time::Duration, Reported> {
    span.fixed().ok_or_else(|| {
        mistakes.add(
            "plan::duration",
            place,
            "months and years differ in length",
            "write it in seconds, minutes, hours, days or weeks".to_owned(),
        )
    })
}
