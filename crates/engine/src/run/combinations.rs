//! Every combination of the records of several parents.

use std::collections::{BTreeMap, HashMap};

use super::parents::Lineage;
use crate::flow::ParentRecord;
use crate::plan::ParentPlan;

/// Records of parents that are held at the same time, at most, to be combined with those that are still to come.
pub(super) const PARENT_RECORDS_HELD: usize = 200_000;

/// More parent records than can be held.
#[derive(Debug)]
pub(super) struct TooMany;

/// Combines each record with every record of the other sides that came before it, and so all with all.
///
/// A record is held only while another side may still bring more: where one side has ended, the other one streams.
/// Records that descend from different records of an ancestor that they share are not combined.
#[derive(Debug)]
pub(super) struct Combinations {
    sides: Vec<Side>,
    /// Resources whose values come through every side: what is held is sorted by them.
    shared_by_all: Vec<String>,
    held: usize,
    most: usize,
    /// The record that is being combined with those held of the other sides.
    current: Option<Current>,
}

#[derive(Debug, Default)]
struct Side {
    /// By the text of what all sides share.
    held: HashMap<String, Vec<Lineage>>,
    ended: bool,
}

#[derive(Debug)]
struct Current {
    side: usize,
    lineage: Lineage,
    shared: String,
    /// For each side the place of the record that comes next.
    next: Vec<usize>,
}

impl Combinations {
    pub(super) fn new(sides: usize, plans: &[ParentPlan]) -> Self {
        let shared = plans
            .iter()
            .filter(|plan| sides > 1 && plan.through.len() == sides);
        Self {
            sides: (0..sides).map(|_| Side::default()).collect(),
            shared_by_all: shared.map(|plan| plan.resource.clone()).collect(),
            held: 0,
            most: PARENT_RECORDS_HELD,
            current: None,
        }
    }

    /// Adds a record of a side. What [`Self::next`] still had to give must have been taken before.
    pub(super) fn add(&mut self, side: usize, lineage: Lineage) -> Result<(), TooMany> {
        let shared = self.shared(&lineage);
        let others_come = |(at, other): (usize, &Side)| at != side && !other.ended;
        if self.sides.iter().enumerate().any(others_come) {
            if self.held == self.most {
                return Err(TooMany);
            }
            self.held += 1;
            let held = &mut self.sides[side].held;
            held.entry(shared.clone())
                .or_default()
                .push(lineage.clone());
        }
        self.current = Some(Current {
            side,
            lineage,
            shared,
            next: vec![0; self.sides.len()],
        });
        Ok(())
    }

    /// Notes that a side brings no more. Where it was the last but one, the last side's records need not be held.
    pub(super) fn end(&mut self, side: usize) {
        self.sides[side].ended = true;
        let mut open = (0..self.sides.len()).filter(|side| !self.sides[*side].ended);
        if let (Some(last), None) = (open.next(), open.next()) {
            let dropped: usize = self.sides[last].held.values().map(Vec::len).sum();
            self.held -= dropped;
            self.sides[last].held = HashMap::new();
        }
    }

    /// The next combination with the record that was added last.
    pub(super) fn next(&mut self) -> Option<Lineage> {
        loop {
            let current = self.current.as_mut()?;
            let mut chosen = Vec::with_capacity(self.sides.len());
            for (at, side) in self.sides.iter().enumerate() {
                let lineage = if at == current.side {
                    Some(&current.lineage)
                } else {
                    let held = side.held.get(&current.shared);
                    held.and_then(|held| held.get(current.next[at]))
                };
                chosen.extend(lineage);
            }
            if chosen.len() < self.sides.len() {
                self.current = None;
                return None;
            }
            let joined = join(&chosen);
            self.advance();
            if joined.is_some() {
                return joined;
            }
        }
    }

    /// Goes on to the next combination, the last side's record changing fastest.
    fn advance(&mut self) {
        let Some(current) = &mut self.current else {
            return;
        };
        for (at, side) in self.sides.iter().enumerate().rev() {
            if at == current.side {
                continue;
            }
            current.next[at] += 1;
            let held = side.held.get(&current.shared).map_or(0, Vec::len);
            if current.next[at] < held {
                return;
            }
            current.next[at] = 0;
        }
        self.current = None;
    }

    fn shared(&self, lineage: &Lineage) -> String {
        let shared = lineage
            .iter()
            .filter(|record| self.shared_by_all.contains(&record.resource));
        let texts: Vec<String> = shared.map(identity).collect();
        texts.join("\n")
    }
}

/// One record for each resource; `None` where two differ for the same one.
fn join(lineages: &[&Lineage]) -> Option<Lineage> {
    let mut joined: Lineage = Vec::new();
    for record in lineages.iter().copied().flatten() {
        match joined
            .iter()
            .find(|known| known.resource == record.resource)
        {
            Some(known) if known != record => return None,
            Some(_) => {}
            None => joined.push(record.clone()),
        }
    }
    Some(joined)
}

/// A record's values as text: the same for the same values.
pub(super) fn identity(record: &ParentRecord) -> String {
    let key: BTreeMap<&String, String> = record
        .key
        .iter()
        .map(|(path, value)| (path, value.to_string()))
        .collect();
    format!("{key:?}{:?}{:?}", record.included, record.carried)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(resource: &str, through: &[&str]) -> ParentPlan {
        ParentPlan {
            resource: resource.to_owned(),
            through: through.iter().map(|name| (*name).to_owned()).collect(),
            ..ParentPlan::default()
        }
    }

    fn record(resource: &str, id: u64) -> ParentRecord {
        ParentRecord {
            resource: resource.to_owned(),
            key: [("id".to_owned(), json!(id))].into(),
            ..ParentRecord::default()
        }
    }

    fn add(combinations: &mut Combinations, side: usize, lineage: &[(&str, u64)]) -> Vec<String> {
        let lineage = lineage.iter().map(|(name, id)| record(name, *id)).collect();
        combinations.add(side, lineage).unwrap();
        let mut all = Vec::new();
        while let Some(combination) = combinations.next() {
            let ids = combination
                .iter()
                .map(|one| format!("{}{}", one.resource, one.key["id"]));
            all.push(ids.collect::<Vec<_>>().join(" "));
        }
        all
    }

    #[test]
    fn all_are_combined_with_all() {
        let plans = [plan("a", &["a"]), plan("b", &["b"]), plan("c", &["c"])];
        let mut three = Combinations::new(3, &plans);
        assert!(add(&mut three, 0, &[("a", 1)]).is_empty());
        assert!(add(&mut three, 2, &[("c", 1)]).is_empty());
        assert_eq!(add(&mut three, 1, &[("b", 1)]), ["a1 b1 c1"]);
        assert_eq!(add(&mut three, 1, &[("b", 2)]), ["a1 b2 c1"]);
        assert_eq!(add(&mut three, 0, &[("a", 2)]), ["a2 b1 c1", "a2 b2 c1"]);
        assert_eq!(
            add(&mut three, 2, &[("c", 2)]),
            ["a1 b1 c2", "a1 b2 c2", "a2 b1 c2", "a2 b2 c2"]
        );
    }

    #[test]
    fn one_parent_streams_and_two_are_held_while_both_come() {
        let mut one = Combinations::new(1, &[plan("a", &["a"])]);
        assert_eq!(add(&mut one, 0, &[("a", 1)]), ["a1"]);
        assert_eq!(one.held, 0);

        let plans = [plan("a", &["a"]), plan("b", &["b"])];
        let mut two = Combinations::new(2, &plans);
        two.most = 2;
        add(&mut two, 0, &[("a", 1)]);
        add(&mut two, 1, &[("b", 1)]);
        assert_eq!(two.held, 2);
        assert!(two.add(1, vec![record("b", 2)]).is_err());
        two.end(0);
        assert_eq!(two.held, 1);
        assert_eq!(add(&mut two, 1, &[("b", 3)]), ["a1 b3"]);
        assert_eq!(two.held, 1);
    }

    #[test]
    fn records_of_different_ancestors_are_not_combined() {
        let plans = [
            plan("org", &["repo", "team"]),
            plan("repo", &["repo"]),
            plan("team", &["team"]),
        ];
        let mut family = Combinations::new(2, &plans);
        add(&mut family, 0, &[("org", 1), ("repo", 10)]);
        add(&mut family, 0, &[("org", 2), ("repo", 20)]);
        assert_eq!(
            add(&mut family, 1, &[("org", 2), ("team", 5)]),
            ["org2 repo20 team5"]
        );
        assert!(add(&mut family, 1, &[("org", 3), ("team", 6)]).is_empty());
    }

    #[test]
    fn an_ancestor_that_only_some_share_counts_too() {
        let plans = [
            plan("org", &["repo", "team"]),
            plan("repo", &["repo"]),
            plan("team", &["team"]),
            plan("day", &["day"]),
        ];
        let mut family = Combinations::new(3, &plans);
        add(&mut family, 0, &[("org", 1), ("repo", 10)]);
        add(&mut family, 0, &[("org", 2), ("repo", 20)]);
        add(&mut family, 2, &[("day", 1)]);
        assert_eq!(
            add(&mut family, 1, &[("org", 2), ("team", 5)]),
            ["org2 repo20 team5 day1"]
        );
    }
}
