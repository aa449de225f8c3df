//! Which row of a batch is the first that needs a column, or its wider type.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;

use super::child_table::{ROOT_ID, ROW_ID};
use super::column::{Column, ColumnType};
use super::description::{ColumnChange, keys};
use super::{Change, ConformError, TableSchema, conform_with_children};

/// The changes of a table, or of one of its child tables, that are looked for.
#[derive(Debug)]
pub(crate) struct Wanted<'c> {
    /// Name of the child table behind that of the table; empty for the table itself.
    pub(crate) table: &'c str,
    pub(crate) changes: &'c [ColumnChange],
}

/// The position of the first row that needs each change, in the order of the changes of all tables; `None` where no row shows
/// it.
///
/// `to` is settled from `from` and others.
pub(crate) fn first_rows(
    batch: &RecordBatch,
    from: &TableSchema,
    to: &TableSchema,
    wanted: &[Wanted<'_>],
) -> Result<Vec<Option<usize>>, ConformError> {
    let (own, children) = conform_with_children(batch, from, to)?;
    let child_tables = to.child_tables();
    let mut found = Vec::new();
    for Wanted { table, changes } in wanted {
        let mut search = Search {
            changes: changes
                .iter()
                .map(|change| (change.key.as_str(), change))
                .collect(),
            found: HashMap::new(),
        };
        if table.is_empty() {
            let rows: Vec<Option<usize>> = (0..own.num_rows()).map(Some).collect();
            search.columns(&to.layout(), own.columns(), &rows, "");
        } else {
            let mut tables = child_tables.iter().zip(&children);
            if let Some(((_, schema), child)) = tables.find(|((name, _), _)| name == table) {
                let rows = rows_of_elements(child, &own);
                search.columns(&schema.layout(), child.columns(), &rows, "");
            }
        }
        let of_change = |change: &ColumnChange| search.found.get(change.key.as_str()).copied();
        found.extend(changes.iter().map(of_change));
    }
    Ok(found)
}

/// The row of the table that each row of a child table belongs to.
fn rows_of_elements(child: &RecordBatch, own: &RecordBatch) -> Vec<Option<usize>> {
    let texts = |batch: &RecordBatch, name: &str| -> Vec<Option<String>> {
        let column = batch.column_by_name(name);
        let column = column.and_then(|column| column.as_string_opt::<i32>());
        let texts = column.map(|column| column.iter().map(|text| text.map(str::to_owned)));
        texts.map_or_else(Vec::new, Iterator::collect)
    };
    let ids = texts(own, ROW_ID);
    let ids: HashMap<&str, usize> = ids
        .iter()
        .enumerate()
        .filter_map(|(row, id)| Some((id.as_deref()?, row)))
        .collect();
    let roots = texts(child, ROOT_ID);
    let roots = roots.iter().map(|id| ids.get(id.as_deref()?).copied());
    roots.collect()
}

struct Search<'c> {
    /// By the key of the column.
    changes: HashMap<&'c str, &'c ColumnChange>,
    found: HashMap<&'c str, usize>,
}

impl Search<'_> {
    /// Looks through the columns of one level; `rows` has the row of each value, `None` where there is no object around it.
    fn columns(
        &mut self,
        columns: &[Column],
        arrays: &[ArrayRef],
        rows: &[Option<usize>],
        above: &str,
    ) {
        let keys = keys(above, columns);
        for ((column, array), key) in columns.iter().zip(arrays).zip(keys) {
            if let Some((key, change)) = self.changes.get_key_value(key.as_str()) {
                let first = match change.change {
                    Change::Widened { .. } => first_fraction(&column.data_type, array, rows),
                    _ => first_value(array, rows),
                };
                self.found.extend(first.map(|row| (*key, row)));
            }
            self.inside(&column.data_type, array, rows, key);
        }
    }

    fn inside(
        &mut self,
        data_type: &ColumnType,
        array: &ArrayRef,
        rows: &[Option<usize>],
        mut key: String,
    ) {
        match data_type {
            ColumnType::Struct(columns) => {
                let Some(objects) = array.as_struct_opt() else {
                    return;
                };
                key.push('.');
                let rows = rows.iter().enumerate();
                let rows: Vec<_> = rows
                    .map(|(at, row)| row.filter(|_| objects.is_valid(at)))
                    .collect();
                self.columns(columns, objects.columns(), &rows, &key);
            }
            ColumnType::List(element) | ColumnType::Map(element) => {
                if let Some((elements, rows)) = elements(array, rows) {
                    key.push_str(if matches!(data_type, ColumnType::List(_)) {
                        "[]"
                    } else {
                        "{}"
                    });
                    self.inside(element, &elements, &rows, key);
                }
            }
            _ => {}
        }
    }
}

fn first_value(array: &ArrayRef, rows: &[Option<usize>]) -> Option<usize> {
    let mut rows = rows.iter().enumerate();
    rows.find_map(|(at, row)| row.filter(|_| array.is_valid(at)))
}

/// Types widen from integers to fractions alone.
fn first_fraction(
    data_type: &ColumnType,
    array: &ArrayRef,
    rows: &[Option<usize>],
) -> Option<usize> {
    if let ColumnType::List(element) | ColumnType::Map(element) = data_type {
        let (elements, rows) = elements(array, rows)?;
        return first_fraction(element, &elements, &rows);
    }
    let numbers = array.as_primitive_opt::<Float64Type>()?;
    let is_int64 = |number: f64| number.fract() == 0.0 && number.abs() < 9.2e18;
    let mut rows = rows.iter().enumerate();
    rows.find_map(|(at, row)| row.filter(|_| numbers.is_valid(at) && !is_int64(numbers.value(at))))
}

/// The elements of lists, or the values of maps, with the row of each.
fn elements(array: &ArrayRef, rows: &[Option<usize>]) -> Option<(ArrayRef, Vec<Option<usize>>)> {
    let (values, offsets) = if let Some(lists) = array.as_list_opt::<i32>() {
        (ArrayRef::clone(lists.values()), lists.offsets())
    } else {
        let maps = array.as_map_opt()?;
        (ArrayRef::clone(maps.values()), maps.offsets())
    };
    let mut of_elements = vec![None; values.len()];
    for (at, (row, ends)) in rows.iter().zip(offsets.windows(2)).enumerate() {
        let [Ok(start), Ok(end)] = [usize::try_from(ends[0]), usize::try_from(ends[1])] else {
            continue;
        };
        let row = row.filter(|_| array.is_valid(at));
        of_elements.get_mut(start..end)?.fill(row);
    }
    Some((values, of_elements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, SliceMemory};
    use crate::flow::{Page, Slice};
    use crate::plan::DecodePlan;
    use crate::schema::changes;

    fn decode(records: &[&str]) -> (RecordBatch, TableSchema) {
        let page = Page::of_records(records);
        let mut memory = SliceMemory::default();
        let read = Decoder::new(DecodePlan::default(), "load")
            .decode(&Slice::default(), &page, &mut memory)
            .unwrap();
        (read.batch, read.schema)
    }

    /// The first row for each change that the records bring to a table which has those before.
    fn check(before: &[&str], records: &[&str]) -> Vec<String> {
        let committed = decode(before).1.settle(None);
        let (batch, schema) = decode(records);
        let settled = schema.settle(Some(&committed));
        let changes = changes(Some(&committed), Some(&settled));
        let wanted = Wanted {
            table: "",
            changes: &changes,
        };
        let rows = first_rows(&batch, &schema, &settled, &[wanted]).unwrap();
        let line =
            |(change, row): (&ColumnChange, Option<usize>)| format!("{} {row:?}", change.column);
        changes.iter().zip(rows).map(line).collect()
    }

    #[test]
    fn a_new_column_is_due_to_its_first_value() {
        let rows = check(
            &["{}"],
            &[r#"{"a": null}"#, r#"{"b": 1}"#, r#"{"a": "x", "b": 2}"#],
        );
        assert_eq!(rows, ["a Some(2)", "b Some(1)"]);
    }

    #[test]
    fn a_wider_type_is_due_to_the_first_fraction() {
        let rows = check(
            &[r#"{"n": 1, "o": {"n": 1}, "l": [1]}"#],
            &[
                r#"{"n": 2, "o": {"n": 0.5}, "l": []}"#,
                r#"{"n": 2.5, "l": [1, 2]}"#,
                r#"{"n": 0.5, "o": {"n": 1.5}, "l": [3, 0.5]}"#,
            ],
        );
        assert_eq!(rows, ["n Some(1)", "o.n Some(0)", "l Some(2)"]);
    }

    #[test]
    fn a_variant_is_due_to_the_first_value_that_does_not_fit() {
        let rows = check(
            &[r#"{"day": "2024-01-31", "n": 1}"#],
            &[
                r#"{"day": "2024-02-01", "n": 2}"#,
                r#"{"day": "soon", "n": "two"}"#,
                r#"{"day": "later"}"#,
            ],
        );
        assert_eq!(rows, ["day__v_string Some(1)", "n__v_string Some(1)"]);
    }

    #[test]
    fn what_is_new_in_lists_of_objects_is_found_in_its_row() {
        let rows = check(
            &[r#"{"k": [{"q": 1}]}"#],
            &[
                "{}",
                r#"{"k": [{"q": 1}, null]}"#,
                r#"{"k": []}"#,
                r#"{"k": [{"q": 2}, {"q": 3, "r": "2024-01-01T00:00:00Z"}]}"#,
            ],
        );
        assert_eq!(rows, ["k[].r Some(3)"]);
    }
}
