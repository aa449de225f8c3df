//! A value of each column, to show what it holds.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::Timestamp;

use super::destination::off_the_async_threads;
use super::spool::SpoolFolder;
use super::stored_file::{local_copy, read_rows};
use super::{Destination, Error, TableState};
use crate::schema::METADATA_NAMES;
use crate::spec::{looks_secret, may_hold_secret};

/// Letters of an example; what is longer is cut.
const LETTERS: usize = 40;

/// The first value of each column in the table's newest file, by the column's path. Of lists, maps, what the engine gives to rows,
/// and columns whose name may be that of a secret there is none.
pub async fn examples(
    destination: &Destination,
    table: &str,
    state: &TableState,
) -> Result<BTreeMap<String, String>, Error> {
    let (Some(file), Some(schema)) = (state.files.last(), state.schema.clone()) else {
        return Ok(BTreeMap::new());
    };
    let folder = SpoolFolder::new(None, "examples");
    let copy = local_copy(destination, &file.path, &folder).await?;
    let layout = state.schema_of(file)?.clone();
    let table = table.to_owned();
    off_the_async_threads(move || {
        let mut found = BTreeMap::new();
        read_rows(&table, copy.path(), &layout, &schema, |batch| {
            let schema = batch.schema();
            let names = schema.fields().iter().map(|field| field.name());
            for (name, column) in names.zip(batch.columns()) {
                look(name, name, column, &mut found);
            }
            Ok(())
        })?;
        Ok(found)
    })
    .await
}

fn look(path: &str, name: &str, column: &ArrayRef, found: &mut BTreeMap<String, String>) {
    let is_hidden = looks_secret(name) || may_hold_secret(name);
    let is_given = METADATA_NAMES.contains(&name) || name.starts_with("_dlt_");
    if is_hidden || is_given || found.contains_key(path) {
        return;
    }
    if let Some(objects) = column.as_struct_opt() {
        for (field, inner) in objects.fields().iter().zip(objects.columns()) {
            look(
                &format!("{path}.{}", field.name()),
                field.name(),
                inner,
                found,
            );
        }
        return;
    }
    if column.data_type().is_nested() {
        return;
    }
    let first = (0..column.len()).find(|row| column.is_valid(*row));
    let text = first.and_then(|row| text(column, row));
    let text = text.filter(|text| !text.trim().is_empty());
    found.extend(text.map(|text| (path.to_owned(), shortened(&text))));
}

fn text(column: &ArrayRef, row: usize) -> Option<String> {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            Some(
                Timestamp::from_microsecond(times.value(row))
                    .ok()?
                    .to_string(),
            )
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let times = column.as_primitive::<TimestampNanosecondType>();
            Some(
                Timestamp::from_nanosecond(times.value(row).into())
                    .ok()?
                    .to_string(),
            )
        }
        _ => {
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(column, &options).ok()?;
            formatter.value(row).try_to_string().ok()
        }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().nth(LETTERS).is_none() {
        return text.to_owned();
    }
    let letters = text.chars().take(LETTERS);
    format!("{}…", letters.collect::<String>())
}
