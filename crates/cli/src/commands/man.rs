//! `engine man`

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::{Arguments, ManArguments};
use crate::failure::Failure;
use crate::printer::Printer;

pub(crate) fn man(arguments: &ManArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let folder = &arguments.to;
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder))
        .map_err(|error| {
            let message = format!("write the manual pages to `{}`", folder.display());
            Failure::usage(message, Some(error.into()))
        })?;
    printer.note(&format!(
        "a page for each command is written; read one with `man {}`",
        folder.join("engine-run.1").display()
    ));
    Ok(ExitCode::SUCCESS)
}
