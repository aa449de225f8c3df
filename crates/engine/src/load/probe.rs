//! What a destination lets the engine do, tried out.

use std::fmt::Display;

use object_store::{
    CopyMode, CopyOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use uuid::Uuid;

use super::{Destination, Error};
use crate::plan::StoreKind;

/// Where tried objects lie.
const PROBES: &str = "_engine/probe";

/// The object that each run asks to create, to see whether the store refuses what is there already.
const CREATED_ONCE: &str = "_engine/create-if-absent";

/// One thing that a run needs to do at its destination, and whether it can.
#[derive(Debug)]
pub struct Probe {
    /// What was tried, in a word.
    pub action: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a probe.
#[derive(Debug)]
pub enum Outcome {
    /// It works.
    Works,
    /// It doesn't; what was answered, and what to do.
    Fails {
        /// Why it failed.
        error: String,
        /// What would make it work.
        help: String,
    },
    /// It could not be tried, since what it builds on failed.
    NotTried,
}

/// Writes, reads, lists, creates, copies and deletes small objects, and leaves none behind where it may delete.
pub async fn probe(destination: &Destination) -> Vec<Probe> {
    let id = Uuid::now_v7().simple();
    let [written, created, copied] =
        ["written", "created", "copied"].map(|name| format!("{PROBES}/{id}-{name}"));
    let content = id.to_string().into_bytes();
    let mut probes = Vec::new();
    let mut add = |action, purpose, result: Option<Result<(), Failed>>| {
        let works = matches!(result, Some(Ok(())));
        let outcome = match result {
            None => Outcome::NotTried,
            Some(Ok(())) => Outcome::Works,
            Some(Err(failed)) => failed.outcome(destination.kind(), action),
        };
        probes.push(Probe {
            action,
            purpose,
            outcome,
        });
        works
    };

    let result = destination.write(&written, content.clone()).await;
    let writes = add("write", "stages files", Some(result.map_err(Failed::from)));
    let result = if writes {
        Some(read_back(destination, &written, &content).await)
    } else {
        None
    };
    add(
        "read",
        "reads the commit log, and files that a merge changes",
        result,
    );
    let result = find(destination, &written, writes).await;
    add("list", "finds commits", Some(result));
    let result = if writes {
        Some(create_once(destination, &created, &content).await)
    } else {
        None
    };
    add("create-if-absent", "lets one of two runs commit", result);
    let result = if writes {
        Some(copy(destination, &written, &copied).await)
    } else {
        None
    };
    add("copy", "publishes files", result);
    let result = if writes {
        Some(delete(destination, &[written, created, copied]).await)
    } else {
        None
    };
    add("delete", "removes staged and replaced files", result);
    probes
}

/// Why a probe failed.
enum Failed {
    Error(Error),
    /// The store answered well, and did something else.
    Misbehaved {
        error: String,
        help: String,
    },
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failed {
    fn misbehaved(error: impl Display, help: &str) -> Self {
        Self::Misbehaved {
            error: error.to_string(),
            help: help.to_owned(),
        }
    }

    fn outcome(self, kind: StoreKind, action: &str) -> Outcome {
        match self {
            Self::Error(Error::Store { source, .. }) => Outcome::Fails {
                help: help(kind, action, &source),
                error: source.to_string(),
            },
            Self::Error(error) => Outcome::Fails {
                error: error.to_string(),
                help: String::new(),
            },
            Self::Misbehaved { error, help } => Outcome::Fails { error, help },
        }
    }
}

async fn read_back(destination: &Destination, path: &str, content: &[u8]) -> Result<(), Failed> {
    match destination.read(path).await? {
        Some(found) if found == content => Ok(()),
        Some(_) => Err(Failed::misbehaved(
            "another content came than was written",
            "",
        )),
        None => Err(Failed::misbehaved(
            "what was just written is not there",
            "the store must show at once what was written",
        )),
    }
}

async fn find(destination: &Destination, path: &str, is_there: bool) -> Result<(), Failed> {
    let names = destination.list(PROBES).await?;
    let name = path.rsplit('/').next().unwrap_or_default();
    if is_there && !names.iter().any(|found| found == name) {
        return Err(Failed::misbehaved(
            "what was just written is not listed",
            "the store must list at once what was written",
        ));
    }
    Ok(())
}

async fn create_once(destination: &Destination, path: &str, content: &[u8]) -> Result<(), Failed> {
    for is_first in [true, false] {
        match (is_first, create(destination, path, content).await) {
            (true, Ok(())) | (false, Err(object_store::Error::AlreadyExists { .. })) => {}
            (false, Ok(())) => {
                return Err(Failed::misbehaved(
                    "the second create of the same object went through",
                    "the store ignores `If-None-Match: *`, so that one run could overwrite the commit of another; use a \
                     store with conditional writes",
                ));
            }
            (_, Err(source)) => return Err(Error::store("create", path)(source).into()),
        }
    }
    Ok(())
}

/// Creates an object in the way in which commits are created there.
async fn create(destination: &Destination, path: &str, content: &[u8]) -> object_store::Result<()> {
    let to = destination.object(path);
    let payload = PutPayload::from(content.to_vec());
    if destination.is_local() {
        let from = destination.object(&format!("{path}-new"));
        destination.store.put(&from, payload).await?;
        let options = CopyOptions::new().with_mode(CopyMode::Create);
        let copied = destination.store.copy_opts(&from, &to, options).await;
        destination.store.delete(&from).await?;
        return copied;
    }
    let options = PutOptions::from(PutMode::Create);
    let put = destination.store.put_opts(&to, payload, options).await;
    put.map(drop)
}

async fn copy(destination: &Destination, from: &str, to: &str) -> Result<(), Failed> {
    let paths = (destination.object(from), destination.object(to));
    let copied = destination.store.copy(&paths.0, &paths.1).await;
    Ok(copied.map_err(Error::store("copy", from))?)
}

async fn delete(destination: &Destination, paths: &[String]) -> Result<(), Failed> {
    for path in paths {
        destination.remove(path).await?;
        if destination.holds(path).await? {
            return Err(Failed::misbehaved(
                "what was just deleted is still there",
                "the store must forget at once what was deleted",
            ));
        }
    }
    Ok(())
}

/// What the one who looks after the bucket has to do.
fn help(kind: StoreKind, action: &str, error: &object_store::Error) -> String {
    use object_store::Error::{NotFound, NotImplemented, PermissionDenied, Unauthenticated};
    match error {
        PermissionDenied { .. } | Unauthenticated { .. } => match kind {
            StoreKind::Local | StoreKind::Memory => {
                "the user who runs the command needs the right to write there".to_owned()
            }
            _ => format!("check the credentials; they need {}", right(kind, action)),
        },
        NotFound { .. } => match kind {
            StoreKind::Azure => "check the names of the account and the container".to_owned(),
            _ => "check the bucket's name, and the endpoint or region".to_owned(),
        },
        NotImplemented { .. } => "use a store with conditional writes".to_owned(),
        _ => String::new(),
    }
}

/// The right that an action takes, as the cloud calls it.
fn right(kind: StoreKind, action: &str) -> &'static str {
    match (kind, action) {
        (StoreKind::S3, "read") => "s3:GetObject",
        (StoreKind::S3, "list") => "s3:ListBucket",
        (StoreKind::S3, "copy") => "s3:GetObject and s3:PutObject",
        (StoreKind::S3, "delete") => "s3:DeleteObject",
        (StoreKind::S3, _) => "s3:PutObject",
        (StoreKind::GoogleCloud, "read") => "storage.objects.get",
        (StoreKind::GoogleCloud, "list") => "storage.objects.list",
        (StoreKind::GoogleCloud, "delete") => "storage.objects.delete",
        (StoreKind::GoogleCloud, _) => {
            "storage.objects.create (and storage.objects.delete, where an object is replaced)"
        }
        _ => "the role Storage Blob Data Contributor, or a signature with the permissions racwdl",
    }
}

/// Proves, with one request as a rule, that a bucket refuses to create what is there already.
///
/// A store that takes no notice of the condition would let one run overwrite another's commit.
pub(super) async fn require_create_if_absent(destination: &Destination) -> Result<(), Error> {
    const CONTENT: &[u8] =
        b"Each run tries to create this object, to see whether the store refuses to replace it.\n";
    if !destination.kind().is_bucket() {
        return Ok(());
    }
    for _ in 0..2 {
        match create(destination, CREATED_ONCE, CONTENT).await {
            Ok(()) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Ok(()),
            Err(object_store::Error::NotImplemented { .. }) => break,
            Err(source) => return Err(Error::store("create", CREATED_ONCE)(source)),
        }
    }
    Err(Error::NoCreateIfAbsent)
}
