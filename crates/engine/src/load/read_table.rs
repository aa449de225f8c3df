//! The rows of a table, for whoever looks at them.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::destination::off_the_async_threads;
use super::spool::SpoolFolder;
use super::stored_file::{local_copy, read_rows};
use super::{Destination, Error, TableState};

/// Reads a whole table into memory, laid out by its newest schema. For small ones.
pub async fn read_table(
    destination: &Destination,
    name: &str,
    table: &TableState,
) -> Result<Vec<RecordBatch>, Error> {
    let Some(schema) = &table.schema else {
        return Ok(Vec::new());
    };
    let folder = SpoolFolder::new(None, "look");
    let schema = Arc::new(schema.clone());
    let mut batches = Vec::new();
    for file in &table.files {
        let copy = local_copy(destination, &file.path, &folder).await?;
        let from = table.schemas.get(&file.schema_version);
        let from = from.cloned().unwrap_or_else(|| schema.as_ref().clone());
        let (to, name) = (Arc::clone(&schema), name.to_owned());
        let of_file = off_the_async_threads(move || {
            let mut rows = Vec::new();
            read_rows(&name, copy.path(), &from, &to, |batch| {
                rows.push(batch);
                Ok(())
            })?;
            Ok::<_, Error>(rows)
        });
        batches.extend(of_file.await?);
    }
    Ok(batches)
}
