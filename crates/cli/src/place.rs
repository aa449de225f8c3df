//! Where tables are: at the destination of a spec, or at one that is named itself.

use std::path::Path;

use engine::load::upkeep::UpkeepSettings;
use engine::load::{Destination, Error, Lake, Lease, Patience, State, new_load_id};
use engine::plan::{Plan, check_destination};
use jiff::Timestamp;
use url::Url;

use crate::args::PlaceArguments;
use crate::commands::run::clock;
use crate::commands::spec::{SpecFile, store_settings};
use crate::failure::Failure;
use crate::printer::Printer;

/// An opened destination.
pub(crate) struct Place {
    pub(crate) destination: Destination,
    /// As a reader is to find it: an absolute path, or a URL.
    root: String,
    /// How files are written: as the spec says, where there is one.
    pub(crate) settings: UpkeepSettings,
}

impl Place {
    /// Opens what the arguments name. Nothing is created: a folder that isn't there is an error.
    pub(crate) fn open(arguments: &PlaceArguments) -> Result<Self, Failure> {
        let (url, store, settings) = if is_spec(&arguments.place) {
            let plan = plan(arguments)?;
            let settings = UpkeepSettings::of(&plan);
            (plan.destination.url, plan.destination.store, settings)
        } else {
            if !arguments.vars.is_empty() {
                let message = "`--var` is for a spec; a destination has no variables".to_owned();
                return Err(Failure::usage(message, None));
            }
            let url = arguments.place.clone();
            (url, store_settings(), UpkeepSettings::default())
        };
        check_destination(&url).map_err(|problem| Failure::usage(problem, None))?;
        let root = existing_root(&url)?;
        Ok(Self {
            destination: Destination::open_with(&url, &store)?,
            root,
            settings,
        })
    }

    /// The destination, as a reader is to find it.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Where a path that is relative to the destination is.
    pub(crate) fn location(&self, relative: &str) -> String {
        format!("{}/{relative}", self.root)
    }

    /// Keeps runs from working at the destination until the lease is released.
    pub(crate) async fn lease(
        &self,
        load_id: &str,
        wait: bool,
        printer: &Printer,
    ) -> Result<Lease, Failure> {
        let patience = if wait { Patience::Wait } else { Patience::Stop };
        let tell = |text: String| printer.note(&text);
        Ok(Lease::acquire(&self.destination, load_id, patience, &tell).await?)
    }

    /// Works on the tables, alone at the destination.
    pub(crate) async fn work<T>(
        &self,
        wait: bool,
        printer: &Printer,
        work: impl AsyncFnOnce(&mut Lake, Timestamp) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let now = clock();
        let load_id = new_load_id(now);
        let lease = self.lease(&load_id, wait, printer).await?;
        let done = async {
            let destination = self.destination.clone();
            let mut lake = Lake::open_for_upkeep(destination, &load_id, now).await?;
            let done = work(&mut lake, now).await;
            // What is staged and was not committed goes.
            let ended = lake.abandon().await;
            done.and_then(|done| ended.map(|()| done))
        };
        let done = done.await;
        lease.release().await;
        let done = done?;
        match self.destination.warnings() {
            warnings if warnings.is_empty() => Ok(done),
            warnings => Err(Failure::Other {
                message: warnings.join("; "),
                cause: None,
                code: 1,
            }),
        }
    }

    /// The state of the tables: behind the newest commit, or an earlier one.
    pub(crate) async fn state(&self, at: Option<u64>) -> Result<State, Failure> {
        Ok(match at {
            None => State::read(&self.destination).await?,
            Some(sequence) => State::read_at(&self.destination, sequence).await?,
        })
    }
}

fn is_spec(place: &str) -> bool {
    let extension = Path::new(place).extension();
    let is_yaml = extension.is_some_and(|extension| extension == "yaml" || extension == "yml");
    is_yaml && !place.contains("://")
}

fn plan(arguments: &PlaceArguments) -> Result<Plan, Failure> {
    let read = || SpecFile::read(Path::new(&arguments.place));
    let mut spec = read()?;
    spec.variables = spec.variables.without_the_api();
    match spec.plan(&arguments.vars, None, |_| {}) {
        Ok(plan) => Ok(plan),
        // What stands for a missing variable may fit nowhere: then the variable is what to tell of.
        Err(_) => read()?.plan(&arguments.vars, None, |_| {}),
    }
}

/// A destination as a reader is to find it.
///
/// # Errors
/// A local folder isn't there.
pub(crate) fn existing_root(url: &str) -> Result<String, Failure> {
    let parsed = url.contains("://").then(|| Url::parse(url).ok()).flatten();
    let folder = match &parsed {
        Some(parsed) if parsed.scheme() == "file" => parsed.to_file_path().ok(),
        None if !url.contains("://") => std::path::absolute(url).ok(),
        _ => None,
    };
    match folder {
        Some(folder) if folder.is_dir() => {
            let folder = folder.display().to_string();
            Ok(folder.trim_end_matches('/').to_owned())
        }
        Some(folder) => Err(Failure::usage(
            format!(
                "there is no folder `{}`: name the pipeline's YAML file or its destination",
                folder.display()
            ),
            None,
        )),
        None => Ok(url.trim_end_matches('/').to_owned()),
    }
}
