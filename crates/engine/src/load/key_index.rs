//! The keys of new rows, and what each existing row means for them.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::error::ArrowError;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_128;

use super::absent_rows::{AbsentRows, ReadAnew};
use super::columns::Columns;

/// The new rows of a merge by the hash of their key.
///
/// Rows are told apart by 128-bit hashes: with a billion keys, the chance of any two meeting is below 10⁻²⁰. A row takes
/// some 40 bytes.
#[derive(Debug)]
pub(super) struct KeyIndex {
    identity: Identity,
    /// What of a row may have changed.
    content: Columns,
    choice: Choice,
    absent: AbsentRows,
    /// Positions of the columns that mark a deleted record.
    deletion_marks: Vec<usize>,
    /// Where child tables refer to the rows: position of the column of ids.
    row_id: Option<usize>,
    /// The rows that count, by their key.
    places: HashTable<u32>,
    /// Of each new row, in the order in which they were read.
    keys: Vec<u128>,
    contents: Vec<u128>,
    fates: Vec<Fate>,
    duplicates: u64,
    removed: u64,
    /// The ids of all new rows, and of the existing ones that go.
    read_anew: ReadAnew,
}

/// By what rows are the same.
#[derive(Debug)]
pub(super) struct Identity {
    columns: Columns,
    /// Rows that agree in all columns are as many rows, not one.
    counts: bool,
    new: HashMap<u128, u32>,
    existing: HashMap<u128, u32>,
}

/// Which of several new rows with one key counts.
#[derive(Debug)]
pub(super) enum Choice {
    Last,
    First,
    /// The one with the greatest or the lowest value, and of equal ones the last.
    Sorted {
        columns: Columns,
        greatest: bool,
        /// Of each new row.
        values: Vec<Box<[u8]>>,
    },
}

/// What the other rows make of a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its key is new.
    Added,
    /// It takes the place of a row with other content.
    Updated,
    /// The table holds the same row: the new one is superfluous.
    Unchanged,
    /// Another new row with its key counts, or its record is deleted.
    Superseded,
    /// It says that the rows with its key go.
    Deletion,
}

/// How a merge ended for the new rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MergeCounts {
    pub(super) added: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    pub(super) duplicates: u64,
    /// Existing rows that no new one takes the place of.
    pub(super) removed: u64,
}

impl Identity {
    /// Rows with the same values in these columns are one row.
    pub(super) fn key(columns: Columns) -> Self {
        Self {
            columns,
            counts: false,
            new: HashMap::new(),
            existing: HashMap::new(),
        }
    }

    /// Rows with the same values in these columns are as many rows as there are.
    pub(super) fn counted(columns: Columns) -> Self {
        Self {
            counts: true,
            ..Self::key(columns)
        }
    }
}

/// The key of a row, of which so many were met before.
fn nth(met: &mut HashMap<u128, u32>, key: u128) -> u128 {
    let times = met.entry(key).or_default();
    *times += 1;
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.extend(times.to_le_bytes());
    xxh3_128(&bytes)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half of a hash is a hash"
)]
fn short(key: u128) -> u64 {
    key as u64
}

impl KeyIndex {
    /// An index without rows; `rows` are expected.
    pub(super) fn new(identity: Identity, content: Columns, rows: usize) -> Self {
        Self {
            identity,
            content,
            choice: Choice::Last,
            absent: AbsentRows::None,
            deletion_marks: Vec::new(),
            row_id: None,
            places: HashTable::with_capacity(rows),
            keys: Vec::with_capacity(rows),
            contents: Vec::with_capacity(rows),
            fates: Vec::with_capacity(rows),
            duplicates: 0,
            removed: 0,
            read_anew: ReadAnew::default(),
        }
    }

    /// Decides otherwise than by the order in which rows were read.
    #[must_use]
    pub(super) fn choosing(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// Takes away existing rows whose keys no new row has.
    #[must_use]
    pub(super) fn concerning(self, absent: AbsentRows) -> Self {
        Self { absent, ..self }
    }

    /// Takes new rows that are marked in one of these columns for deletions.
    #[must_use]
    pub(super) fn deleting(self, deletion_marks: Vec<usize>) -> Self {
        Self {
            deletion_marks,
            ..self
        }
    }

    /// Notes the ids of the rows, which have their column at a position.
    #[must_use]
    pub(super) fn noting_ids(self, row_id: Option<usize>) -> Self {
        Self { row_id, ..self }
    }

    pub(super) fn absent(&self) -> &AbsentRows {
        &self.absent
    }

    /// The records that were read anew.
    pub(super) fn into_read_anew(self) -> ReadAnew {
        self.read_anew
    }

    /// Adds new rows, in the order in which they were read.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let keys = self.identity.columns.rows(batch)?;
        let contents = self.content.rows(batch)?;
        let deleted = self.are_deletions(batch);
        let gone = self.absent.deletes(batch);
        let first = self.keys.len();
        self.choice.add(batch)?;
        for (row, (key, content)) in keys.iter().zip(contents.iter()).enumerate() {
            let place = u32::try_from(first + row).map_err(|_| {
                ArrowError::ComputeError("a commit merges 4,294,967,296 rows at most".to_owned())
            })?;
            self.contents.push(xxh3_128(content.data()));
            let fate = if deleted[row] {
                Fate::Deletion
            } else {
                Fate::Added
            };
            let is_gone = gone.as_ref().is_some_and(|gone| gone[row]);
            // Where earlier rows stay, a deletion is no row at all.
            let is_nothing = deleted[row] && matches!(self.choice, Choice::First);
            let fate = if is_gone || is_nothing {
                Fate::Superseded
            } else {
                fate
            };
            self.place(xxh3_128(key.data()), place, fate);
        }
        if let Some(position) = self.row_id {
            let ids = batch.column(position).as_string::<i32>();
            for (id, deleted) in ids.iter().zip(deleted) {
                match (id, deleted) {
                    (Some(id), true) => self.read_anew.add_deleted(id),
                    (Some(id), false) => self.read_anew.add(id),
                    (None, _) => {}
                }
            }
        }
        self.absent.add(batch)
    }

    /// Puts the newest row in its place, or leaves an earlier one there.
    fn place(&mut self, key: u128, place: u32, fate: Fate) {
        let Self {
            places,
            keys,
            fates,
            identity,
            choice,
            ..
        } = self;
        if fate == Fate::Superseded {
            keys.push(key);
            fates.push(fate);
            return;
        }
        let mut key = key;
        let find = |keys: &[u128], places: &HashTable<u32>, key: u128| {
            let is_key = |at: &u32| keys[*at as usize] == key;
            places.find(short(key), is_key).copied()
        };
        if identity.counts && find(keys, places, key).is_some() {
            key = nth(&mut identity.new, key);
        }
        keys.push(key);
        fates.push(fate);
        let is_key = |at: &u32| keys[*at as usize] == key;
        match places.entry(short(key), is_key, |at| short(keys[*at as usize])) {
            Entry::Vacant(vacant) => {
                vacant.insert(place);
            }
            Entry::Occupied(mut earlier) => {
                self.duplicates += 1;
                let superseded = if choice.prefers(place, *earlier.get()) {
                    std::mem::replace(earlier.get_mut(), place)
                } else {
                    place
                };
                fates[superseded as usize] = Fate::Superseded;
            }
        }
    }

    /// Which rows say that their record is deleted.
    fn are_deletions(&self, batch: &RecordBatch) -> Vec<bool> {
        let mut deletions = vec![false; batch.num_rows()];
        for position in &self.deletion_marks {
            let marks = batch.column(*position);
            let booleans = marks.as_boolean_opt();
            for (row, deletion) in deletions.iter_mut().enumerate() {
                *deletion |= marks.is_valid(row) && booleans.is_none_or(|marks| marks.value(row));
            }
        }
        deletions
    }

    /// Which of some existing rows stay in the table; those that are not `open` do in any case.
    pub(super) fn keep(
        &mut self,
        batch: &RecordBatch,
        open: Option<&BooleanArray>,
    ) -> Result<BooleanArray, ArrowError> {
        let keys = self.identity.columns.rows(batch)?;
        let contents = self.content.rows(batch)?;
        let concerned = self.absent.concern(batch)?;
        let ids = self.row_id.map(|at| batch.column(at).as_string::<i32>());
        let mut keep = Vec::with_capacity(batch.num_rows());
        for (row, (key, content)) in keys.iter().zip(contents.iter()).enumerate() {
            if open.is_some_and(|open| !open.value(row)) {
                keep.push(true);
                continue;
            }
            let stays = if let Some(new) = self.find_for(xxh3_128(key.data())) {
                self.takes_for_the_same(new, xxh3_128(content.data()))
            } else {
                self.removed += u64::from(concerned.value(row));
                !concerned.value(row)
            };
            if let Some(ids) = ids.filter(|ids| !stays && ids.is_valid(row)) {
                self.read_anew.add(ids.value(row));
            }
            keep.push(stays);
        }
        Ok(keep.into())
    }

    /// The new row with the key of an existing one.
    fn find_for(&mut self, key: u128) -> Option<usize> {
        let found = self.find(key)?;
        if !self.identity.counts || self.fates[found] != Fate::Unchanged {
            return Some(found);
        }
        let key = nth(&mut self.identity.existing, key);
        self.find(key)
    }

    fn find(&self, key: u128) -> Option<usize> {
        let is_key = |at: &u32| self.keys[*at as usize] == key;
        let place = self.places.find(short(key), is_key)?;
        Some(*place as usize)
    }

    /// Whether an existing row with this content makes a new one with its key superfluous.
    fn takes_for_the_same(&mut self, new: usize, content: u128) -> bool {
        let fate = &mut self.fates[new];
        match *fate {
            Fate::Deletion => {
                self.removed += 1;
                return false;
            }
            // Of several equal rows, which only an earlier append can have left, one stays.
            Fate::Unchanged => return false,
            _ => {}
        }
        let same = self.contents[new] == content;
        *fate = if same { Fate::Unchanged } else { Fate::Updated };
        same
    }

    /// Takes the new rows whose keys existing ones have for superfluous, whatever they hold.
    pub(super) fn leave_out(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for key in &self.identity.columns.rows(batch)? {
            let found = self.find(xxh3_128(key.data()));
            if let Some(fate) = found.and_then(|new| self.fates.get_mut(new))
                && *fate == Fate::Added
            {
                *fate = Fate::Unchanged;
            }
        }
        Ok(())
    }

    /// Which new rows count, deletions among them, by position.
    pub(super) fn counting(&self) -> Vec<bool> {
        let fates = self.fates.iter();
        fates.map(|fate| *fate != Fate::Superseded).collect()
    }

    /// Which new rows are written, by position.
    pub(super) fn survivors(&self) -> Vec<bool> {
        let fates = self.fates.iter();
        let survives = |fate: &Fate| matches!(fate, Fate::Added | Fate::Updated);
        fates.map(survives).collect()
    }

    /// How many new rows had which fate.
    pub(super) fn counts(&self) -> MergeCounts {
        let mut counts = MergeCounts {
            duplicates: self.duplicates,
            removed: self.removed,
            ..MergeCounts::default()
        };
        for fate in &self.fates {
            match fate {
                Fate::Added => counts.added += 1,
                Fate::Updated => counts.updated += 1,
                Fate::Unchanged => counts.unchanged += 1,
                Fate::Superseded | Fate::Deletion => {}
            }
        }
        counts
    }
}

impl Choice {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        if let Self::Sorted {
            columns, values, ..
        } = self
        {
            let rows = columns.rows(batch)?;
            values.extend(rows.iter().map(|row| Box::from(row.data())));
        }
        Ok(())
    }

    /// Whether a row counts rather than an earlier one with its key.
    fn prefers(&self, later: u32, earlier: u32) -> bool {
        match self {
            Self::Last => true,
            Self::First => false,
            Self::Sorted {
                greatest, values, ..
            } => {
                let (later, earlier) = (&values[later as usize], &values[earlier as usize]);
                if *greatest {
                    later >= earlier
                } else {
                    later <= earlier
                }
            }
        }
    }
}
