//! Buckets for the tests: servers that speak the clouds' languages, each with a bucket called `lake`.

mod azurite;
mod google_cloud;
mod moto;
mod s3;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};

pub(crate) use s3::Mood;

/// A bucket, and the server that keeps it.
pub(crate) struct Bucket {
    /// What the destination is called in a spec and on the command line.
    pub(crate) url: String,
    /// `destination.options` that lead there.
    pub(crate) options: String,
    /// The environment that the command needs.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// A way in for the test itself.
    pub(crate) store: Arc<dyn ObjectStore>,
    runtime: tokio::runtime::Runtime,
    /// How the in-process S3 server behaves; the others know one mood.
    mood: Option<Arc<s3::Moods>>,
    _server: Option<Server>,
    folder: Option<tempfile::TempDir>,
}

impl Bucket {
    /// An S3 server in this process, which checks signatures.
    pub(crate) fn s3() -> Self {
        s3::start()
    }

    /// moto's S3 server; `None`, and says so, where it is not at hand.
    pub(crate) fn moto() -> Option<Self> {
        moto::start()
    }

    /// An emulator of Azure's blob storage; `None`, and says so, where it is not at hand.
    pub(crate) fn azurite() -> Option<Self> {
        azurite::start()
    }

    /// A server in this process that speaks Google's XML API.
    pub(crate) fn google_cloud() -> Self {
        google_cloud::start()
    }

    /// Where the in-process S3 server keeps its objects, a folder for each bucket.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    /// Changes how the in-process S3 server behaves from now on.
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood.as_ref().unwrap().set(mood);
    }

    /// Adds to `destination.options`.
    pub(crate) fn set_option(&mut self, option: &str) {
        let options = self.options.trim_end_matches([' ', '}']);
        self.options = format!("{options}, {option} }}");
    }

    /// The same bucket, and another prefix.
    pub(crate) fn move_to(&mut self, prefix: &str) {
        let (bucket, _) = self.url.split_once("://lake/").unwrap();
        self.url = format!("{bucket}://lake/{prefix}");
    }

    /// The `destination` of a spec.
    pub(crate) fn destination(&self) -> String {
        let Self { url, options, .. } = self;
        format!("destination: {{ url: '{url}', options: {options}, compression: none }}\n")
    }

    /// Paths of all objects, below the destination.
    pub(crate) fn objects(&self) -> Vec<String> {
        let listed = self
            .store
            .list(Some(&self.prefix()))
            .try_collect::<Vec<_>>();
        let listed = self.runtime.block_on(listed).unwrap();
        let prefix = format!("{}/", self.prefix());
        let path = |object: object_store::ObjectMeta| {
            let path = object.location.to_string();
            path.strip_prefix(&prefix).unwrap().to_owned()
        };
        let mut paths: Vec<String> = listed.into_iter().map(path).collect();
        paths.sort();
        paths
    }

    /// Copies all objects into a local folder.
    pub(crate) fn download(&self, folder: &Path) {
        for path in self.objects() {
            let object = ObjectPath::parse(format!("{}/{path}", self.prefix())).unwrap();
            let content = async { self.store.get(&object).await?.bytes().await };
            let content = self.runtime.block_on(content).unwrap();
            let target = folder.join(&path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, content).unwrap();
        }
    }

    fn prefix(&self) -> ObjectPath {
        let (_, path) = self.url.split_once("://lake/").unwrap();
        ObjectPath::parse(path).unwrap()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// What the clients in this process encrypt with; the tests' servers have no encryption.
fn install_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A server in a process of its own; it ends with this value.
struct Server(Child);

impl Server {
    /// Starts it, and waits until it takes connections.
    fn start(command: &mut Command, port: u16) -> Self {
        let quiet = std::process::Stdio::null;
        let child = command.stdout(quiet()).stderr(quiet()).spawn().unwrap();
        let mut server = Self(child);
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            assert!(server.0.try_wait().unwrap().is_none(), "{command:?} ended");
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{command:?} takes no connections");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The value of a variable that names a part of the tests; says so where there is none.
fn part(variable: &str, what: &str) -> Option<std::ffi::OsString> {
    let value = std::env::var_os(variable);
    if value.is_none() {
        // The harness shows what a passing test prints only where it is written past its capture.
        let word = format!("left out: {variable} names no {what}; see CONTRIBUTING.md");
        let mut shown = std::io::stderr();
        writeln!(shown, "{word}").unwrap();
    }
    value
}
