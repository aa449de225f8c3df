//! What is tried again, and after which wait.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

use crate::plan::RetryPlan;

/// The longest wait before the second try; it doubles with each further one.
pub(super) const BASE_BACKOFF: Duration = Duration::from_millis(500);

/// Picks a number from 0 to the bound, both included.
pub(super) type Random = dyn Fn(u64) -> u64 + Send + Sync;

/// The wait behind a failed try where nobody asked for another: a random part of a growing time.
pub(super) fn backoff(plan: &RetryPlan, attempt: u32, random: &Random) -> Duration {
    let doublings = attempt.saturating_sub(1).min(31);
    let longest = BASE_BACKOFF
        .saturating_mul(1 << doublings)
        .min(plan.max_backoff);
    Duration::from_millis(random(
        u64::try_from(longest.as_millis()).unwrap_or(u64::MAX),
    ))
}

/// Whether the spec lists a status for another try.
pub(super) fn is_listed(plan: &RetryPlan, status: StatusCode) -> bool {
    plan.statuses
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&status.as_u16()))
}

/// The wait that `Retry-After` asks for, in seconds or as an HTTP date; `None` where it is absent, unreadable or over.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    read_retry_after(headers.get(header::RETRY_AFTER)?.to_str().ok()?, now)
}

/// The same for a text.
pub(super) fn read_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let asked = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().ok()?)
    } else {
        let date = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()?;
        Duration::try_from(date.duration_since(now)).ok()?
    };
    (!asked.is_zero()).then_some(asked)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn plan() -> RetryPlan {
        RetryPlan {
            max_attempts: 8,
            statuses: vec![(429, 429), (500, 599)],
            max_backoff: Duration::from_secs(10),
        }
    }

    #[test]
    fn waits_longer_each_time_within_bounds() {
        let longest = |attempt| backoff(&plan(), attempt, &|bound| bound).as_millis();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 40].map(longest),
            [500, 1000, 2000, 4000, 8000, 10_000, 10_000]
        );
        assert_eq!(backoff(&plan(), 5, &|_| 0), Duration::ZERO);
        assert_eq!(backoff(&plan(), 5, &|bound| bound / 2).as_millis(), 4000);
    }

    #[test]
    fn reads_retry_after() {
        let now = "2015-10-21T07:27:30Z".parse().unwrap();
        let read = |text: &str| {
            let headers =
                HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(text).unwrap())]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(read("3"), Some(3));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(30));
        for none in [
            "0",
            "-1",
            "",
            "soon",
            "Wed, 21 Oct 2015 07:27:00 GMT",
            "99999999999999999999999",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn knows_the_listed_statuses() {
        let listed = |status| is_listed(&plan(), StatusCode::from_u16(status).unwrap());
        assert!(listed(429) && listed(500) && listed(599));
        assert!(!listed(404) && !listed(428) && !listed(600));
    }
}
