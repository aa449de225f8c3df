//! One page of HTML about all that a destination holds, and how its loads went.
//!
//! The page stands by itself: styles and charts are in it, it has no scripts, and it loads nothing from anywhere.
//!
//! **Invariant:** every text from outside is escaped; the template marks nothing as safe.

mod chart;
mod loads;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use crate::figures::{bytes, duration, grouped};
use crate::load::{History, LoadReport};
use chart::Chart;
use loads::{Load, Outcome};
use tables::Table;

/// What the page is made of.
#[derive(Debug)]
pub struct Contents<'c> {
    /// Where the destination is, as a reader finds it.
    pub place: &'c str,
    /// All commits.
    pub history: &'c History,
    /// The reports of the newest loads, the newest last.
    pub reports: &'c [LoadReport],
    /// Loads that have staged files.
    pub staged: &'c BTreeSet<String>,
    /// When the page is made; ages are measured from here.
    pub now: Timestamp,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("write the page")]
pub struct Error(#[from] minijinja::Error);

/// What the template prints.
#[derive(Serialize)]
struct Page {
    pipeline: String,
    place: String,
    sequence: u64,
    made_at: String,
    figures: Vec<Figure>,
    unfinished: BTreeSet<String>,
    rows_chart: Option<Chart>,
    duration_chart: Option<Chart>,
    loads: Vec<Load>,
    tables: Vec<Table>,
}

/// One number at the top.
#[derive(Serialize)]
struct Figure {
    value: String,
    label: &'static str,
}

/// The page about a destination.
///
/// # Errors
/// The template doesn't fit what it prints, which is a mistake in the program.
pub fn page(contents: &Contents<'_>) -> Result<String, Error> {
    let state = contents.history.state();
    let tables = tables::tables(&state, contents.history, contents.now);
    // The newest first: that is what people look for.
    let loads: Vec<Load> = contents.reports.iter().rev().map(Load::of).collect();
    let page = Page {
        pipeline: contents.history.pipeline().to_owned(),
        place: contents.place.to_owned(),
        sequence: state.sequence,
        made_at: minutes(contents.now),
        figures: figures(contents, &tables, &loads),
        unfinished: contents
            .staged
            .iter()
            .chain(&state.unfinished_load)
            .cloned()
            .collect(),
        rows_chart: Chart::of(
            contents.reports,
            "Rows added and updated",
            loads::rows,
            grouped,
        ),
        duration_chart: Chart::of(
            contents.reports,
            "Duration",
            loads::milliseconds,
            |milliseconds| duration(Duration::from_millis(milliseconds)),
        ),
        loads,
        tables,
    };
    let template = include_str!("page.html").replace("/* styles */", include_str!("page.css"));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", &template)?;
    Ok(environment
        .get_template("page")?
        .render(minijinja::value::Serde(&page))?)
}

fn figures(contents: &Contents<'_>, tables: &[Table], loads: &[Load]) -> Vec<Figure> {
    let total = |value: fn(&Table) -> u64| tables.iter().map(value).sum::<u64>();
    let figure = |value, label| Figure { value, label };
    let newest = contents.history.newest_commit_at();
    let failed = loads.iter().filter(|load| load.outcome != Outcome::Done);
    vec![
        figure(grouped(total(|table| table.row_count)), "rows"),
        figure(grouped(tables.len() as u64), "tables"),
        figure(grouped(total(|table| table.file_count)), "files"),
        figure(bytes(total(|table| table.byte_count)), "on disk"),
        figure(
            newest.map_or_else(|| "none".to_owned(), |at| age(at, contents.now)),
            "since the newest commit",
        ),
        figure(
            format!(
                "{} of {}",
                grouped(failed.count() as u64),
                grouped(loads.len() as u64)
            ),
            "loads not done",
        ),
    ]
}

/// How long ago a time was.
fn age(then: Timestamp, now: Timestamp) -> String {
    let ago = now.duration_since(then);
    // A clock that was ahead has written it.
    let ago = Duration::try_from(ago).unwrap_or_default();
    match ago.as_secs() {
        0..60 => "a moment".to_owned(),
        seconds => {
            let text = duration(Duration::from_secs(seconds - seconds % 60));
            // Of ages, one unit says enough.
            let mut words = text.split(' ');
            let first = words.next().zip(words.next());
            first.map_or(text.clone(), |(number, unit)| format!("{number} {unit}"))
        }
    }
}

/// A time to the minute, in UTC.
fn minutes(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
