//! The strings of a field: instants or dates while every spelling can be given back, else text.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, TimestampMicrosecondArray};

use super::Error;
use super::fixed::{FixedColumn, TextColumn};
use crate::schema::{
    ColumnType, Spellings, StringSummary, parse_date, parse_timestamp, write_date,
};

pub(super) struct StringColumn {
    values: Values,
    summary: Option<StringSummary>,
    rows: usize,
}

enum Values {
    Empty,
    Timestamps(FixedColumn<i64>),
    Dates(FixedColumn<i32>),
    /// Text, of which more may be known.
    Text(TextColumn),
    /// Text that is neither all timestamps nor all dates, so that nothing needs to be looked at.
    Plain(TextColumn),
}

impl StringColumn {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            values: Values::Empty,
            summary: None,
            rows,
        }
    }

    /// Rows up to the last value.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Values::Empty => 0,
            Values::Timestamps(column) => column.len(),
            Values::Dates(column) => column.len(),
            Values::Text(column) | Values::Plain(column) => column.len(),
        }
    }

    /// Puts a string into a row.
    #[inline]
    pub(super) fn push(&mut self, row: usize, text: &str) {
        if let Values::Plain(column) = &mut self.values {
            column.push(row, text);
        } else {
            self.push_classified(row, text);
        }
    }

    /// What is known of all values.
    pub(super) fn summary(&self) -> Option<StringSummary> {
        self.summary
    }

    /// The column in the type that its summary gives.
    pub(super) fn finish(self, rows: usize) -> Result<ArrayRef, Error> {
        Ok(match self.values {
            Values::Empty => TextColumn::new(rows).finish(rows),
            Values::Timestamps(column) => timestamp_array(column, rows)?,
            Values::Dates(column) => date_array(column, rows)?,
            Values::Text(column) | Values::Plain(column) => column.finish(rows),
        })
    }

    fn push_classified(&mut self, row: usize, text: &str) {
        if let (Values::Timestamps(column), Some(summary)) = (&mut self.values, &mut self.summary)
            && let Some(parsed) = parse_timestamp(text.as_bytes())
        {
            let known = summary
                .timestamps
                .map(|spellings| spellings.and(parsed.spellings));
            if known.is_some_and(|spellings| spellings.first().is_some()) {
                column.push(row, parsed.microseconds);
                summary.timestamps = known;
                return;
            }
        }
        if let Values::Dates(column) = &mut self.values
            && let Some(days) = parse_date(text.as_bytes())
        {
            column.push(row, days);
            return;
        }
        self.push_surprise(row, text);
    }

    /// Takes the first value, and any that does not go on as the values before.
    fn push_surprise(&mut self, row: usize, text: &str) {
        let summary = StringSummary::of(text);
        let all = self.summary.map_or(summary, |known| known.join(summary));
        if let Values::Empty = self.values {
            match all.unsettled_type() {
                ColumnType::Timestamp(_) => {
                    self.values = Values::Timestamps(FixedColumn::new(self.rows));
                    self.summary = Some(all);
                    return self.push_classified(row, text);
                }
                ColumnType::Date => {
                    self.values = Values::Dates(FixedColumn::new(self.rows));
                    self.summary = Some(all);
                    return self.push_classified(row, text);
                }
                _ => {}
            }
        }
        let mut texts = self.take_texts();
        texts.push(row, text);
        self.values = if all == StringSummary::TEXT {
            Values::Plain(texts)
        } else {
            Values::Text(texts)
        };
        self.summary = Some(all);
    }

    /// The values so far as they were spelled.
    fn take_texts(&mut self) -> TextColumn {
        let mut texts = TextColumn::new(self.rows);
        let mut text = String::new();
        match std::mem::replace(&mut self.values, Values::Empty) {
            Values::Empty => {}
            Values::Text(column) | Values::Plain(column) => return column,
            Values::Timestamps(column) => {
                let spellings = self.summary.and_then(|summary| summary.timestamps);
                let spelling = spellings
                    .and_then(Spellings::first)
                    .expect("instants are kept only while a spelling gives back all of them");
                for (row, value) in column.iter().enumerate() {
                    if let Some(instant) = value {
                        text.clear();
                        spelling.write(instant, &mut text);
                        texts.push(row, &text);
                    }
                }
            }
            Values::Dates(column) => {
                for (row, value) in column.iter().enumerate() {
                    if let Some(days) = value {
                        text.clear();
                        write_date(days, &mut text);
                        texts.push(row, &text);
                    }
                }
            }
        }
        texts
    }
}

/// Instants as an Arrow array.
pub(super) fn timestamp_array(column: FixedColumn<i64>, rows: usize) -> Result<ArrayRef, Error> {
    let (values, nulls) = column.finish(rows);
    let array = TimestampMicrosecondArray::try_new(values.into(), nulls)?;
    Ok(Arc::new(array.with_timezone("UTC")))
}

/// Dates as an Arrow array.
pub(super) fn date_array(column: FixedColumn<i32>, rows: usize) -> Result<ArrayRef, Error> {
    let (values, nulls) = column.finish(rows);
    Ok(Arc::new(Date32Array::try_new(values.into(), nulls)?))
}
