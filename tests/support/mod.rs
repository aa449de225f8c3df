//! What the tests share: a folder to work in, the command, the sandbox, and the tables that were written.

mod buckets;
mod lake;
mod scripted;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use engine_sandbox::{Fixture, Information, Sandbox, SeenRequest};
use tempfile::TempDir;

pub(crate) use buckets::{Bucket, Mood};
pub(crate) use lake::{files, rows};
pub(crate) use scripted::{Reply, Request, Scripted};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The shipped pipeline.
pub(crate) fn assembled() -> PathBuf {
    root().join("pipelines/assembled.yaml")
}

/// The shipped fixture.
pub(crate) fn assembled_fixture() -> Fixture {
    let mut fixture = Fixture::load(&root().join("pipelines/sandbox/assembled.yaml")).unwrap();
    // No record lies exactly at the run's start: it would belong to the next run.
    fixture.now = "2024-01-22T12:31:00Z".parse().unwrap();
    fixture
}

/// An empty folder in which the command runs.
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command, with nothing of this process's environment that could change what it does.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("NO_COLOR", "1");
        command
    }

    pub(crate) fn engine<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Finished {
        Finished::from(self.command(arguments).output().unwrap())
    }
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Finished {
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// A sandbox in this process, on a runtime of its own.
pub(crate) struct Served {
    sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

impl Served {
    pub(crate) fn start(fixture: Fixture) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sandbox = runtime.block_on(Sandbox::start(fixture, address)).unwrap();
        Self { sandbox, runtime }
    }

    /// What `--sandbox` takes.
    pub(crate) fn origin(&self) -> String {
        let url = self.sandbox.url();
        let authority = url
            .strip_prefix("http://")
            .unwrap()
            .split('/')
            .next()
            .unwrap();
        format!("http://{authority}")
    }

    pub(crate) fn url(&self) -> String {
        self.sandbox.url()
    }

    pub(crate) fn information(&self) -> Information {
        self.sandbox.information()
    }

    pub(crate) fn collections(&self) -> BTreeMap<String, u64> {
        self.information().collections
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.sandbox.requests()
    }

    pub(crate) fn set_now(&self, now: &str) {
        let _runtime = self.runtime.enter();
        self.sandbox.set_now(now.parse().unwrap());
    }
}

/// A Python with `DuckDB` and `pyarrow`; says so where there is none.
pub(crate) fn python_of_the_readers() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("ENGINE_TEST_PYTHON");
    if python.is_none() {
        // The harness shows what a passing test prints only where it is written past its capture.
        let word = "left out: ENGINE_TEST_PYTHON names no Python with duckdb and pyarrow; see CONTRIBUTING.md";
        let mut shown = std::io::stderr();
        writeln!(shown, "{word}").unwrap();
    }
    python
}
