//! What a run shows while it goes on.

use std::sync::Mutex;
use std::time::Duration;

use engine::flow::Event;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Output;
use crate::printer::Printer;
use crate::summary::{bytes, grouped};

/// How often the line on the terminal is drawn again.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// One line on a terminal that follows the run; elsewhere only the notes.
pub(crate) struct Progress {
    bar: ProgressBar,
    shows_notes: bool,
    /// Events are lines of JSON on the standard output.
    writes_json: bool,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: u64,
    rows: u64,
    bytes: u64,
    slices: u64,
    finished: u64,
    /// Notes shown already, so that a note that each slice repeats is shown once.
    notes: Vec<String>,
}

impl Progress {
    pub(crate) fn new(printer: &Printer, output: Output) -> Self {
        let writes_json = output == Output::Json;
        let bar = if printer.draws_progress() && !writes_json {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(REDRAW_EVERY);
            bar
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            shows_notes: !printer.is_quiet(),
            writes_json,
            counts: Mutex::default(),
        }
    }

    /// The line alone, for who shows the notes with the result.
    pub(crate) fn without_notes(printer: &Printer) -> Self {
        Self {
            shows_notes: false,
            ..Self::new(printer, Output::Text)
        }
    }

    pub(crate) fn observe(&self, event: Event) {
        if self.writes_json {
            if let Ok(line) = serde_json::to_string(&event) {
                Printer::new(false).result(&line);
            }
            return;
        }
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Requested { .. } => counts.requests += 1,
            Event::PageRead { records, bytes, .. } => {
                counts.rows += records as u64;
                counts.bytes += bytes as u64;
            }
            Event::SlicesPlanned { count, .. } => counts.slices += count as u64,
            Event::SliceFinished { .. } => counts.finished += 1,
            Event::Retrying {
                resource,
                attempt,
                wait_milliseconds,
                reason,
            } => {
                self.note(&format!(
                    "retry: {resource}: try {attempt} failed ({reason}); next in {wait_milliseconds} ms"
                ));
            }
            Event::Waiting { text } => self.note(&text),
            Event::Notice { resource, text } => {
                self.note_once(&mut counts, format!("note: {resource}: {text}"));
            }
            Event::Warning { resource, text } => {
                self.note_once(&mut counts, format!("warning: {resource}: {text}"));
            }
            Event::Failed { resource, text } => {
                let text = format!("failed: {resource}: {text}");
                self.bar.suspend(|| Printer::new(false).error(&text));
            }
            Event::Detected {
                resource,
                key,
                value,
                reason,
            } => {
                let text =
                    format!("detected `{key}` ({reason}); to keep it, write `{key}: {value}`");
                self.note_once(&mut counts, format!("note: {resource}: {text}"));
            }
            Event::Committed { .. } | Event::PageTurned { .. } | Event::Exchanged(_) => {}
        }
        self.bar.set_message(format!(
            "{}/{} slices · {} requests · {} rows · {}",
            grouped(counts.finished),
            grouped(counts.slices),
            grouped(counts.requests),
            grouped(counts.rows),
            bytes(counts.bytes),
        ));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn note_once(&self, counts: &mut Counts, note: String) {
        if !counts.notes.contains(&note) {
            self.note(&note);
            counts.notes.push(note);
        }
    }

    fn note(&self, text: &str) {
        if self.shows_notes {
            self.bar.suspend(|| Printer::new(false).note(text));
        }
    }
}
