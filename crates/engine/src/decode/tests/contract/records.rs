//! Which records a contract judges, and what becomes of the discarded ones.

use super::*;

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
fn a_discarded_record_does_not_keep_out_its_twin() {
    let plan = DecodePlan {
        primary_key: vec!["id".to_owned()],
        drops_duplicates: true,
        ..plan(DiscardRow, Evolve)
    };
    let table = table_of(TABLE);
    let decoder = Decoder::new(plan, "load").under_contract(Some(&table));
    let mut memory = SliceMemory::default();
    let mut decode = |records: &[&str]| {
        let read = decoder.decode(&Slice::default(), &page(records), &mut memory);
        let read = read.unwrap();
        format!("{}\n{} twice", shown(&read), read.duplicates)
    };
    let first = [
        r#"{"id":1,"new":1}"#,
        r#"{"id":1,"new":2}"#,
        r#"{"id":1}"#,
        r#"{"id":1,"new":3}"#,
        r#"{"id":2,"new":4}"#,
        r#"{"id":3}"#,
        r#"{"id":3,"new":5}"#,
    ];
    insta::assert_snapshot!(decode(&first), @r#"
    {"id":1}
    {"id":3}
    row 0 new {"id":1,"new":1}
    row 1 new {"id":1,"new":2}
    row 4 new {"id":2,"new":4}
    2 twice
    "#);
    // What a page knows, the next one does.
    let second = [
        r#"{"id":1}"#,
        r#"{"id":2}"#,
        r#"{"id":3,"new":6}"#,
        r#"{"id":2}"#,
    ];
    insta::assert_snapshot!(decode(&second), @r#"
    {"id":2}
    3 twice
    "#);
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
