//! dlt and the command do the same with the same configuration: what they ask for, and what they write.

use std::io::Write;
use std::process::Command;

use engine::plan::compile;
use engine::spec::{Source, Variables};

use crate::support::{Finished, root};

#[test]
fn dlts_configurations_do_the_same() {
    let Some(python) = std::env::var_os("ENGINE_TEST_DLT_PYTHON") else {
        // The harness shows what a passing test prints only where it is written past its capture.
        let word = "left out: ENGINE_TEST_DLT_PYTHON names no Python with dlt; see CONTRIBUTING.md";
        writeln!(std::io::stderr(), "{word}").unwrap();
        return;
    };
    let output = Command::new(python)
        .arg(root().join("tests/dlt/compare.py"))
        .arg(env!("CARGO_BIN_EXE_engine"))
        .output()
        .unwrap();
    let finished = Finished::from(output);
    // The report says which case differs, and how; the debug form would put it on one line.
    assert_eq!(
        finished.code,
        Some(0),
        "{}{}",
        finished.stdout,
        finished.stderr
    );
    assert!(compared(&finished.stdout) >= 40, "{}", finished.stdout);
}

/// How many configurations the report counts.
fn compared(report: &str) -> usize {
    report
        .lines()
        .filter(|line| line.starts_with("ok "))
        .count()
}

/// The spec that `docs/coming-from-dlt.md` sets beside a dlt program is right.
#[test]
fn the_spec_beside_dlts_program_is_right() {
    let page = std::fs::read_to_string(root().join("docs/coming-from-dlt.md")).unwrap();
    let (_, behind) = page.split_once("```yaml\n").unwrap();
    let (yaml, _) = behind.split_once("```").unwrap();
    let variables = Variables::new([("SHOP_TOKEN".to_owned(), "t".to_owned())]);
    let planned = Source::read("shop.yaml", yaml, &variables)
        .and_then(|(source, pipeline)| source.finish(compile(&pipeline)));
    if let Err(diagnostics) = planned {
        panic!("{:#?}", diagnostics.summary());
    }
}
