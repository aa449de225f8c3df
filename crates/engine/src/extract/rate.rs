//! Pacing: when the next request may go out.

use std::num::NonZeroU32;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use crate::plan::RateLimitPlan;

/// How much the period is stretched where the burst leaves no token to keep in hand, in percent.
///
/// Requests that arrive closer together than they were sent must not be refused.
const STRETCH_PERCENT: u32 = 4;

/// How much closer together than they were sent requests may arrive; tokens for that time are kept in hand.
const ARRIVAL_JITTER: Duration = Duration::from_millis(50);

type Limiter = RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Nanos>>;

/// Lets requests out one by one, in the order in which they asked.
///
/// A server that counts with a token bucket of the same size accepts them all: the first request goes out alone, and
/// the bucket refills here only from its answer on, by when the server's bucket has begun to refill too. Some tokens
/// of the burst, at least one, are kept in hand for requests that overtake each other.
pub(super) struct Pacer {
    plan: Option<RateLimitPlan>,
    /// There from the first answer on.
    limiter: OnceLock<Limiter>,
    clock: RuntimeClock,
    /// Held while waiting, so that the others queue behind.
    turnstile: tokio::sync::Mutex<()>,
    paused_until: Mutex<Option<Instant>>,
    /// How long requests were held back, one at a time: never longer than the run.
    held_back: Mutex<Duration>,
}

/// A request that may go out; to be dropped once its answer has begun, or will not come.
pub(super) struct Departure<'a> {
    pacer: &'a Pacer,
    /// Keeps the others waiting for the first request.
    alone: Option<tokio::sync::MutexGuard<'a, ()>>,
}

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        if self.alone.is_some()
            && let Some(plan) = self.pacer.plan
        {
            let limiter = RateLimiter::direct_with_clock(quota(plan), self.pacer.clock);
            // The first request has taken its token; a full limiter always has one.
            let _token = limiter.check();
            let _only_one = self.pacer.limiter.set(limiter);
        }
    }
}

impl Pacer {
    /// Starts with a full burst.
    pub(super) fn new(plan: Option<RateLimitPlan>) -> Self {
        Self {
            plan,
            limiter: OnceLock::new(),
            clock: RuntimeClock {
                start: Instant::now(),
            },
            turnstile: tokio::sync::Mutex::new(()),
            paused_until: Mutex::new(None),
            held_back: Mutex::default(),
        }
    }

    /// Waits until a request may go out.
    pub(super) async fn acquire(&self) -> Departure<'_> {
        let turn = self.turnstile.lock().await;
        loop {
            let paused_until = *self
                .paused_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(until) = paused_until.filter(|until| *until > Instant::now()) {
                self.hold_back(until).await;
                continue;
            }
            let Some(limiter) = self.limiter.get() else {
                return Departure {
                    pacer: self,
                    alone: self.plan.map(|_| turn),
                };
            };
            match limiter.check() {
                Ok(()) => {
                    return Departure {
                        pacer: self,
                        alone: None,
                    };
                }
                Err(not_until) => {
                    let wait = not_until.wait_time_from(self.clock.now());
                    self.hold_back(Instant::now() + wait).await;
                }
            }
        }
    }

    async fn hold_back(&self, until: Instant) {
        let start = Instant::now();
        tokio::time::sleep_until(until).await;
        let mut held_back = self
            .held_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held_back += start.elapsed();
    }

    /// How long requests were held back so far.
    pub(super) fn held_back(&self) -> Duration {
        *self
            .held_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds everybody back for a while.
    pub(super) fn pause(&self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut paused_until = self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *paused_until = Some(paused_until.map_or(until, |earlier| earlier.max(until)));
    }
}

fn quota(plan: RateLimitPlan) -> Quota {
    let mut period = plan.per / plan.requests.max(1);
    if plan.burst <= 1 {
        period = period * (100 + STRETCH_PERCENT) / 100;
    }
    let period = period.max(Duration::from_nanos(1));
    let jitter = ARRIVAL_JITTER.as_nanos().div_ceil(period.as_nanos());
    let in_hand = u32::try_from(jitter)
        .unwrap_or(u32::MAX)
        .min(plan.burst / 2)
        .max(1);
    let burst = NonZeroU32::new(plan.burst.saturating_sub(in_hand)).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(period)
        .expect("the period is not zero")
        .allow_burst(burst)
}

/// The runtime's clock, which tests can pause.
#[derive(Clone, Copy, Debug)]
struct RuntimeClock {
    start: Instant,
}

impl Clock for RuntimeClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let nanoseconds = Instant::now().duration_since(self.start).as_nanos();
        u64::try_from(nanoseconds).unwrap_or(u64::MAX).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: RateLimitPlan = RateLimitPlan {
        requests: 300,
        per: Duration::from_mins(1),
        burst: 20,
    };

    /// Sends requests through a pacer and gives the time of each since the first.
    async fn departures(plan: RateLimitPlan, count: usize) -> Vec<Duration> {
        let start = Instant::now();
        let pacer = Pacer::new(Some(plan));
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            drop(pacer.acquire().await);
            times.push(start.elapsed());
        }
        times
    }

    /// Whether a server with the plan's token bucket accepts requests at these times.
    fn bucket_accepts(plan: RateLimitPlan, times: &[Duration]) -> bool {
        let mut tokens = f64::from(plan.burst);
        let mut last = Duration::ZERO;
        times.iter().all(|time| {
            let refill = time.saturating_sub(last).as_secs_f64() * f64::from(plan.requests)
                / plan.per.as_secs_f64();
            tokens = f64::from(plan.burst).min(tokens + refill) - 1.0;
            last = *time;
            tokens >= 0.0
        })
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_to_a_bucket_whatever_the_latency() {
        for (burst, jitter) in [(20, 190), (5, 190), (2, 190), (1, 7)] {
            let plan = RateLimitPlan { burst, ..PLAN };
            let mut arrivals = departures(plan, 300).await;
            let mut random = fastrand::Rng::with_seed(7);
            for arrival in &mut arrivals {
                *arrival += Duration::from_millis(random.u64(0..=jitter));
            }
            arrivals.sort();
            assert!(bucket_accepts(plan, &arrivals), "burst {burst}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_answer_makes_no_other_arrive_too_early() {
        let start = Instant::now();
        let pacer = Pacer::new(Some(PLAN));
        let first = pacer.acquire().await;
        let connected = Duration::from_millis(900);
        tokio::time::sleep(connected).await;
        drop(first);
        let mut arrivals = vec![connected];
        for _ in 0..100 {
            drop(pacer.acquire().await);
            arrivals.push(start.elapsed());
        }
        assert!(bucket_accepts(PLAN, &arrivals));
    }

    #[tokio::test(start_paused = true)]
    async fn costs_little_more_than_the_limit_requires() {
        for burst in [1, 2, 20] {
            let plan = RateLimitPlan { burst, ..PLAN };
            let took = *departures(plan, 300).await.last().unwrap();
            let required = plan.per / plan.requests * (300 - burst);
            assert!(
                took >= required && took <= required * 105 / 100,
                "burst {burst}: {took:?} of {required:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_everybody() {
        let pacer = Pacer::new(Some(PLAN));
        let start = Instant::now();
        pacer.pause(Duration::from_secs(7));
        pacer.pause(Duration::from_secs(3));
        let leave = async || drop(pacer.acquire().await);
        tokio::join!(leave(), leave());
        assert_eq!(start.elapsed().as_secs(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_hold_back_without_a_limit() {
        let pacer = Pacer::new(None);
        let start = Instant::now();
        for _ in 0..1000 {
            drop(pacer.acquire().await);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
