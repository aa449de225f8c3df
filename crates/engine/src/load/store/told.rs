//! A store whose errors can be told: short, and without secrets.

use std::fmt;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};
use regex::Regex;

use super::machine_identity::MISSING;
use crate::spec::Secret;

/// Secrets shorter than this stand in other words too.
const SHORTEST_MASKED: usize = 6;

/// Passes calls on, and makes errors fit to be shown.
pub(crate) struct ToldStore {
    inner: Arc<dyn ObjectStore>,
    secrets: Arc<[Secret]>,
}

impl ToldStore {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, secrets: Vec<Secret>) -> Self {
        Self {
            inner,
            secrets: secrets.into(),
        }
    }

    fn told(&self, error: Error) -> Error {
        told(error, &self.secrets)
    }

    fn stream<T: Send + 'static>(
        &self,
        inner: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        let secrets = Arc::clone(&self.secrets);
        inner.map_err(move |error| told(error, &secrets)).boxed()
    }
}

/// What went wrong, on one line.
pub(super) fn text(error: &impl fmt::Display, secrets: &[Secret]) -> String {
    static XML: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<\?xml.*|<Error>.*"));
    static CODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<Code>(.*?)</Code>"));
    static MESSAGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<Message>(.*?)</Message>"));
    static SIGNED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?i)\b(sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token))=[^&\s"'<>)]+"#,
        )
    });
    static USER: LazyLock<Regex> = LazyLock::new(|| pattern(r"://[^/@\s]+@"));
    static LENGTH: LazyLock<Regex> = LazyLock::new(|| pattern(r" in [0-9.]+(?:ns|µs|ms|s)\b"));
    let mut text = error.to_string();
    if let Some(body) = XML.find(&text) {
        // The whole answer also holds what was signed.
        let part = |pattern: &Regex| {
            let found = pattern.captures(body.as_str())?.get(1)?;
            Some(found.as_str().trim().to_owned())
        };
        let said: Vec<String> = [part(&CODE), part(&MESSAGE)]
            .into_iter()
            .flatten()
            .collect();
        let said = said.join(": ");
        text.replace_range(body.range(), &said);
    }
    for (pattern, mask) in [(&SIGNED, "$1=***"), (&USER, "://***@"), (&LENGTH, "")] {
        text = pattern.replace_all(&text, mask).into_owned();
    }
    let mut secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        if secret.len() >= SHORTEST_MASKED {
            text = text.replace(secret, "***");
        }
    }
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if [
        "//169.254.169.254",
        "//metadata.google.internal",
        "//metadata/",
    ]
    .iter()
    .any(|host| text.contains(host))
    {
        text.push_str("; ");
        text.push_str(MISSING);
    }
    text
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// The same kind of error, with a cause that can be shown.
fn told(error: Error, secrets: &[Secret]) -> Error {
    #[derive(Debug)]
    struct Told(String);
    impl fmt::Display for Told {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(&self.0)
        }
    }
    impl std::error::Error for Told {}
    type Cause = Box<dyn std::error::Error + Send + Sync>;
    let shown = |source: Cause| -> Cause { Box::new(Told(text(&source, secrets))) };
    match error {
        Error::Generic { store, source } => Error::Generic {
            store,
            source: shown(source),
        },
        Error::NotFound { path, source } => Error::NotFound {
            path,
            source: shown(source),
        },
        Error::AlreadyExists { path, source } => Error::AlreadyExists {
            path,
            source: shown(source),
        },
        Error::Precondition { path, source } => Error::Precondition {
            path,
            source: shown(source),
        },
        Error::NotModified { path, source } => Error::NotModified {
            path,
            source: shown(source),
        },
        Error::PermissionDenied { path, source } => Error::PermissionDenied {
            path,
            source: shown(source),
        },
        Error::Unauthenticated { path, source } => Error::Unauthenticated {
            path,
            source: shown(source),
        },
        Error::NotSupported { source } => Error::NotSupported {
            source: shown(source),
        },
        // These speak of paths and names of settings only.
        other => other,
    }
}

#[async_trait]
impl ObjectStore for ToldStore {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = self.inner.put_opts(at, payload, options).await;
        put.map_err(|error| self.told(error))
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.inner.put_multipart_opts(at, options).await;
        let inner = upload.map_err(|error| self.told(error))?;
        let secrets = Arc::clone(&self.secrets);
        Ok(Box::new(ToldUpload { inner, secrets }))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let got = self.inner.get_opts(at, options).await;
        let mut got = got.map_err(|error| self.told(error))?;
        got.payload = match got.payload {
            GetResultPayload::Stream(stream) => GetResultPayload::Stream(self.stream(stream)),
            file @ GetResultPayload::File(..) => file,
        };
        Ok(got)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.stream(self.inner.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.stream(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.stream(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.inner.list_with_delimiter(prefix).await;
        listed.map_err(|error| self.told(error))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let copied = self.inner.copy_opts(from, to, options).await;
        copied.map_err(|error| self.told(error))
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let renamed = self.inner.rename_opts(from, to, options).await;
        renamed.map_err(|error| self.told(error))
    }
}

#[derive(Debug)]
struct ToldUpload {
    inner: Box<dyn MultipartUpload>,
    secrets: Arc<[Secret]>,
}

#[async_trait]
impl MultipartUpload for ToldUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let secrets = Arc::clone(&self.secrets);
        let part = self.inner.put_part(data);
        Box::pin(async move { part.await.map_err(|error| told(error, &secrets)) })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let completed = self.inner.complete().await;
        completed.map_err(|error| told(error, &self.secrets))
    }

    async fn abort(&mut self) -> Result<()> {
        let aborted = self.inner.abort().await;
        aborted.map_err(|error| told(error, &self.secrets))
    }
}

impl fmt::Display for ToldStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

impl fmt::Debug for ToldStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ToldStore({})", self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, shown: &str) {
        let error = Error::PermissionDenied {
            path: "x".to_owned(),
            source: said.into(),
        };
        let told = told(error, &[Secret::new("hunter2")]);
        let source = std::error::Error::source(&told).unwrap().to_string();
        assert_eq!(source, shown);
        assert!(!told.to_string().contains("hunter"), "{told}");
        assert!(!format!("{told:?}").contains("hunter"), "{told:?}");
    }

    #[test]
    fn errors_are_short_and_hold_no_secrets() {
        check(
            "Error performing PUT https://b.example/x?sig=hunter%2B&se=1 in 12.5ms - 403 Forbidden: <?xml version='1.0'?>\n\
             <Error><Code>AccessDenied</Code><Message>no\n entry</Message><StringToSign>hunter2</StringToSign></Error>",
            "Error performing PUT https://b.example/x?sig=***&se=1 - 403 Forbidden: AccessDenied: no entry",
        );
        check(
            "get https://user:hunter3@b.example/x with hunter2",
            "get https://***@b.example/x with ***",
        );
    }

    #[test]
    fn a_machine_without_identity_is_told_what_is_missing() {
        let error = Error::Generic {
            store: "S3",
            source: "error sending request for http://169.254.169.254/latest/api/token".into(),
        };
        assert!(text(&error, &[]).contains("no credentials are given"));
    }
}
