//! Child tables: joined with the rows above them by their ids, they are the lists of the records, in order.

use std::cell::Cell;
use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use proptest::prelude::*;

use super::compare::{Written, check};
use super::generated::records;
use super::oracle::Json;
use crate::decode::{Decoded, Decoder, SliceMemory};
use crate::flow::{Page, Slice};
use crate::plan::DecodePlan;
use crate::schema::{
    ChildTable, Column, Form, Kind, Level, Source, TableSchema, WIDE_OBJECT_KEYS,
    conform_with_children,
};

/// Records as rows of a table and of its child tables.
struct Divided {
    schema: TableSchema,
    rows: RecordBatch,
    children: BTreeMap<String, Child>,
    /// Rows of child tables that were found in a record.
    found: Cell<usize>,
}

struct Child {
    rows: RecordBatch,
    /// Its rows by the id of the row above, in the order of their positions.
    by_parent: BTreeMap<String, Vec<usize>>,
}

impl Divided {
    fn of(records: &[String], page_size: usize) -> Self {
        let plan = DecodePlan {
            nested: Form::Tables,
            ..DecodePlan::default()
        };
        let decoder = Decoder::new(plan, "load");
        let pages = (1..).zip(records.chunks(page_size));
        let memory = &mut SliceMemory::default();
        let pages: Vec<Decoded> = pages
            .map(|(number, records)| {
                let page = Page {
                    number,
                    ..Page::of_records(records)
                };
                decoder.decode(&Slice::default(), &page, memory).unwrap()
            })
            .collect();
        let schemas = pages.iter().map(|page| page.schema.clone());
        let schema = schemas.reduce(|left, right| left.join(&right)).unwrap();
        let schema = schema.settle(None);
        let divided: Vec<_> = pages
            .iter()
            .map(|page| conform_with_children(&page.batch, &page.schema, &schema).unwrap())
            .collect();
        let rows = divided.iter().map(|(rows, _)| rows);
        let rows = concat_batches(&schema.arrow_schema(), rows).unwrap();
        let children = schema.child_tables().into_iter().enumerate();
        let children = children.map(|(at, (name, child))| {
            let batches = divided.iter().map(|(_, children)| &children[at]);
            let rows = concat_batches(&child.arrow_schema(), batches).unwrap();
            (name.to_owned(), Child::new(rows))
        });
        Self {
            children: children.collect(),
            schema,
            rows,
            found: Cell::new(0),
        }
    }

    /// Checks that joins give the records: no value lost, changed or made up.
    ///
    /// `{}` is no value, and neither is a list that holds nothing but nulls where no list there ever held more.
    fn check(&self, records: &[String]) -> Result<(), String> {
        let level = self.schema.level();
        let ids = self.rows.column(self.schema.row_id().unwrap());
        for (row, record) in records.iter().enumerate() {
            let id = ids.as_string::<i32>().value(row);
            let record = match Json::read(record.as_bytes()).unwrap() {
                Json::Object(members) => members,
                other => BTreeMap::from([("value".to_owned(), other)]),
            };
            self.check_fields(&record, &[], level, self.rows.columns(), row, id)
                .map_err(|difference| format!("record {row}: ${difference}"))?;
        }
        let rows: usize = self
            .children
            .values()
            .map(|child| child.rows.num_rows())
            .sum();
        if rows != self.found.get() {
            return Err(format!(
                "{} of {rows} elements are in records",
                self.found.get()
            ));
        }
        Ok(())
    }

    fn check_fields(
        &self,
        members: &BTreeMap<String, Json>,
        within: &[String],
        level: Level<'_>,
        arrays: &[ArrayRef],
        row: usize,
        id: &str,
    ) -> Result<(), String> {
        let is_here = |source: &Source| source.within == within && !source.from_parent;
        for (column, array) in level.columns.iter().zip(arrays) {
            let key = &column.source.key;
            if is_here(&column.source) && !members.contains_key(key) && array.is_valid(row) {
                return Err(format!(".{key}: a value was made up"));
            }
        }
        for (key, value) in members {
            let source = Source {
                within: within.to_vec(),
                ..Source::key(key)
            };
            let checked = match (value, level.table(&source)) {
                (Json::List(values), Some(table)) => self.check_list(values, table, id),
                (Json::Object(inner), _) if !takes_objects(level.columns, &source) => {
                    let within = [within, std::slice::from_ref(key)].concat();
                    self.check_fields(inner, &within, level, arrays, row, id)
                }
                _ => check_value(value, level.columns, arrays, row, &source),
            };
            checked.map_err(|difference| format!(".{key}{difference}"))?;
        }
        Ok(())
    }

    fn check_list(&self, values: &[Json], table: &ChildTable, id: &str) -> Result<(), String> {
        let child = &self.children[&table.name];
        let none = Vec::new();
        let rows = child.by_parent.get(id).unwrap_or(&none);
        if rows.len() != values.len() {
            return Err(format!(": {} elements of {}", rows.len(), values.len()));
        }
        self.found.set(self.found.get() + rows.len());
        for (position, (value, row)) in values.iter().zip(rows).enumerate() {
            let (level, arrays) = (table.level(), child.rows.columns());
            let id = child.text("_dlt_id", *row);
            let inner = level.table(&Source::inner_list());
            let checked = match (value, inner) {
                (Json::Object(members), _) if !table.holds_whole_objects() => {
                    self.check_fields(members, &[], level, arrays, *row, id)
                }
                (Json::List(values), Some(table)) => self.check_list(values, table, id),
                _ => check_value(value, level.columns, arrays, *row, &Source::element()),
            };
            checked.map_err(|difference| format!("[{position}]{difference}"))?;
        }
        Ok(())
    }
}

impl Child {
    fn new(rows: RecordBatch) -> Self {
        let mut child = Self {
            rows,
            by_parent: BTreeMap::new(),
        };
        let positions = child.rows.column_by_name("_dlt_list_idx").unwrap();
        let positions = ArrayRef::clone(positions);
        for row in 0..child.rows.num_rows() {
            let parent = child.text("_dlt_parent_id", row).to_owned();
            let siblings = child.by_parent.entry(parent).or_default();
            let position = positions.as_primitive::<Int64Type>().value(row);
            assert_eq!(i64::try_from(siblings.len()), Ok(position));
            siblings.push(row);
        }
        child
    }

    fn text(&self, column: &str, row: usize) -> &str {
        let column = self.rows.column_by_name(column).unwrap();
        column.as_string::<i32>().value(row)
    }
}

fn takes_objects(columns: &[Column], source: &Source) -> bool {
    let mut columns = columns.iter();
    columns.any(|column| column.source == *source && column.takes(Kind::Object))
}

fn check_value(
    value: &Json,
    columns: &[Column],
    arrays: &[ArrayRef],
    row: usize,
    source: &Source,
) -> Result<(), String> {
    let of_source = columns
        .iter()
        .zip(arrays)
        .filter(|(column, array)| column.source == *source && array.is_valid(row));
    match of_source.collect::<Vec<_>>().as_slice() {
        [(column, array)] => check(value, &column.data_type, array, row, Written::Now),
        [] if value.is_hollow() => Ok(()),
        [] => Err(format!(": {value:?} is lost")),
        _ => Err(": one value is in two columns".to_owned()),
    }
}

fn checked(records: &[String], page_size: usize) -> Divided {
    let divided = Divided::of(records, page_size);
    divided.check(records).unwrap();
    divided
}

#[test]
fn every_kind_of_element_is_found_again() {
    let records = [
        r#"{"a":[{"x":1,"b":[{"y":[1,2]},{"y":[]}]},{"o":{"p":{"q":[null,"s"]}}}],"a__b":[1]}"#,
        r#"{"a":[[1,[2,"t"]],3,null,{"value":"v","list":[4],"_dlt_id":5}],"t":{"a":[true]}}"#,
        r#"{"a":"none","t":[{"A":1,"a":2}],"w":[{"":[0]}],"é/..":[1.50,"2024-01-01"]}"#,
        r#"[1,{"z":2}]"#,
    ]
    .map(str::to_owned);
    let divided = checked(&records, 9);
    let names: Vec<&String> = divided.children.keys().collect();
    let expected = [
        "a",
        "a__b",
        "a__b_",
        "a__b__y",
        "a__list",
        "a__list_",
        "a__list__list",
        "a__o__p__q",
        "t",
        "t__a",
        "value",
        "w",
        "w__",
        "____",
    ];
    for name in &expected {
        assert!(
            names.iter().any(|found| found == name),
            "{name} in {names:?}"
        );
    }
    assert_eq!(checked(&records, 1).schema, divided.schema);
}

#[test]
fn pages_that_see_too_many_keys_only_together_are_divided_alike() {
    let object = |keys: std::ops::Range<usize>| {
        let members: Vec<String> = keys.map(|key| format!("\"k{key}\":[{key}]")).collect();
        format!("{{\"o\":{{{0}}},\"l\":[{{{0}}},[1]]}}", members.join(","))
    };
    let narrow = object(0..3);
    let halves = [
        narrow.clone(),
        object(0..WIDE_OBJECT_KEYS / 2 + 1),
        object(WIDE_OBJECT_KEYS / 2..WIDE_OBJECT_KEYS + 1),
    ];
    let deep = format!("{{\"o\":{}1{}}}", "{\"k1\":".repeat(40), "}".repeat(40));
    for records in [halves.to_vec(), vec![narrow, deep]] {
        let together = checked(&records, 9);
        assert_eq!(checked(&records, 1).schema, together.schema);
        let is_wide = records.len() == halves.len();
        assert_eq!(together.children.contains_key("o__k1"), !is_wide);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn joins_give_the_lists_of_the_records(records in records(8), page_size in 1..9_usize) {
        let divided = Divided::of(&records, page_size);
        divided.check(&records).map_err(TestCaseError::fail)?;
        let whole = Divided::of(&records, 9);
        prop_assert_eq!(&whole.schema, &divided.schema);
        // Ids are the same too.
        prop_assert_eq!(&whole.rows, &divided.rows);
    }
}
