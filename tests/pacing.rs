//! Requests are paced so that the server never has to refuse one.

use std::time::Duration;

use crate::support::{Served, Workspace, assembled, assembled_fixture};

/// Assembled's limit: 300 a minute, bursts of 20.
const FIRST_BURST: usize = 20;
const PER_SECOND: f64 = 5.0;

#[test]
fn a_limited_run_is_never_refused_and_wastes_no_time() {
    let text =
        std::fs::read_to_string(crate::support::root().join("pipelines/sandbox/assembled.yaml"))
            .unwrap();
    let text = text.replace(
        "rate_limit: { requests: 30000, per: 1m, burst: 500 }",
        "rate_limit: { requests: 300, per: 1m, burst: 20 }",
    );
    // Fewer people, so that one request for each of them ends within half a minute.
    let text = text.replace("  people:\n    records: 620", "  people:\n    records: 110");
    let served = Served::start(engine_sandbox::Fixture::parse(&text).unwrap());
    let workspace = Workspace::new();
    let spec = assembled();
    let origin = served.origin();
    let arguments = [
        "run",
        spec.to_str().unwrap(),
        "--sandbox",
        &origin,
        "-r",
        "person",
    ];
    let finished = workspace.engine(arguments);
    finished.assert_code(0);
    let requests = served.requests();
    assert_eq!(requests.len(), 111, "one page of people, and each person");
    let refused = requests
        .iter()
        .filter(|request| request.status == 429)
        .count();
    assert_eq!(refused, 0, "{finished:#?}");
    #[expect(clippy::cast_precision_loss, reason = "a count of some hundred")]
    let least = Duration::from_secs_f64((requests.len() - FIRST_BURST) as f64 / PER_SECOND);
    // From the first request to the last, as the server saw them: what the process does before and behind is no pacing.
    let elapsed = requests[requests.len() - 1].milliseconds - requests[0].milliseconds;
    let elapsed = Duration::from_millis(elapsed);
    assert!(
        elapsed <= least.mul_f64(1.05),
        "{elapsed:?}, and the limit requires {least:?}"
    );
}

#[test]
fn the_fixture_has_the_limit_that_the_test_above_replaces() {
    let limit = assembled_fixture().rate_limit.unwrap();
    assert_eq!(limit.requests, 30_000);
}
