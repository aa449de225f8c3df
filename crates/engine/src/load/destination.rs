//! The place that a pipeline writes to.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::ListResult;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutPayload};
use url::Url;

use super::{Error, durable, store};
use crate::plan::{StoreKind, StoreSettings, check_destination};

/// How often an object is asked to be removed, where nobody answers.
const REMOVAL_ATTEMPTS: u32 = 4;

/// An opened place for tables: an object store and the prefix below which everything lies.
///
/// Clones share the store, so that a clone of a `memory://` destination sees the same files.
#[derive(Clone)]
pub struct Destination {
    pub(super) store: Arc<dyn ObjectStore>,
    kind: StoreKind,
    prefix: ObjectPath,
    folder: Option<PathBuf>,
    /// What was to be deleted and may not be.
    undeleted: Arc<Mutex<BTreeSet<String>>>,
    /// What went wrong and does no harm to the run.
    failures: Arc<Mutex<Vec<String>>>,
}

impl Destination {
    /// Opens a local path, a `file://` URL, `memory://`, or a bucket with the settings of its surroundings alone.
    ///
    /// Local folders are created. Each call with `memory://` gives an empty place of its own.
    pub fn open(url: &str) -> Result<Self, Error> {
        Self::open_with(url, &StoreSettings::default())
    }

    /// Opens a local path or a URL. Local folders are created; of a bucket nothing is asked yet.
    pub fn open_with(url: &str, settings: &StoreSettings) -> Result<Self, Error> {
        let unusable = |reason: String| Error::UnusableDestination { reason };
        let kind = check_destination(url).map_err(unusable)?;
        if kind == StoreKind::Local && !url.contains("://") {
            return Self::local(Path::new(url));
        }
        let parsed = Url::parse(url).map_err(|error| unusable(error.to_string()))?;
        match kind {
            StoreKind::Local => {
                let path = parsed.to_file_path().map_err(|()| {
                    unusable("a `file` URL needs an absolute path, as in `file:///data`".to_owned())
                })?;
                Self::local(&path)
            }
            StoreKind::Memory => Ok(Self {
                store: Arc::new(InMemory::new()),
                kind,
                prefix: ObjectPath::from(parsed.path()),
                folder: None,
                undeleted: Arc::default(),
                failures: Arc::default(),
            }),
            StoreKind::S3 | StoreKind::GoogleCloud | StoreKind::Azure => {
                let (_, prefix) = ObjectStoreScheme::parse(&parsed)
                    .map_err(|error| unusable(error.to_string()))?;
                Ok(Self {
                    store: store::open(kind, url, settings)?,
                    kind,
                    prefix,
                    folder: None,
                    undeleted: Arc::default(),
                    failures: Arc::default(),
                })
            }
        }
    }

    /// Whether a URL leads to a local folder that isn't there, which opening it would create.
    pub(super) fn is_absent_folder(url: &str) -> bool {
        if check_destination(url) != Ok(StoreKind::Local) {
            return false;
        }
        let folder = match Url::parse(url).ok().filter(|_| url.contains("://")) {
            Some(parsed) => parsed.to_file_path().unwrap_or_default(),
            None => PathBuf::from(url),
        };
        !folder.is_dir()
    }

    fn local(path: &Path) -> Result<Self, Error> {
        let folder = std::path::absolute(path).map_err(Error::local_file("find", path))?;
        durable::create_folder(&folder)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(Error::store("open", &folder.display().to_string()))?;
        Ok(Self {
            store: Arc::new(store),
            kind: StoreKind::Local,
            prefix: ObjectPath::default(),
            folder: Some(folder),
            undeleted: Arc::default(),
            failures: Arc::default(),
        })
    }

    /// The same place through another store, for tests that make it fail.
    #[cfg(test)]
    pub(super) fn through(&self, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            ..self.clone()
        }
    }

    /// The object at a path relative to the destination, which names it as it is: `%` and what follows stay.
    pub(super) fn object(&self, relative: &str) -> ObjectPath {
        let path = ObjectPath::parse(relative).unwrap_or_else(|_| ObjectPath::from(relative));
        self.prefix.parts().chain(path.parts()).collect()
    }

    /// The kind of store.
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// Whether the objects are local files.
    pub(super) fn is_local(&self) -> bool {
        self.folder.is_some()
    }

    /// The local file at a path relative to the destination; `None` where there are no local files.
    pub(super) fn local_path(&self, relative: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        Some(
            relative
                .split('/')
                .fold(folder.clone(), |path, part| path.join(part)),
        )
    }

    /// The content of an object; `None` if there is none.
    pub(super) async fn read(&self, relative: &str) -> Result<Option<Bytes>, Error> {
        let content = async { self.store.get(&self.object(relative)).await?.bytes().await };
        match content.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(Error::store("read", relative)(source)),
        }
    }

    /// Writes an object, in place of an earlier one.
    pub(super) async fn write(&self, relative: &str, content: Vec<u8>) -> Result<(), Error> {
        self.store
            .put(&self.object(relative), PutPayload::from(content))
            .await
            .map_err(Error::store("write", relative))?;
        Ok(())
    }

    /// Removes an object, if it is there.
    ///
    /// The clients delete by `POST`, and don't repeat one that nobody answered, since they can't know what it does.
    pub(super) async fn remove(&self, relative: &str) -> Result<(), Error> {
        let mut attempt = 1;
        loop {
            match self.store.delete(&self.object(relative)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => return Ok(()),
                Err(error @ object_store::Error::Generic { .. })
                    if self.kind.is_bucket() && attempt < REMOVAL_ATTEMPTS =>
                {
                    tracing::warn!(%error, attempt, "remove `{relative}`");
                    attempt += 1;
                }
                Err(source) => return Err(Error::store("remove", relative)(source)),
            }
        }
    }

    /// Removes an object that nothing refers to any more. Where that is not allowed it stays, and is noted.
    pub(super) async fn discard(&self, relative: &str) -> Result<(), Error> {
        use object_store::Error::{PermissionDenied, Unauthenticated};
        match self.remove(relative).await {
            Err(Error::Store {
                source: PermissionDenied { .. } | Unauthenticated { .. },
                ..
            }) if self.kind.is_bucket() => {
                let undeleted = self.undeleted.lock();
                let mut undeleted = undeleted.unwrap_or_else(PoisonError::into_inner);
                undeleted.insert(relative.to_owned());
                Ok(())
            }
            result => result,
        }
    }

    /// Notes what went wrong and does no harm to the run.
    pub(super) fn note_failure(&self, error: &Error) {
        let text = error_chain(error);
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text);
    }

    /// Tells of what went wrong without harm to any table.
    pub fn warnings(&self) -> Vec<String> {
        let failures = self
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let undeleted = self.undeleted.lock();
        let undeleted = undeleted.unwrap_or_else(PoisonError::into_inner);
        let Some(first) = undeleted.first() else {
            return failures;
        };
        let objects = match undeleted.len() {
            1 => "1 object".to_owned(),
            count => format!("{count} objects"),
        };
        let kept = format!(
            "the credentials may not delete: {objects} that no table refers to any more stayed, `{first}` the first; whoever \
             reads files by a pattern sees rows that were replaced, too (`engine check` names the right that is missing)"
        );
        [failures, vec![kept]].concat()
    }

    /// Whether there is an object.
    pub(super) async fn holds(&self, relative: &str) -> Result<bool, Error> {
        match self.store.head(&self.object(relative)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(Error::store("look for", relative)(source)),
        }
    }

    /// Names of the objects and of the folders that lie directly in a folder.
    pub(super) async fn list(&self, relative: &str) -> Result<Vec<String>, Error> {
        let listed = self.listed(relative).await?;
        let objects = listed.objects.into_iter().map(|object| object.location);
        Ok(names(objects.chain(listed.common_prefixes)))
    }

    /// Names of the objects in a folder that come behind a name.
    pub(super) async fn list_after(
        &self,
        relative: &str,
        name: &str,
    ) -> Result<Vec<String>, Error> {
        let folder = self.object(relative);
        let offset = self.object(&format!("{relative}/{name}"));
        let listed = self.store.list_with_offset(Some(&folder), &offset);
        let listed = listed.map_ok(|object| object.location).try_collect();
        let listed: Vec<ObjectPath> = listed.await.map_err(Error::store("list", relative))?;
        Ok(names(listed))
    }

    async fn listed(&self, relative: &str) -> Result<ListResult, Error> {
        let folder = self.object(relative);
        let listed = self.store.list_with_delimiter(Some(&folder)).await;
        listed.map_err(Error::store("list", relative))
    }
}

/// An error with all of its causes, on one line.
fn error_chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn names(paths: impl IntoIterator<Item = object_store::path::Path>) -> Vec<String> {
    let name = |path: object_store::path::Path| path.filename().map(str::to_owned);
    paths.into_iter().filter_map(name).collect()
}

/// Runs computing or local file work on a thread where it holds nobody up.
pub(super) async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // It is awaited here and never aborted, so a panic is all that can have happened.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Destination")
            .field("prefix", &self.prefix)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_file_url_are_the_same_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/lake");
        let by_path = Destination::open(path.to_str().unwrap()).unwrap();
        let url = Url::from_directory_path(&path).unwrap();
        let by_url = Destination::open(url.as_str()).unwrap();
        assert!(path.is_dir());
        assert_eq!(by_path.local_path("a/b"), Some(path.join("a").join("b")));
        assert_eq!(by_url.local_path("a/b"), by_path.local_path("a/b"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_without_creating_it() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().to_str().unwrap();
        let absent = format!("{there}/lake");
        assert!(!Destination::is_absent_folder(there));
        assert!(!Destination::is_absent_folder(&format!("file://{there}")));
        assert!(Destination::is_absent_folder(&absent));
        assert!(Destination::is_absent_folder(&format!("file://{absent}")));
        assert!(!Destination::is_absent_folder("s3://bucket/lake"));
        assert!(!Path::new(&absent).exists());
    }

    #[test]
    fn an_unknown_scheme_is_named_without_credentials() {
        let error = Destination::open("ftp://user:secret@host/lake").unwrap_err();
        insta::assert_snapshot!(error, @"open the destination: tables can't be written to this `ftp://` URL; give a folder, such as `./data/shop`, or a `file://`, `s3://`, `gs://`, `az://` or `memory://` URL");
    }
}
