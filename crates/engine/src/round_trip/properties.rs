//! Laws that hold for any records, all the way to the files.

use proptest::prelude::*;

use super::generated::{groups, numbered, records};
use super::table::{Pages, Table};

/// Cuts records into pages, and pages into slices, as the sizes say.
fn cut<'r>(records: &'r [String], page_sizes: &[usize], slice_sizes: &[usize]) -> Vec<Pages<'r>> {
    let mut pages = Vec::new();
    let mut rest = records;
    for size in page_sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (page, behind) = rest.split_at((*size).min(rest.len()));
        pages.push(page);
        rest = behind;
    }
    let mut slices = Vec::new();
    let mut pages = pages.into_iter().peekable();
    for size in slice_sizes.iter().cycle() {
        if pages.peek().is_none() {
            break;
        }
        slices.push(pages.by_ref().take(*size).collect());
    }
    slices
}

/// A first page is never empty, or no cut would end.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..4_usize, 1..4)
}

fn checked(table: &Table) -> Result<(), TestCaseError> {
    table.check().map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn files_hold_what_the_pages_held(records in records(8)) {
        let mut table = Table::new();
        table.load(&records);
        checked(&table)?;
    }

    #[test]
    fn pages_slices_and_their_interleaving_change_nothing(
        records in records(12), pages in sizes(), slices in sizes(), turns in prop::collection::vec(0..9_usize, 0..12),
    ) {
        let (mut whole, mut parts) = (Table::new(), Table::new());
        whole.load(&records);
        parts.load_slices(&cut(&records, &pages, &slices), &turns);
        checked(&parts)?;
        prop_assert_eq!(parts.schema(), whole.schema());
        prop_assert_eq!(parts.all_rows(), whole.all_rows());
    }

    #[test]
    fn the_order_of_records_changes_that_of_columns_and_rows_alone(
        records in records(10), order in prop::collection::vec(0..99_usize, 10), pages in sizes(), slices in sizes(),
    ) {
        let (mut sorted, mut shuffled) = (Table::new(), Table::new());
        sorted.load(&numbered(&records, &[]));
        shuffled.load_slices(&cut(&numbered(&records, &order), &pages, &slices), &[1, 0, 2]);
        // Each record has a number, so that both tables have the same rows if each has those of its own order.
        checked(&sorted)?;
        checked(&shuffled)?;
        prop_assert_eq!(sorted.schema().unordered(), shuffled.schema().unordered());
    }

    #[test]
    fn loads_one_after_the_other_lose_nothing(loads in groups(3, 5), more in records(4)) {
        let mut table = Table::new();
        for load in loads.iter().chain([&more]) {
            let before = table.state().schema.map(|schema| schema.column_names());
            table.load(load);
            checked(&table)?;
            if let Some(before) = before {
                let values = &before[..before.len().saturating_sub(2)];
                let after = table.schema().column_names();
                prop_assert_eq!(&after[..values.len()], values, "columns keep their places");
            }
        }
    }
}

/// Each is a commit on disk, or several.
const CASES: u32 = 96;
