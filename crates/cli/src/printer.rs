//! Where text goes: results to stdout, talk to stderr.

use std::io::{IsTerminal, Write};

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
        write_line(&mut std::io::stdout().lock(), text);
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

/// A reader that has gone away is no error.
fn write_line(stream: &mut dyn Write, text: &str) {
    let written = writeln!(stream, "{text}");
    drop(written);
}
