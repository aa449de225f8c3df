//! What the command line takes.

mod looking;
mod looks;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::Timestamp;

use crate::commands::init::InitArguments;
pub(crate) use looking::{CheckArguments, PlanArguments, PreviewArguments};
pub(crate) use looks::{DdlDatabase, DocsArguments, SchemaArguments, SchemaOutput, ShowArguments};
/// What `--version` says; `-V` says the first line. The build script finds out the rest.
const BUILD: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("ENGINE_COMMIT"),
    "\ntarget: ",
    env!("ENGINE_TARGET"),
    "\nprofile: ",
    env!("ENGINE_PROFILE"),
);

/// Lands any REST API in a data lake as typed Parquet, incrementally and exactly once.
#[derive(Parser)]
#[command(name = "engine", version, long_version = BUILD, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Shows neither progress nor notes, only errors and the command's own result.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Init(InitArguments),
    Check(CheckArguments),
    Preview(PreviewArguments),
    Plan(PlanArguments),
    Run(RunArguments),
    Test(TestArguments),
    State(StateArguments),
    Sandbox(SandboxArguments),
    Files(FilesArguments),
    Sql(SqlArguments),
    Schema(SchemaArguments),
    Docs(DocsArguments),
    Show(ShowArguments),
    Compact(CompactArguments),
    Vacuum(VacuumArguments),
    Forget(ForgetArguments),
    Completions(CompletionsArguments),
    Man(ManArguments),
}

/// Where tables are.
#[derive(Args)]
pub(crate) struct PlaceArguments {
    /// The pipeline's YAML file, or where its tables are: a folder or a URL.
    #[arg(value_name = "SPEC|DESTINATION")]
    pub(crate) place: String,
    /// Sets a value that the spec declares under `vars`. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = var)]
    pub(crate) vars: Vec<(String, String)>,
}

/// Reads an API as a spec says, and writes its tables.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine run pipelines/assembled.yaml --sandbox
  ASSEMBLED_API_KEY=sk_live_… engine run pipelines/assembled.yaml
  engine run pipelines/assembled.yaml -r people -r teams --destination ./lake
  engine run pipelines/assembled.yaml --record recorded
  engine run pipelines/assembled.yaml --replay recorded --destination ./lake
  engine run pipelines/assembled.yaml -r agent_states --since 2024-01-01 --until 2024-02-01
  engine run pipelines/assembled.yaml --sandbox --exclude person --output json

Ctrl-C stops the run: slices that end soon are waited for, what is whole is committed, and the next run goes on from there.
A second Ctrl-C stops at once, and nothing is lost either.

Exit codes: 0 done; 1 failed; 2 bad spec or usage; 3 some resources failed, the others are committed; 130 interrupted, what
was whole is committed.")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that the user gives or not"
)]
pub(crate) struct RunArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// Where the tables are written, instead of the spec's `destination.url`: a folder, or a `file://`, `s3://`, `gs://`,
    /// `az://` or `memory://` URL.
    #[arg(long, value_name = "URL")]
    pub(crate) destination: Option<String>,
    /// Reads a simulated API instead of the real one: the fixture `sandbox/<name>.yaml` beside the spec, another
    /// fixture, or the URL of a running `engine sandbox`. Base URL, variables, clock and rate limit come from it.
    #[arg(long, value_name = "FIXTURE", num_args = 0..=1, default_missing_value = "", require_equals = false)]
    pub(crate) sandbox: Option<String>,
    /// Sets a value that the spec declares under `vars`. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = var)]
    pub(crate) vars: Vec<(String, String)>,
    /// Reads only this resource, and its parents for its sake. May be given several times.
    #[arg(long = "resource", short, value_name = "NAME")]
    pub(crate) resources: Vec<String>,
    /// Leaves this resource out, unless another one needs its records. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Vec<String>,
    /// Requests and slices of a resource that are under way at the same time, where the spec allows more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: Option<u16>,
    /// Only tells what the run would do, as `engine plan` does.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A table at the end, or a line of JSON for each event; the last one is the report.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Where another run works on the destination, begins when it has ended, instead of failing.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Keeps what the run asks and what is answered in this folder, without credentials; an earlier recording there goes.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) record: Option<PathBuf>,
    /// Reads what an earlier run has recorded in this folder, instead of the API: nothing is sent, nothing is waited for,
    /// and no credentials are needed. The clock is the recorded one.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["sandbox", "record"])]
    pub(crate) replay: Option<PathBuf>,
    /// Starts over: reads from the start, and replaces all rows of the tables, each in one commit once its resource is read to
    /// its end. With `-r`, of these resources only, and of children that get their records.
    #[arg(long, conflicts_with_all = ["since", "until"])]
    pub(crate) fresh: bool,
    /// Reads again what is not older than this time, and replaces what the tables hold of it; the next run goes on where
    /// earlier ones have ended all the same.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Reads again what is older than this time. Resources that are read in windows are read by whole windows.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Stops at the first resource that fails: nothing more is read, and what is whole is committed.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Takes this time as the run's start, such as `2024-01-31T12:00:00Z`; reading ends there. Default: the clock.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
}

/// Runs a pipeline's tests: against recorded answers or a sandbox, each case into a destination of its own.
///
/// The tests of `shop.yaml` lie in `shop.test.yaml` beside it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine test pipelines/assembled.yaml
  engine test pipelines/assembled.yaml --case recorded --output json
  engine test pipelines/assembled.yaml --accept

Exit codes: 0 all is as expected; 1 something isn't; 2 bad spec, test file, cassette or usage.")]
pub(crate) struct TestArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// Another test file.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Runs only this case. May be given several times.
    #[arg(long = "case", value_name = "NAME")]
    pub(crate) cases: Vec<String>,
    /// Writes what is found into the test file, in the place of what was expected. Comments behind its first lines are lost.
    #[arg(long, conflicts_with = "cases")]
    pub(crate) accept: bool,
    /// Text, or JSON.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Serves a simulated API from a fixture, until it is stopped.
#[derive(Args)]
#[command(after_help = "\
Example:
  engine sandbox pipelines/sandbox/assembled.yaml --port 8080
  curl -u sk_live_sandbox: 'http://127.0.0.1:8080/v0/people?limit=2'")]
pub(crate) struct SandboxArguments {
    /// The fixture's YAML file.
    pub(crate) fixture: PathBuf,
    /// The port on 127.0.0.1; 0 takes any that is free.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
}

/// Shows and changes how far each resource was read.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine state show pipelines/assembled.yaml
  engine state show ./data/assembled --output json
  engine state set pipelines/assembled.yaml agent_states --cursor 2024-01-01
  engine state reset pipelines/assembled.yaml agent_states")]
pub(crate) struct StateArguments {
    #[command(subcommand)]
    pub(crate) command: StateCommand,
}

#[derive(Subcommand)]
pub(crate) enum StateCommand {
    /// Shows how far each resource was read.
    Show(StateShowArguments),
    /// Says where the next run goes on with a resource. The rows stay.
    Set(StateSetArguments),
    /// Forgets how far a resource was read: the next run reads it from the start. The rows stay.
    Reset(StateResetArguments),
}

/// Whose state is meant.
#[derive(Args)]
pub(crate) struct StatePlace {
    /// Where the tables are, instead of the spec's `destination.url`.
    #[arg(long, value_name = "URL")]
    pub(crate) destination: Option<String>,
    /// The tables are those of a simulated API, as for `engine run`.
    #[arg(long, value_name = "FIXTURE", num_args = 0..=1, default_missing_value = "")]
    pub(crate) sandbox: Option<String>,
    /// Sets a value that the spec declares under `vars`. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = var)]
    pub(crate) vars: Vec<(String, String)>,
}

#[derive(Args)]
pub(crate) struct StateShowArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// A table, or JSON, which is complete.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Args)]
pub(crate) struct StateSetArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// The resource.
    pub(crate) resource: String,
    /// A time such as `2024-01-31`, or another value of the cursor: the next run goes on from there.
    #[arg(long, value_name = "VALUE")]
    pub(crate) cursor: String,
    /// Only the cursor of this parent record or partition, as `state show` names it.
    #[arg(long, value_name = "NAME")]
    pub(crate) part: Option<String>,
    #[command(flatten)]
    pub(crate) place: StatePlace,
}

#[derive(Args)]
pub(crate) struct StateResetArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// The resource.
    pub(crate) resource: String,
    #[command(flatten)]
    pub(crate) place: StatePlace,
}

/// Prints the files that a table consists of, in order, one a line.
///
/// What lies beside them in the table's folder is no part of the table.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine files pipelines/assembled.yaml people
  engine files ./data/assembled people --output json
  engine files ./data/assembled people --at 12")]
pub(crate) struct FilesArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The table.
    pub(crate) table: String,
    /// The files as they were behind this commit, if they are all there still. Default: the newest.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) at: Option<u64>,
    /// One path a line, or one JSON object with rows, bytes and the version of the schema of each file.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// How a result is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// Prints a query that reads a table as one commit has it.
///
/// It names each file, gives each column the type that the table has now, and reads an empty table as one with its columns.
#[derive(Args)]
#[command(after_help = "\
Examples:
  duckdb -c \"$(engine sql ./data/assembled people --for duckdb)\"
  engine sql pipelines/assembled.yaml people --for polars > people.py")]
pub(crate) struct SqlArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The table.
    pub(crate) table: String,
    /// Who is to run the query.
    #[arg(long = "for", value_enum, value_name = "READER")]
    pub(crate) reader: SqlReader,
    /// The table as it was behind this commit, if its files are all there still. Default: the newest.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) at: Option<u64>,
}

/// Who runs a query.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SqlReader {
    /// `DuckDB`: a SELECT.
    #[value(name = "duckdb")]
    DuckDb,
    /// Spark: Python that makes a `DataFrame`.
    Spark,
    /// Amazon Athena: an external table, and a view of it.
    Athena,
    /// `BigQuery`: an external table.
    #[value(name = "bigquery")]
    BigQuery,
    /// Polars: Python that makes a `LazyFrame`.
    Polars,
}

/// Merges small files, and brings old ones to the current schema of their table.
///
/// The rows stay as they are. Where there is nothing to do, nothing is changed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine compact pipelines/assembled.yaml
  engine compact ./data/assembled agent_states adherence")]
pub(crate) struct CompactArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The tables, each with its child tables. Default: all.
    pub(crate) tables: Vec<String>,
    /// Waits until a run that is under way at this destination has ended, rather than stop.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Removes what killed runs left behind and nothing refers to.
///
/// Files whose names are not those of a load's files stay where they are.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine vacuum ./data/assembled --dry-run
  engine vacuum pipelines/assembled.yaml --older-than 1d")]
pub(crate) struct VacuumArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// What is younger stays, since a run may be about to need it: longer than any run takes.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    pub(crate) older_than: Duration,
    /// Only tells what would be removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Waits until a run that is under way at this destination has ended, rather than stop.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Erases the rows of a table that meet a condition, and the rows of its child tables that belong to them.
///
/// The files that hold them are written again without them and deleted. A later run brings back what the API still has.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine forget ./data/shop orders --where \"email | lower == 'ann@example.com'\" --dry-run
  engine forget pipelines/shop.yaml orders --where \"customer.id in [17, 23]\"
  engine forget pipelines/shop.yaml orders --where \"row['first name'] == 'Ann'\"")]
pub(crate) struct ForgetArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The table.
    pub(crate) table: String,
    /// Which rows, in the expression language of `filter`: names are columns, and `row` is the whole row.
    #[arg(long = "where", value_name = "EXPRESSION")]
    pub(crate) condition: String,
    /// Only counts the rows.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Waits until a run that is under way at this destination has ended, rather than stop.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Prints a script that lets a shell complete commands and options.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine completions bash > ~/.local/share/bash-completion/completions/engine
  engine completions zsh > ~/.zfunc/_engine
  engine completions fish > ~/.config/fish/completions/engine.fish
  engine completions powershell >> $PROFILE

The zsh folder must be in `fpath` before `compinit` is called.")]
pub(crate) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Writes manual pages: one for the command, and one for each of its subcommands.
#[derive(Args)]
#[command(after_help = "\
Example:
  engine man --to ~/.local/share/man/man1
  man engine-run")]
pub(crate) struct ManArguments {
    /// The folder, which is made if it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,
}

fn var(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "expected a name and a value, such as `account=acme`".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

fn time(text: &str) -> Result<Timestamp, String> {
    engine::spec::parse_time(text)
        .ok_or_else(|| "expected a time such as `2024-01-31` or `2024-01-31T12:00:00Z`".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: Option<jiff::Span> = text.parse().ok();
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let length = span.and_then(|span| span.to_duration(days).ok());
    length
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(|| "expected a duration such as `7d` or `12h`".to_owned())
}
