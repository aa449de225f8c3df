//! Schema contracts: each mode for tables, columns and types, and what a table's first load may bring.

use proptest::prelude::*;

use super::cursors::{between, followed, rules};
use super::properties::{borrowed, full_records, records};
use super::*;
use crate::plan::ContractMode::{self, DiscardRow, DiscardValue, Evolve, Freeze};
use crate::plan::{ColumnHint, ContractPlan, DeclaredType, Direction, FieldPath, ParentField};

/// What a page of `table` made of an empty table.
fn table_of(records: &[&str]) -> TableSchema {
    commit(&DecodePlan::default(), &[records], None).0
}

fn plan(columns: ContractMode, data_type: ContractMode) -> DecodePlan {
    DecodePlan {
        contract: ContractPlan {
            tables: Evolve,
            columns,
            data_type,
        },
        ..DecodePlan::default()
    }
}

fn declare(plan: &mut DecodePlan, name: &str, data_type: Option<DeclaredType>, nullable: bool) {
    let hint = ColumnHint {
        data_type,
        format: None,
        nullable,
        description: None,
    };
    plan.columns.insert(name.to_owned(), hint);
}

fn decode_under(
    plan: &DecodePlan,
    table: Option<&TableSchema>,
    slice: &Slice,
    records: &[&str],
) -> Result<Decoded, Error> {
    let decoder = Decoder::new(plan.clone(), "load").under_contract(table);
    decoder.decode(slice, &page(records), &mut SliceMemory::default())
}

/// The rows as records, then what was rejected.
fn shown(decoded: &Decoded) -> String {
    let mut lines = restore(&decoded.batch, &decoded.schema);
    lines.extend(decoded.discarded.rejected.iter().map(|rejected| {
        let what = if rejected.is_row { "row" } else { "value" };
        let column = rejected.column.as_deref().unwrap_or("-");
        format!("{what} {} {column} {}", rejected.record, rejected.value)
    }));
    lines.join("\n")
}

fn check(plan: &DecodePlan, table: &[&str], records: &[&str], expected: &[&str]) {
    let table = table_of(table);
    let decoded = decode_under(plan, Some(&table), &Slice::default(), records).unwrap();
    assert_eq!(shown(&decoded), expected.join("\n"));
    // Nothing that was let in changes the table, where nothing may.
    if [plan.contract.columns, plan.contract.data_type] == [DiscardValue; 2] {
        let settled = decoded.schema.settle(Some(&table));
        assert_eq!(settled.column_names(), table.column_names());
    }
}

fn refused(plan: &DecodePlan, table: &[&str], records: &[&str]) -> String {
    let table = table_of(table);
    let decoded = decode_under(plan, Some(&table), &Slice::default(), records);
    decoded.unwrap_err().to_string()
}

const TABLE: &[&str] = &[r#"{"id":1,"at":{"zip":"x"},"lines":[{"qty":1}],"tags":["a"]}"#];

#[test]
fn what_evolves_is_let_in() {
    let records = [r#"{"id":"x","new":1}"#];
    check(
        &plan(Evolve, Evolve),
        TABLE,
        &records,
        &[r#"{"id":"x","new":1}"#],
    );
    check(
        &plan(Evolve, Freeze),
        TABLE,
        &[r#"{"new":1}"#],
        &[r#"{"new":1}"#],
    );
    check(
        &plan(Freeze, Evolve),
        TABLE,
        &[r#"{"id":"x"}"#],
        &[r#"{"id":"x"}"#],
    );
}

#[test]
fn a_new_column_breaks_a_frozen_contract() {
    let plan = plan(Freeze, Evolve);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"id":1}"#, r#"{"id":2,"new":"far too"}"#]), @r##"read `new` of record `1`, `"far too"`: the table has no column `new`, and `schema_contract` has `columns: freeze`; declare it under `columns` of the resource, or write `columns: evolve` to let it in or `columns: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"at":{"zip":"a","city":"b"}}"#]), @r##"read `at.city` of record `0`, `"b"`: the table has no column `at.city`, and `schema_contract` has `columns: freeze`; write `columns: evolve` to let it in, or `columns: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"lines":[{"qty":1},{"sku":7}]}"#]), @r##"read `lines[].sku` of record `0`, `7`: the table has no column `lines[].sku`, and `schema_contract` has `columns: freeze`; write `columns: evolve` to let it in, or `columns: discard_value` to leave it out"##);
}

#[test]
fn another_type_breaks_a_frozen_contract() {
    let plan = plan(Evolve, Freeze);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"id":"seven"}"#]), @r##"read `id` of record `0`, `"seven"`: a string doesn't fit column `id`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"id":1.5}"#]), @r##"read `id` of record `0`, `1.5`: a number doesn't fit column `id`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"at":{"zip":12345}}"#]), @r##"read `at.zip` of record `0`, `12345`: a number doesn't fit column `at.zip`, which holds texts, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"lines":[{"qty":1},{"qty":"two"}]}"#]), @r##"read `lines[].qty` of record `0`, `"two"`: a string doesn't fit column `lines[].qty`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"tags":["a",7]}"#]), @r##"read `tags` of record `0`, `["a",7]`: a list doesn't fit column `tags`, which holds lists of texts, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
}

#[test]
fn rows_with_new_columns_are_discarded() {
    check(
        &plan(DiscardRow, Evolve),
        TABLE,
        &[
            r#"{"id":1,"new":true}"#,
            r#"{"id":2}"#,
            r#"{"id":3,"at":{"city":"b"}}"#,
            r#"{"id":4,"lines":[{"qty":1},{"sku":7}]}"#,
        ],
        &[
            r#"{"id":2}"#,
            r#"row 0 new {"id":1,"new":true}"#,
            r#"row 2 at.city {"id":3,"at":{"city":"b"}}"#,
            r#"row 3 lines[].sku {"id":4,"lines":[{"qty":1},{"sku":7}]}"#,
        ],
    );
}

#[test]
fn values_of_new_columns_are_discarded() {
    check(
        &plan(DiscardValue, Evolve),
        TABLE,
        &[
            r#"{"new" : {"a": [1]}, "id":1}"#,
            r#"{"id":3,"at":{"city":"b","zip":"z"}}"#,
            r#"{"id":4,"lines":[{"sku":6},{"sku":7,"qty":2}, null]}"#,
        ],
        &[
            r#"{"id":1}"#,
            r#"{"at":{"zip":"z"},"id":3}"#,
            r#"{"id":4,"lines":[{},{"qty":2},null]}"#,
            r#"value 0 new {"a": [1]}"#,
            r#"value 1 at.city "b""#,
            r#"value 2 lines[].sku 6"#,
            r#"value 2 lines[].sku 7"#,
        ],
    );
}

#[test]
fn rows_of_another_type_are_discarded() {
    check(
        &plan(Evolve, DiscardRow),
        TABLE,
        &[
            r#"{"id":"x"}"#,
            r#"{"id":2,"new":1}"#,
            r#"{"id":3,"tags":["a",["b"]]}"#,
        ],
        &[
            r#"{"id":2,"new":1}"#,
            r#"row 0 id {"id":"x"}"#,
            r#"row 2 tags {"id":3,"tags":["a",["b"]]}"#,
        ],
    );
}

#[test]
fn values_of_another_type_are_discarded() {
    check(
        &plan(Evolve, DiscardValue),
        TABLE,
        &[
            r#"{"id":"x","at":{"zip":"a"}}"#,
            r#"{"id":1.5,"at":{"zip":1}}"#,
            r#"{"id":3,"lines":[{"qty":"a"},{"qty":2.5},{"qty":3}],"tags":"b"}"#,
            r#"{"id":4,"lines":[{"qty":1},7]}"#,
            r#"{"id":18446744073709551615,"at":[1]}"#,
        ],
        &[
            r#"{"at":{"zip":"a"}}"#,
            r#"{"at":{}}"#,
            r#"{"id":3,"lines":[{},{},{"qty":3}]}"#,
            r#"{"id":4}"#,
            "{}",
            r#"value 0 id "x""#,
            "value 1 id 1.5",
            "value 1 at.zip 1",
            r#"value 2 lines[].qty "a""#,
            "value 2 lines[].qty 2.5",
            r#"value 2 tags "b""#,
            r#"value 3 lines [{"qty":1},7]"#,
            "value 4 id 18446744073709551615",
            "value 4 at [1]",
        ],
    );
}

/// A row wins over a value, and a freeze over both.
#[test]
fn the_strictest_mode_counts() {
    let record = [r#"{"new":1,"id":"x"}"#];
    let expected = [r#"row 0 id {"new":1,"id":"x"}"#];
    check(&plan(DiscardValue, DiscardRow), TABLE, &record, &expected);
    let expected = [r#"row 0 new {"new":1,"id":"x"}"#];
    check(&plan(DiscardRow, DiscardValue), TABLE, &record, &expected);
    let error = refused(&plan(DiscardRow, Freeze), TABLE, &record);
    assert!(error.starts_with("read `id` of record `0`"), "{error}");
    let expected = ["{}", "value 0 new 1", r#"value 0 id "x""#];
    check(&plan(DiscardValue, DiscardValue), TABLE, &record, &expected);
}

#[test]
fn what_needs_no_column_breaks_nothing() {
    let table = &[r#"{"id":1,"at":{"zip":"x"},"none":null}"#];
    check(
        &plan(Freeze, Freeze),
        table,
        &[
            r#"{"id":null,"new":null,"none":[],"other":{},"deep":{"a":[],"b":{}}}"#,
            r#"{"id":[],"at":{"city":null}}"#,
        ],
        &[
            r#"{"deep":{"a":[],"b":{}},"none":[],"other":{}}"#,
            r#"{"at":{},"id":[]}"#,
        ],
    );
    // A key that never had a value has no column.
    let error = refused(&plan(Freeze, Freeze), table, &[r#"{"none":1}"#]);
    assert!(error.contains("the table has no column `none`"), "{error}");
}

#[test]
fn a_variant_that_the_table_has_is_a_column_of_it() {
    let table = &[r#"{"a":"x"}"#, r#"{"a":1}"#];
    check(
        &plan(DiscardValue, DiscardValue),
        table,
        &[r#"{"a":2}"#, r#"{"a":true}"#, r#"{"a":"y"}"#],
        &[r#"{"a":2}"#, "{}", r#"{"a":"y"}"#, "value 1 a true"],
    );
}

#[test]
fn what_the_spec_names_is_no_new_column() {
    let mut plan = plan(Freeze, Freeze);
    declare(&mut plan, "new", Some(DeclaredType::Bigint), true);
    declare(&mut plan, "open", None, true);
    plan.primary_key = vec!["key".to_owned()];
    let record = r#"{"key":"k","new":7,"open":[true]}"#;
    check(&plan, TABLE, &[record], &[record]);
    let error = refused(&plan, TABLE, &[r#"{"key":1,"new":"seven"}"#]);
    insta::assert_snapshot!(error, @r##"read `new` of record `0`, `"seven"`: a string doesn't fit column `new`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
}

#[test]
fn what_is_declared_is_the_baseline_of_the_first_load() {
    let mut declared = plan(DiscardValue, DiscardValue);
    declare(&mut declared, "id", Some(DeclaredType::Bigint), true);
    declare(&mut declared, "name", None, true);
    let records = [
        r#"{"id":1,"name":"a","more":2}"#,
        r#"{"id":"x","name":{"first":"b"}}"#,
    ];
    let decoded = decode_under(&declared, None, &Slice::default(), &records).unwrap();
    assert_eq!(
        shown(&decoded),
        [
            r#"{"id":1,"name":"a"}"#,
            r#"{"name":{"first":"b"}}"#,
            "value 0 more 2",
            r#"value 1 id "x""#
        ]
        .join("\n")
    );
    declared.contract.columns = Freeze;
    let error = decode_under(&declared, None, &Slice::default(), &records).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r##"read `more` of record `0`, `2`: the table has no column `more`, and `schema_contract` has `columns: freeze`; declare it under `columns` of the resource, or write `columns: evolve` to let it in or `columns: discard_value` to leave it out"##);
}

#[test]
fn without_declarations_the_first_load_is_the_baseline() {
    let records = [
        r#"{"id":1,"at":{"zip":"a"}}"#,
        r#"{"id":2.5,"at":{"zip":"b","city":"c"},"new":true}"#,
    ];
    for mode in [Freeze, DiscardRow, DiscardValue] {
        let decoded = decode_under(&plan(mode, mode), None, &Slice::default(), &records).unwrap();
        assert_eq!(decoded.discarded.counts, DiscardCounts::default());
        assert_eq!(restore(&decoded.batch, &decoded.schema).len(), 2);
    }
}

#[test]
fn values_of_several_kinds_break_a_frozen_first_load() {
    let refused = |records: &[&str]| {
        let decoded = decode_under(&plan(Evolve, Freeze), None, &Slice::default(), records);
        decoded.unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused(&[r#"{"a":1}"#, r#"{"a":null}"#, r#"{"b":2,"a":"n/a"}"#]), @r##"read `a` of record `2`, `"n/a"`: the values of `a` are of several kinds (string, number), and nothing says which is right, and `schema_contract` has `data_type: freeze`; declare its `data_type` under `columns`, or let the first load have `data_type: evolve`"##);
    insta::assert_snapshot!(refused(&[r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":true}]}"#]), @r##"read `a[].b` of record `1`, `[{"b":true}]`: the values of `a[].b` are of several kinds (number, bool), and nothing says which is right, and `schema_contract` has `data_type: freeze`; declare its `data_type` under `columns`, or let the first load have `data_type: evolve`"##);
    let decoded = decode_under(
        &plan(Evolve, DiscardRow),
        None,
        &Slice::default(),
        &[r#"{"a":1}"#, r#"{"a":"x"}"#],
    );
    assert_eq!(decoded.unwrap().batch.num_rows(), 2);
}

/// Neither the first page nor the second has values of several kinds.
#[test]
fn the_pages_of_a_first_load_are_one() {
    let decode = |decoder: &Decoder, record: &str| {
        decoder.decode(
            &Slice::default(),
            &page(&[record]),
            &mut SliceMemory::default(),
        )
    };
    for records in [
        [r#"{"a":1}"#, r#"{"a":"x"}"#],
        [r#"{"a":"x"}"#, r#"{"a":1}"#],
    ] {
        let decoder = Decoder::new(plan(Evolve, Freeze), "load").under_contract(None);
        decode(&decoder, records[0]).unwrap();
        let error = decode(&decoder, records[1]).unwrap_err();
        assert!(
            matches!(error, Error::ContractBroken { record: 0, .. }),
            "{error}"
        );
        let decoder = Decoder::new(plan(Evolve, DiscardValue), "load").under_contract(None);
        for record in records {
            assert_eq!(
                decode(&decoder, record).unwrap().discarded.rejected.len(),
                0
            );
        }
        assert_eq!(decoder.mixed_columns(), ["a"]);
    }
}

#[test]
fn a_table_that_is_not_there_gets_nothing() {
    for mode in [DiscardRow, DiscardValue] {
        let mut plan = plan(Evolve, Evolve);
        plan.contract.tables = mode;
        let decoder = Decoder::new(plan.clone(), "load").under_contract(None);
        assert!(decoder.discards_table());
        let decoded = decode_under(&plan, None, &Slice::default(), &[r#"{"a":1}"#, "7"]).unwrap();
        assert_eq!(shown(&decoded), "row 0 - {\"a\":1}\nrow 1 - 7");
        let table = table_of(&[r#"{"a":1}"#]);
        let decoder = Decoder::new(plan, "load").under_contract(Some(&table));
        assert!(!decoder.discards_table());
    }
}

#[test]
fn a_value_that_must_be_there_takes_its_row_along() {
    let mut plan = plan(Evolve, DiscardValue);
    declare(&mut plan, "at", Some(DeclaredType::Date), false);
    plan.primary_key = vec!["id".to_owned()];
    check(
        &plan,
        &[r#"{"id":1}"#],
        &[
            r#"{"id":2,"at":"2026-01-01"}"#,
            r#"{"id":"x","at":"2026-01-01"}"#,
            r#"{"id":3,"at":"soon"}"#,
        ],
        &[
            r#"{"at":"2026-01-01","id":2}"#,
            r#"row 1 id {"id":"x","at":"2026-01-01"}"#,
            r#"row 2 at {"id":3,"at":"soon"}"#,
        ],
    );
}

#[test]
fn records_that_are_no_objects_have_one_column() {
    let plan = plan(Freeze, DiscardValue);
    check(
        &plan,
        &["1"],
        &["2", r#""x""#],
        &[r#"{"value":2}"#, "{}", r#"value 1 value "x""#],
    );
}

#[test]
fn other_resources_get_the_fields_of_discarded_records() {
    let mut plan = plan(DiscardRow, DiscardValue);
    plan.parent_fields = vec![ParentField {
        path: FieldPath::parse("id").unwrap(),
        required: true,
    }];
    let table = table_of(&[r#"{"id":1}"#]);
    let records = [r#"{"id":1,"new":1}"#, r#"{"id":"x"}"#, r#"{"id":3}"#];
    let decoded = decode_under(&plan, Some(&table), &Slice::default(), &records).unwrap();
    assert_eq!(
        (decoded.batch.num_rows(), decoded.discarded.counts.rows),
        (2, 1)
    );
    let ids: Vec<&String> = decoded.parents.iter().map(|fields| &fields["id"]).collect();
    assert_eq!(ids, ["1", "\"x\"", "3"]);
}

#[test]
fn fields_of_a_parent_are_columns_too() {
    let parent = |json: &str| Slice {
        parents: vec![crate::flow::ParentRecord {
            included: [("_users_age".to_owned(), json.to_owned())].into(),
            ..Default::default()
        }],
        ..Slice::default()
    };
    let first = decode_under(&DecodePlan::default(), None, &parent("7"), &[r#"{"id":1}"#]).unwrap();
    let table = first.schema.settle(None);
    let records = [r#"{"id":1}"#, r#"{"id":2}"#];
    let decode =
        |mode, json| decode_under(&plan(Freeze, mode), Some(&table), &parent(json), &records);
    let kept = decode(DiscardValue, "8").unwrap();
    assert_eq!(
        shown(&kept),
        "{\"id\":1,\"_users_age\":8}\n{\"id\":2,\"_users_age\":8}"
    );
    let values = decode(DiscardValue, "\"x\"").unwrap();
    let expected = "{\"id\":1}\n{\"id\":2}\nvalue 0 _users_age \"x\"\nvalue 1 _users_age \"x\"";
    assert_eq!(shown(&values), expected);
    assert_eq!(
        decode(DiscardRow, "\"x\"").unwrap().discarded.counts.rows,
        2
    );
    assert!(decode(Freeze, "\"x\"").is_err());
}

#[test]
fn records_outside_the_slice_break_nothing() {
    let mut plan = followed(rules(Direction::Up, None));
    plan.contract = self::plan(DiscardRow, DiscardRow).contract;
    let table = table_of(&[r#"{"id":1,"n":1}"#]);
    let records = [
        r#"{"id":1,"n":1,"new":1}"#,
        r#"{"id":2,"n":2,"new":1}"#,
        r#"{"id":3,"n":3}"#,
    ];
    let slice = between(Some("2"), None);
    let decoded = decode_under(&plan, Some(&table), &slice, &records).unwrap();
    assert_eq!(
        shown(&decoded),
        "{\"id\":3,\"n\":3}\nrow 1 new {\"id\":2,\"n\":2,\"new\":1}"
    );
    plan.contract = self::plan(Freeze, Freeze).contract;
    let error = decode_under(&plan, Some(&table), &slice, &records).unwrap_err();
    assert!(
        matches!(error, Error::ContractBroken { record: 1, .. }),
        "{error}"
    );
}

fn modes() -> impl Strategy<Value = ContractMode> {
    prop_oneof![Just(Evolve), Just(DiscardRow), Just(DiscardValue)]
}

/// The rows and the schema behind a load of these pages, and what was rejected, in order.
fn load(
    plan: &DecodePlan,
    table: Option<&TableSchema>,
    pages: &[&[&str]],
) -> (TableSchema, RecordBatch, Vec<String>) {
    let decoder = Decoder::new(plan.clone(), "load").under_contract(table);
    let decode = |records: &&[&str]| {
        decoder
            .decode(
                &Slice::default(),
                &page(records),
                &mut SliceMemory::default(),
            )
            .unwrap()
    };
    let decoded: Vec<Decoded> = pages.iter().map(decode).collect();
    let joined = decoded.iter().fold(TableSchema::default(), |schema, page| {
        schema.join(&page.schema)
    });
    let settled = joined.settle(table);
    let batches: Vec<RecordBatch> = decoded
        .iter()
        .map(|page| conform(&page.batch, &page.schema, &settled).unwrap())
        .collect();
    let rejected = decoded.iter().flat_map(|page| &page.discarded.rejected);
    let rejected = rejected
        .map(|one| format!("{:?} {} {}", one.column, one.reason, one.value))
        .collect();
    (
        settled.clone(),
        concat_batches(&settled.arrow_schema(), &batches).unwrap(),
        rejected,
    )
}

/// Whether a settled schema has other columns than the table had, nested ones too, or other types.
fn layout(schema: &TableSchema) -> String {
    format!("{:?}", schema.arrow_schema().fields())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn pages_and_their_order_change_nothing(
        first in records(),
        second in records(),
        columns in modes(),
        data_type in modes(),
        is_first_load in any::<bool>(),
    ) {
        let table = table_of(&borrowed(&first));
        let table = (!is_first_load).then_some(&table);
        let plan = plan(columns, data_type);
        let all = borrowed(&second);
        let (schema, rows, rejected) = load(&plan, table, &[&all]);
        for size in [1, 2, 3] {
            let pages: Vec<&[&str]> = all.chunks(size).collect();
            prop_assert_eq!(load(&plan, table, &pages), (schema.clone(), rows.clone(), rejected.clone()));
        }
        let backwards: Vec<&[&str]> = all.chunks(1).rev().collect();
        let (other, _, mut others) = load(&plan, table, &backwards);
        let (mut names, mut other_names) = (schema.column_names(), other.column_names());
        names.sort();
        other_names.sort();
        prop_assert_eq!(names, other_names);
        let mut rejected = rejected;
        rejected.sort();
        others.sort();
        prop_assert_eq!(rejected, others);
    }

    #[test]
    fn a_table_stays_as_it_is(first in records(), second in records(), row in any::<bool>()) {
        let mode = if row { DiscardRow } else { DiscardValue };
        let mut first = borrowed(&first);
        // Without a column it would be a table's first load.
        first.push(r#"{"z":1}"#);
        let table = table_of(&first);
        let (schema, rows, rejected) = load(&plan(mode, mode), Some(&table), &[&borrowed(&second)]);
        prop_assert_eq!(layout(&schema), layout(&table));
        // And it is frozen exactly where something was discarded.
        let frozen = decode_under(&plan(Freeze, Freeze), Some(&table), &Slice::default(), &borrowed(&second));
        prop_assert_eq!(frozen.is_ok(), rejected.is_empty());
        if row {
            prop_assert_eq!(rows.num_rows() + rejected.len(), second.len());
        }
    }

    /// What would not have changed the table anyway is not touched.
    #[test]
    fn nothing_is_discarded_that_fits(first in full_records(), second in full_records()) {
        let table = table_of(&borrowed(&first));
        let (evolved, rows, _) = load(&DecodePlan::default(), Some(&table), &[&borrowed(&second)]);
        let (_, kept, rejected) = load(&plan(DiscardValue, DiscardValue), Some(&table), &[&borrowed(&second)]);
        if layout(&evolved) == layout(&table) {
            prop_assert_eq!(rejected, Vec::<String>::new());
            prop_assert_eq!(rows, kept);
        } else {
            prop_assert!(!rejected.is_empty());
        }
    }
}
