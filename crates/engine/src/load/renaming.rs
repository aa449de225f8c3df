//! Tables that get another name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spool::child_table_name;
use super::{Error, State, TableState};
use crate::flow::{Progress, Reach};

/// A resource that had another name before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The earlier name of the resource and of its table.
    pub from: String,
    /// The resource's name.
    pub resource: String,
    /// The name of its table.
    pub table: String,
    /// The tables of resources that depend on it: what is known of them is kept under names of its records.
    pub dependents: Vec<String>,
}

/// A table that gets another name by a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RenamedTable {
    pub(super) from: String,
    pub(super) to: String,
    /// The files, which move to another folder.
    pub(super) files: Vec<MovedFile>,
    /// The resources that depend on it, with the names under which they know its records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dependents: Option<Dependents>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MovedFile {
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Dependents {
    tables: Vec<String>,
    from: String,
    to: String,
}

/// The tables that get another name, child tables included.
pub(super) fn renamed(state: &State, renames: &[Rename]) -> Result<Vec<RenamedTable>, Error> {
    let mut tables = Vec::new();
    for rename in renames {
        let dependents = Some(Dependents {
            tables: rename.dependents.clone(),
            from: rename.from.clone(),
            to: rename.resource.clone(),
        });
        let Some(table) = state.tables.get(&rename.from) else {
            // A resource that only others need has no table, and is known by its name all the same.
            let is_known = |name: &String| {
                state
                    .tables
                    .get(name)
                    .is_some_and(|table| knows(table, &rename.from))
            };
            if rename.dependents.iter().any(is_known) {
                tables.push(RenamedTable {
                    dependents,
                    ..RenamedTable::new(&rename.from, &TableState::default(), &rename.table)
                });
            }
            continue;
        };
        let own = RenamedTable {
            dependents,
            ..RenamedTable::new(&rename.from, table, &rename.table)
        };
        tables.push(own);
        let lists = table.schema.iter().flat_map(|schema| schema.child_tables());
        for (list, _) in lists {
            let from = child_table_name(&rename.from, list);
            if let Some(child) = state.tables.get(&from) {
                let to = child_table_name(&rename.table, list);
                tables.push(RenamedTable::new(&from, child, &to));
            }
        }
    }
    let has_both = |one: &&RenamedTable| {
        state.tables.contains_key(&one.from) && state.tables.contains_key(&one.to)
    };
    match tables.iter().find(has_both) {
        Some(RenamedTable { from, to, .. }) => Err(Error::BothNames {
            from: from.clone(),
            to: to.clone(),
        }),
        None => Ok(tables),
    }
}

impl RenamedTable {
    fn new(from: &str, table: &TableState, to: &str) -> Self {
        let moved = |path: &String| {
            let rest = path.strip_prefix(from).unwrap_or(path);
            MovedFile {
                from: path.clone(),
                to: format!("{to}{rest}"),
            }
        };
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            files: table.files.iter().map(|file| moved(&file.path)).collect(),
            dependents: None,
        }
    }

    /// Takes the step in the fold of the log.
    pub(super) fn apply(&self, tables: &mut BTreeMap<String, TableState>) {
        if let Some(mut table) = tables.remove(&self.from) {
            let moved: BTreeMap<&str, &str> = self
                .files
                .iter()
                .map(|file| (&*file.from, &*file.to))
                .collect();
            for file in &mut table.files {
                if let Some(to) = moved.get(&*file.path) {
                    file.path = (*to).to_owned();
                }
            }
            tables.insert(self.to.clone(), table);
        }
        let Some(Dependents {
            tables: names,
            from,
            to,
        }) = &self.dependents
        else {
            return;
        };
        for name in names {
            // A dependent may have got another name by the same commit, before or after this one.
            if let Some(table) = tables.get_mut(name) {
                rename_slices(table, &format!("{from}."), &format!("{to}."));
                rename_slices(table, &format!("{from} twin="), &format!("{to} twin="));
            }
        }
    }
}

/// Whether slices are named by records of a resource.
fn knows(table: &TableState, resource: &str) -> bool {
    let key = format!("{resource}.");
    let parts = table.progress.parts.keys();
    let finished = table.progress.whole.finished.keys();
    let files = table.files.iter().filter_map(|file| file.slice.as_ref());
    let mut names = parts.chain(finished).chain(files);
    names.any(|name| rename_slice(name, &key, "") != *name)
}

/// Renames the parent in the names of slices, such as `people.id=5 from=…`.
fn rename_slices(table: &mut TableState, from: &str, to: &str) {
    let rename = |name: &str| rename_slice(name, from, to);
    for file in &mut table.files {
        file.slice = file.slice.as_deref().map(rename);
    }
    let rename_finished = |reach: Reach| Reach {
        finished: reach
            .finished
            .into_iter()
            .map(|(name, end)| (rename(&name), end))
            .collect(),
        ..reach
    };
    let Progress {
        whole,
        parts,
        grid,
        open,
    } = std::mem::take(&mut table.progress);
    table.progress = Progress {
        whole: rename_finished(whole),
        parts: parts
            .into_iter()
            .map(|(name, reach)| (rename(&name), rename_finished(reach)))
            .collect(),
        grid,
        // These don't depend on what the parents are called.
        open,
    };
}

/// Replaces a key's beginning wherever a key begins: at the front, and behind a space that is not within a quoted value.
fn rename_slice(name: &str, from: &str, to: &str) -> String {
    let mut renamed = String::with_capacity(name.len());
    let mut rest = name;
    let mut is_quoted = false;
    let mut begins = true;
    while let Some(first) = rest.chars().next() {
        if begins && let Some(behind) = rest.strip_prefix(from) {
            renamed.push_str(to);
            rest = behind;
            begins = false;
            continue;
        }
        begins = first == ' ' && !is_quoted;
        is_quoted ^= first == '"';
        renamed.push(first);
        let mut characters = rest.chars();
        characters.next();
        // What follows a backslash in a quoted value ends nothing.
        if first == '\\' && is_quoted {
            renamed.extend(characters.next());
        }
        rest = characters.as_str();
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_renamed_where_its_key_begins() {
        for (name, expected) in [
            ("people.id=5", "persons.id=5"),
            (
                "teams.id=1 people.id=5 from=2024-01-01T00:00:00Z",
                "teams.id=1 persons.id=5 from=2024-01-01T00:00:00Z",
            ),
            (r#"x.id="a people.id=5""#, r#"x.id="a people.id=5""#),
            (
                r#"x.id="\" people.id" people.id=1"#,
                r#"x.id="\" people.id" persons.id=1"#,
            ),
            ("mypeople.id=5", "mypeople.id=5"),
            ("all", "all"),
        ] {
            assert_eq!(rename_slice(name, "people.", "persons."), expected);
        }
    }
}
