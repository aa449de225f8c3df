//! Where text goes: results to stdout, talk to stderr.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Writes for the person at the terminal, or the program that reads the pipe.
pub(crate) struct Printer {
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether the user wants neither progress nor notes.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether progress may be drawn.
    pub(crate) fn draws_progress(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// A result.
    #[expect(
        clippy::unused_self,
        reason = "whoever prints has been handed the printer"
    )]
    pub(crate) fn result(&self, text: &str) {
        write_result(&[text.as_bytes(), b"\n"].concat());
    }

    /// A result that may go to a file, as it is.
    pub(crate) fn write(&self, content: &[u8], file: Option<&Path>) -> Result<(), Failure> {
        let Some(file) = file else {
            write_result(content);
            return Ok(());
        };
        std::fs::write(file, content).map_err(|error| Failure::Other {
            message: format!("write `{}`", file.display()),
            cause: Some(Box::new(error)),
            code: 1,
        })?;
        self.note(&format!("wrote {}", file.display()));
        Ok(())
    }

    /// Something worth knowing, unless the user wants quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            write_line(&mut std::io::stderr().lock(), text);
        }
    }

    /// Why the command failed.
    #[expect(
        clippy::unused_self,
        reason = "whoever prints has been handed the printer"
    )]
    pub(crate) fn error(&self, text: &str) {
        write_line(&mut std::io::stderr().lock(), text);
    }
}

/// Whether a part of a result could not be written.
pub(crate) fn is_result_lost() -> bool {
    RESULT_LOST.load(Ordering::Relaxed)
}

static RESULT_LOST: AtomicBool = AtomicBool::new(false);

/// A reader that has gone away is no error; a disk that is full is one, and is told once.
fn write_result(content: &[u8]) {
    let mut stream = std::io::stdout().lock();
    let written = stream.write_all(content).and_then(|()| stream.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !RESULT_LOST.swap(true, Ordering::Relaxed)
    {
        write_line(
            &mut std::io::stderr().lock(),
            &format!("error: write the result: {error}"),
        );
    }
}

/// A reader that has gone away is no error.
fn write_line(stream: &mut dyn Write, text: &str) {
    let written = writeln!(stream, "{text}");
    drop(written);
}
