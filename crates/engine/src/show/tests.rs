use std::collections::BTreeMap;

use super::*;
use crate::load::ResourceSummary;

fn report(fields: &str) -> LoadReport {
    let json = format!(
        r#"{{"version": 1, "load_id": "l", "pipeline": "p", "started_at": "2024-01-01T00:00:00Z",
            "committed_at": "2024-01-01T00:00:00Z", "commits": [], "tables": {{}}, {fields}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

#[test]
fn a_load_ends_as_its_report_says() {
    let run = |resource: &str, error: &str| {
        format!(
            r#""run": {{"elapsed_milliseconds": 1, "rate_limited_milliseconds": 0, "resources": [{resource}]{error}}}"#
        )
    };
    let fine = r#"{"name": "a", "requests": 1, "retries": 0, "retry_milliseconds": 0, "records": 1, "elapsed_milliseconds": 1}"#;
    let broken = fine.replace('}', r#", "error": "no"}"#);
    for (fields, expected) in [
        // Reports of earlier versions tell nothing of the run.
        (r#""complete": true"#.to_owned(), Outcome::Done),
        (r#""complete": false"#.to_owned(), Outcome::Unfinished),
        (
            format!(r#""complete": true, {}"#, run(fine, "")),
            Outcome::Done,
        ),
        (
            format!(r#""complete": true, {}"#, run(&broken, "")),
            Outcome::PartlyFailed,
        ),
        (
            format!(r#""complete": false, {}"#, run(fine, "")),
            Outcome::Interrupted,
        ),
        (
            format!(r#""complete": false, {}"#, run(fine, r#", "error": "no""#)),
            Outcome::Failed,
        ),
    ] {
        assert_eq!(Load::of(&report(&fields)).outcome, expected, "{fields}");
    }
}

#[test]
fn a_chart_has_the_newest_loads_and_every_value_that_is_not_0_can_be_seen() {
    let reports: Vec<LoadReport> = (0..70)
        .map(|elapsed| {
            report(&format!(
                r#""complete": true, "run": {{"elapsed_milliseconds": {}, "rate_limited_milliseconds": 0, "resources": []}}"#,
                if elapsed == 69 { u64::MAX } else { elapsed - 10 * u64::from(elapsed >= 10) }
            ))
        })
        .collect();
    let chart = Chart::of(&reports, "Duration", loads::milliseconds, grouped).unwrap();
    let chart = serde_json::to_value(&chart).unwrap();
    let bars = chart["bars"].as_array().unwrap();
    assert_eq!(bars.len(), 60);
    assert_eq!(bars[0]["height"], 0);
    assert_eq!(bars[1]["height"], 12);
    assert_eq!(bars[59]["height"], 1000);
    assert!(Chart::of(&[], "Duration", loads::milliseconds, grouped).is_none());
}

#[test]
fn ages_have_one_unit() {
    let now: Timestamp = "2024-01-31T12:00:00Z".parse().unwrap();
    let check = |then: &str, expected: &str| assert_eq!(age(then.parse().unwrap(), now), expected);
    check("2024-01-31T11:59:30Z", "a moment");
    check("2024-01-31T11:57:10Z", "2 min");
    check("2024-01-31T09:30:00Z", "2 h");
    check("2024-01-01T12:00:00Z", "30 d");
    check("2024-02-01T00:00:00Z", "a moment");
}

/// The colours of a theme, by name.
fn colours(css: &str) -> BTreeMap<String, [f64; 3]> {
    let (_, behind) = css.split_once("--ground").unwrap();
    let (block, _) = behind.split_once('}').unwrap();
    let mut found = BTreeMap::new();
    for declaration in ["ground", block].concat().split(';') {
        let Some((name, value)) = declaration.trim().split_once(": #") else {
            continue;
        };
        let channel = |at: usize| {
            let value = u8::from_str_radix(value.get(at..at + 2).unwrap(), 16).unwrap();
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        let name = name.trim_start_matches('-').to_owned();
        found.insert(name, [channel(0), channel(2), channel(4)]);
    }
    found
}

/// The contrast of two colours as WCAG computes it.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let light = |[red, green, blue]: [f64; 3]| 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn text_and_bars_stand_out_in_both_themes() {
    let css = include_str!("page.css");
    let (light, dark) = css
        .split_once("@media (prefers-color-scheme: dark)")
        .unwrap();
    for (theme, css) in [("light", light), ("dark", dark)] {
        let colours = colours(css);
        assert_eq!(colours.len(), 9, "{theme}: {colours:?}");
        for ground in ["ground", "panel"] {
            for (text, least) in [
                ("text", 7.0),
                ("quiet", 4.5),
                ("good", 4.5),
                ("bad", 4.5),
                ("warn", 4.5),
                ("bar", 3.0),
            ] {
                let found = contrast(colours[text], colours[ground]);
                assert!(found >= least, "{theme}: {text} on {ground} has {found:.1}");
            }
        }
    }
}

#[test]
fn what_a_run_lost_is_told() {
    let run = crate::load::RunSummary {
        elapsed_milliseconds: 9000,
        rate_limited_milliseconds: 65_000,
        error: None,
        resources: vec![ResourceSummary {
            requests: 3,
            retries: 2,
            ..ResourceSummary::default()
        }],
    };
    assert_eq!(
        loads::facts(&run),
        ["3 requests", "2 retries", "1 min 5 s lost to rate limits"]
    );
}
