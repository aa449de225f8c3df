//! What the commands take that look at schemas and pipelines as a whole.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{PlaceArguments, var};

/// Shows the columns of tables, how they came to be, and what differs between two loads.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine schema pipelines/assembled.yaml
  engine schema ./data/assembled people --history
  engine schema ./data/assembled people --diff 3..12
  engine schema ./data/assembled people --output ddl --for snowflake
  engine schema ./data/assembled people --output arrow --to people.arrow")]
pub(crate) struct SchemaArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The table. Default: all.
    pub(crate) table: Option<String>,
    /// Which commits added or widened what, and which record was the first that needed it.
    #[arg(long, conflicts_with_all = ["diff", "at"])]
    pub(crate) history: bool,
    /// What differs between two loads, each named by its id or by the number of a commit; without the first, everything is
    /// new, and without the second, the newest is meant.
    #[arg(long, value_name = "A..B", value_parser = range, conflicts_with = "at")]
    pub(crate) diff: Option<(Option<String>, Option<String>)>,
    /// The schema as it was behind this commit. Default: the newest.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) at: Option<u64>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = SchemaOutput::Text)]
    pub(crate) output: SchemaOutput,
    /// The database that `--output ddl` is for.
    #[arg(
        long = "for",
        value_enum,
        value_name = "DATABASE",
        required_if_eq("output", "ddl")
    )]
    pub(crate) database: Option<DdlDatabase>,
    /// The file to write, instead of the terminal or the pipe.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

/// How a schema is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOutput {
    /// A table for people.
    Text,
    Json,
    /// An Arrow IPC file without rows; of one table.
    Arrow,
    /// Statements that create the tables elsewhere.
    Ddl,
}

/// Where a table is to be created.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DdlDatabase {
    #[value(name = "duckdb")]
    DuckDb,
    Spark,
    #[value(name = "bigquery")]
    BigQuery,
    Snowflake,
    Postgres,
}

/// Writes a page about a pipeline, in Markdown: what it reads, how, and into which tables.
///
/// Variables that have no value stay as their names; nothing is asked of the API.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine docs pipelines/assembled.yaml
  engine docs pipelines/assembled.yaml --destination ./data/assembled --to docs/assembled.md")]
pub(crate) struct DocsArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// Where its tables are: their columns are taken from there, each with an example. Default: the page has the columns that the
    /// spec declares.
    #[arg(long, value_name = "URL")]
    pub(crate) destination: Option<String>,
    /// Shows no values. Those of columns whose names look like secrets are never shown.
    #[arg(long)]
    pub(crate) no_examples: bool,
    /// The file to write, instead of the terminal or the pipe.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
    /// Sets a value that the spec declares under `vars`. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = var)]
    pub(crate) vars: Vec<(String, String)>,
}

/// Writes one page of HTML about all tables and loads: rows, files, freshness, schemas, failures, and time that was lost.
///
/// The page stands by itself: it has no scripts, and loads nothing from anywhere.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine show ./data/assembled
  engine show pipelines/assembled.yaml --to report.html")]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// The file to write.
    #[arg(long, value_name = "FILE", default_value = "./engine-show.html")]
    pub(crate) to: PathBuf,
}

fn range(text: &str) -> Result<(Option<String>, Option<String>), String> {
    let (from, to) = text.split_once("..").ok_or_else(|| {
        "expected two loads or commits, such as `3..12`, `3..` or `..12`".to_owned()
    })?;
    let end = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok((end(from), end(to)))
}
