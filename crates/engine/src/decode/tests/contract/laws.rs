//! Laws that hold for any records.

use proptest::prelude::*;

use super::super::properties::{borrowed, form, full_records, records};
use super::*;

fn modes() -> impl Strategy<Value = ContractMode> {
    prop_oneof![Just(Evolve), Just(DiscardRow), Just(DiscardValue)]
}

/// The rows and the schema behind a load of these pages, and what was rejected, in order.
fn load(
    plan: &DecodePlan,
    table: Option<&TableSchema>,
    pages: &[&[&str]],
) -> (TableSchema, RecordBatch, Vec<String>) {
    let decoder = Decoder::new(plan.clone(), "load").for_table(table);
    let decode = |records: &&[&str]| {
        decoder
            .decode(
                &Slice::default(),
                &page(records),
                &mut SliceMemory::default(),
            )
            .unwrap()
    };
    let pages: Vec<Decoded> = pages.iter().map(decode).collect();
    let joined = pages.iter().fold(TableSchema::default(), |schema, page| {
        schema.join(&page.schema)
    });
    let settled = joined.settle(table);
    let batches: Vec<RecordBatch> = pages
        .iter()
        .map(|page| conform(&page.batch, &page.schema, &settled).unwrap())
        .collect();
    let rejected = pages.iter().flat_map(|page| &page.discarded.rejected);
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
        declares in any::<bool>(),
        nested in form(),
    ) {
        let mut plan = DecodePlan { nested, ..plan(columns, data_type) };
        let table = table_in(nested, &borrowed(&first));
        let table = (!is_first_load).then_some(&table);
        if declares {
            declare(&mut plan, "a", Some(DeclaredType::Bigint), true);
            declare(&mut plan, "A", None, true);
        }
        let all = borrowed(&second);
        // Columns stand in the order in which they came.
        let loaded = |pages: &[&[&str]]| {
            let (schema, rows, rejected) = load(&plan, table, pages);
            let mut columns = schema.column_names();
            columns.sort();
            (columns, restore(&rows, &schema), rejected)
        };
        let expected = loaded(&[&all]);
        for size in [1, 2, 3] {
            let pages: Vec<&[&str]> = all.chunks(size).collect();
            prop_assert_eq!(&loaded(&pages), &expected);
        }
        let backwards: Vec<&[&str]> = all.chunks(1).rev().collect();
        let (columns, mut rows, mut rejected) = loaded(&backwards);
        let (expected_columns, mut expected_rows, mut expected_rejected) = expected;
        for lines in [&mut rows, &mut rejected, &mut expected_rows, &mut expected_rejected] {
            lines.sort();
        }
        prop_assert_eq!(columns, expected_columns);
        prop_assert_eq!((rows, rejected), (expected_rows, expected_rejected));
    }

    #[test]
    fn what_a_frozen_contract_refuses_depends_on_the_set_of_records(
        first in records(),
        second in records(),
        is_first_load in any::<bool>(),
        nested in form(),
    ) {
        let plan = DecodePlan { nested, ..plan(Freeze, Freeze) };
        let table = table_in(nested, &borrowed(&first));
        let table = (!is_first_load).then_some(&table);
        let all = borrowed(&second);
        let refuses = |pages: Vec<&[&str]>| {
            let decoder = Decoder::new(plan.clone(), "load").for_table(table);
            let breaks = pages.into_iter().any(|records| {
                let memory = &mut SliceMemory::default();
                let outcome = decoder.decode(&Slice::default(), &page(records), memory);
                matches!(outcome, Err(Error::ContractBroken { .. }))
            });
            // What lies in objects is told at the end of the load.
            breaks || !decoder.mixed_columns().is_empty()
        };
        let expected = refuses(vec![&all]);
        for size in [1, 2, 3] {
            prop_assert_eq!(refuses(all.chunks(size).collect()), expected);
            prop_assert_eq!(refuses(all.chunks(size).rev().collect()), expected);
        }
        if is_first_load {
            let (schema, ..) = load(&DecodePlan { nested, ..DecodePlan::default() }, None, &[&all]);
            let has_variant = schema.layout().iter().any(|column| column.name.contains("__v_number"));
            prop_assert!(expected || !has_variant);
        }
    }

    #[test]
    fn a_table_stays_as_it_is(first in records(), second in records(), row in any::<bool>(), nested in form()) {
        let mode = if row { DiscardRow } else { DiscardValue };
        let mut first = borrowed(&first);
        // Without a column it would be a table's first load.
        first.push(r#"{"z":1}"#);
        let table = table_in(nested, &first);
        let plan = |mode| DecodePlan { nested, ..plan(mode, mode) };
        let (schema, rows, rejected) = load(&plan(mode), Some(&table), &[&borrowed(&second)]);
        prop_assert_eq!(layout(&schema), layout(&table));
        // And it is frozen exactly where something was discarded.
        let frozen = decode_under(&plan(Freeze), Some(&table), &Slice::default(), &borrowed(&second));
        prop_assert_eq!(frozen.is_ok(), rejected.is_empty());
        if row {
            prop_assert_eq!(rows.num_rows() + rejected.len(), second.len());
        }
    }

    /// What would not have changed the table anyway is not touched.
    #[test]
    fn nothing_is_discarded_that_fits(first in full_records(), second in full_records(), nested in form()) {
        let table = table_in(nested, &borrowed(&first));
        let plan = |mode| DecodePlan { nested, ..plan(mode, mode) };
        let (evolved, rows, _) = load(&plan(Evolve), Some(&table), &[&borrowed(&second)]);
        let (_, kept, rejected) = load(&plan(DiscardValue), Some(&table), &[&borrowed(&second)]);
        if layout(&evolved) == layout(&table) {
            prop_assert_eq!(rejected, Vec::<String>::new());
            prop_assert_eq!(rows, kept);
        } else {
            prop_assert!(!rejected.is_empty());
        }
    }
}
