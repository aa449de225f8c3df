//! Turns an answer into HTTP, whole or with half of it lost.

use std::io;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures::stream;

use crate::{answer::Reply, fixture::Truncation};

/// The response for an answer.
pub(super) fn response(reply: Reply, truncation: Option<Truncation>) -> Response {
    let length = reply.body.len();
    let half = reply.body.slice(..length / 2);
    let body = match truncation {
        None => Body::from(reply.body),
        Some(Truncation::Json) => Body::from(half),
        Some(Truncation::Connection) => Body::from_stream(stream::iter([
            Ok::<Bytes, io::Error>(half),
            Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        ])),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if truncation == Some(Truncation::Connection) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    for (name, value) in reply.headers {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    response
}
