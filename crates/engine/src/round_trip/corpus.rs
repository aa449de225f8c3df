//! Answers in the style of well-known APIs, in `tests/corpus`: what is inferred of each, and that nothing is lost.
//!
//! The columns of each lie beside it as a snapshot, so that a change of inference shows.

use std::fmt::Write as _;
use std::path::PathBuf;

use arrow::datatypes::{DataType, FieldRef, Fields};

use super::table::Table;
use crate::plan::Selector;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus")
}

#[test]
fn answers_of_many_apis() {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    assert!(paths.len() >= 25, "{} answers", paths.len());
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let body = std::fs::read(&path).unwrap();
        let selector = Selector::detect(&body).unwrap();
        let ranges = selector.records(&body).unwrap().records;
        let text =
            |range| String::from_utf8(body.get::<std::ops::Range<usize>>(range).unwrap().to_vec());
        let records: Vec<String> = ranges
            .into_iter()
            .map(|range| text(range).unwrap())
            .collect();
        let mut table = Table::new();
        table.load(&records);
        // And once more as a later load, record by record.
        table.load_slices(&[records.chunks(1).collect()], &[]);
        if let Err(difference) = table.check() {
            panic!("{name}: {difference}");
        }
        let mut shown = format!("records at `{}`: {}\n", selector.as_str(), records.len());
        show(table.schema().arrow_schema().fields(), 0, &mut shown);
        insta::with_settings!({ snapshot_path => folder(), prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

/// One line for each column, and below it one for each of what it holds.
fn show(fields: &Fields, level: usize, text: &mut String) {
    for field in fields {
        show_field(field, level, text);
    }
}

fn show_field(field: &FieldRef, level: usize, text: &mut String) {
    let indent = "  ".repeat(level);
    let line = match field.data_type() {
        DataType::Struct(_) => "struct".to_owned(),
        DataType::List(_) => "list".to_owned(),
        DataType::Map(..) => "map".to_owned(),
        other => other.to_string(),
    };
    writeln!(text, "{indent}{}: {line}", field.name()).unwrap();
    match field.data_type() {
        DataType::Struct(fields) => show(fields, level + 1, text),
        DataType::List(element) => show_field(element, level + 1, text),
        DataType::Map(entries, _) => {
            if let DataType::Struct(fields) = entries.data_type() {
                show(fields, level + 1, text);
            }
        }
        _ => {}
    }
}
