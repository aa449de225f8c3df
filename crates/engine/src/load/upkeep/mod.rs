//! Work on the files of a lake between loads: merging small ones, erasing rows, removing what nothing refers to.
//!
//! What changes a table goes through the commit log like a load, as one commit, and leaves how far its resource was read as it
//! is. A run that is under way at the same time loses its place, or takes the place of this work.

mod compact;
mod condition;
mod forget;
mod listing;
mod rewrite;
mod settings;
mod vacuum;

pub use compact::{CompactReport, CompactedTable, compact, is_compact};
pub use condition::Condition;
pub use forget::{ForgetReport, ForgottenTable, forget, would_forget};
pub use listing::absent_files;
pub use settings::UpkeepSettings;
pub use vacuum::{DEFAULT_VACUUM_AGE, Leftover, VacuumReport, Vacuuming, vacuum};

use super::{Error, State, TableState};
use crate::spec::did_you_mean;

/// A table by its name.
///
/// # Errors
/// [`Error::NoTables`] and [`Error::UnknownTable`], which names what is there.
pub fn find_table<'s>(state: &'s State, name: &str) -> Result<&'s TableState, Error> {
    if state.sequence == 0 {
        return Err(Error::NoTables);
    }
    state.tables.get(name).ok_or_else(|| {
        let known = || state.tables.keys().map(String::as_str);
        let help = match did_you_mean(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
        };
        Error::UnknownTable {
            table: name.to_owned(),
            help,
        }
    })
}

/// The tables with these names, each followed by its child tables; all tables where none is named.
fn with_children(state: &State, names: &[String]) -> Result<Vec<String>, Error> {
    if names.is_empty() {
        return Ok(state.tables.keys().cloned().collect());
    }
    let mut all: Vec<String> = Vec::new();
    for name in names {
        let children = find_table(state, name)?.child_tables(name);
        for table in std::iter::once(name.clone()).chain(children) {
            if !all.contains(&table) && state.tables.contains_key(&table) {
                all.push(table);
            }
        }
    }
    Ok(all)
}
