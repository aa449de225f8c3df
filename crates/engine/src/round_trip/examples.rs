//! Records that are rare or large: what lies at a limit, and what leaves memory before the commit.

use super::table::Table;
use crate::schema::WIDE_OBJECT_KEYS;

fn check(loads: &[&[String]]) {
    let mut table = Table::new();
    for load in loads {
        table.load(load);
        table.check().unwrap();
    }
}

#[test]
fn deep_objects_and_lists() {
    let objects = |levels: usize, leaf: &str| {
        format!("{}{leaf}{}", "{\"a\":".repeat(levels), "}".repeat(levels))
    };
    let lists = |levels: usize, leaf: &str| {
        let list = format!("{}{leaf}{}", "[".repeat(levels), "]".repeat(levels));
        format!("{{\"l\":{list}}}")
    };
    let records = [
        objects(128, "1"),
        objects(15, "{\"b\":2.50}"),
        objects(16, "\"2024-01-01T00:00:00+02:00\""),
        objects(17, "null"),
        lists(19, "1"),
        lists(19, ""),
        lists(3, "{\"m\":[[],[null]]}"),
    ];
    for record in &records {
        check(&[std::slice::from_ref(record)]);
    }
    check(&[&records]);
    for first in 0..records.len() {
        let (before, behind) = records.split_at(first);
        check(&[behind, before]);
    }
}

#[test]
fn objects_that_grow_too_wide() {
    let object = |keys: std::ops::Range<usize>, value: &str| {
        let members: Vec<String> = keys.map(|key| format!("\"k{key}\":{value}")).collect();
        format!("{{\"map\":{{{}}}}}", members.join(","))
    };
    let limit = WIDE_OBJECT_KEYS;
    let narrow = [object(0..3, "\"2024-01-01T00:00:00.000Z\"")];
    let full = [object(0..limit, "1")];
    let wide = [object(0..limit + 1, "{}"), object(5..7, "1e400")];
    let halves = [
        object(0..limit / 2 + 1, "1"),
        object(limit / 2..limit + 1, "true"),
    ];
    check(&[&narrow, &full, &wide, &narrow]);
    check(&[&wide, &narrow]);
    check(&[&narrow, &halves]);
    check(&[&halves[..1], &halves[1..], &narrow]);
}

#[test]
fn thousands_of_columns() {
    let members: Vec<String> = (0..3000)
        .map(|key| format!("\"c{key}\":{}", if key % 2 == 0 { "1" } else { "[\"x\"]" }))
        .collect();
    check(&[
        &[format!("{{{}}}", members.join(","))],
        &["{\"c1\":7}".to_owned()],
    ]);
}

#[test]
fn slices_that_leave_memory_before_the_commit() {
    let long = |number: usize, members: &str| {
        let text = "é\\n\\u0000 ".repeat(100_000);
        vec![format!(
            "{{\"number\":{number},\"text\":\"{text}\"{members}}}"
        )]
    };
    let at = [
        ",\"at\":\"2024-01-01T00:00:00Z\"",
        ",\"at\":\"2024-01-01T00:00:00.5Z\",\"tags\":[]",
        ",\"at\":\"2024-01-01T02:00:00+02:00\",\"tags\":[1]",
        ",\"at\":null,\"tags\":[1,\"x\",{\"y\":[]}]",
        ",\"at\":17,\"tags\":{}",
        "",
    ];
    let pages: Vec<Vec<String>> = (0..24)
        .map(|page| long(page, at[page / 2 % at.len()]))
        .collect();
    let slices: Vec<Vec<&[String]>> = pages
        .chunks(12)
        .map(|slice| slice.iter().map(Vec::as_slice).collect())
        .collect();
    let mut table = Table::new();
    table.load_slices(&slices, &[1, 0, 1]);
    table.check().unwrap();
}
