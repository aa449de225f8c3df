//! What a commit changes of how far a resource was read.
//!
//! A resource may keep a cursor for each of a million parents: a commit names those that moved.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::flow::{Progress, Reach};

/// The step from one progress to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ProgressChange {
    #[serde(flatten)]
    whole: Reach,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grid: Option<String>,
    /// The parts that are new or have moved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<String, Reach>,
    /// The parts that are there no more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    gone: BTreeSet<String>,
}

impl ProgressChange {
    /// What leads from `before` to `after`; `None` if they are the same.
    pub(super) fn between(before: &Progress, after: Progress) -> Option<Self> {
        if *before == after {
            return None;
        }
        let gone = before.parts.keys();
        let gone = gone.filter(|name| !after.parts.contains_key(*name));
        let gone = gone.cloned().collect();
        let Progress { whole, parts, grid } = after;
        let moved = parts
            .into_iter()
            .filter(|(name, reach)| before.parts.get(name) != Some(reach));
        Some(Self {
            whole,
            grid,
            parts: moved.collect(),
            gone,
        })
    }

    /// Takes the step.
    pub(super) fn apply(&self, progress: &mut Progress) {
        progress.whole.clone_from(&self.whole);
        progress.grid.clone_from(&self.grid);
        progress.parts.retain(|name, _| !self.gone.contains(name));
        let moved = self.parts.iter();
        progress
            .parts
            .extend(moved.map(|(name, reach)| (name.clone(), reach.clone())));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn progress(grid: Option<&str>, parts: &[(&str, i64)]) -> Progress {
        let reach = |second: i64| Reach {
            watermark: Timestamp::from_second(second).ok(),
            ..Reach::default()
        };
        Progress {
            whole: reach(1),
            grid: grid.map(str::to_owned),
            parts: parts
                .iter()
                .map(|(name, second)| ((*name).to_owned(), reach(*second)))
                .collect(),
        }
    }

    #[test]
    fn a_change_names_what_moved_and_leads_to_what_came_behind() {
        let states = [
            progress(None, &[]),
            progress(Some("daily"), &[("a", 1), ("b", 1)]),
            progress(Some("daily"), &[("a", 1), ("b", 2)]),
            progress(Some("hourly"), &[("b", 2), ("c", 3)]),
        ];
        for (before, after) in states
            .iter()
            .flat_map(|a| states.iter().map(move |b| (a, b)))
        {
            let change = ProgressChange::between(before, after.clone());
            assert_eq!(change.is_none(), before == after);
            let mut reached = before.clone();
            if let Some(change) = &change {
                change.apply(&mut reached);
            }
            assert_eq!(&reached, after);
        }
        let change = ProgressChange::between(&states[1], states[2].clone()).unwrap();
        assert_eq!(change.parts.keys().collect::<Vec<_>>(), ["b"]);
    }
}
