//! What a client tells of what it does, without secrets.

use std::sync::PoisonError;

use super::client::{Attempt, Client};
use super::failure::Teller;
use super::http::{Response, Scope, SendError};
use crate::flow::Event;

impl Client {
    /// Tells the observer.
    pub(crate) fn observe(&self, event: Event) {
        (self.inner.observer)(event);
    }

    /// A text without the secrets that it may show.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        self.inner.redactor().text(text)
    }

    /// A value of a record without credentials.
    pub(crate) fn value_without_secrets(&self, text: &str) -> String {
        self.inner.redactor().value(text)
    }

    pub(super) fn notice(&self, resource: &str, text: &str) {
        let text = self.without_secrets(text);
        self.observe(Event::Notice {
            resource: resource.to_owned(),
            text,
        });
    }

    /// Warns, without the secrets that the text may show.
    pub(crate) fn warn(&self, resource: &str, text: &str) {
        self.observe(Event::Warning {
            resource: resource.to_owned(),
            text: self.without_secrets(text),
        });
    }

    /// Tells of a request and its answer, where that is wanted.
    pub(super) fn tell_exchange(
        &self,
        attempt: &Attempt<'_>,
        scope: Scope<'_>,
        answer: &Result<Response, SendError>,
    ) {
        if !self.inner.tells_exchanges {
            return;
        }
        let teller = self.teller(attempt);
        let curl = self
            .inner
            .http
            .curl(attempt.request, scope, &teller.redactor);
        let shows_body = matches!(scope, Scope::Api(_));
        let exchange = teller.exchange(attempt.resource, curl, answer, shows_body);
        self.observe(Event::Exchanged(Box::new(exchange)));
    }

    pub(super) fn tell_orphan(&self, attempt: &Attempt<'_>) {
        let request = attempt.request;
        let url = self.inner.redactor_for(request).url(&request.url);
        let text = format!(
            "`{} {url}` may have created a job whose answer was lost; it is created again, and the first one \
             stays behind unread",
            request.method
        );
        self.notice(attempt.resource, &text);
    }

    /// Tells the first time in a resource that an action ends a series.
    pub(super) fn tell_once(
        &self,
        attempt: &Attempt<'_>,
        action: Option<usize>,
        response: &Response,
        what: &str,
    ) {
        let index = action.unwrap_or_default();
        let is_new = self
            .inner
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((attempt.resource.to_owned(), index));
        if is_new {
            let url = self
                .inner
                .redactor_for(attempt.request)
                .url(&attempt.request.url);
            let text = format!(
                "`{} {url}`: the answer {} {what}, as `response_actions[{index}]` says; this is told once",
                attempt.request.method,
                response.status.as_u16()
            );
            self.notice(attempt.resource, &text);
        }
    }

    pub(super) fn teller<'a>(&self, attempt: &Attempt<'a>) -> Teller<'a> {
        Teller {
            redactor: self.inner.redactor_for(attempt.request),
            request: attempt.request,
            sent: attempt.sent,
            auth: self.auth,
        }
    }
}
