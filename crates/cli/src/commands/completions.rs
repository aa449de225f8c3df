//! `engine completions`

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::{Arguments, CompletionsArguments};
use crate::printer::Printer;

pub(crate) fn completions(arguments: &CompletionsArguments, printer: &Printer) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "engine",
        &mut script,
    );
    printer.result(String::from_utf8_lossy(&script).trim_end());
    ExitCode::SUCCESS
}
