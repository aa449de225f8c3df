//! `engine preview`

mod text;

use std::process::ExitCode;
use std::sync::Arc;

use engine::run::{PreviewOptions, preview as look};

use super::run::clock;
use super::session::{Session, SessionArguments};
use crate::args::{Output, PreviewArguments};
use crate::failure::Failure;
use crate::grid;
use crate::printer::Printer;
use crate::progress::Progress;

pub(crate) async fn preview(
    arguments: PreviewArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let session = Session::open(SessionArguments {
        spec: &arguments.spec,
        sandbox: arguments.sandbox.as_deref(),
        destination: arguments.destination.as_deref(),
        vars: &arguments.vars,
        now: arguments.now,
    })
    .await?;
    let progress = Arc::new(Progress::without_notes(printer));
    let observer = Arc::clone(&progress);
    let options = PreviewOptions {
        api: session.api.clone(),
        now: session.now,
        clock: Arc::new(clock),
        pages: arguments.pages,
        records: arguments.records,
        fresh: arguments.fresh,
        observer: Arc::new(move |event| observer.observe(event)),
    };
    let seen = look(&session.plan, &arguments.resource, options).await;
    progress.finish();
    session.close().await;
    let seen = seen?;
    printer.result(&match arguments.output {
        Output::Json => serde_json::to_string_pretty(&seen).unwrap_or_default(),
        Output::Text => text::render(&seen, grid::width()),
    });
    match seen.error {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}
