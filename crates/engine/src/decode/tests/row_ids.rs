//! The ids by which elements of lists refer to their rows.

use std::collections::HashSet;

use arrow::array::AsArray;

use super::*;
use crate::plan;
use crate::schema::Form;

/// The ids of records that lie on pages of so many.
fn ids(
    row_ids: plan::RowIds,
    load_id: &str,
    window: Option<&str>,
    records: &[&str],
    page_size: usize,
) -> Vec<String> {
    let plan = DecodePlan {
        nested: Form::Tables,
        table: "orders".to_owned(),
        primary_key: vec!["a".to_owned(), "b".to_owned()],
        row_ids,
        ..DecodePlan::default()
    };
    let slice = Slice {
        window: window.map(|start| Window {
            start: start.parse().unwrap(),
            end: "2024-01-02T00:00:00Z".parse().unwrap(),
        }),
        ..Slice::default()
    };
    let decoder = Decoder::new(plan, load_id);
    let mut memory = SliceMemory::default();
    let pages = records.chunks(page_size).flat_map(|records| {
        let rows = decoder.decode(&slice, &page(records), &mut memory);
        let batch = rows.unwrap().batch;
        let ids = batch.column_by_name("_dlt_id").unwrap();
        let ids = ids.as_string::<i32>().iter().flatten();
        ids.map(str::to_owned).collect::<Vec<_>>()
    });
    pages.collect()
}

#[test]
fn a_key_gives_the_id_whatever_it_stands_beside() {
    let of = |record| ids(plan::RowIds::Key, "1", None, &[record], 1);
    let id = of(r#"{"a":1,"b":"x","l":[1]}"#);
    for same in [
        r#"{"b":"x","l":[],"a":1.0}"#,
        r#"{"a":1e0,"b":"\u0078","c":2}"#,
    ] {
        assert_eq!(of(same), id, "{same}");
    }
    for other in [
        r#"{"a":"1","b":"x"}"#,
        r#"{"a":1,"b":"x 1"}"#,
        r#"{"a":"x","b":1}"#,
        r#"{"a":2,"b":"x"}"#,
    ] {
        assert_ne!(of(other), id, "{other}");
    }
    let beside = [r#"{"a":"none","b":"x"}"#, r#"{"a":1,"b":"x"}"#];
    assert_eq!(ids(plan::RowIds::Key, "2", None, &beside, 2)[1..], id);
}

#[test]
fn a_place_gives_the_id_whatever_the_pages_are_like() {
    const DAY: Option<&str> = Some("2024-01-01T00:00:00Z");
    let records = [r#"{"a":1,"b":1}"#; 5];
    let of = |row_ids, load_id, window, size| ids(row_ids, load_id, window, &records, size);
    let (place, in_load) = (plan::RowIds::Place, plan::RowIds::PlaceInLoad);
    for (row_ids, window) in [(place, None), (place, DAY), (in_load, None), (in_load, DAY)] {
        let whole = of(row_ids, "1", window, 5);
        assert_eq!(whole.iter().collect::<HashSet<_>>().len(), 5);
        assert_eq!(of(row_ids, "1", window, 2), whole);
        // Rows of earlier loads stay beside those of an append without windows alone.
        let stays = (row_ids, window) != (in_load, None);
        assert_eq!(of(row_ids, "2", window, 5) == whole, stays);
    }
    assert_ne!(of(place, "1", None, 5), of(place, "1", DAY, 5));
}

/// The ids of the records that a contract lets in, on pages of so many that are read before they are decoded, or then.
fn admitted_ids(records: &[&str], page_size: usize, is_early: bool) -> Vec<String> {
    let plan = DecodePlan {
        nested: Form::Tables,
        table: "orders".to_owned(),
        row_ids: plan::RowIds::Place,
        contract: plan::ContractPlan {
            columns: plan::ContractMode::DiscardRow,
            ..plan::ContractPlan::default()
        },
        ..DecodePlan::default()
    };
    let (table, _) = commit(&plan, &[&[r#"{"a":1,"l":[1]}"#]], None);
    let decoder = Arc::new(Decoder::new(plan, "load").for_table(Some(&table)));
    let (slice, mut memory) = (Slice::default(), SliceMemory::default());
    let readers = decoder.record_readers(&slice).unwrap();
    let mut ids = Vec::new();
    for records in records.chunks(page_size) {
        let mut reader = readers();
        for record in records {
            let json = crate::json::Reader::new(record);
            assert_eq!(reader.read(&json), Some(record.len()));
        }
        let reader = is_early.then_some(reader);
        let rows = decoder.decode_part(&slice, (0, &page(records)), reader, &mut memory);
        let batch = rows.unwrap().batch;
        let column = batch.column_by_name("_dlt_id").unwrap();
        ids.extend(
            column
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(str::to_owned),
        );
    }
    ids
}

#[test]
fn rows_that_are_left_out_take_no_place_however_records_are_read() {
    let kept = [r#"{"a":1,"l":[2]}"#; 4];
    let (first, second) = kept.split_at(1);
    let with_others = [first, &[r#"{"new":1}"#; 2], second, &[r#"{"new":1}"#]].concat();
    let expected = admitted_ids(&kept, 4, false);
    assert_eq!(expected.iter().collect::<HashSet<_>>().len(), 4);
    for page_size in [1, 2, 3, 7] {
        for is_early in [false, true] {
            let of = |records| admitted_ids(records, page_size, is_early);
            assert_eq!(of(&kept), expected, "pages of {page_size}");
            assert_eq!(of(&with_others), expected, "pages of {page_size}");
        }
    }
}
