//! Objects whose fields are columns of their own.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray};

use super::super::child_table::Level;
use super::super::column::{Column, ColumnType, Kind};
use super::convert::downcast;
use super::{ConformError, keep};

/// Arrays, and the columns that they are.
type Spread = (Vec<ArrayRef>, Vec<Column>);

/// Puts the fields of objects beside the other columns where the target has them so; `None` where it has none.
pub(super) fn spread(
    arrays: &[ArrayRef],
    from: &[Column],
    to: Level<'_>,
) -> Result<Option<Spread>, ConformError> {
    let columns = to.columns.iter().map(|target| &target.source);
    let mut targets = columns.chain(to.tables.iter().map(|table| &table.source));
    if targets.all(|source| source.within.is_empty()) {
        return Ok(None);
    }
    let mut spread = (Vec::new(), Vec::new());
    for (array, column) in arrays.iter().zip(from) {
        add(&mut spread, array, Cow::Borrowed(column), to)?;
    }
    Ok(Some(spread))
}

fn add(
    spread: &mut Spread,
    array: &ArrayRef,
    column: Cow<'_, Column>,
    to: Level<'_>,
) -> Result<(), ConformError> {
    let together = |target: &Column| target.source == column.source && target.takes(Kind::Object);
    match &column.data_type {
        ColumnType::Struct(inner)
            if !to.columns.iter().any(together) && to.has_within(&column.source) =>
        {
            let structs = downcast::<StructArray>(array)?;
            for (values, field) in structs.columns().iter().zip(inner) {
                let values = match structs.nulls() {
                    Some(nulls) => Cow::Owned(keep(values, nulls.inner())?),
                    None => Cow::Borrowed(values),
                };
                let field = Column {
                    source: column.source.inner(&field.source.key),
                    ..field.clone()
                };
                add(spread, &values, Cow::Owned(field), to)?;
            }
        }
        _ => {
            spread.0.push(Arc::clone(array));
            spread.1.push(column.into_owned());
        }
    }
    Ok(())
}
