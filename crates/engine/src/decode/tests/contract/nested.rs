//! Contracts with tables that have maps, JSON text, columns of what lies in objects, and declared types.

use super::*;

/// What is let in of records, and what isn't, by the table that `first` made in a form.
fn held(
    nested: Form,
    modes: [ContractMode; 2],
    first: &[&str],
    records: &[&str],
) -> Result<String, String> {
    let table = table_in(nested, first);
    let [columns, data_type] = modes;
    let plan = DecodePlan {
        nested,
        ..plan(columns, data_type)
    };
    let decoded = decode_under(&plan, Some(&table), &Slice::default(), records);
    let decoded = decoded.map_err(|error| error.to_string())?;
    if modes == [DiscardValue; 2] {
        let settled = decoded.schema.settle(Some(&table));
        assert_eq!(settled.arrow_schema(), table.arrow_schema());
    }
    Ok(shown(&decoded))
}

const RATES: &[&str] = &[r#"{"id":1,"rates":{"2024-01-01":5}}"#];

#[test]
fn a_key_of_a_map_is_no_column() {
    let records = [
        r#"{"rates":{"2024-01-02":7,"eur":null}}"#,
        r#"{"rates":{}}"#,
        r#"{"rates":{"usd":9}}"#,
    ];
    let shown = held(Form::Auto, [Freeze; 2], RATES, &records).unwrap();
    insta::assert_snapshot!(shown, @r##"
    {"rates":{"2024-01-02":7}}
    {"rates":{}}
    {"rates":{"usd":9}}
    "##);
}

#[test]
fn a_value_that_a_map_does_not_hold_is_left_out_of_it() {
    let records = [
        r#"{"id":2,"rates":{"2024-01-02":7,"2024-01-03":"n/a"}}"#,
        r#"{"id":3,"rates":"none"}"#,
        r#"{"id":4,"rates":{"2024-01-04":1.5}}"#,
    ];
    let values = held(Form::Auto, [Freeze, DiscardValue], RATES, &records);
    insta::assert_snapshot!(values.unwrap(), @r#"
    {"id":2,"rates":{"2024-01-02":7}}
    {"id":3}
    {"id":4,"rates":{}}
    value 0 rates.2024-01-03 "n/a"
    value 1 rates "none"
    value 2 rates.2024-01-04 1.5
    "#);
    let rows = held(Form::Auto, [Freeze, DiscardRow], RATES, &records);
    insta::assert_snapshot!(rows.unwrap(), @r#"
    row 0 rates.2024-01-03 {"id":2,"rates":{"2024-01-02":7,"2024-01-03":"n/a"}}
    row 1 rates {"id":3,"rates":"none"}
    row 2 rates.2024-01-04 {"id":4,"rates":{"2024-01-04":1.5}}
    "#);
    let frozen = held(Form::Auto, [Evolve, Freeze], RATES, &records);
    insta::assert_snapshot!(frozen.unwrap_err(), @r#"read `rates.2024-01-03` of record `0`, the value `"n/a"`: a string doesn't fit map `rates`, whose values are 64-bit integers, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"#);
    let evolved = held(Form::Auto, [Freeze, Evolve], RATES, &records[..1]);
    insta::assert_snapshot!(evolved.unwrap(), @r#"{"id":2,"rates":{"2024-01-02":7,"2024-01-03":"n/a"}}"#);
}

#[test]
fn objects_in_a_map_are_judged_like_others() {
    let first = [r#"{"users":{"17":{"name":"Ann"}},"lines":[{"1":[2]}]}"#];
    let records = [
        r#"{"users":{"18":{"name":"Ben","age":7},"19":{"name":8},"20":[]}}"#,
        r#"{"lines":[{"2":[3]},{"3":["x"],"4":[5]}]}"#,
    ];
    let values = held(Form::Auto, [DiscardValue; 2], &first, &records);
    insta::assert_snapshot!(values.unwrap(), @r#"
    {"users":{"18":{"name":"Ben"},"19":{}}}
    {"lines":[{"2":[3]},{"4":[5]}]}
    value 0 users.18.age 7
    value 0 users.19.name 8
    value 0 users.20 []
    value 1 lines[].3 ["x"]
    "#);
    let frozen = held(Form::Auto, [Freeze, Evolve], &first, &records);
    insta::assert_snapshot!(frozen.unwrap_err(), @"read `users.18.age` of record `0`, the value `7`: the table has no column `users.18.age`, and `schema_contract` has `columns: freeze`; write `columns: evolve` to let it in, or `columns: discard_value` to leave it out");
}

#[test]
fn an_object_with_too_many_keys_for_a_struct_fits_a_map() {
    let members = |value: &str| {
        let members = (0..1001).map(|key| format!("\"k{key}\":{value}"));
        members.collect::<Vec<_>>().join(",")
    };
    let wide = format!("{{\"rates\":{{{}}}}}", members("7"));
    let shown = held(Form::Auto, [Freeze; 2], RATES, &[&wide]).unwrap();
    assert_eq!(shown.matches(":7").count(), 1001);
    let hollow = format!("{{\"id\":2,\"new\":{{{}}}}}", members("{}"));
    let shown = held(Form::Auto, [DiscardValue; 2], RATES, &[&hollow]).unwrap();
    assert_eq!(shown.lines().count(), 1, "{shown}");
    let text = format!("{{\"rates\":{{{},\"last\":\"x\"}}}}", members("7"));
    let shown = held(Form::Auto, [DiscardValue; 2], RATES, &[&text]).unwrap();
    assert!(shown.ends_with("\nvalue 0 rates.last \"x\""), "{shown}");
}

#[test]
fn nothing_is_judged_within_json_text() {
    let first = [r#"{"id":1,"at":{"zip":"x"},"tags":["a"]}"#];
    let records = [
        r#"{"at":{"zip":7,"city":{}},"tags":[1,{"b":[]}]}"#,
        r#"{"at":[],"tags":{}}"#,
    ];
    let shown = held(Form::Json, [Freeze; 2], &first, &records).unwrap();
    insta::assert_snapshot!(shown, @r#"
    {"at":{"city":{},"zip":7},"tags":[1,{"b":[]}]}
    {"at":[],"tags":{}}
    "#);
    let shown = held(Form::Json, [Freeze; 2], &first, &[r#"{"at":["x"]}"#]).unwrap_err();
    insta::assert_snapshot!(shown, @r#"read `at` of record `0`, the value `["x"]`: a list doesn't fit column `at`, which holds objects, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"#);
}

#[test]
fn what_lies_in_an_object_can_be_columns() {
    let first = [r#"{"id":1,"at":{"zip":"x","geo":{"lat":1}}}"#];
    let records = [
        r#"{"id":2,"at":{"zip":"y","geo":{"lat":2}}}"#,
        r#"{"id":3,"at":{"zip":7,"geo":{"lat":3,"lon":4},"city":"b"}}"#,
        r#"{"id":4,"at":{"geo":5,"zip":"z"}}"#,
        r#"{"id":5,"at":"home"}"#,
        r#"{"id":6,"at":{},"new":{}}"#,
        r#"{"id":7,"new":{"a":{"b":1}}}"#,
    ];
    let known = held(Form::Flatten, [Freeze; 2], &first, &records[..1]);
    insta::assert_snapshot!(known.unwrap(), @r#"{"at":{"geo":{"lat":2},"zip":"y"},"id":2}"#);
    let values = held(Form::Flatten, [DiscardValue; 2], &first, &records);
    insta::assert_snapshot!(values.unwrap(), @r#"
    {"at":{"geo":{"lat":2},"zip":"y"},"id":2}
    {"at":{"geo":{"lat":3}},"id":3}
    {"at":{"zip":"z"},"id":4}
    {"id":5}
    {"at":{},"id":6,"new":{}}
    {"id":7}
    value 1 at.zip 7
    value 1 at.geo.lon 4
    value 1 at.city "b"
    value 2 at.geo 5
    value 3 at "home"
    value 5 new {"a":{"b":1}}
    "#);
    let rows = held(Form::Flatten, [DiscardRow, DiscardValue], &first, &records);
    insta::assert_snapshot!(rows.unwrap(), @r#"
    {"at":{"geo":{"lat":2},"zip":"y"},"id":2}
    {"at":{},"id":6,"new":{}}
    row 1 at.geo.lon {"id":3,"at":{"zip":7,"geo":{"lat":3,"lon":4},"city":"b"}}
    row 2 at.geo {"id":4,"at":{"geo":5,"zip":"z"}}
    row 3 at {"id":5,"at":"home"}
    row 5 new {"id":7,"new":{"a":{"b":1}}}
    "#);
    let frozen = held(Form::Flatten, [Freeze, DiscardValue], &first, &records);
    insta::assert_snapshot!(frozen.unwrap_err(), @"read `at.geo.lon` of record `1`, the value `4`: the table has no column `at.geo.lon`, and `schema_contract` has `columns: freeze`; write `columns: evolve` to let it in, or `columns: discard_value` to leave it out");
    // What the spec says of nested values now doesn't count for those that have columns.
    let table = table_in(Form::Flatten, &first);
    let frozen = plan(Freeze, Freeze);
    let decoded = decode_under(&frozen, Some(&table), &Slice::default(), &records[..1]).unwrap();
    assert_eq!(decoded.batch.num_rows(), 1);
}

#[test]
fn an_object_of_columns_is_judged_key_by_key_however_many_there_are() {
    let first = [r#"{"at":{"zip":1}}"#];
    let members: Vec<String> = (0..1001).map(|key| format!("\"k{key}\":7")).collect();
    let wide = format!("{{\"at\":{{\"zip\":2,{}}}}}", members.join(","));
    let shown = held(Form::Flatten, [DiscardValue; 2], &first, &[&wide]).unwrap();
    let (row, rejected) = shown.split_once('\n').unwrap();
    assert_eq!(row, r#"{"at":{"zip":2}}"#);
    assert_eq!(rejected.lines().count(), 1001);
    let text = wide.replace("2,", "\"x\",");
    let shown = held(Form::Flatten, [Evolve, DiscardValue], &first, &[&text]).unwrap();
    assert!(shown.ends_with("\nvalue 0 at.zip \"x\""), "{shown}");
}

#[test]
fn fields_of_a_parent_can_be_columns_of_what_lies_in_them() {
    let slice = |json: &str| Slice {
        parents: vec![crate::flow::ParentRecord {
            included: [("team".to_owned(), json.to_owned())].into(),
            ..Default::default()
        }],
        ..Slice::default()
    };
    let plan = |mode| DecodePlan {
        nested: Form::Flatten,
        ..plan(mode, mode)
    };
    let record = [r#"{"id":1}"#];
    let first = slice(r#"{"name":"a"}"#);
    let first = decode_under(&plan(Evolve), None, &first, &record).unwrap();
    let table = first.schema.settle(None);
    let later = slice(r#"{"name":"b","size":2}"#);
    let decoded = decode_under(&plan(DiscardValue), Some(&table), &later, &record).unwrap();
    insta::assert_snapshot!(shown(&decoded), @r#"
    {"id":1,"team":{"name":"b"}}
    value 0 team.size 2
    "#);
    let settled = decoded.schema.settle(Some(&table));
    assert_eq!(settled.column_names(), table.column_names());
}

#[test]
fn what_a_declared_type_does_not_take_breaks_the_contract() {
    let types = [
        ("exact", DeclaredType::TimestampNanoseconds),
        ("opens", DeclaredType::Time),
        ("raw", DeclaredType::Binary),
        ("any", DeclaredType::Json),
        ("count", DeclaredType::Bigint),
    ];
    let declared = |data_type| {
        let mut plan = plan(Freeze, data_type);
        for (name, data_type) in types {
            declare(&mut plan, name, Some(data_type), true);
        }
        plan
    };
    let records = [
        r#"{"exact":"2024-01-31T12:30:00.123456789Z","opens":"08:30:00","raw":"AP8=","any":[1,"x"],"count":"7"}"#,
        r#"{"exact":"soon","opens":"noon","raw":"?","any":{},"count":1.5}"#,
        r#"{"exact":[1],"opens":{"h":8},"raw":true,"any":null}"#,
    ];
    let table = commit(&declared(Evolve), &[&records[..1]], None).0;
    let decode = |data_type| {
        let decoder = Decoder::new(declared(data_type), "load").for_table(Some(&table));
        let memory = &mut SliceMemory::default();
        let read = decoder.decode(&Slice::default(), &page(&records), memory);
        let told: u64 = decoder
            .misfits()
            .iter()
            .map(|(_, misfits)| misfits.refused.count)
            .sum();
        (read.map_err(|error| error.to_string()), told)
    };
    let (decoded, told) = decode(DiscardValue);
    let decoded = decoded.unwrap();
    insta::assert_snapshot!(shown(&decoded), @r#"
    {"any":[1,"x"],"count":7,"exact":"2024-01-31T12:30:00.123456789Z","opens":"08:30:00","raw":"AP8="}
    {"any":{}}
    {}
    value 1 exact "soon"
    value 1 opens "noon"
    value 1 raw "?"
    value 1 count 1.5
    value 2 exact [1]
    value 2 opens {"h":8}
    value 2 raw true
    "#);
    let settled = decoded.schema.settle(Some(&table));
    assert_eq!(settled.column_names(), table.column_names());
    // What was discarded is told as that alone.
    assert_eq!(told, 0);
    let (decoded, told) = decode(DiscardRow);
    assert_eq!((decoded.unwrap().batch.num_rows(), told), (1, 0));
    let (decoded, told) = decode(Freeze);
    insta::assert_snapshot!(decoded.unwrap_err(), @r#"read `exact` of record `1`, the value `"soon"`: a string doesn't fit column `exact`, which holds timestamps, and `schema_contract` has `data_type: freeze`; write `data_type: evolve` to let it in, or `data_type: discard_value` to leave it out"#);
    assert_eq!(told, 0);
    let (decoded, told) = decode(Evolve);
    assert_eq!((decoded.unwrap().batch.num_rows(), told), (3, 7));
}

#[test]
fn kinds_that_mix_where_nothing_is_known_are_found_in_every_form() {
    let mixture = |nested: Form, records: &[&str]| {
        let frozen = DecodePlan {
            nested,
            ..plan(Freeze, Freeze)
        };
        let decoder = Decoder::new(frozen, "load").for_table(None);
        let memory = &mut SliceMemory::default();
        match decoder.decode(&Slice::default(), &page(records), memory) {
            Err(Error::ContractBroken { record, column, .. }) => format!("{record} {column}"),
            other => other.map(|_| decoder.mixed_columns().join(", ")).unwrap(),
        }
    };
    let in_map = [
        r#"{"a":{"b":{"1":{"c":1}}}}"#,
        r#"{"a":{"b":{"2":{"c":true}}}}"#,
    ];
    assert_eq!(mixture(Form::Auto, &in_map), "a.b.*.c");
    assert_eq!(mixture(Form::Map, &in_map), "a.*.*.c");
    let in_object = [r#"{"a":{"b":1}}"#, r#"{"a":{"b":"x"}}"#];
    // With more than 1000 keys there would be a map, or JSON text.
    assert_eq!(mixture(Form::Struct, &in_object), "a.b");
    assert_eq!(mixture(Form::Flatten, &in_object), "a.b");
    assert_eq!(mixture(Form::Json, &in_object), "");
    // One more value, and there are no columns within the list.
    let in_list = [r#"{"a":[{"b":1},{"b":"x"}]}"#, r#"{"a":[7]}"#];
    assert_eq!(mixture(Form::Auto, &in_list[..1]), "a[].b");
    assert_eq!(mixture(Form::Auto, &in_list), "");
}
