//! What a person or a test asks of the sandbox itself: no credentials, no rate limit, no log.

use std::{fmt::Write, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::header,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Shared, handle, lock, reply};
use crate::answer::Reply;

/// All routes: those of the sandbox itself, and the API behind them.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/_sandbox", get(information))
        .route("/_sandbox/requests", get(requests))
        .route("/_sandbox/clock", post(clock))
        .fallback(handle::handle)
        .with_state(shared)
}

/// The body of a request to move the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    now: Timestamp,
}

async fn information(State(shared): State<Arc<Shared>>) -> Response {
    json(&shared.information())
}

async fn requests(State(shared): State<Arc<Shared>>) -> Response {
    let requests = lock(&shared.log).requests();
    json(&requests)
}

async fn clock(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let Ok(Clock { now }) = serde_json::from_slice(&body) else {
        let message = r#"The body must be like {"now": "2024-01-23T12:30:00Z"}"#;
        return reply::response(Reply::error(400, message), None);
    };
    let moved = Arc::clone(&shared);
    // Rendering all records takes longer than other requests should wait.
    match tokio::task::spawn_blocking(move || moved.set_now(now)).await {
        Ok(()) => json(&shared.information()),
        Err(_) => reply::response(Reply::error(500, "The records can't be rendered"), None),
    }
}

async fn index(State(shared): State<Arc<Shared>>) -> Html<String> {
    let information = shared.information();
    let name = escaped(&information.name);
    let mut page = format!(
        "<!doctype html><title>{name} (sandbox)</title><h1>{name} (sandbox)</h1>\
         <p>The clock shows {}. <a href=\"/_sandbox\">Information</a>, \
         <a href=\"/_sandbox/requests\">requests</a>.</p><ul>",
        information.now
    );
    for route in &shared.fixture.routes {
        let url = escaped(&format!("{}/{}", information.base_url, route.path));
        write!(page, "<li><code>{} {url}</code></li>", route.method())
            .expect("a string takes any text");
    }
    page.push_str("</ul>");
    Html(page)
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => reply::response(Reply::error(500, "The answer can't be written"), None),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
