//! Which records belong to a slice, and how far they lead.

use super::*;
use crate::cursor::CursorValue;
use crate::flow::CursorRange;
use crate::plan::{
    BoundaryKey, CursorColumn, CursorFormat, CursorPath, Direction, FollowRules, MissingCursor,
    RangeEdge, RowOrder, Selector, TimeFormat,
};

pub(super) fn rules(direction: Direction, row_order: Option<RowOrder>) -> FollowRules {
    FollowRules {
        direction,
        start: RangeEdge::Closed,
        end: RangeEdge::Open,
        row_order,
        boundary: BoundaryKey::Fields(vec!["id".to_owned()]),
    }
}

pub(super) fn followed(rules: FollowRules) -> DecodePlan {
    DecodePlan {
        cursor: Some(CursorColumn {
            path: CursorPath::Keys(vec!["n".to_owned()]),
            formats: Vec::new(),
            missing: MissingCursor::Raise,
            follow: Some(rules),
        }),
        ..DecodePlan::default()
    }
}

pub(super) fn between(start: Option<&str>, end: Option<&str>) -> Slice {
    let value = |json: &str| CursorValue::from_json(json.as_bytes()).unwrap();
    Slice {
        range: Some(CursorRange {
            start: start.map(value),
            end: end.map(value),
            ..CursorRange::default()
        }),
        ..Slice::default()
    }
}

/// Rows kept, records left out (outside, loaded before, without cursor, twice), and the last value.
fn read(plan: &DecodePlan, slice: &Slice, pages: &[&[&str]]) -> (String, SliceMemory) {
    let mut memory = SliceMemory::default();
    let mut counts = [0; 5];
    let decoder = Decoder::new(plan.clone(), "load");
    for records in pages {
        let read = match decoder.decode(slice, &page(records), &mut memory) {
            Ok(read) => read,
            Err(error) => return (error.to_string(), memory),
        };
        counts[0] += u64::try_from(read.batch.num_rows()).unwrap();
        counts[1] += read.outside_window;
        counts[2] += read.already_loaded;
        counts[3] += read.without_cursor;
        counts[4] += read.duplicates;
    }
    let last = memory.reached.as_ref();
    let last = last.map(|last| format!("{} of {}", last.value, last.records.len()));
    (format!("{counts:?} {}", last.unwrap_or_default()), memory)
}

fn check(plan: &DecodePlan, slice: &Slice, pages: &[&[&str]], expected: &str) {
    assert_eq!(read(plan, slice, pages).0, expected);
}

#[test]
fn records_between_the_edges_are_kept_and_the_last_value_is_found() {
    let pages: &[&[&str]] = &[
        &[
            r#"{"n":9,"id":1}"#,
            r#"{"n":10.0,"id":2}"#,
            r#"{"n":12,"id":3}"#,
        ],
        &[
            r#"{"n":1.2e1,"id":4}"#,
            r#"{"n":13,"id":5}"#,
            r#"{"n":11,"id":6}"#,
        ],
    ];
    let up = followed(rules(Direction::Up, None));
    check(
        &up,
        &between(Some("10"), Some("13")),
        pages,
        "[4, 2, 0, 0, 0] 12 of 2",
    );
    check(&up, &between(None, None), pages, "[6, 0, 0, 0, 0] 13 of 1");
    let mut edges = rules(Direction::Up, None);
    (edges.start, edges.end) = (RangeEdge::Open, RangeEdge::Closed);
    check(
        &followed(edges),
        &between(Some("10"), Some("13")),
        pages,
        "[4, 2, 0, 0, 0] 13 of 1",
    );
    let down = followed(rules(Direction::Down, None));
    check(
        &down,
        &between(Some("12"), Some("10")),
        pages,
        "[3, 3, 0, 0, 0] 11 of 1",
    );
}

#[test]
fn records_at_the_start_are_loaded_once() {
    let plan = followed(rules(Direction::Up, None));
    let (_, memory) = read(&plan, &between(None, None), &[&[r#"{"n":5,"id":1}"#]]);
    let (_, loaded) = memory.last_value().unwrap();
    let mut slice = between(Some("5"), None);
    slice.range.as_mut().unwrap().loaded = loaded;
    let records = [r#"{"id":1,"n":5,"more":true}"#, r#"{"n":5,"id":2}"#];
    check(&plan, &slice, &[&records], "[1, 0, 1, 0, 0] 5 of 1");
    // Another parent's record may have the same id.
    slice.partition = [("author".to_owned(), "a".into())].into();
    check(&plan, &slice, &[&records], "[2, 0, 0, 0, 0] 5 of 2");
}

#[test]
fn values_that_have_no_order_are_an_error() {
    let plan = followed(rules(Direction::Up, None));
    let mixed = [r#"{"n":1,"id":1}"#, r#"{"n":"1","id":2}"#];
    let (error, _) = read(&plan, &between(None, None), &[&mixed]);
    insta::assert_snapshot!(error, @r#"compare cursor `n` of record `1`: "1" can't be compared with 1; a cursor holds numbers, times or other texts, and `incremental.format` tells how its times are written"#);
    let (error, _) = read(&plan, &between(None, None), &[&[r#"{"n":true,"id":1}"#]]);
    insta::assert_snapshot!(error, @"read cursor `n` of record `0`: `true` is not written as `a number or a text`");
}

#[test]
fn of_several_matches_the_furthest_counts_and_of_several_formats_each_is_read() {
    let mut plan = followed(rules(Direction::Up, None));
    let cursor = plan.cursor.as_mut().unwrap();
    cursor.path = CursorPath::Selector(Selector::parse("parts[*].at").unwrap());
    cursor.missing = MissingCursor::Exclude;
    cursor.formats = vec![
        CursorFormat::Named(TimeFormat::Rfc3339),
        CursorFormat::Pattern("%d.%m.%Y".to_owned()),
    ];
    let records = [
        r#"{"id":1,"parts":[{"at":"02.01.2024"},{"at":"2024-01-03T00:00:00Z"},{"at":null}]}"#,
        r#"{"id":2,"parts":[{"at":"2024-01-02T00:00:00Z"}]}"#,
        r#"{"id":3,"parts":[]}"#,
    ];
    let slice = between(None, None);
    check(
        &plan,
        &slice,
        &[&records],
        "[2, 0, 0, 1, 0] 2024-01-03T00:00:00Z of 1",
    );
}

#[test]
fn reading_may_stop_only_while_the_order_is_kept() {
    let plan = followed(rules(Direction::Up, Some(RowOrder::Descending)));
    let enough = |pages: &[&[&str]]| {
        let (_, memory) = read(&plan, &between(Some("5"), None), pages);
        (memory.is_enough(), memory.disorder().is_some())
    };
    let new: &[&str] = &[r#"{"n":9,"id":1}"#, r#"{"n":5,"id":2}"#];
    assert_eq!(enough(&[new]), (false, false));
    assert_eq!(enough(&[new, &[r#"{"n":4,"id":3}"#]]), (true, false));
    assert_eq!(
        enough(&[new, &[r#"{"n":4,"id":3}"#, r#"{"n":6,"id":4}"#]]),
        (false, true)
    );
}

#[test]
fn a_key_that_comes_twice_is_kept_once_unless_it_was_changed() {
    let plan = DecodePlan {
        drops_duplicates: true,
        primary_key: vec!["id".to_owned()],
        ..DecodePlan::default()
    };
    let pages: &[&[&str]] = &[
        &[r#"{"id":1,"n":1}"#, r#"{"id":2,"n":1}"#],
        &[r#"{"n":2,"id":2.0}"#, r#"{"id":"2","n":2}"#],
    ];
    check(&plan, &Slice::default(), pages, "[3, 0, 0, 0, 1] ");
    // With a cursor, a copy that moved on meanwhile is another version.
    let plan = DecodePlan {
        cursor: followed(rules(Direction::Up, None)).cursor,
        ..plan
    };
    let pages: &[&[&str]] = &[&[
        r#"{"id":1,"n":1}"#,
        r#"{"id":1,"n":1}"#,
        r#"{"id":1,"n":2}"#,
    ]];
    check(&plan, &between(None, None), pages, "[2, 0, 0, 0, 1] 2 of 1");
    let values = DecodePlan {
        drops_duplicates: true,
        primary_key: vec!["value".to_owned()],
        ..DecodePlan::default()
    };
    check(
        &values,
        &Slice::default(),
        &[&["\"a\"", "\"b\"", "\"a\""]],
        "[2, 0, 0, 0, 1] ",
    );
}
