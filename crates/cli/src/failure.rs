//! Every way in which a command fails, and what the user sees of it.

use std::error::Error;
use std::process::ExitCode;

use engine::extract::cassette::CassetteError;
use engine::spec::Diagnostics;

use crate::printer::Printer;

/// Exit code of a spec or a command line that is wrong.
const BAD_USAGE: u8 = 2;
/// Exit code of a run that was told to stop.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The spec is wrong.
    Spec(Diagnostics),
    /// The run stopped.
    Run(engine::run::Error),
    /// Nothing was found out about an API.
    Discover(engine::discover::Error),
    /// Tables can't be looked at or changed.
    Load(engine::load::Error),
    /// Anything else: a message, and what caused it.
    Other {
        message: String,
        cause: Option<Box<dyn Error + Send + Sync>>,
        code: u8,
    },
}

impl Failure {
    /// A file or an argument that can't be used.
    pub(crate) fn usage(
        message: String,
        cause: impl Into<Option<Box<dyn Error + Send + Sync>>>,
    ) -> Self {
        Self::Other {
            message,
            cause: cause.into(),
            code: BAD_USAGE,
        }
    }

    /// Tells the user, and gives the exit code.
    pub(crate) fn report(self, printer: &Printer) -> ExitCode {
        match self {
            Self::Spec(diagnostics) => {
                let report = miette::Report::new(diagnostics);
                printer.error(format!("{report:?}").trim_end());
                ExitCode::from(BAD_USAGE)
            }
            Self::Run(error) => {
                printer.error(&format!("error: {}", chain(&error)));
                match error {
                    engine::run::Error::StoppedAtOnce => ExitCode::from(INTERRUPTED),
                    error if error.is_usage() => ExitCode::from(BAD_USAGE),
                    _ => ExitCode::FAILURE,
                }
            }
            Self::Load(error) => {
                printer.error(&format!("error: {}", chain(&error)));
                if let engine::load::Error::LostPlace { .. } = error {
                    printer.error("  help: a run was under way at the same time; nothing was changed, try again when it has ended");
                }
                match error {
                    engine::load::Error::UnknownTable { .. }
                    | engine::load::Error::NoSuchCommit { .. }
                    | engine::load::Error::NoSuchLoad { .. }
                    | engine::load::Error::Condition { .. } => ExitCode::from(BAD_USAGE),
                    _ => ExitCode::FAILURE,
                }
            }
            Self::Discover(error) => {
                printer.error(&format!("error: {error}"));
                if let engine::discover::Error::Request { source, .. } = &error {
                    let causes = causes(source.source());
                    if !causes.is_empty() {
                        printer.error(&causes);
                    }
                }
                if let Some(help) = error.help() {
                    printer.error(&format!("  help: {help}"));
                }
                if error.is_usage() {
                    ExitCode::from(BAD_USAGE)
                } else {
                    ExitCode::FAILURE
                }
            }
            Self::Other {
                message,
                cause,
                code,
            } => {
                printer.error(&format!("error: {message}"));
                if let Some(cause) = cause {
                    printer.error(&causes(Some(&*cause)));
                }
                ExitCode::from(code)
            }
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other {
            message: "start the runtime".to_owned(),
            cause: Some(Box::new(error)),
            code: 1,
        }
    }
}

impl From<engine::run::Error> for Failure {
    fn from(error: engine::run::Error) -> Self {
        Self::Run(error)
    }
}

impl From<engine::load::Error> for Failure {
    fn from(error: engine::load::Error) -> Self {
        Self::Load(error)
    }
}

impl From<CassetteError> for Failure {
    fn from(error: CassetteError) -> Self {
        let cause = error.source().map(|source| source.to_string().into());
        Self::usage(error.to_string(), cause)
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Spec(diagnostics)
    }
}

/// An error and its causes, a line each.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let causes = causes(error.source());
    if !causes.is_empty() {
        text.push('\n');
        text.push_str(&causes);
    }
    text
}

/// Each cause on a line. Libraries often repeat a cause at the end of what it caused: it is told once.
fn causes(mut source: Option<&(dyn Error + 'static)>) -> String {
    let mut lines: Vec<String> = Vec::new();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !lines.last().is_some_and(|line| line.ends_with(&text)) {
            lines.push(format!("  because: {text}"));
        }
        source = cause.source();
    }
    lines.join("\n")
}
