//! `engine plan`

use std::process::ExitCode;

use engine::run::{Outlook, OutlookOptions, Replaces, Requests, ResourceOutlook, Scope, outlook};
use jiff::Timestamp;

use super::run::scope;
use super::session::{Session, SessionArguments};
use crate::args::{Output, PlanArguments};
use crate::failure::Failure;
use crate::grid::{Grid, plain, width};
use crate::printer::Printer;
use crate::summary::grouped;

/// Below this nobody waits, in seconds.
const WORTH_TELLING: f64 = 1.0;

pub(crate) async fn plan(arguments: PlanArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let session = Session::open(SessionArguments {
        spec: &arguments.spec,
        sandbox: arguments.sandbox.as_deref(),
        destination: arguments.destination.as_deref(),
        vars: &arguments.vars,
        now: arguments.now,
    })
    .await?;
    let scope = scope((arguments.since, arguments.until), arguments.fresh);
    tell(
        session,
        arguments.resources,
        scope,
        arguments.output,
        printer,
    )
    .await
}

/// Tells what a run of these resources would do.
pub(super) async fn tell(
    session: Session,
    resources: Vec<String>,
    scope: Scope,
    output: Output,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let options = OutlookOptions {
        api: session.api.clone(),
        now: session.now,
        resources,
        scope,
    };
    let told = outlook(&session.plan, options).await;
    session.close().await;
    let told = told?;
    printer.result(&match output {
        Output::Json => serde_json::to_string_pretty(&told).unwrap_or_default(),
        Output::Text => render(&told, width()),
    });
    Ok(ExitCode::SUCCESS)
}

fn render(told: &Outlook, width: usize) -> String {
    let mut sections = vec![head(told), table(told, width)];
    let details: Vec<String> = told.resources.iter().flat_map(details).collect();
    if !details.is_empty() {
        sections.push(details.join("\n"));
    }
    sections.push(totals(told));
    if !told.notes.is_empty() {
        let notes = told
            .notes
            .iter()
            .map(|note| format!("note: {}", plain(note)));
        sections.push(notes.collect::<Vec<_>>().join("\n"));
    }
    sections.join("\n\n")
}

fn head(told: &Outlook) -> String {
    let state = match (told.commit, &told.unfinished_load) {
        (0, _) => "no run has been there".to_owned(),
        (commit, None) => format!("behind commit {commit}"),
        (commit, Some(load)) => {
            format!("behind commit {commit}; load {load} has not come to its end")
        }
    };
    format!("{} → {}: {state}", told.pipeline, told.destination)
}

fn table(told: &Outlook, width: usize) -> String {
    let mut grid = Grid::new([
        "resource", "slices", "from", "to", "requests", "write", "rows",
    ]);
    for one in &told.resources {
        let [from, to] = one.windows.map_or_else(Default::default, dates);
        let each = if one.parents.is_empty() { "" } else { " each" };
        let slices = match one.slices {
            0 => "none".to_owned(),
            count => format!("{}{each}", grouped(count)),
        };
        grid.push([
            one.resource.clone(),
            slices,
            from,
            to,
            format!("{}{each}", number(one.requests)),
            write(one).to_owned(),
            grouped(one.rows),
        ]);
    }
    grid.fit(width)
}

/// Both ends in UTC, as dates where that tells them apart.
fn dates(ends: [Timestamp; 2]) -> [String; 2] {
    let written = |format: &str| ends.map(|end| end.strftime(format).to_string());
    let [from, to] = written("%Y-%m-%d");
    if from == to {
        return written("%Y-%m-%d %H:%M");
    }
    [from, to]
}

/// `22`, `1-5`, or `22+` where only the answers tell how many more.
fn number(requests: Requests) -> String {
    let least = grouped(requests.least);
    match requests.most {
        Some(most) if most == requests.least => least,
        Some(most) => format!("{least}-{}", grouped(most)),
        None => format!("{least}+"),
    }
}

/// How rows join those that are there.
fn write(one: &ResourceOutlook) -> &'static str {
    if !one.writes {
        return "nothing";
    }
    match one.replaces {
        Replaces::Nothing | Replaces::Windows => "append",
        Replaces::All => "replace",
        Replaces::SameKeys => "merge",
        Replaces::Range => "replace the range",
    }
}

/// What else there is to say of a resource.
fn details(one: &ResourceOutlook) -> Vec<String> {
    let name = &one.resource;
    let mut lines = Vec::new();
    if !one.parents.is_empty() {
        let parents = one.parents.join("` × `");
        let known = one.parent_records.map_or(String::new(), |records| {
            format!(", about {} by its table", grouped(records))
        });
        lines.push(format!("{name}: for each record of `{parents}`{known}"));
    }
    let skips = one.skips.iter();
    lines.extend(skips.map(|skipped| format!("{name}: not read: {}", plain(skipped))));
    let gone = one.replaced_files.len() as u64;
    if gone > 0 && one.replaces == Replaces::Windows {
        lines.push(format!(
            "{name}: {} of {} files go, whose windows are read again",
            grouped(gone),
            grouped(one.files)
        ));
    }
    lines
}

fn totals(told: &Outlook) -> String {
    let requests = match told.requests.most {
        None => format!("{} or more", grouped(told.requests.least)),
        Some(_) => number(told.requests),
    };
    let mut text = match told.requests_expected {
        Some(expected) => format!(
            "{requests} requests, and those for records of parents: with as many as the tables hold now, {} or more",
            grouped(expected)
        ),
        None if told.resources.iter().any(|one| !one.parents.is_empty()) => {
            format!(
                "{requests} requests, and those for records of parents, whose number isn't known"
            )
        }
        None => format!("{requests} requests"),
    };
    if let Some(seconds) = told
        .least_seconds
        .filter(|seconds| *seconds >= WORTH_TELLING)
    {
        text = format!(
            "{text}\nat least {} under the rate limit",
            duration(seconds)
        );
    }
    text
}

/// Seconds as people say them.
fn duration(seconds: f64) -> String {
    let (minutes, hours) = (seconds / 60.0, seconds / 3600.0);
    if hours >= 2.0 {
        format!("{hours:.1} hours")
    } else if minutes >= 2.0 {
        format!("{minutes:.1} minutes")
    } else {
        format!("{seconds:.1} s")
    }
}
