//! Schema contracts: each mode for columns and types.

mod first_load;
mod laws;
mod nested;
mod records;

use super::cursors::{between, followed, rules};
use super::*;
use crate::plan::ContractMode::{self, DiscardRow, DiscardValue, Evolve, Freeze};
use crate::plan::{ColumnHint, ContractPlan, DeclaredType, Direction, FieldPath, ParentField};
use crate::schema::{Form, MAXIMUM_COLUMNS};

/// What a page of `table` made of an empty table.
fn table_of(records: &[&str]) -> TableSchema {
    table_in(Form::default(), records)
}

/// The same where nested values take a form.
fn table_in(nested: Form, records: &[&str]) -> TableSchema {
    let plan = DecodePlan {
        nested,
        ..DecodePlan::default()
    };
    commit(&plan, &[records], None).0
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
        nullable,
        ..ColumnHint::default()
    };
    plan.columns.insert(name.to_owned(), hint);
}

fn decode_under(
    plan: &DecodePlan,
    table: Option<&TableSchema>,
    slice: &Slice,
    records: &[&str],
) -> Result<Decoded, Error> {
    let decoder = Decoder::new(plan.clone(), "load").for_table(table);
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
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"id":1}"#, r#"{"id":2,"new":"far too"}"#]), @r##"read `new` of record `1`, the value `"far too"`: the table has no column `new`, and `schema_contract` has `columns: freeze`; declare it under `columns` of the resource, or write `columns: evolve` to let it in or `columns: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"at":{"zip":"a","city":"b"}}"#]), @r##"read `at.city` of record `0`, the value `"b"`: the table has no column `at.city`, and `schema_contract` has `columns: freeze`; write `columns: evolve` to let it in, or `columns: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"lines":[{"qty":1},{"sku":7}]}"#]), @r##"read `lines[].sku` of record `0`, the value `7`: the table has no column `lines[].sku`, and `schema_contract` has `columns: freeze`; write `columns: evolve` to let it in, or `columns: discard_value` to leave it out"##);
}

#[test]
fn another_type_breaks_a_frozen_contract() {
    let plan = plan(Evolve, Freeze);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"id":"seven"}"#]), @r##"read `id` of record `0`, the value `"seven"`: a string doesn't fit column `id`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"id":1.5}"#]), @r##"read `id` of record `0`, the value `1.5`: a number doesn't fit column `id`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"at":{"zip":12345}}"#]), @r##"read `at.zip` of record `0`, the value `12345`: a number doesn't fit column `at.zip`, which holds texts, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"lines":[{"qty":1},{"qty":"two"}]}"#]), @r##"read `lines[].qty` of record `0`, the value `"two"`: a string doesn't fit column `lines[].qty`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
    insta::assert_snapshot!(refused(&plan, TABLE, &[r#"{"tags":["a",7]}"#]), @r##"read `tags` of record `0`, the value `["a",7]`: a list doesn't fit column `tags`, which holds lists of texts, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
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
            "value 2 lines[].sku 6",
            "value 2 lines[].sku 7",
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
    insta::assert_snapshot!(error, @r##"read `new` of record `0`, the value `"seven"`: a string doesn't fit column `new`, which holds 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"##);
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
