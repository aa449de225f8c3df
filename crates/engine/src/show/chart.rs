//! Bars, one for each load.

use serde::Serialize;

use super::loads::{Load, Outcome};
use crate::load::LoadReport;

/// Bars that a chart has at most: what can still be told apart on a phone.
const MOST_BARS: usize = 60;

/// Fewer bars are drawn as wide as if there were so many, from the left.
const FEWEST_BARS: usize = 12;

/// Height of the highest bar, in the chart's own units.
const HEIGHT: u64 = 1000;

/// Height at which a value that is not 0 can be seen.
const LEAST_HEIGHT: u64 = 12;

/// A value of each load, the newest at the right.
#[derive(Serialize)]
pub(super) struct Chart {
    title: &'static str,
    /// The value of the highest bar.
    highest: String,
    first: String,
    last: String,
    /// In units of which a bar is 10 wide.
    width: usize,
    height: u64,
    bars: Vec<Bar>,
    has_failures: bool,
}

#[derive(Serialize)]
struct Bar {
    x: usize,
    y: u64,
    height: u64,
    label: String,
    failed: bool,
}

impl Chart {
    /// `None` where there is no load.
    pub(super) fn of(
        reports: &[LoadReport],
        title: &'static str,
        value: fn(&LoadReport) -> u64,
        write: fn(u64) -> String,
    ) -> Option<Self> {
        let shown = reports.get(reports.len().saturating_sub(MOST_BARS)..)?;
        let (first, last) = (shown.first()?, shown.last()?);
        let highest = shown.iter().map(value).max().unwrap_or_default();
        let bars = shown.iter().enumerate().map(|(place, report)| {
            let value = value(report);
            let load = Load::of(report);
            let height = height(value, highest);
            Bar {
                x: place * 10,
                y: HEIGHT - height,
                height,
                label: format!("{}: {}, {}", load.at, write(value), load.outcome.words()),
                failed: load.outcome != Outcome::Done,
            }
        });
        let bars: Vec<Bar> = bars.collect();
        Some(Self {
            title,
            highest: write(highest),
            first: day(first),
            last: day(last),
            width: bars.len().max(FEWEST_BARS) * 10,
            height: HEIGHT,
            has_failures: bars.iter().any(|bar| bar.failed),
            bars,
        })
    }
}

fn day(report: &LoadReport) -> String {
    super::loads::at(report).strftime("%Y-%m-%d").to_string()
}

fn height(value: u64, highest: u64) -> u64 {
    if value == 0 {
        return 0;
    }
    let scaled = u128::from(value) * u128::from(HEIGHT) / u128::from(highest.max(1));
    u64::try_from(scaled).unwrap_or(HEIGHT).max(LEAST_HEIGHT)
}
