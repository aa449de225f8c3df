//! The one loop that sends requests and tries them again.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use url::Url;

use super::auth::{Authorization, Credentials, Keyring};
use super::cassette::{Tape, Traffic};
use super::error::{CLIENT_AUTH, ENDPOINT_AUTH, Error};
use super::failure::Failure;
use super::http::{Http, Scope};
use super::judge::{Ending, Repeat, Verdict};
use super::large::BodyFile;
use super::page_memory::PagesMemory;
use super::reaction;
use super::redact::Redactor;
use super::request::Request;
use super::retry::{self, Random};
use super::token::{Current, Grant, TokenSource};
use crate::flow::{Event, Observer};
use crate::plan::selector::BodyError;
use crate::plan::{
    AuthPlan, ClientPlan, ResourcePlan, ResponseActionPlan, RetryPlan, Selector, WaitPlan,
};

/// The way to one API: connections, credentials, pacing and retries, shared by all resources of a pipeline.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
    pub(super) credentials: Arc<Credentials>,
    /// Where the spec has the credentials.
    pub(super) auth: &'static str,
    retry: Arc<RetryPlan>,
    pub(super) actions: Arc<[ResponseActionPlan]>,
    /// A permit for each request that may be on its way.
    on_the_way: Arc<Semaphore>,
    pub(super) pages: Arc<PagesMemory>,
}

pub(super) struct Inner {
    pub(super) http: Http,
    base_url: Url,
    keyring: Mutex<Keyring>,
    redactor: Arc<RwLock<Redactor>>,
    /// Entries of `response_actions` that have been told, by resource and position.
    pub(super) told: Mutex<HashSet<(String, usize)>>,
    clock: Clock,
    random: Box<Random>,
    pub(super) observer: Observer,
    /// Each request and its answer are told.
    pub(super) tells_exchanges: bool,
}

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Looks through a body; runs on a blocking thread where the body is long.
pub(super) type Inspect<T> = Arc<dyn Fn(Body<'_>) -> Result<T, BodyError> + Send + Sync>;

/// A whole body.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    InMemory(&'a Bytes),
    OnDisk(&'a BodyFile),
}

/// What happens where a request may have been carried out although its answer didn't come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Repetition {
    /// It is sent again: it changes nothing.
    Harmless,
    /// It is sent again once, and what it may have left behind is reported.
    Creates,
}

/// A success and what was found in its body.
pub(super) struct Fetched<T> {
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) value: T,
    pub(super) arrived_at: Timestamp,
    /// The answer had no body; it is read as a page without records.
    pub(super) is_empty: bool,
    /// `response_actions` say that it ends its series.
    pub(super) is_last: bool,
}

/// One request on its way to a success.
pub(super) struct Attempt<'a> {
    pub(super) resource: &'a str,
    pub(super) request: &'a Request,
    repetition: Repetition,
    /// How often it was sent.
    pub(super) sent: u32,
    /// How often it failed in a way that a wait may heal.
    failures: u32,
    /// Tokens that were refused.
    tokens_refused: u32,
    /// It may have been carried out once without an answer.
    orphaned: bool,
}

impl Client {
    /// Sets up the client of a pipeline; nothing is sent yet.
    pub fn new(plan: ClientPlan, clock: Clock, observer: Observer) -> Result<Self, Error> {
        Self::with(plan, clock, observer, false, Traffic::Network)
    }

    /// The same; the observer is told of each request and its answer ([`Event::Exchanged`]).
    pub fn telling_exchanges(
        plan: ClientPlan,
        clock: Clock,
        observer: Observer,
    ) -> Result<Self, Error> {
        Self::with(plan, clock, observer, true, Traffic::Network)
    }

    /// The same for requests that are recorded, or answered from what was.
    pub fn with_traffic(
        plan: ClientPlan,
        clock: Clock,
        observer: Observer,
        traffic: Traffic,
    ) -> Result<Self, Error> {
        Self::with(plan, clock, observer, false, traffic)
    }

    fn with(
        plan: ClientPlan,
        clock: Clock,
        observer: Observer,
        tells_exchanges: bool,
        traffic: Traffic,
    ) -> Result<Self, Error> {
        let redactor = Arc::new(RwLock::new(Redactor::new(&plan)));
        let tape = Tape::new(traffic, Arc::clone(&redactor), plan.base_url.clone());
        let http = Http::new(&plan, tape)?;
        let random = Box::new(|bound| fastrand::u64(0..=bound));
        let inner = Arc::new(Inner {
            http,
            base_url: plan.base_url,
            keyring: Mutex::default(),
            redactor,
            told: Mutex::default(),
            clock,
            random,
            observer,
            tells_exchanges,
        });
        Ok(Self {
            credentials: inner.credentials(&plan.auth)?,
            inner,
            auth: CLIENT_AUTH,
            retry: Arc::new(plan.retry),
            actions: Arc::default(),
            on_the_way: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            pages: Arc::new(PagesMemory::new(plan.memory)),
        })
    }

    /// The client for users who together have no more than so many requests on their way; at least 1.
    #[must_use]
    pub fn with_concurrency(&self, requests: usize) -> Self {
        let permits = requests.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            on_the_way: Arc::new(Semaphore::new(permits)),
            ..self.clone()
        }
    }

    /// The client as a resource uses it: with its own credentials, retries and actions, where it has some.
    pub(super) fn of(&self, resource: &ResourcePlan) -> Result<Self, Error> {
        let exchange = &resource.exchange;
        let (credentials, auth) = match &exchange.auth {
            None => (Arc::clone(&self.credentials), self.auth),
            Some(plan) => (self.inner.credentials(plan)?, ENDPOINT_AUTH),
        };
        let retry = exchange.retry.as_ref();
        Ok(Self {
            inner: Arc::clone(&self.inner),
            credentials,
            auth,
            retry: retry.map_or_else(|| Arc::clone(&self.retry), |retry| Arc::new(retry.clone())),
            actions: exchange.response_actions.as_slice().into(),
            on_the_way: Arc::clone(&self.on_the_way),
            pages: Arc::clone(&self.pages),
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.inner.base_url
    }

    /// How long requests were held back by the rate limit, and by servers that asked for a pause; never longer than the run.
    pub fn held_back(&self) -> Duration {
        self.inner.http.pacer.held_back()
    }

    /// What the run's clock shows.
    pub(super) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// The beginning of a body, on one line and without the secrets of its request.
    pub(super) fn excerpt(&self, request: &Request, body: &[u8]) -> String {
        self.inner.redactor_for(request).excerpt(body)
    }

    /// Whether answers come from a cassette, so that nobody is spared by a wait.
    pub(super) fn is_replayed(&self) -> bool {
        self.inner.http.tape.is_replayed()
    }

    /// Sends a request until it succeeds with a body that passes inspection; counts each try.
    ///
    /// Breaks where `response_actions` say that the series of pages ends without this answer.
    pub(super) async fn fetch<T: Send + 'static>(
        &self,
        resource: &str,
        request: &Request,
        repetition: Repetition,
        inspect: Inspect<T>,
        requests: &mut u64,
    ) -> Result<ControlFlow<Ending, Fetched<T>>, Error> {
        let mut attempt = Attempt::new(resource, request, repetition);
        let mut refused = None;
        loop {
            let current = self.authorization(resource, refused, requests).await?;
            self.count(resource, requests);
            attempt.sent += 1;
            let scope = Scope::Api(&current.authorization);
            let permit = self.on_the_way.acquire().await;
            let answer = self.inner.http.send(resource, request.clone(), scope).await;
            drop(permit);
            self.tell_exchange(&attempt, scope, &answer);
            let verdict = match answer {
                Ok(response) => self.judge(response, &attempt, &inspect).await?,
                Err(error) => Verdict::Failure(Failure::Send(error), Repeat::Usual),
            };
            let (failure, repeat) = match verdict {
                Verdict::Success(fetched) => return Ok(ControlFlow::Continue(fetched)),
                Verdict::Ended(ending) => return Ok(ControlFlow::Break(ending)),
                Verdict::Failure(failure, repeat) => (failure, repeat),
            };
            if matches!(repeat, Repeat::FreshToken { .. }) {
                refused = Some(current.generation);
            }
            self.prepare_next(&mut attempt, failure, &repeat).await?;
        }
    }

    /// What is added to the next request. `refused` is the generation of a token that the API didn't take.
    async fn authorization(
        &self,
        resource: &str,
        refused: Option<u64>,
        requests: &mut u64,
    ) -> Result<Current, Error> {
        match &*self.credentials {
            Credentials::Fixed(authorization) => Ok(Current {
                authorization: authorization.clone(),
                generation: 0,
            }),
            Credentials::Token(source) => source
                .get(refused, self.fetch_token(resource, source, requests))
                .await
                .map_err(|error| Error::Token {
                    auth: self.auth,
                    source: Box::new(error),
                }),
        }
    }

    /// Asks the token endpoint until it gives a token. No text shows an answer that may hold one.
    async fn fetch_token(
        &self,
        resource: &str,
        source: &TokenSource,
        requests: &mut u64,
    ) -> Result<(Grant, Authorization), Error> {
        let request = source.request();
        let mut attempt = Attempt::new(resource, &request, Repetition::Harmless);
        loop {
            self.count(resource, requests);
            attempt.sent += 1;
            let scope = Scope::Only(&request.url);
            let answer = self.inner.http.send(resource, request.clone(), scope).await;
            self.tell_exchange(&attempt, scope, &answer);
            let failure = match answer {
                Err(error) => Failure::Send(error),
                Ok(response) if !response.status.is_success() => Failure::Status(response),
                Ok(mut response) => match Selector::root().value(&response.body) {
                    Ok(_) => {
                        let grant = Grant::parse(&response.body);
                        return grant.and_then(|grant| self.learn(grant)).ok_or_else(|| {
                            let tried = Box::new(self.teller(&attempt).tried(None));
                            Error::NoToken { tried }
                        });
                    }
                    Err(error) => {
                        response.body = Bytes::from_static(b"(not shown: it may hold a token)");
                        Failure::Body(response, error)
                    }
                },
            };
            self.prepare_next(&mut attempt, failure, &Repeat::Usual)
                .await?;
        }
    }

    /// Makes sure that no text shows a token, before it is used.
    fn learn(&self, grant: Grant) -> Option<(Grant, Authorization)> {
        self.inner
            .redactor
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .learn(&grant.access_token);
        let authorization = Authorization::bearer(&grant.access_token).ok()?;
        Some((grant, authorization))
    }

    /// Waits before the next try, where there is to be one; else gives the error.
    async fn prepare_next(
        &self,
        attempt: &mut Attempt<'_>,
        failure: Failure,
        repeat: &Repeat,
    ) -> Result<(), Error> {
        let created =
            attempt.repetition == Repetition::Creates && failure.may_have_been_carried_out();
        let tries_left = match repeat {
            Repeat::Usual => {
                failure.is_transient(&self.retry) && attempt.failures + 1 < self.retry.max_attempts
            }
            Repeat::Action { max_attempts, .. } => {
                attempt.failures + 1 < max_attempts.unwrap_or(self.retry.max_attempts)
            }
            Repeat::FreshToken { tokens } => attempt.tokens_refused + 1 < *tokens,
        };
        if !tries_left || (created && attempt.orphaned) {
            return Err(failure.into_error(&self.teller(attempt)));
        }
        if created {
            attempt.orphaned = true;
            self.tell_orphan(attempt);
        }
        let (wait, reason) = if let Repeat::FreshToken { .. } = repeat {
            attempt.tokens_refused += 1;
            let reason = format!("{}; a fresh token is fetched", failure.reason());
            (Duration::ZERO, reason)
        } else {
            attempt.failures += 1;
            (self.wait(attempt, &failure, repeat), failure.reason())
        };
        self.observe(Event::Retrying {
            resource: attempt.resource.to_owned(),
            attempt: attempt.sent,
            wait_milliseconds: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            reason: self.inner.redactor_for(attempt.request).text(&reason),
        });
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// The wait before the next try; where the server is overloaded, everybody waits.
    fn wait(&self, attempt: &Attempt<'_>, failure: &Failure, repeat: &Repeat) -> Duration {
        if self.is_replayed() {
            return Duration::ZERO;
        }
        let (plan, everybody) = match repeat {
            Repeat::Action {
                wait, everybody, ..
            } => (wait, *everybody),
            _ => (&WaitPlan::Usual, false),
        };
        let response = match failure {
            Failure::Status(response) | Failure::Action(response) => Some(response),
            Failure::Send(_) | Failure::Body(..) => None,
        };
        let asked = response.and_then(|response| {
            let now = (self.inner.clock)();
            reaction::asked_wait(plan, &response.headers, now, &self.retry)
        });
        let wait = asked
            .unwrap_or_else(|| retry::backoff(&self.retry, attempt.failures, &*self.inner.random));
        if everybody || (asked.is_some() && failure.concerns_everybody()) {
            self.inner.http.pacer.pause(wait);
        }
        wait
    }

    fn count(&self, resource: &str, requests: &mut u64) {
        *requests += 1;
        self.observe(Event::Requested {
            resource: resource.to_owned(),
        });
    }
}

impl Inner {
    fn credentials(&self, plan: &AuthPlan) -> Result<Arc<Credentials>, Error> {
        let mut redactor = self
            .redactor
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut keyring = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        keyring.get(plan, &mut redactor).map_err(|_| Error::Setup {
            problem: "a credential holds a character that a header can't carry".to_owned(),
        })
    }

    pub(super) fn redactor(&self) -> std::sync::RwLockReadGuard<'_, Redactor> {
        self.redactor.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn redactor_for(&self, request: &Request) -> Redactor {
        self.redactor().with_request(&request.url, &request.headers)
    }
}

impl<'a> Attempt<'a> {
    fn new(resource: &'a str, request: &'a Request, repetition: Repetition) -> Self {
        Self {
            resource,
            request,
            repetition,
            sent: 0,
            failures: 0,
            tokens_refused: 0,
            orphaned: false,
        }
    }
}

#[cfg(test)]
impl Client {
    /// The same with fixed waits and a small body limit.
    pub(super) fn for_tests(plan: ClientPlan, observer: Observer, body_limit: u64) -> Self {
        let clock: Clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        let client = Self::new(plan, clock, observer).unwrap();
        let inner = Arc::into_inner(client.inner).unwrap();
        let http = inner.http.with_body_limit(body_limit);
        Self {
            inner: Arc::new(Inner {
                http,
                random: Box::new(|bound| bound),
                ..inner
            }),
            ..client
        }
    }
}
