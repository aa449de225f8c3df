//! What a commit changes of how far a resource was read.
//!
//! A resource may keep a cursor for each of a million parents: a commit names those that moved.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::flow::{Progress, Reach, SliceHash};

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
    /// Slices that the load has finished, beside those known before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    open: BTreeSet<SliceHash>,
    /// Those known before are forgotten: the load has come to its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
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
        let closed = !before.open.is_subset(&after.open);
        let Progress {
            whole,
            parts,
            grid,
            mut open,
        } = after;
        if !closed {
            open.retain(|slice| !before.open.contains(slice));
        }
        let moved = parts
            .into_iter()
            .filter(|(name, reach)| before.parts.get(name) != Some(reach));
        Some(Self {
            whole,
            grid,
            parts: moved.collect(),
            gone,
            open,
            closed,
        })
    }

    /// Takes the step.
    pub(super) fn apply(&self, progress: &mut Progress) {
        progress.whole.clone_from(&self.whole);
        progress.grid.clone_from(&self.grid);
        progress.parts.retain(|name, _| !self.gone.contains(name));
        if self.closed {
            progress.open.clear();
        }
        progress.open.extend(&self.open);
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
    use crate::flow::Slice;

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
            open: BTreeSet::new(),
        }
    }

    fn open(names: &[&str]) -> Progress {
        let hash = |name: &&str| {
            let partition = [("name".to_owned(), serde_json::Value::from(*name))];
            let slice = Slice {
                partition: partition.into(),
                ..Slice::default()
            };
            slice.hash()
        };
        Progress {
            open: names.iter().map(hash).collect(),
            ..Progress::default()
        }
    }

    #[test]
    fn a_change_names_what_moved_and_leads_to_what_came_behind() {
        let states = [
            progress(None, &[]),
            progress(Some("daily"), &[("a", 1), ("b", 1)]),
            progress(Some("daily"), &[("a", 1), ("b", 2)]),
            progress(Some("hourly"), &[("b", 2), ("c", 3)]),
            open(&["x"]),
            open(&["x", "y"]),
            open(&["z"]),
        ];
        for (before, after) in states
            .iter()
            .flat_map(|a| states.iter().map(move |b| (a, b)))
        {
            let change = ProgressChange::between(before, after.clone());
            assert_eq!(change.is_none(), before == after);
            let mut reached = before.clone();
            if let Some(change) = &change {
                let text = serde_json::to_string(change).unwrap();
                let change: ProgressChange = serde_json::from_str(&text).unwrap();
                change.apply(&mut reached);
            }
            assert_eq!(&reached, after);
        }
        let change = ProgressChange::between(&states[1], states[2].clone()).unwrap();
        assert_eq!(change.parts.keys().collect::<Vec<_>>(), ["b"]);
        let change = ProgressChange::between(&states[4], states[5].clone()).unwrap();
        assert_eq!((change.open.len(), change.closed), (1, false));
    }
}
