//! Records on their way from a resource to those that depend on it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::mpsc;

use super::batches::Batches;
use super::combinations::{Combinations, TooMany};
use crate::decode::key_value;
use crate::flow::{ParentFields, ParentRecord, Slice};
use crate::plan::{ParentPlan, ResourcePlan};

/// Parent records that wait for one child resource; a parent that is further ahead is held back.
const PARENT_RECORDS_IN_FLIGHT: usize = 256;

/// What a child gets of one record of a parent: of the record itself, and of the ancestors that the record descends from.
pub(super) type Lineage = Vec<ParentRecord>;

/// A resource that depends on another one, as that one sees it.
#[derive(Clone)]
pub(super) struct Child {
    /// What the child uses of this parent, and through it.
    uses: Arc<Vec<ParentPlan>>,
    records: mpsc::Sender<Lineage>,
}

impl Child {
    /// Hands over what the child uses of a record that `slice` brought; waits while the child is behind.
    pub(super) async fn send(&self, fields: &ParentFields, slice: &Slice) {
        let record_of = |plan: &ParentPlan| {
            if plan.resource == slice.resource {
                return pick(plan, fields);
            }
            let mut carried = slice.parents.iter();
            let carried = carried.find(|parent| parent.resource == plan.resource);
            carried.map_or_else(
                || pick(plan, &BTreeMap::new()),
                |parent| pick(plan, &parent.carried),
            )
        };
        let lineage = self.uses.iter().map(record_of).collect();
        // A child that has failed listens no more.
        let _heard = self.records.send(lineage).await;
    }
}

/// The part of a record that a resource uses. What is null or missing is left out.
fn pick(plan: &ParentPlan, fields: &ParentFields) -> ParentRecord {
    let text = |path: &String| fields.get(path).filter(|text| *text != "null");
    let key = plan.key_paths.iter();
    let key = key.filter_map(|path| Some((path.clone(), key_value(text(path)?)?)));
    let included = plan.included.iter();
    let included =
        included.filter_map(|field| Some((field.column.clone(), text(&field.path)?.clone())));
    let carried = plan.carried.iter();
    let carried = carried.filter_map(|path| Some((path.clone(), text(path)?.clone())));
    ParentRecord {
        resource: plan.resource.clone(),
        key: key.collect(),
        included: included.collect(),
        carried: carried.collect(),
        twin: None,
        batch: false,
    }
}

/// The records of a resource's parents, as they are read.
pub(super) struct Parents {
    /// One for each parent; `None` once the parent has ended.
    records: Vec<Option<mpsc::Receiver<Lineage>>>,
    combinations: Combinations,
    /// Where one request asks for many parent records.
    batches: Option<Batches>,
}

impl Parents {
    /// Connects a resource with its parents: what the resource keeps, and what each parent sends to, by its name. A resource
    /// without parents has neither.
    pub(super) fn connect(resource: &ResourcePlan) -> Option<(Self, Vec<(String, Child)>)> {
        let parents = resource.parents.iter().filter(|plan| plan.is_parent());
        let mut children = Vec::new();
        let mut records = Vec::new();
        for parent in parents {
            let through = |plan: &&ParentPlan| plan.through.contains(&parent.resource);
            let uses = resource.parents.iter().filter(through).cloned().collect();
            let (sender, receiver) = mpsc::channel(PARENT_RECORDS_IN_FLIGHT);
            let child = Child {
                uses: Arc::new(uses),
                records: sender,
            };
            children.push((parent.resource.clone(), child));
            records.push(Some(receiver));
        }
        let combinations = Combinations::new(records.len(), &resource.parents);
        (!records.is_empty()).then_some((
            Self {
                records,
                combinations,
                batches: Batches::new(resource),
            },
            children,
        ))
    }

    /// The next combination of one record of each parent, or the next batch of records; `None` once all parents have ended
    /// and nothing is left.
    ///
    /// Nothing is lost where the future is dropped before it completes.
    pub(super) async fn next(&mut self) -> Result<Option<Lineage>, TooMany> {
        loop {
            if let Some(combination) = self.combinations.next() {
                let ready = match &mut self.batches {
                    Some(batches) => batches.add(&combination),
                    None => Some(combination),
                };
                if ready.is_some() {
                    return Ok(ready);
                }
                continue;
            }
            let received = poll_fn(|context| {
                let mut open = false;
                for (side, records) in self.records.iter_mut().enumerate() {
                    let Some(receiver) = records else { continue };
                    match receiver.poll_recv(context) {
                        Poll::Ready(Some(lineage)) => return Poll::Ready(Some((side, lineage))),
                        Poll::Ready(None) => {
                            *records = None;
                            self.combinations.end(side);
                        }
                        Poll::Pending => open = true,
                    }
                }
                if open {
                    Poll::Pending
                } else {
                    Poll::Ready(None)
                }
            });
            match received.await {
                Some((side, lineage)) => self.combinations.add(side, lineage)?,
                None => return Ok(self.batches.as_mut().and_then(Batches::rest)),
            }
        }
    }
}
