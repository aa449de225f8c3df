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
    let decoder = Decoder::new(plan, "load").for_table(Some(&table));
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
fn other_resources_get_the_fields_of_each_twin() {
    let mut plan = plan(DiscardRow, Evolve);
    plan.primary_key = vec!["id".to_owned()];
    plan.drops_duplicates = true;
    plan.parent_fields = vec![ParentField {
        path: FieldPath::parse("of").unwrap(),
        required: true,
    }];
    let table = table_of(&[r#"{"id":1,"of":1}"#]);
    let records = [
        r#"{"id":1,"of":1,"new":1}"#,
        r#"{"id":1,"of":2,"new":1}"#,
        r#"{"id":1,"of":3}"#,
        r#"{"id":1,"of":4}"#,
        r#"{"id":2,"of":5}"#,
    ];
    for size in [1, 2, records.len()] {
        let decoder = Decoder::new(plan.clone(), "load").for_table(Some(&table));
        let mut memory = SliceMemory::default();
        let mut asked = Vec::new();
        for records in records.chunks(size) {
            let read = decoder.decode(&Slice::default(), &page(records), &mut memory);
            let parents = read.unwrap().parents;
            asked.extend(parents.iter().map(|fields| fields["of"].clone()));
        }
        assert_eq!(asked, ["1", "2", "3", "5"], "pages of {size}");
    }
}

#[test]
fn the_parts_of_a_page_are_the_page() {
    let records: Vec<String> = (0..7)
        .map(|number| {
            format!(
                "{{\"id\":{number},\"{}\":1}}",
                if number == 5 { "new" } else { "n" }
            )
        })
        .collect();
    let table = table_of(&[r#"{"id":1,"n":1}"#]);
    let read = |plan: &DecodePlan, size: usize| {
        let decoder = Decoder::new(plan.clone(), "load").for_table(Some(&table));
        let mut memory = SliceMemory::default();
        let mut rows = Vec::new();
        let mut rejected = Vec::new();
        for (before, part) in Page::of_records(&records).parts(size) {
            let found =
                decoder.decode_part(&Slice::default(), (before, &part), None, &mut memory)?;
            rows.extend(restore(&found.batch, &found.schema));
            rejected.extend(found.discarded.rejected.iter().map(|one| one.record));
        }
        Ok::<_, Error>((rows, rejected))
    };
    for size in [1, 3, 6, 7, 8] {
        let (rows, rejected) = read(&plan(DiscardRow, Evolve), size).unwrap();
        assert_eq!((rows.len(), rejected), (6, vec![5]), "parts of {size}");
        assert_eq!(rows[5], r#"{"id":6,"n":1}"#);
        let error = read(&plan(Freeze, Evolve), size).unwrap_err();
        assert!(
            matches!(error, Error::ContractBroken { record: 5, .. }),
            "{error}"
        );
    }
    let empty: [&str; 0] = [];
    assert_eq!(Page::of_records(&empty).parts(4).count(), 1);
}

#[test]
fn more_keys_than_a_table_has_columns_can_be_discarded() {
    let keys: Vec<String> = (0..=MAXIMUM_COLUMNS)
        .map(|key| format!("\"k{key}\":1,"))
        .collect();
    let keys = keys.concat();
    let record = format!("{{{keys}\"n\":5,\"id\":7}}");
    let table = table_of(&[r#"{"id":1,"n":1}"#]);
    let mut plan = followed(rules(Direction::Up, None));
    plan.primary_key = vec!["id".to_owned()];
    for (mode, rows) in [(DiscardValue, 2), (DiscardRow, 1)] {
        plan.contract = self::plan(mode, Evolve).contract;
        let slice = between(Some("2"), None);
        let records = [&record, r#"{"id":8,"n":6}"#, r#"{"id":9,"n":1}"#];
        let decoded = decode_under(&plan, Some(&table), &slice, &records).unwrap();
        assert_eq!(
            (decoded.batch.num_rows(), decoded.outside_window),
            (rows, 1)
        );
        let counts = decoded.discarded.counts;
        assert!(counts.rows == 1 || counts.values == 10_001, "{counts:?}");
    }
    plan.contract = self::plan(Freeze, Evolve).contract;
    let error = decode_under(&plan, Some(&table), &Slice::default(), &[&record]).unwrap_err();
    assert!(matches!(error, Error::ContractBroken { .. }), "{error}");
    plan.contract = self::plan(Evolve, Freeze).contract;
    let error = decode_under(&plan, Some(&table), &Slice::default(), &[&record]).unwrap_err();
    assert!(matches!(error, Error::TooManyColumns { .. }), "{error}");
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
