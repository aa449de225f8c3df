//! What happens in a run, for progress displays and logs.

use std::sync::Arc;

use serde::Serialize;

/// Something that happened in a run, for progress displays and logs. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request went out.
    Requested {
        /// Name of the resource.
        resource: String,
    },
    /// A page arrived and its records were found.
    PageRead {
        /// Name of the resource.
        resource: String,
        /// Selected records.
        records: usize,
        /// Size of the decompressed body.
        bytes: usize,
    },
    /// A request failed and will be tried again.
    Retrying {
        /// Name of the resource.
        resource: String,
        /// The try that failed, from 1.
        attempt: u32,
        /// Wait before the next try, in milliseconds.
        wait_milliseconds: u64,
        /// Why it failed.
        reason: String,
    },
    /// The run waits for another one.
    Waiting {
        /// For whom, and why.
        text: String,
    },
    /// Something that a person should know; nothing was lost.
    Notice {
        /// Name of the resource.
        resource: String,
        /// What was noticed.
        text: String,
    },
    /// Something that may mean that records are missing; the run's report repeats it.
    Warning {
        /// Name of the resource.
        resource: String,
        /// What was noticed, and what to do.
        text: String,
    },
    /// A resource failed, and so did all others; the error of the run is that of one of them.
    Failed {
        /// Name of the resource.
        resource: String,
        /// The whole chain of causes, in one line.
        text: String,
    },
    /// Something that the spec leaves open was found from the first answer of a slice.
    Detected {
        /// Name of the resource.
        resource: String,
        /// The key of the spec that would say it: `data_selector` or `paginator`.
        key: &'static str,
        /// Its value, as a spec writes it.
        value: String,
        /// What in the answer led to it.
        reason: String,
    },
    /// It was decided whether more pages of a slice follow.
    PageTurned {
        /// Name of the resource.
        resource: String,
        /// Position within the slice of the answer that decided it, from 1.
        page: u64,
        /// Whether another page is asked for.
        goes_on: bool,
        /// Why.
        reason: String,
    },
    /// A request came to its end. Told only where the client was made to.
    Exchanged(Box<Exchange>),
    /// A slice was read to its end.
    SliceFinished {
        /// Name of the resource.
        resource: String,
        /// The slice's name within the resource.
        slice: String,
    },
    /// A resource's slices are known; children add theirs as their parents are read.
    SlicesPlanned {
        /// Name of the resource.
        resource: String,
        /// How many slices were added.
        count: usize,
    },
    /// A commit was written: what it holds is in the lake.
    Committed {
        /// Position in the commit log.
        sequence: u64,
        /// Rows that it added.
        rows: u64,
    },
}

/// Where events go. Called from many threads; must not block.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// One request and what came of it, for people: without secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exchange {
    /// Name of the resource.
    pub resource: String,
    /// The request as a line for a shell. A secret that a variable has put in is written as `$NAME`, any other as `***`.
    pub curl: String,
    /// Where redirects led.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirected_to: Option<String>,
    /// The status of the answer; `None` where none came.
    pub status: Option<u16>,
    /// Why no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The type that the answer says it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Size of the decompressed body.
    pub bytes: u64,
    /// Time from the request's departure to the end of the answer, in milliseconds; waiting for the rate limit is not in it.
    pub milliseconds: u64,
    /// The first characters of the body.
    pub body_start: String,
}
