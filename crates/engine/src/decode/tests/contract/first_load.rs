//! What a table's first load may bring.

use super::*;

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
    insta::assert_snapshot!(error.to_string(), @r##"read `more` of record `0`, the value `2`: the table has no column `more`, and `schema_contract` has `columns: freeze`; declare it under `columns` of the resource, or write `columns: evolve` to let it in or `columns: discard_value` to leave it out"##);
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
    insta::assert_snapshot!(refused(&[r#"{"a":1}"#, r#"{"a":null}"#, r#"{"b":2,"a":"n/a"}"#]), @r##"read `a` of record `2`, the value `"n/a"`: the values of `a` are of several kinds (string, number), and nothing says which is right, and `schema_contract` has `data_type: freeze`; declare its `data_type` under `columns`, or let the first load have `data_type: evolve`"##);
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
        let decoder = Decoder::new(plan(Evolve, Freeze), "load").for_table(None);
        decode(&decoder, records[0]).unwrap();
        let error = decode(&decoder, records[1]).unwrap_err();
        assert!(
            matches!(error, Error::ContractBroken { record: 0, .. }),
            "{error}"
        );
        let decoder = Decoder::new(plan(Evolve, DiscardValue), "load").for_table(None);
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
fn an_object_that_becomes_a_map_on_a_later_page_breaks_nothing() {
    let keys = (0..1001).map(|key| format!("\"k{key}\":1"));
    let wide = format!("{{\"o\":{{{}}}}}", keys.collect::<Vec<_>>().join(","));
    let records = [r#"{"o":{"a":1}}"#, r#"{"o":{"a":"x"}}"#, &wide];
    for nested in [Form::Auto, Form::Flatten] {
        for size in [1, 2, 3] {
            let mut plan = plan(Evolve, Freeze);
            plan.nested = nested;
            let decoder = Decoder::new(plan, "load").for_table(None);
            for records in records.chunks(size) {
                let memory = &mut SliceMemory::default();
                let page = page(records);
                decoder.decode(&Slice::default(), &page, memory).unwrap();
            }
            assert_eq!(decoder.mixed_columns(), Vec::<String>::new());
        }
    }
    let decoder = Decoder::new(plan(Evolve, Freeze), "load").for_table(None);
    let memory = &mut SliceMemory::default();
    decoder
        .decode(&Slice::default(), &page(&records[..2]), memory)
        .unwrap();
    assert_eq!(decoder.mixed_columns(), ["o.a"]);
}

#[test]
fn a_table_that_is_not_there_gets_nothing() {
    for mode in [DiscardRow, DiscardValue] {
        let mut plan = plan(Evolve, Evolve);
        plan.contract.tables = mode;
        let is_discarded = |table: Option<&TableSchema>| {
            let decoder = Decoder::new(plan.clone(), "load");
            decoder.for_table(table).discards_table()
        };
        assert!(is_discarded(None));
        let decoded = decode_under(&plan, None, &Slice::default(), &[r#"{"a":1}"#, "7"]).unwrap();
        assert_eq!(shown(&decoded), "row 0 - {\"a\":1}\nrow 1 - 7");
        let table = table_of(&[r#"{"a":1}"#]);
        assert!(!is_discarded(Some(&table)));
    }
}
