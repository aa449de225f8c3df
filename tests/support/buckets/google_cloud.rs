//! Google Cloud Storage, as far as a client of its XML API can tell: tokens of the metadata server, generations as
//! preconditions, listings in pages, copies, and multipart uploads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use object_store::gcp::GoogleCloudStorageBuilder;
use percent_encoding::percent_decode_str;

use super::{Bucket, install_provider, runtime};

const TOKEN: &str = "ya29.hunter2";
const WRITTEN: &str = "Mon, 01 Jan 2024 00:00:00 GMT";

/// Entries on a page of a listing: few, so that there are several pages.
const PAGE: usize = 5;

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, (Bytes, u64)>,
    uploads: BTreeMap<String, BTreeMap<usize, Bytes>>,
    /// Of the newest object or upload.
    generation: u64,
}

type Shared = Arc<Mutex<Kept>>;

pub(super) fn start() -> Bucket {
    install_provider();
    let kept = Shared::default();
    let router = Router::new().fallback(answer).with_state(kept);
    let runtime = runtime();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let host = listener.local_addr().unwrap().to_string();
    // It ends with its runtime, which the bucket holds.
    runtime.spawn(async move { axum::serve(listener, router).await });
    let endpoint = format!("http://{host}");
    let store = GoogleCloudStorageBuilder::new()
        .with_bucket_name("lake")
        .with_base_url(&endpoint)
        .with_bearer_token(TOKEN)
        .build()
        .unwrap();
    Bucket {
        url: "gs://lake/p".to_owned(),
        options: format!("{{ base_url: '{endpoint}', allow_http: true }}"),
        // Where Google's clients ask for the identity of the machine that they run on.
        environment: vec![("GCE_METADATA_HOST", host)],
        store: Arc::new(store),
        runtime,
        mood: None,
        _server: None,
        folder: None,
    }
}

async fn answer(State(kept): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let content = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = decoded(parts.uri.path());
    if path == "/computeMetadata/v1/instance/service-accounts/default/token" {
        if parts.headers.get("metadata-flavor").is_none() {
            return plain(StatusCode::FORBIDDEN, "");
        }
        let token = format!(
            "{{\"access_token\":\"{TOKEN}\",\"expires_in\":3600,\"token_type\":\"Bearer\"}}"
        );
        return plain(StatusCode::OK, token);
    }
    let authorization = parts.headers.get(header::AUTHORIZATION);
    if authorization.is_none_or(|value| value != &format!("Bearer {TOKEN}")) {
        return error(StatusCode::UNAUTHORIZED, "AuthenticationRequired");
    }
    let query = parts.uri.query().unwrap_or_default();
    let query: BTreeMap<String, String> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let Some(rest) = path.strip_prefix("/lake") else {
        return error(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    let name = rest.trim_start_matches('/').to_owned();
    let mut kept = kept.lock().unwrap();
    let upload = query.get("uploadId").cloned();
    match (parts.method, upload) {
        (Method::GET, None) if name.is_empty() => list(&kept, &query),
        (method @ (Method::GET | Method::HEAD), None) => {
            get(&kept, &name, &parts.headers, method == Method::GET)
        }
        (Method::PUT, None) => put(&mut kept, name, content, &parts.headers),
        (Method::DELETE, None) => match kept.objects.remove(&name) {
            Some(_) => plain(StatusCode::NO_CONTENT, ""),
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        (Method::POST, None) if query.contains_key("uploads") => {
            kept.generation += 1;
            let id = format!("upload-{}", kept.generation);
            kept.uploads.insert(id.clone(), BTreeMap::new());
            xml(format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        (Method::PUT, Some(id)) => {
            let Some(parts) = kept.uploads.get_mut(&id) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            let number: usize = query["partNumber"].parse().unwrap();
            parts.insert(number, content);
            let response = Response::builder().header(header::ETAG, format!("\"part-{number}\""));
            response.body(Body::empty()).unwrap()
        }
        (Method::POST, Some(id)) => {
            let Some(parts) = kept.uploads.remove(&id) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            let whole: Vec<u8> = parts
                .values()
                .flat_map(|part| part.iter().copied())
                .collect();
            kept.generation += 1;
            let generation = kept.generation;
            kept.objects.insert(name, (whole.into(), generation));
            let mut response = xml(format!(
                "<CompleteMultipartUploadResult><ETag>\"{generation}\"</ETag></CompleteMultipartUploadResult>"
            ));
            let value = generation.to_string().parse().unwrap();
            response.headers_mut().insert("x-goog-generation", value);
            response
        }
        (Method::DELETE, Some(id)) => {
            kept.uploads.remove(&id);
            plain(StatusCode::NO_CONTENT, "")
        }
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

fn put(kept: &mut Kept, name: String, content: Bytes, headers: &HeaderMap) -> Response {
    let existing = kept
        .objects
        .get(&name)
        .map_or(0, |(_, generation)| *generation);
    if let Some(wanted) = headers.get("x-goog-if-generation-match")
        && wanted.to_str().unwrap() != existing.to_string()
    {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let content = match headers.get("x-goog-copy-source") {
        None => content,
        Some(source) => {
            let source = decoded(source.to_str().unwrap());
            let source = source
                .trim_start_matches('/')
                .strip_prefix("lake/")
                .unwrap();
            match kept.objects.get(source) {
                Some((content, _)) => content.clone(),
                None => return error(StatusCode::NOT_FOUND, "NoSuchKey"),
            }
        }
    };
    kept.generation += 1;
    let generation = kept.generation;
    kept.objects.insert(name, (content, generation));
    let response = Response::builder()
        .header(header::ETAG, format!("\"{generation}\""))
        .header("x-goog-generation", generation);
    response.body(Body::empty()).unwrap()
}

fn get(kept: &Kept, name: &str, headers: &HeaderMap, with_content: bool) -> Response {
    let Some((content, generation)) = kept.objects.get(name) else {
        return error(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let total = content.len();
    let range = headers.get(header::RANGE).map(|range| {
        let (start, end) = range
            .to_str()
            .unwrap()
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'))
            .unwrap();
        let end = end.parse().map_or(total, |end: usize| (end + 1).min(total));
        start.parse().unwrap()..end
    });
    let mut response = Response::builder()
        .header(header::ETAG, format!("\"{generation}\""))
        .header(header::LAST_MODIFIED, WRITTEN)
        .header("x-goog-generation", *generation);
    let shown = match range {
        None => content.clone(),
        Some(range) => {
            let place = format!("bytes {}-{}/{total}", range.start, range.end - 1);
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, place);
            content.slice(range)
        }
    };
    response = response.header(header::CONTENT_LENGTH, shown.len());
    let body = if with_content {
        Body::from(shown)
    } else {
        Body::empty()
    };
    response.body(body).unwrap()
}

fn list(kept: &Kept, query: &BTreeMap<String, String>) -> Response {
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let (prefix, delimiter) = (get("prefix"), get("delimiter"));
    // A token is the last entry of the page before.
    let after = get("continuation-token");
    let mut entries = BTreeMap::new();
    for (name, (content, _)) in &kept.objects {
        let Some(rest) = name.strip_prefix(prefix) else {
            continue;
        };
        match rest.split_once(delimiter).filter(|_| !delimiter.is_empty()) {
            Some((folder, _)) => entries.insert(format!("{prefix}{folder}{delimiter}"), None),
            None => entries.insert(name.clone(), Some(content.len())),
        };
    }
    let rest: Vec<_> = entries
        .iter()
        .filter(|(name, _)| name.as_str() > after)
        .collect();
    let mut text = String::from("<ListBucketResult>");
    for (name, size) in rest.iter().take(PAGE) {
        match size {
            Some(size) => write!(
                text,
                "<Contents><Key>{name}</Key><Size>{size}</Size><LastModified>2024-01-01T00:00:00Z</LastModified>\
                 </Contents>"
            ),
            None => write!(text, "<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"),
        }
        .unwrap();
    }
    if rest.len() > PAGE {
        let token = rest[PAGE - 1].0;
        write!(
            text,
            "<NextContinuationToken>{token}</NextContinuationToken>"
        )
        .unwrap();
    }
    text.push_str("</ListBucketResult>");
    xml(text)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn xml(text: String) -> Response {
    let response = Response::builder().header(header::CONTENT_TYPE, "application/xml");
    response.body(Body::from(text)).unwrap()
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response {
    Response::builder()
        .status(status)
        .body(text.into())
        .unwrap()
}

fn error(status: StatusCode, code: &str) -> Response {
    plain(
        status,
        format!(
            "<?xml version='1.0'?><Error><Code>{code}</Code><Message>told by the emulator</Message></Error>"
        ),
    )
}
