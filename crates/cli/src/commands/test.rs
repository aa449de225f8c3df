//! `engine test`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use engine::extract::cassette::{Cassette, Traffic};
use engine::flow::Event;
use engine::load::{Destination, Patience, new_load_id};
use engine::run::{Options, Scope, run as run_plan};
use engine::testing::{Case, Expect, Found, Mismatch, Run, TestFile, accept, compare};
use serde_json::json;
use tempfile::TempDir;

use super::run::{clock, clock_of};
use super::session::{Session, SessionArguments};
use super::spec::SpecFile;
use crate::args::{Output, TestArguments};
use crate::failure::{Failure, chain};
use crate::printer::Printer;

/// What a case came to.
struct Tested {
    name: String,
    /// With the number of the run, from 1.
    mismatches: Vec<(usize, Mismatch)>,
    /// What each run that ended would have been right to expect.
    accepted: Vec<Option<Expect>>,
}

pub(crate) async fn test(
    arguments: &TestArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let path = match &arguments.file {
        Some(path) => path.clone(),
        None => arguments.spec.with_extension("test.yaml"),
    };
    let (text, mut file) = read(&path)?;
    if let Some(unknown) = arguments
        .cases
        .iter()
        .find(|name| file.cases.iter().all(|case| case.name != **name))
    {
        let names: Vec<&str> = file.cases.iter().map(|case| case.name.as_str()).collect();
        let message = format!(
            "there is no case `{unknown}`; there are {}",
            names.join(", ")
        );
        return Err(Failure::usage(message, None));
    }
    let is_asked_for =
        |case: &&Case| arguments.cases.is_empty() || arguments.cases.contains(&case.name);
    let mut all = Vec::new();
    for case in file.cases.iter().filter(is_asked_for) {
        let tested = run_case(case, &arguments.spec, &path).await?;
        if arguments.output == Output::Text && !arguments.accept {
            printer.result(&text_of(&tested, case.runs.len()));
        }
        all.push(tested);
    }
    if arguments.accept {
        return write_accepted(&path, &text, &mut file, all, printer);
    }
    let passed = all
        .iter()
        .filter(|tested| tested.mismatches.is_empty())
        .count();
    match arguments.output {
        Output::Text => printer.result(&format!("{passed} of {} cases passed", all.len())),
        Output::Json => printer.result(&json_of(&all)),
    }
    Ok(if passed == all.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read(path: &Path) -> Result<(String, TestFile), Failure> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!(
            "read the tests `{name}`; to begin with, write `version: 1` and \
             `cases: [{{ name: first, sandbox: true, runs: [{{}}] }}]` there, and let `engine test --accept` add what it finds"
        );
        Failure::usage(message, Some(error.into()))
    })?;
    let file = TestFile::parse(&text)
        .map_err(|error| Failure::usage(format!("read the tests `{name}`: {error}"), None))?;
    Ok((text, file))
}

async fn run_case(case: &Case, spec: &Path, file: &Path) -> Result<Tested, Failure> {
    let destination = TempDir::new().map_err(|error| {
        Failure::usage("make a temporary folder".to_owned(), Some(error.into()))
    })?;
    let mut tested = Tested {
        name: case.name.clone(),
        mismatches: Vec::new(),
        accepted: Vec::new(),
    };
    for (position, run) in case.runs.iter().enumerate() {
        let number = position + 1;
        match run_once(case, run, spec, file, destination.path()).await? {
            Ok(found) => {
                let expect = run.expect.clone().unwrap_or_default();
                let mismatches = compare(&expect, &found);
                let mismatches = mismatches.into_iter().map(|mismatch| (number, mismatch));
                tested.mismatches.extend(mismatches);
                let is_whole = found.failures.is_empty();
                let accepted = is_whole.then(|| accept(run.expect.as_ref(), &found));
                tested.accepted.push(accepted);
            }
            Err(mismatch) => {
                tested.mismatches.push((number, mismatch));
                break;
            }
        }
    }
    Ok(tested)
}

/// Runs the pipeline, and looks at what it left behind. A run that fails as a whole is no failure of the test's own.
async fn run_once(
    case: &Case,
    run: &Run,
    spec: &Path,
    file: &Path,
    destination: &Path,
) -> Result<Result<Found, Mismatch>, Failure> {
    let beside = |path: &str| file.parent().unwrap_or(Path::new("")).join(path);
    let fixture = case.sandbox.as_ref().map(|fixture| {
        let path = fixture.0.as_deref().map(beside).unwrap_or_default();
        path.display().to_string()
    });
    let url = destination.display().to_string();
    let asked = SessionArguments {
        spec,
        sandbox: fixture.as_deref(),
        destination: Some(&url),
        vars: &[],
        now: run.now,
    };
    let read = SpecFile::read_alone(spec, case.variables.clone())?;
    let (session, traffic) = match run.cassette.as_deref().map(beside) {
        Some(folder) => {
            let cassette = Cassette::open(&folder)?;
            let session = Session::replay(read, &asked, &cassette)?;
            (session, Traffic::Replayed(Arc::new(cassette)))
        }
        None => (Session::open_read(read, asked).await?, Traffic::Network),
    };
    session.move_sandbox_clock();
    let options = Options {
        load_id: new_load_id(clock()),
        api: session.api.clone(),
        now: session.now,
        clock: clock_of(&session, &traffic),
        scope: Scope::New,
        resources: case.resources.clone(),
        patience: Patience::Stop,
        fail_fast: false,
        traffic,
        observer: Arc::new(|_: Event| {}),
    };
    let plan = session.plan.clone();
    let store = plan.destination.store.clone();
    let result = run_plan(plan, options, std::future::pending()).await;
    session.close().await;
    let report = match result {
        Ok(report) => report,
        Err(error) if error.is_usage() => return Err(error.into()),
        Err(error) => {
            return Ok(Err(Mismatch::new("the run", "an end", chain(&error))));
        }
    };
    let destination = Destination::open_with(&url, &store)?;
    Ok(Ok(Found::read(&report, &destination).await?))
}

fn write_accepted(
    path: &PathBuf,
    text: &str,
    file: &mut TestFile,
    all: Vec<Tested>,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let failed = all.iter().flat_map(|tested| {
        let failures = tested.mismatches.iter();
        let failures = failures.filter(|(_, one)| matches!(&*one.what, "the run" | "failures"));
        failures.map(|(run, mismatch)| format!("{}, run {run}: {mismatch}", tested.name))
    });
    let failed: Vec<String> = failed.collect();
    if !failed.is_empty() {
        printer.error(&format!(
            "error: nothing was accepted, since runs failed\n{}",
            failed.join("\n")
        ));
        return Ok(ExitCode::FAILURE);
    }
    for (case, tested) in file.cases.iter_mut().zip(all) {
        for (run, accepted) in case.runs.iter_mut().zip(tested.accepted) {
            run.expect = accepted;
        }
    }
    std::fs::write(path, file.to_yaml(text)).map_err(|error| {
        Failure::usage(format!("write `{}`", path.display()), Some(error.into()))
    })?;
    printer.result(&format!(
        "wrote what was found into `{}`: read it, and drop what doesn't matter",
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn text_of(tested: &Tested, runs: usize) -> String {
    let runs_word = if runs == 1 { "run" } else { "runs" };
    if tested.mismatches.is_empty() {
        return format!("ok    {} ({runs} {runs_word})", tested.name);
    }
    let mut text = format!("FAIL  {}", tested.name);
    for (run, mismatch) in &tested.mismatches {
        let place = if runs == 1 {
            String::new()
        } else {
            format!("run {run}: ")
        };
        let indented = format!("{place}{mismatch}").replace('\n', "\n      ");
        text = format!("{text}\n      {indented}");
    }
    text
}

fn json_of(all: &[Tested]) -> String {
    let cases: Vec<_> = all
        .iter()
        .map(|tested| {
            let mismatches: Vec<_> = tested
                .mismatches
                .iter()
                .map(|(run, mismatch)| {
                    json!({
                        "run": run,
                        "what": mismatch.what,
                        "expected": mismatch.expected,
                        "found": mismatch.found,
                    })
                })
                .collect();
            json!({
                "name": tested.name,
                "passed": tested.mismatches.is_empty(),
                "mismatches": mismatches,
            })
        })
        .collect();
    json!({ "cases": cases }).to_string()
}
