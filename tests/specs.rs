//! Specs that must be refused, and what the user sees; and specs that must be accepted.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::support::{Workspace, root};

fn specs(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("tests/specs").join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    paths.sort();
    paths
}

#[test]
fn refused_specs_are_explained() {
    for path in specs("invalid") {
        let workspace = Workspace::new();
        let name = path.file_name().unwrap().to_str().unwrap();
        workspace.write(name, &std::fs::read_to_string(&path).unwrap());
        let finished = workspace.engine(["run", name]);
        finished.assert_code(2);
        assert_eq!(finished.stdout, "");
        assert!(
            !finished.stderr.contains("hunter2"),
            "a secret is shown:\n{}",
            finished.stderr
        );
        insta::with_settings!({ snapshot_path => "specs/invalid", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), finished.stderr);
        });
    }
}

/// Each file is named for the code that it shows.
#[test]
fn every_code_is_shown() {
    let mut shown = BTreeSet::new();
    for path in specs("invalid") {
        let code = path
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .replacen('-', "::", 1);
        shown.insert(code);
    }
    let mut codes = BTreeSet::new();
    for folder in ["spec", "plan"] {
        collect_codes(
            &root().join("crates/engine/src").join(folder),
            folder,
            &mut codes,
        );
    }
    assert!(codes.len() > 20, "{codes:?}");
    let missing: Vec<_> = codes.difference(&shown).collect();
    assert!(
        missing.is_empty(),
        "codes without a spec in tests/specs/invalid: {missing:?}"
    );
    let stale: Vec<_> = shown.difference(&codes).collect();
    assert!(
        stale.is_empty(),
        "specs for codes that don't exist: {stale:?}"
    );
}

fn collect_codes(folder: &std::path::Path, prefix: &str, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_codes(&path, prefix, codes);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        // What stands between the quotes behind the prefix, where it is a code and nothing else.
        let start = format!("\"{prefix}::");
        let texts = source.split(&start).skip(1);
        for name in texts.filter_map(|text| text.split('"').next()) {
            if name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                codes.insert(format!("{prefix}::{name}"));
            }
        }
    }
}
