//! What the commands take that look before a run.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{Output, time, var};

/// Checks a spec, tries each endpoint of its API, and proves that its destination lets a run do what it needs.
///
/// Of each resource the first page is asked for; of a child, that of the first record of its parent. What could change
/// something is not tried: jobs, and methods other than `GET`. At the destination small objects are written, read, listed,
/// created twice, copied and deleted below `_engine/probe`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine check pipelines/assembled.yaml
  engine check pipelines/assembled.yaml --sandbox
  engine check pipelines/assembled.yaml -r people -r teams --destination s3://bucket/prefix
  engine check pipelines/assembled.yaml --offline

Exit codes: 0 all is well; 1 an endpoint or the destination doesn't do; 2 bad spec or usage.")]
pub(crate) struct CheckArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// The destination to try, instead of the spec's `destination.url`.
    #[arg(long, value_name = "URL")]
    pub(crate) destination: Option<String>,
    /// Tries a simulated API instead of the real one, as for `engine run`.
    #[arg(long, value_name = "FIXTURE", num_args = 0..=1, default_missing_value = "", require_equals = false)]
    pub(crate) sandbox: Option<String>,
    /// Tries only this resource, and its parents for its sake. May be given several times.
    #[arg(long = "resource", short, value_name = "NAME")]
    pub(crate) resources: Vec<String>,
    /// Checks the spec alone: nothing is asked of the API and the destination.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Sets a value that the spec declares under `vars`. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = var)]
    pub(crate) vars: Vec<(String, String)>,
    /// Takes this time as the run's start. Default: the clock.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
    /// Tables, or one JSON document.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Reads the first pages of one resource, and shows what a run would make of them.
///
/// Nothing is written, and no state changes. Each request is shown as a `curl` line; then what tells where the records are and
/// how pages follow each other, the records, the columns with the reason for each type, and how far a run would come.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine preview pipelines/assembled.yaml people --sandbox
  engine preview pipelines/assembled.yaml agent_states --pages 5 --records 20
  engine preview pipelines/assembled.yaml person --output json

A child's pages are those of the first record of its parent, of which one page is read. A resource with a `job` creates one.

Exit codes: 0 done; 1 a request failed, or its answer can't be used; 2 bad spec or usage.")]
pub(crate) struct PreviewArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// The resource.
    pub(crate) resource: String,
    /// Pages to read.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) pages: u64,
    /// Records to show.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) records: usize,
    /// Where a run would write, instead of the spec's `destination.url`: what is there tells where reading goes on.
    #[arg(long, value_name = "URL")]
    pub(crate) destination: Option<String>,
    /// Reads a simulated API instead of the real one, as for `engine run`; a fixture or a URL is given as `--sandbox=…`.
    #[arg(long, value_name = "FIXTURE", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub(crate) sandbox: Option<String>,
    /// Sets a value that the spec declares under `vars`. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = var)]
    pub(crate) vars: Vec<(String, String)>,
    /// Reads from the start, whatever earlier runs have read.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Takes this time as the run's start. Default: the clock.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
    /// Text that fits the terminal, or one JSON document.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Tells what a run would do: its slices, its requests as far as they are known, and which rows others take the place of.
///
/// Nothing is asked of the API, and the destination is only read.
#[derive(Args)]
#[command(after_help = "\
Examples:
  engine plan pipelines/assembled.yaml
  engine plan pipelines/assembled.yaml -r agent_states --since 2024-01-01 --until 2024-02-01
  engine plan pipelines/assembled.yaml --fresh --output json

Exit codes: 0 done; 1 the destination can't be read, or a run would be refused; 2 bad spec or usage.")]
pub(crate) struct PlanArguments {
    /// The pipeline's YAML file.
    pub(crate) spec: PathBuf,
    /// Where the run would write, instead of the spec's `destination.url`.
    #[arg(long, value_name = "URL")]
    pub(crate) destination: Option<String>,
    /// The run would read a simulated API, as for `engine run`.
    #[arg(long, value_name = "FIXTURE", num_args = 0..=1, default_missing_value = "", require_equals = false)]
    pub(crate) sandbox: Option<String>,
    /// Sets a value that the spec declares under `vars`. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = var)]
    pub(crate) vars: Vec<(String, String)>,
    /// The run would read only this resource, and its parents for its sake. May be given several times.
    #[arg(long = "resource", short, value_name = "NAME")]
    pub(crate) resources: Vec<String>,
    /// The run would start over, as for `engine run`.
    #[arg(long, conflicts_with_all = ["since", "until"])]
    pub(crate) fresh: bool,
    /// The run would read again what is not older than this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// The run would read again what is older than this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Takes this time as the run's start. Default: the clock.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<Timestamp>,
    /// A table, or one JSON document, which is complete.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}
