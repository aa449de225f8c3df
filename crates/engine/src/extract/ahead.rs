//! Pages that are asked for before their turn has come.

use std::collections::VecDeque;
use std::pin::pin;

use futures::StreamExt as _;
use futures::stream::FuturesOrdered;

/// Requests that are out, in the order in which their answers are wanted.
///
/// What is out only gets on while somebody waits: for its answers, or for something else by `while_waiting`. Nobody
/// waits for long elsewhere, or a request would hold what others need, such as its turn in the rate limit.
pub(super) struct Ahead<F: Future> {
    out: FuturesOrdered<F>,
    arrived: VecDeque<F::Output>,
}

impl<F: Future> Default for Ahead<F> {
    fn default() -> Self {
        Self {
            out: FuturesOrdered::new(),
            arrived: VecDeque::new(),
        }
    }
}

impl<F: Future> Ahead<F> {
    /// Sends a request behind those that are out.
    pub(super) fn push(&mut self, request: F) {
        self.out.push_back(request);
    }

    /// The answer to the oldest request; `None` where none is out.
    pub(super) async fn next(&mut self) -> Option<F::Output> {
        match self.arrived.pop_front() {
            Some(answer) => Some(answer),
            None => self.out.next().await,
        }
    }

    /// Whether nothing is out and nothing has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty() && self.arrived.is_empty()
    }

    /// Gives up all that is out.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Waits for something else while the requests get on.
    pub(super) async fn while_waiting<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        loop {
            tokio::select! {
                biased;
                result = &mut other => return result,
                Some(answer) = self.out.next() => self.arrived.push_back(answer),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    async fn answer(milliseconds: u64) -> u64 {
        sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }

    #[tokio::test(start_paused = true)]
    async fn answers_come_in_order_and_at_the_same_time() {
        let start = Instant::now();
        let mut ahead = Ahead::default();
        for milliseconds in [30, 10, 20] {
            ahead.push(answer(milliseconds));
        }
        assert_eq!(ahead.next().await, Some(30));
        assert_eq!(ahead.next().await, Some(10));
        assert_eq!(ahead.next().await, Some(20));
        assert_eq!(ahead.next().await, None);
        assert_eq!(start.elapsed(), Duration::from_millis(30));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_get_on_while_something_else_is_waited_for() {
        let start = Instant::now();
        let mut ahead = Ahead::default();
        ahead.push(answer(20));
        ahead.push(answer(10));
        ahead.while_waiting(sleep(Duration::from_millis(50))).await;
        assert_eq!(ahead.next().await, Some(20));
        assert_eq!(ahead.next().await, Some(10));
        assert_eq!(start.elapsed(), Duration::from_millis(50));
        ahead.while_waiting(sleep(Duration::from_millis(5))).await;
        ahead.push(answer(10));
        ahead.clear();
        assert_eq!(ahead.next().await, None);
    }
}
