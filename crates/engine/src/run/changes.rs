//! A spec that has changed since its tables were written: what is gone on with, what is told, and what is refused.

use std::collections::BTreeSet;

use super::error::Error;
use crate::flow::{Event, Observer};
use crate::load::{Basis, Rename, State, TableState};
use crate::plan::{Plan, ResourcePlan, WriteDisposition, ancestors};

/// The resources that had another name before.
pub(super) fn renames(plan: &Plan) -> Vec<Rename> {
    let renamed = plan.resources.iter().filter_map(|resource| {
        let from = resource.renamed_from.clone()?;
        let dependents = plan.resources.iter().filter(|other| {
            ancestors(&plan.resources, &other.name).contains(resource.name.as_str())
        });
        // Those that are renamed too are found under either name.
        let names = dependents.flat_map(|other| {
            let earlier = other.renamed_from.clone();
            earlier.into_iter().chain([other.table.clone()])
        });
        Some(Rename {
            from,
            resource: resource.name.clone(),
            table: resource.table.clone(),
            dependents: names.collect(),
        })
    });
    renamed.collect()
}

/// Compares how the tables of resources were put together with how they would be now.
///
/// # Errors
/// All tables whose rows can't be gone on with.
pub(super) fn check<'r>(
    resources: impl Iterator<Item = &'r ResourcePlan>,
    state: &State,
    observer: &Observer,
) -> Result<(), Error> {
    let mut refused = Vec::new();
    for resource in resources {
        let Some(table) = state.tables.get(&resource.table) else {
            continue;
        };
        match change(resource, table) {
            Change::None => {}
            Change::Told(text) => observer(Event::Notice {
                resource: resource.name.clone(),
                text,
            }),
            Change::Refused(text) => refused.push(text),
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Error::TablesChanged {
        changes: refused.join("; "),
    })
}

enum Change {
    None,
    Told(String),
    Refused(String),
}

fn change(resource: &ResourcePlan, table: &TableState) -> Change {
    match change_of_basis(resource, table) {
        Change::None => change_of_parents(resource, table),
        change => change,
    }
}

/// An append knows how far it was read of each record of its parents, by their names.
fn change_of_parents(resource: &ResourcePlan, table: &TableState) -> Change {
    let parts = &table.progress.parts;
    let (Some(parent), Some(known)) = (resource.parents.last(), parts.keys().next()) else {
        return Change::None;
    };
    // An ancestor whose record is only looked at is in no name.
    let names_one = |part: &String| {
        let mut parents = resource.parents.iter();
        parents.any(|parent| {
            let key = format!("{}.", parent.resource);
            part.split(' ').any(|word| word.starts_with(&key))
        })
    };
    let is_known = parts.keys().any(names_one);
    if is_known || resource.write_disposition != WriteDisposition::Append || table.rows() == 0 {
        return Change::None;
    }
    Change::Refused(format!(
        "`{0}` was read for records such as `{known}`, and is now read for those of `{1}`: all of its rows would come twice; \
         where that is the same resource under another name, write `renamed_from` there, or else run once with \
         `--fresh -r {0}`",
        resource.name, parent.resource
    ))
}

fn change_of_basis(resource: &ResourcePlan, table: &TableState) -> Change {
    let Some(before) = table.basis.as_ref().filter(|_| table.rows() > 0) else {
        return Change::None;
    };
    let now = Basis::of(resource);
    let name = &resource.name;
    match (before.write_disposition, now.write_disposition) {
        // All earlier rows go, or none come.
        (_, WriteDisposition::Replace | WriteDisposition::Skip) => Change::None,
        _ if before.versions != now.versions => Change::Refused(format!(
            "`{name}` {}, and the spec says that it {}: rows that are there would be taken for what they aren't; write the \
             earlier strategy and columns, or run once with `--fresh -r {name}`, which replaces all rows by what is read anew",
            versions_text(before),
            versions_text(&now),
        )),
        (WriteDisposition::Merge, WriteDisposition::Merge)
            if before.primary_key != now.primary_key =>
        {
            Change::Refused(format!(
                "`{name}` was merged by `{}`, and the spec says `{}`: several rows that are there may have one new key, or \
                 none; write the earlier `primary_key`, or run once with `--fresh -r {name}`, which replaces them by what is \
                 read anew",
                before.primary_key.join("`, `"),
                now.primary_key.join("`, `"),
            ))
        }
        (before, now) if before == now => Change::None,
        (before, WriteDisposition::Merge) => Change::Told(format!(
            "`write_disposition` was `{}` and is `merge`: a row takes the place of all that have its key; rows that \
             were added several times and come no more stay as they are",
            text(before)
        )),
        (before, now) => Change::Told(format!(
            "`write_disposition` was `{}` and is `{}`: what this run reads is added to the {} rows that are there",
            text(before),
            text(now),
            table.rows()
        )),
    }
}

fn versions_text(basis: &Basis) -> String {
    let Some(versions) = &basis.versions else {
        return "holds no versions".to_owned();
    };
    let active = match versions.active {
        None => String::new(),
        Some(_) => " with an `active_record_timestamp`".to_owned(),
    };
    format!(
        "holds versions (`scd2`) that are valid from `{}` to `{}`{active}",
        versions.valid_from, versions.valid_to
    )
}

/// As the spec writes it.
fn text(disposition: WriteDisposition) -> &'static str {
    match disposition {
        WriteDisposition::Append => "append",
        WriteDisposition::Replace => "replace",
        WriteDisposition::Merge => "merge",
        WriteDisposition::Skip => "skip",
    }
}

/// Tells of tables that no resource writes, where a resource begins a new one: it may be the same under another name.
pub(super) fn tell_orphans(plan: &Plan, state: &State, observer: &Observer) {
    let written: BTreeSet<&str> = plan
        .resources
        .iter()
        .map(|resource| &*resource.table)
        .collect();
    let lists = state
        .tables
        .iter()
        .flat_map(|(name, table)| table.child_tables(name));
    let lists: BTreeSet<String> = lists.collect();
    let orphans = state.tables.iter().filter(|(name, table)| {
        !written.contains(name.as_str()) && !lists.contains(*name) && table.rows() > 0
    });
    let orphans: Vec<&str> = orphans.map(|(name, _)| name.as_str()).collect();
    let begins = |resource: &&ResourcePlan| !state.tables.contains_key(&resource.table);
    if orphans.is_empty() {
        return;
    }
    if let Some(new) = plan.resources.iter().find(begins) {
        observer(Event::Notice {
            resource: new.name.clone(),
            text: format!(
                "it begins a new table, and the destination holds `{}`, which the spec names no more; where it is the same \
                 under another name, say so by `renamed_from` before the next run, and remove the new table",
                orphans.join("`, `")
            ),
        });
    }
}
