//! Parent records put together, so that one request asks for many of them.

use std::collections::{HashSet, VecDeque};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::combinations::identity;
use super::parents::Lineage;
use crate::flow::ParentRecord;
use crate::plan::{ParentPlan, ResourcePlan};

/// Batches that are being filled at the same time, at most: one for each record of the ancestors further up.
const OPEN_BATCHES: usize = 64;

/// Collects a parent's records into batches.
///
/// A batch holds records with the same ancestors, as far as the child uses these. A record that comes twice is asked for
/// once.
#[derive(Debug)]
pub(super) struct Batches {
    parent: String,
    size: usize,
    /// The oldest first, each with what tells its ancestors.
    open: VecDeque<(String, Lineage)>,
    /// Hashes of the records that have come.
    seen: HashSet<u128>,
}

impl Batches {
    /// `None` where the resource asks for each parent record by itself.
    pub(super) fn new(resource: &ResourcePlan) -> Option<Self> {
        let parent = resource.parents.iter().find(|plan| plan.is_parent());
        let parent: &ParentPlan = parent?;
        Some(Self {
            parent: parent.resource.clone(),
            size: resource.parents_per_request?,
            open: VecDeque::new(),
            seen: HashSet::new(),
        })
    }

    /// Adds a record; gives a batch that is full, or has to make room.
    pub(super) fn add(&mut self, lineage: &[ParentRecord]) -> Option<Lineage> {
        let is_parent = |record: &&ParentRecord| record.resource == self.parent;
        let record = lineage.iter().find(is_parent)?;
        let ancestors: Vec<String> = lineage
            .iter()
            .filter(|record| !is_parent(record))
            .map(identity)
            .collect();
        let ancestors = ancestors.join("\n");
        let name = format!("{}\n{ancestors}", identity(record));
        if !self.seen.insert(xxh3_128(name.as_bytes())) {
            return None;
        }
        let known = self.open.iter().position(|(known, _)| *known == ancestors);
        let at = if let Some(at) = known {
            append(&mut self.open[at].1, lineage);
            at
        } else {
            let batch = begin(lineage, &self.parent);
            self.open.push_back((ancestors, batch));
            self.open.len() - 1
        };
        let full = length(&self.open[at].1) >= self.size;
        let given = match (full, self.open.len() > OPEN_BATCHES) {
            (true, _) => self.open.remove(at),
            (false, true) => self.open.pop_front(),
            (false, false) => None,
        };
        given.map(|(_, batch)| batch)
    }

    /// A batch that is not full, once no more records come; `None` where all were given.
    pub(super) fn rest(&mut self) -> Option<Lineage> {
        self.open.pop_front().map(|(_, batch)| batch)
    }
}

/// A batch of one record.
fn begin(lineage: &[ParentRecord], parent: &str) -> Lineage {
    let mut batch = lineage.to_vec();
    for record in batch.iter_mut().filter(|record| record.resource == parent) {
        record.batch = true;
        for value in record.key.values_mut() {
            *value = Value::Array(vec![value.take()]);
        }
    }
    batch
}

/// Adds a record to a batch; what comes from its ancestors is the same.
fn append(batch: &mut Lineage, lineage: &[ParentRecord]) {
    for (batch, record) in batch
        .iter_mut()
        .zip(lineage)
        .filter(|(batch, _)| batch.batch)
    {
        for (path, values) in &mut batch.key {
            if let Value::Array(values) = values {
                values.extend(record.key.get(path).cloned());
            }
        }
    }
}

fn length(batch: &[ParentRecord]) -> usize {
    let mut keys = batch
        .iter()
        .filter(|record| record.batch)
        .flat_map(|record| record.key.values());
    keys.next().and_then(Value::as_array).map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn batches(size: usize) -> Batches {
        Batches {
            parent: "users".to_owned(),
            size,
            open: VecDeque::new(),
            seen: HashSet::new(),
        }
    }

    fn lineage(org: u64, id: u64) -> Lineage {
        let record = |resource: &str, id: u64| ParentRecord {
            resource: resource.to_owned(),
            key: [("id".to_owned(), json!(id))].into(),
            ..ParentRecord::default()
        };
        vec![record("orgs", org), record("users", id)]
    }

    fn show(batch: &Lineage) -> String {
        format!("{} {}", batch[0].key["id"], batch[1].key["id"])
    }

    #[test]
    fn a_batch_is_given_when_it_is_full_and_the_rest_at_the_end() {
        let mut batches = batches(2);
        let mut given = Vec::new();
        for (org, id) in [(1, 1), (2, 1), (1, 1), (1, 2), (2, 3), (1, 4)] {
            given.extend(batches.add(&lineage(org, id)));
        }
        given.extend(std::iter::from_fn(|| batches.rest()));
        let given: Vec<String> = given.iter().map(show).collect();
        assert_eq!(given, ["1 [1,2]", "2 [1,3]", "1 [4]"]);
    }

    #[test]
    fn no_more_batches_are_open_than_there_is_room_for() {
        let mut batches = batches(10);
        let count = u64::try_from(OPEN_BATCHES).unwrap() + 1;
        let given: Vec<Lineage> = (0..count)
            .filter_map(|org| batches.add(&lineage(org, 5)))
            .collect();
        assert_eq!(given.iter().map(show).collect::<Vec<_>>(), ["0 [5]"]);
        assert_eq!(batches.open.len(), OPEN_BATCHES);
    }
}
