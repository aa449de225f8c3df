//! The rate limit.

use std::time::Duration;

use crate::fixture::RateLimit;

/// A token bucket; it knows no clock, the time is handed in.
pub(super) struct TokenBucket {
    tokens: f64,
    capacity: f64,
    tokens_a_second: f64,
    refilled: Duration,
}

impl TokenBucket {
    /// Makes a full bucket.
    pub(super) fn new(limit: RateLimit) -> Self {
        let capacity = f64::from(limit.burst);
        let tokens_a_second = f64::from(limit.requests) / limit.per.duration().as_secs_f64();
        Self {
            tokens: capacity,
            capacity,
            tokens_a_second,
            refilled: Duration::ZERO,
        }
    }

    /// Takes a token at a time since the start, or says how long there is none.
    pub(super) fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let passed = now.saturating_sub(self.refilled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.tokens_a_second).min(self.capacity);
        self.refilled = self.refilled.max(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let seconds = (1.0 - self.tokens) / self.tokens_a_second;
        Err(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Period;

    #[test]
    fn lets_a_burst_in_and_then_one_for_each_token() {
        let mut bucket = TokenBucket::new(RateLimit {
            requests: 120,
            per: Period::new(Duration::from_mins(1)),
            burst: 2,
        });
        let mut take = |milliseconds| bucket.take(Duration::from_millis(milliseconds));
        assert_eq!(take(0), Ok(()));
        assert_eq!(take(0), Ok(()));
        assert_eq!(take(0), Err(Duration::from_millis(500)));
        assert_eq!(take(250), Err(Duration::from_millis(250)));
        assert_eq!(take(500), Ok(()));
        // However long nothing comes, the bucket holds no more than its burst.
        assert_eq!(take(60_000), Ok(()));
        assert_eq!(take(60_000), Ok(()));
        assert_eq!(take(60_000), Err(Duration::from_millis(500)));
    }
}
