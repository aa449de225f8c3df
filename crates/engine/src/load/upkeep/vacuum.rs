//! Removing what nothing refers to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::listing::{Listed, list};
use crate::load::commit_log;
use crate::load::destination::off_the_async_threads;
use crate::load::load_id::names_a_data_file;
use crate::load::spool::SPOOL_PREFIX;
use crate::load::staging::STAGING;
use crate::load::{Destination, Error, Lake, State};

/// How old what is removed is at least, unless the caller says otherwise: no run lasts as long.
pub const DEFAULT_VACUUM_AGE: Duration = Duration::from_hours(7 * 24);

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VacuumReport {
    /// By path.
    pub leftovers: Vec<Leftover>,
    /// Things of the same kinds that are too young, since a run may be about to need them.
    pub young: u64,
}

/// Something that nothing refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// Path relative to the destination; of a local spool folder the whole path.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What is removed, and when.
#[derive(Clone, Debug)]
pub struct Vacuuming<'a> {
    /// A load's id, for the case that the log has to be written to.
    pub load_id: &'a str,
    /// The clock.
    pub now: Timestamp,
    /// Nothing younger is touched.
    pub age: Duration,
    /// The folder in which the runs of this machine create their spool folders. They are those of all pipelines: none
    /// younger than [`DEFAULT_VACUUM_AGE`] is touched.
    pub temporary: PathBuf,
    /// Only tell.
    pub dry_run: bool,
}

/// Removes what runs have left behind that were killed: files in the folders of tables that no commit knows, what is staged
/// and was never committed, and local spool folders.
///
/// Of the files in a table's folder, only those are meant whose name is that of a load's file: whatever else lies there is
/// someone's own.
pub async fn vacuum(
    destination: &Destination,
    vacuuming: Vacuuming<'_>,
) -> Result<VacuumReport, Error> {
    let Vacuuming {
        load_id,
        now,
        age,
        temporary,
        dry_run,
    } = vacuuming;
    let mut report = VacuumReport::default();
    let is_older = move |modified: i64, age: Duration| {
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        now.as_second().saturating_sub(modified) >= age
    };
    let is_old = |modified: i64| is_older(modified, age);
    // What is listed before the log is read was committed by then, or never will be.
    let tables: Vec<String> = State::read(destination).await?.tables.into_keys().collect();
    let mut listed = Vec::new();
    for table in &tables {
        listed.extend(list(destination, table).await?);
    }
    let staged = list(destination, STAGING).await?;
    let log = commit_log::read(destination).await?;
    let current: BTreeSet<&str> = log
        .state
        .tables
        .values()
        .flat_map(|table| table.files.iter().map(|file| file.path.as_str()))
        .collect();
    // The newest commit may wait to be published: its files are still to be moved.
    let newest = log.newest.iter();
    let waiting: BTreeSet<&str> = newest
        .flat_map(|commit| {
            let moves = commit.moves().flat_map(|(from, to)| [from, to]);
            moves.chain(commit.removals())
        })
        .collect();
    let unknown = listed.into_iter().filter(|object| {
        let name = object.path.rsplit('/').next().unwrap_or_default();
        let path = object.path.as_str();
        names_a_data_file(name) && !current.contains(path) && !waiting.contains(path)
    });
    let (old, young): (Vec<_>, Vec<_>) = unknown.partition(|object| is_old(object.modified));
    report.young += young.len() as u64;
    for object in old {
        if !dry_run {
            destination.remove(&object.path).await?;
        }
        report.leftovers.push(object.into());
    }
    let staged = staged.into_iter();
    let staged = staged.filter(|object| !waiting.contains(object.path.as_str()));
    let staged: Vec<Listed> = staged.collect();
    // Where there is no log yet, the first run that ends removes it.
    if log.newest.is_some() && staged.iter().any(|object| is_old(object.modified)) {
        if !dry_run {
            // Opening it sweeps all in the one way that is safe beside a run: it takes the next place in the log first.
            let lake = Lake::open_for_upkeep(destination.clone(), load_id, now).await?;
            lake.abandon().await?;
        }
        report
            .leftovers
            .extend(staged.into_iter().map(Leftover::from));
    } else {
        report.young += staged.len() as u64;
    }
    let is_old = move |modified: i64| is_older(modified, age.max(DEFAULT_VACUUM_AGE));
    let folders = off_the_async_threads(move || spool_folders(&temporary, &is_old, dry_run));
    report.leftovers.extend(folders.await?);
    report.leftovers.sort();
    Ok(report)
}

impl From<Listed> for Leftover {
    fn from(listed: Listed) -> Self {
        Self {
            path: listed.path,
            bytes: listed.bytes,
        }
    }
}

/// Removes the spool folders that killed runs left in the system's folder for temporary files.
fn spool_folders(
    temporary: &Path,
    is_old: &dyn Fn(i64) -> bool,
    dry_run: bool,
) -> Result<Vec<Leftover>, Error> {
    let mut removed = Vec::new();
    // Where it can't be listed there is none of ours.
    for entry in std::fs::read_dir(temporary).into_iter().flatten().flatten() {
        let is_ours = entry
            .file_name()
            .to_string_lossy()
            .starts_with(SPOOL_PREFIX);
        let Some(newest) = Some(entry.path())
            .filter(|_| is_ours)
            .and_then(|path| newest_in(&path))
        else {
            continue;
        };
        if !is_old(newest.modified) {
            continue;
        }
        if !dry_run {
            let path = entry.path();
            std::fs::remove_dir_all(&path)
                .map_err(Error::local_file("remove the folder", &path))?;
        }
        removed.push(newest.into());
    }
    Ok(removed)
}

/// A spool folder as it was changed last, and the size of its files; `None` where it is none, or can't be read.
fn newest_in(folder: &Path) -> Option<Listed> {
    let modified = |metadata: &std::fs::Metadata| {
        let since = metadata
            .modified()
            .ok()?
            .duration_since(std::time::UNIX_EPOCH)
            .ok()?;
        i64::try_from(since.as_secs()).ok()
    };
    let own = std::fs::symlink_metadata(folder)
        .ok()
        .filter(std::fs::Metadata::is_dir)?;
    let mut listed = Listed {
        path: folder.display().to_string(),
        bytes: 0,
        modified: modified(&own)?,
    };
    for file in std::fs::read_dir(folder).ok()? {
        let metadata = file.ok()?.metadata().ok()?;
        listed.bytes += metadata.len();
        listed.modified = listed.modified.max(modified(&metadata)?);
    }
    Some(listed)
}
