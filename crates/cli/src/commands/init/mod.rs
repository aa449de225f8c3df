//! `engine init`

mod arguments;
mod questions;
mod report;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use engine::discover::{
    self, Discovered, FileError, Setup, discover, existing, render, write_files,
};
use engine::flow::{Event, Observer};
use engine::spec::{Secret, Variables};

pub(crate) use arguments::InitArguments;

use super::run::clock;
use super::spec::environment;
use crate::failure::{Failure, INTERRUPTED};
use crate::printer::Printer;
use crate::signals::Signals;

/// Where the files are written.
const FOLDER: &str = ".";

pub(crate) async fn init(arguments: InitArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    // At a question, Ctrl-C ends the question, which puts the terminal in order.
    let signals = Signals::listen();
    let folder = Path::new(FOLDER);
    let missing = arguments.missing();
    let arguments = match missing.as_slice() {
        [] => arguments,
        _ if questions::can_ask() => questions::complete(arguments)?,
        _ => {
            let missing = missing.join(", ");
            let message = format!("give {missing}; on a terminal, init asks for what is missing");
            return Err(Failure::usage(message, None));
        }
    };
    let setup = arguments
        .setup()
        .map_err(|problem| Failure::usage(problem, None))?;
    discover::check(&setup)?;
    if let Some(error) = existing(folder, &setup.name).filter(|_| !arguments.force) {
        return Err(Failure::usage(error.to_string(), None));
    }
    let mut variables = Variables::new(environment());
    variables
        .add_file(&folder.join(".env"))
        .map_err(|error| Failure::usage(error.to_string(), None))?;
    let secrets = secrets(&setup, &variables, arguments.offline)?;
    variables.set(
        secrets
            .iter()
            .map(|(name, secret)| (name.clone(), secret.expose().to_owned())),
    );
    let found = if arguments.offline {
        setup.endpoints.iter().map(|_| None).collect()
    } else {
        let observer = observer(printer.is_quiet());
        let found = tokio::select! {
            found = discover(&setup, &variables, Arc::new(clock), observer) => found?,
            () = signals.received(1) => return Err(interrupted(None)),
        };
        printer.result(&report::findings(&setup, &found));
        found
            .into_iter()
            .map(Some)
            .collect::<Vec<Option<Discovered>>>()
    };
    let yaml = render(&setup, &found);
    let written =
        write_files(folder, &setup, &yaml, &secrets, arguments.force).map_err(unwritten)?;
    printer.result(&report::written(&written));
    printer.result(&report::next_steps(&setup, &found));
    Ok(ExitCode::SUCCESS)
}

/// The values of the variables that the spec will name.
fn secrets(
    setup: &Setup,
    variables: &Variables,
    offline: bool,
) -> Result<Vec<(String, Secret)>, Failure> {
    let mut secrets = Vec::new();
    let mut missing = Vec::new();
    for variable in setup.variables() {
        let given = variables.given().find(|(name, _)| *name == variable.name);
        match given.filter(|(_, value)| !value.is_empty()) {
            Some((name, value)) => secrets.push((name.to_owned(), Secret::new(value))),
            None if offline => {}
            None if questions::can_ask() => {
                let secret = questions::secret(&variable)?;
                if !secret.expose().is_empty() {
                    secrets.push((variable.name, secret));
                }
            }
            None if variable.is_optional => {}
            None => missing.push(format!("{} ({})", variable.name, variable.meaning)),
        }
    }
    if missing.is_empty() {
        return Ok(secrets);
    }
    let message = format!(
        "{} must be set, in the environment or in the file `.env`; `--offline` writes a skeleton without",
        missing.join(" and ")
    );
    Err(Failure::usage(message, None))
}

fn interrupted(cause: Option<std::io::Error>) -> Failure {
    Failure::Other {
        message: "interrupted, and nothing was written".to_owned(),
        cause: cause.map(Into::into),
        code: INTERRUPTED,
    }
}

fn unwritten(error: FileError) -> Failure {
    let message = error.to_string();
    match error {
        FileError::Io { source, .. } => Failure::usage(message, Some(source.into())),
        FileError::Exists(_) | FileError::Unwritable(_) => Failure::usage(message, None),
    }
}

/// Tells what keeps the user waiting.
fn observer(is_quiet: bool) -> Observer {
    let printer = Printer::new(is_quiet);
    Arc::new(move |event| match event {
        Event::Retrying {
            resource,
            attempt,
            wait_milliseconds,
            reason,
        } => printer.note(&format!(
            "retry: {resource}: try {attempt} failed ({reason}); next in {wait_milliseconds} ms"
        )),
        Event::Waiting { text } => printer.note(&text),
        _ => {}
    })
}

impl From<discover::Error> for Failure {
    fn from(error: discover::Error) -> Self {
        Self::Discover(error)
    }
}
