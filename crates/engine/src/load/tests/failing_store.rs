//! A store that dies at a chosen call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// Where a call fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Death {
    /// The call is not made, nor is any later one.
    Before,
    /// The call is made, its answer is lost, and no later call is made.
    After,
    /// The call is made and its answer is lost; later calls are made.
    AnswerLost,
}

/// Passes calls on to another store until one of them fails.
#[derive(Debug)]
pub(super) struct FailingStore {
    inner: Arc<dyn ObjectStore>,
    death: Death,
    fatal: usize,
    calls: Arc<AtomicUsize>,
    /// The end of the names that listings leave out.
    hidden: Option<&'static str>,
}

/// What becomes of one call.
struct Call {
    made: bool,
    answered: bool,
}

impl FailingStore {
    /// Dies at the call of this number, from 0.
    pub(super) fn new(inner: Arc<dyn ObjectStore>, death: Death, fatal: usize) -> Self {
        Self {
            inner,
            death,
            fatal,
            calls: Arc::default(),
            hidden: None,
        }
    }

    /// Never dies, and leaves out of its listings what ends so, as if it had just been written.
    pub(super) fn hiding(inner: Arc<dyn ObjectStore>, end: &'static str) -> Self {
        Self {
            hidden: Some(end),
            ..Self::new(inner, Death::Before, usize::MAX)
        }
    }

    /// Whether the fatal call was reached.
    pub(super) fn has_failed(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > self.fatal
    }

    fn call(&self) -> Call {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let (at, behind) = (number == self.fatal, number > self.fatal);
        match self.death {
            Death::Before => Call {
                made: !at && !behind,
                answered: !at && !behind,
            },
            Death::After => Call {
                made: !behind,
                answered: !at && !behind,
            },
            Death::AnswerLost => Call {
                made: true,
                answered: !at,
            },
        }
    }

    async fn pass<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let call = self.call();
        if !call.made {
            return Err(dead());
        }
        let result = work.await;
        if call.answered { result } else { Err(dead()) }
    }
}

/// Whether a listing shows an object.
fn shows(hidden: Option<&str>, object: &ObjectMeta) -> bool {
    hidden.is_none_or(|end| !object.location.as_ref().ends_with(end))
}

fn dead() -> object_store::Error {
    object_store::Error::Generic {
        store: "failing",
        source: "no answer".into(),
    }
}

#[async_trait]
impl ObjectStore for FailingStore {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.pass(self.inner.put_opts(at, payload, opts)).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pass(self.inner.put_multipart_opts(at, opts)).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.pass(self.inner.get_opts(at, options)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let call = self.call();
        if !call.made {
            return stream::once(async { Err(dead()) }).boxed();
        }
        let deleted = self.inner.delete_stream(locations);
        if call.answered {
            return deleted;
        }
        deleted.map(|_| Err(dead())).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.inner.list(prefix);
        let hidden = self.hidden;
        let shows = move |object: &ObjectMeta| std::future::ready(shows(hidden, object));
        listed.try_filter(shows).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.pass(self.inner.list_with_delimiter(prefix)).await;
        let mut listed = listed?;
        listed.objects.retain(|object| shows(self.hidden, object));
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.pass(self.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.pass(self.inner.rename_opts(from, to, options)).await
    }
}

impl fmt::Display for FailingStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "failing {}", self.inner)
    }
}
