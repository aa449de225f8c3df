//! `response_actions` at work: which entry an answer fits, and how long it says to wait.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use serde_json::{Map, Value};

use super::retry;
use crate::plan::{
    AnswerCondition, Expression, ExpressionError, ResponseActionPlan, RetryPlan, WaitPlan,
};
use crate::spec::WaitFormat;

/// What conditions look at.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The position of the first entry that an answer fits.
pub(super) fn first_fitting(
    actions: &[ResponseActionPlan],
    seen: &Seen,
) -> Result<Option<usize>, ExpressionError> {
    for (index, action) in actions.iter().enumerate() {
        if fits(&action.condition, seen)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Whether it takes the text of an answer to tell if the action fits.
pub(super) fn looks_at_body(action: &ResponseActionPlan) -> bool {
    let condition = &action.condition;
    let names = condition.when.iter().flat_map(Expression::names);
    condition.content.is_some()
        || names
            .into_iter()
            .any(|name| name == "body" || name == "text")
}

fn fits(condition: &AnswerCondition, seen: &Seen) -> Result<bool, ExpressionError> {
    let status = seen.status.as_u16();
    let mut ranges = condition.statuses.iter();
    if !condition.statuses.is_empty()
        && !ranges.any(|(first, last)| (*first..=*last).contains(&status))
    {
        return Ok(false);
    }
    let text = String::from_utf8_lossy(&seen.body);
    if let Some(content) = &condition.content
        && !text.contains(content.as_str())
    {
        return Ok(false);
    }
    let Some(expression) = &condition.when else {
        return Ok(true);
    };
    // Only what is named is put together: a body can be large.
    let mut variables = Map::new();
    for name in expression.names().iter().cloned() {
        let value = match name.as_str() {
            "status" => status.into(),
            "headers" => headers(&seen.headers),
            "text" => text.clone().into_owned().into(),
            "body" => match serde_json::from_slice(&seen.body) {
                Ok(body) => body,
                // No JSON: undefined.
                Err(_) => continue,
            },
            _ => continue,
        };
        variables.insert(name, value);
    }
    expression.holds(&variables)
}

/// Texts by lower-case name; what comes several times is joined with commas (RFC 9110, section 5.3).
fn headers(headers: &HeaderMap) -> Value {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        texts
            .entry(name.as_str().to_owned())
            .and_modify(|text| {
                text.push_str(", ");
                text.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    texts.into_iter().collect()
}

/// The wait that the entry or the answer asks for, capped; `None` where neither says one that can be read.
pub(super) fn asked_wait(
    plan: &WaitPlan,
    headers: &HeaderMap,
    now: Timestamp,
    retry: &RetryPlan,
) -> Option<Duration> {
    match plan {
        WaitPlan::Usual => {
            retry::retry_after(headers, now).map(|asked| asked.min(retry.max_backoff))
        }
        WaitPlan::Fixed(wait) => Some(*wait),
        WaitPlan::Header {
            name,
            format,
            pattern,
            longest,
        } => {
            let text = headers.get(name)?.to_str().ok()?;
            let asked = read_wait(picked(text, pattern.as_ref())?.trim(), *format, now)?;
            Some(asked.min(longest.unwrap_or(retry.max_backoff)))
        }
    }
}

/// The part of a header that a pattern picks: its first group, else its whole match.
fn picked<'a>(text: &'a str, pattern: Option<&Regex>) -> Option<&'a str> {
    let Some(pattern) = pattern else {
        return Some(text);
    };
    let captures = pattern.captures(text)?;
    captures
        .get(1)
        .or(captures.get(0))
        .map(|part| part.as_str())
}

/// `None` where the text can't be read, or the wait is over already.
fn read_wait(text: &str, format: Option<WaitFormat>, now: Timestamp) -> Option<Duration> {
    let number = || text.parse::<f64>().ok();
    let wait = match format {
        None => return retry::read_retry_after(text, now),
        Some(WaitFormat::HttpDate) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(text)
                .ok()?;
            date.duration_since(now)
        }
        Some(WaitFormat::Seconds) => SignedDuration::try_from_secs_f64(number()?).ok()?,
        Some(WaitFormat::Milliseconds) => {
            SignedDuration::try_from_secs_f64(number()? / 1000.0).ok()?
        }
        Some(WaitFormat::Timestamp) => {
            let instant = SignedDuration::try_from_secs_f64(number()?).ok()?;
            instant.checked_sub(now.as_duration())?
        }
    };
    Duration::try_from(wait).ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::plan::Expression;

    fn seen(status: u16, headers: &[(&'static str, &str)], body: &str) -> Seen {
        Seen {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers
                .iter()
                .map(|(name, value)| {
                    (
                        HeaderName::from_static(name),
                        HeaderValue::from_str(value).unwrap(),
                    )
                })
                .collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn check(condition: &AnswerCondition, seen: &Seen, expected: bool) {
        assert_eq!(fits(condition, seen).unwrap(), expected, "{condition:?}");
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let both = AnswerCondition {
            statuses: vec![(404, 404), (500, 599)],
            content: Some("gone".to_owned()),
            when: None,
        };
        check(&both, &seen(404, &[], "it is gone"), true);
        check(&both, &seen(503, &[], "gone"), true);
        check(&both, &seen(404, &[], "no"), false);
        check(&both, &seen(410, &[], "gone"), false);
    }

    #[test]
    fn conditions_see_the_answer() {
        let when = |text: &str| AnswerCondition {
            when: Some(Expression::parse(text, &["status", "headers", "body", "text"]).unwrap()),
            ..AnswerCondition::default()
        };
        let answer = seen(
            200,
            &[("x-state", "a"), ("x-state", "b")],
            r#"{"error": {"code": "busy"}, "n": 3}"#,
        );
        for (text, expected) in [
            ("body.error.code == 'busy'", true),
            ("body.error.code == 'other'", false),
            ("body.n > 2 and status == 200", true),
            ("body.nothing.at.all", false),
            ("headers['x-state'] == 'a, b'", true),
            ("'busy' in text", true),
            ("status >= 400", false),
        ] {
            check(&when(text), &answer, expected);
        }
        check(&when("body is defined"), &seen(200, &[], "<html>"), false);
        check(&when("body.error"), &seen(200, &[], ""), false);
        assert!(fits(&when("status + []"), &answer).is_err());
    }

    #[test]
    fn reads_waits_from_headers() {
        let now = "2015-10-21T07:27:30Z".parse().unwrap();
        let retry = RetryPlan {
            max_attempts: 1,
            statuses: Vec::new(),
            max_backoff: Duration::from_mins(2),
        };
        let wait = |format, pattern: Option<&str>, longest, text: &str| {
            let plan = WaitPlan::Header {
                name: HeaderName::from_static("x-reset"),
                format,
                pattern: pattern.map(|pattern| Regex::new(pattern).unwrap()),
                longest,
            };
            let headers = seen(429, &[("x-reset", text)], "").headers;
            asked_wait(&plan, &headers, now, &retry).map(|wait| wait.as_millis())
        };
        let read = |format, text: &str| wait(Some(format), None, None, text);
        assert_eq!(read(WaitFormat::Seconds, "1.5"), Some(1500));
        assert_eq!(read(WaitFormat::Milliseconds, " 250 "), Some(250));
        assert_eq!(read(WaitFormat::Timestamp, "1445412480"), Some(30_000));
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(read(WaitFormat::HttpDate, date), Some(30_000));
        assert_eq!(wait(None, None, None, "3"), Some(3000));
        assert_eq!(wait(None, None, None, date), Some(30_000));
        let limits = "limit=5; reset=7s";
        let seconds = Some(WaitFormat::Seconds);
        assert_eq!(
            wait(seconds, Some("reset=([0-9]+)"), None, limits),
            Some(7000)
        );
        assert_eq!(wait(seconds, Some("[0-9]"), None, limits), Some(5000));
        assert_eq!(wait(seconds, Some("[0-9]{3}"), None, limits), None);
        // Caps.
        assert_eq!(read(WaitFormat::Seconds, "86400"), Some(120_000));
        let hour = Some(Duration::from_hours(1));
        assert_eq!(wait(seconds, None, hour, "86400"), Some(3_600_000));
        for none in ["", "soon", "-1", "0", "NaN", "1e999"] {
            assert_eq!(read(WaitFormat::Seconds, none), None, "{none}");
        }
        assert_eq!(
            read(WaitFormat::Timestamp, "1445412000"),
            None,
            "in the past"
        );
    }
}
