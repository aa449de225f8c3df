//! S3 in this process: s3s checks the signatures, and s3s-fs keeps the objects in a folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use object_store::aws::AmazonS3Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use super::{Bucket, install_provider, runtime};

const ACCESS_KEY: &str = "AKIAEXAMPLE";
const SECRET_KEY: &str = "hunter2hunter2";

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As S3 does.
    Obliging,
    /// It takes no notice of `If-None-Match`.
    IgnoresConditions,
    /// It lets nobody delete.
    KeepsAll,
    /// It lets nobody write.
    ReadOnly,
    /// After so many more requests it lets nobody do anything.
    RevokesAfter(usize),
    /// It answers every other request by `503 SlowDown`.
    Throttles,
    /// It does what it is asked, and breaks off every other answer.
    Resets,
    /// It does what it is asked, and never answers every fifth request.
    Stalls,
    /// It does what it is asked, and answers the creation of a commit by an error.
    LosesAnswersOfCommits,
    /// It does what it is asked, and answers the completion of a multipart upload by an error.
    LosesCompletions,
}

pub(super) struct Moods {
    mood: Mutex<(Mood, usize)>,
}

impl Moods {
    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = (mood, 0);
    }

    /// The mood, and how many requests were seen in it.
    fn next(&self) -> (Mood, usize) {
        let mut mood = self.mood.lock().unwrap();
        mood.1 += 1;
        *mood
    }
}

#[derive(Clone)]
struct Served {
    folder: PathBuf,
    service: S3Service,
    moods: Arc<Moods>,
}

pub(super) fn start() -> Bucket {
    install_provider();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lake")).unwrap();
    let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let moods = Arc::new(Moods {
        mood: Mutex::new((Mood::Obliging, 0)),
    });
    let served = Served {
        folder: folder.path().to_owned(),
        service: builder.build(),
        moods: Arc::clone(&moods),
    };
    let router = Router::new().fallback(answer).with_state(served);
    let runtime = runtime();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // It ends with its runtime, which the bucket holds.
    runtime.spawn(async move { axum::serve(listener, router).await });
    let store = AmazonS3Builder::new()
        .with_bucket_name("lake")
        .with_endpoint(&endpoint)
        .with_allow_http(true)
        .with_access_key_id(ACCESS_KEY)
        .with_secret_access_key(SECRET_KEY)
        .build()
        .unwrap();
    Bucket {
        url: "s3://lake/some/prefix".to_owned(),
        options: format!("{{ endpoint: '{endpoint}', allow_http: true }}"),
        environment: vec![
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ],
        store: Arc::new(store),
        runtime,
        mood: Some(moods),
        _server: None,
        folder: Some(folder),
    }
}

async fn answer(State(served): State<Served>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let content = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let deletes = parts.method == Method::DELETE || query.starts_with("delete");
    let is_head = parts.method == Method::HEAD;
    let writes = deletes || matches!(parts.method, Method::PUT | Method::POST);
    let (mood, count) = served.moods.next();
    let mut loses_answer = false;
    match mood {
        Mood::IgnoresConditions if parts.headers.contains_key(http::header::IF_NONE_MATCH) => {
            // The header is signed and must stay: what it asks about goes instead.
            let path = parts.uri.path().trim_start_matches('/');
            drop(std::fs::remove_file(served.folder.join(path)));
        }
        Mood::KeepsAll if deletes => return denied(),
        Mood::ReadOnly if writes => return denied(),
        Mood::RevokesAfter(requests) if count > requests => return denied(),
        Mood::Throttles if count % 2 == 1 => {
            return error(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            );
        }
        Mood::LosesAnswersOfCommits => {
            loses_answer = parts.method == Method::PUT && parts.uri.path().contains("/commits/");
        }
        Mood::LosesCompletions => {
            loses_answer = parts.method == Method::POST && query.starts_with("uploadId");
        }
        _ => {}
    }
    let request = http::Request::from_parts(parts, s3s::Body::from(content));
    let answer = served.service.call(request).await;
    match mood {
        // The answer to `HEAD` has no middle.
        Mood::Resets if count % 2 == 1 && !is_head => return broken_off(),
        Mood::Stalls if count % 5 == 1 => return std::future::pending().await,
        _ => {}
    }
    match answer {
        // No client tries again after this answer.
        Ok(_) if loses_answer => error(
            StatusCode::BAD_REQUEST,
            "RequestTimeout",
            "The answer was lost.",
        ),
        Ok(response) => response.map(Body::new),
        Err(problem) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            &format!("{problem:?}"),
        ),
    }
}

/// The connection is closed in the middle of the answer.
fn broken_off() -> Response {
    let reset = futures::stream::iter([
        Ok(Bytes::from_static(b"<")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    Response::builder()
        .header(http::header::CONTENT_LENGTH, "1000")
        .body(Body::from_stream(reset))
        .unwrap()
}

fn denied() -> Response {
    error(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied")
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let response = Response::builder().status(status);
    response.body(Body::from(Bytes::from(body))).unwrap()
}
