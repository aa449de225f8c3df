//! Values that declared columns did not take, or that are larger than was said of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Characters of a value that are kept to show it.
const EXCERPT_CHARACTERS: usize = 80;

/// Values that are told of, and how the first one is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many there were.
    pub count: u64,
    /// At most 80 characters of the JSON of the first one.
    pub first: String,
}

impl Told {
    pub(super) fn add(&mut self, json: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = json().chars().take(EXCERPT_CHARACTERS).collect();
        }
        self.count += 1;
    }
}

/// What is told of one declared column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfits {
    /// Values that the type does not hold exactly: they are in a column of their own.
    pub refused: Told,
    /// Values that the column holds, and that are larger than its `precision` says.
    pub beyond: Told,
}

impl Misfits {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The misfits of all pages, by column.
#[derive(Debug, Default)]
pub(super) struct AllMisfits(Mutex<BTreeMap<String, [Held; 2]>>);

/// What is told, and the slice and the page whose first value is shown.
#[derive(Debug, Default)]
struct Held {
    told: Told,
    place: (String, u64),
}

impl AllMisfits {
    /// Adds those of a page.
    pub(super) fn add(&self, slice: &str, page: u64, found: Vec<(String, Misfits)>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (column, misfits) in found {
            let [refused, beyond] = all.entry(column).or_default();
            refused.join(misfits.refused, slice, page);
            beyond.join(misfits.beyond, slice, page);
        }
    }

    /// Those of each column; the first value is that of the first slice by its name, and there of the first page.
    pub(super) fn by_column(&self) -> Vec<(String, Misfits)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let misfits = |[refused, beyond]: &[Held; 2]| Misfits {
            refused: refused.told.clone(),
            beyond: beyond.told.clone(),
        };
        all.iter()
            .map(|(column, held)| (column.clone(), misfits(held)))
            .collect()
    }
}

impl Held {
    fn join(&mut self, told: Told, slice: &str, page: u64) {
        if told.count == 0 {
            return;
        }
        let place = (slice.to_owned(), page);
        if self.told.count == 0 || place < self.place {
            self.told.first = told.first;
            self.place = place;
        }
        self.told.count += told.count;
    }
}
