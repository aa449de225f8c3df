//! Compiling `columns`.

use indexmap::IndexMap;

use super::incremental::time_format;
use super::mistakes::{Mistakes, Place};
use super::model::{ColumnHint, DeclaredType, TimeFormat};
use crate::spec::{self, DataType};

pub(super) fn compile(
    columns: &IndexMap<String, spec::Column>,
    place: &Place,
    mistakes: &mut Mistakes,
) -> IndexMap<String, ColumnHint> {
    let mut hints = IndexMap::with_capacity(columns.len());
    for (name, column) in columns {
        let place = place.key(name);
        let hint = ColumnHint {
            data_type: column
                .data_type
                .and_then(|data_type| declared(data_type, column, &place, mistakes)),
            format: format(column, &place, mistakes),
            nullable: column.nullable.unwrap_or(true),
            description: column.description.clone(),
        };
        hints.insert(name.clone(), hint);
    }
    hints
}

fn declared(
    data_type: DataType,
    column: &spec::Column,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<DeclaredType> {
    if data_type != DataType::Decimal {
        for (key, given) in [("precision", column.precision), ("scale", column.scale)] {
            if given.is_some() {
                mistakes.add(
                    "plan::column",
                    &place.key(key),
                    format!("`{key}` is for `decimal` columns"),
                    None,
                );
            }
        }
    }
    Some(match data_type {
        DataType::Text => DeclaredType::Text,
        DataType::Double => DeclaredType::Double,
        DataType::Bool => DeclaredType::Bool,
        DataType::Timestamp => DeclaredType::Timestamp,
        DataType::Date => DeclaredType::Date,
        DataType::Bigint => DeclaredType::Bigint,
        DataType::Json => DeclaredType::Json,
        DataType::Decimal => {
            let precision = column.precision.unwrap_or(spec::DEFAULT_DECIMAL_PRECISION);
            let scale = column
                .scale
                .unwrap_or(spec::DEFAULT_DECIMAL_SCALE.min(precision));
            if !(1..=38).contains(&precision) || scale > precision {
                mistakes.add(
                    "plan::column",
                    place,
                    format!("a decimal of {precision} digits, {scale} of them behind the point, can't be kept"),
                    "`precision` is 1 to 38, and `scale` at most `precision`".to_owned(),
                );
                return None;
            }
            let scale = i8::try_from(scale).ok()?;
            DeclaredType::Decimal { precision, scale }
        }
    })
}

fn format(column: &spec::Column, place: &Place, mistakes: &mut Mistakes) -> Option<TimeFormat> {
    let format = column.format?;
    let fits = match column.data_type {
        Some(DataType::Timestamp) => true,
        Some(DataType::Date) => format == spec::TimeFormat::Date,
        _ => false,
    };
    if !fits {
        mistakes.add(
            "plan::column",
            &place.key("format"),
            "this `format` doesn't go with the column's `data_type`",
            "give `data_type: timestamp` beside `format`; a `date` column is always written `2024-01-31`".to_owned(),
        );
    }
    Some(time_format(format))
}
