//! The values that a slice gives to placeholders.

use serde_json::Value;

use super::{IncrementalReference, Reference};
use crate::flow::{ParentRecord, Slice};

/// What placeholders are filled from.
#[derive(Clone, Copy, Debug)]
pub struct Bindings<'a> {
    /// The parents' records and the partition.
    pub slice: &'a Slice,
    /// The range that is read, where the resource is incremental.
    pub incremental: Option<&'a IncrementalValues>,
    /// The id of the slice's job, once it has been created.
    pub job_id: Option<&'a Value>,
}

/// The values of an incremental slice, as requests write them; absent ones are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrementalValues {
    /// Where the slice starts.
    pub start: Option<Value>,
    /// Where the slice ends.
    pub end: Option<Value>,
    /// Where the first run started.
    pub initial: Option<Value>,
    /// The lag.
    pub lag: Option<Value>,
}

impl Bindings<'_> {
    /// The value of a placeholder; `None` where the slice has none.
    pub(super) fn value(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Parent { resource, path } => self.parent(resource)?.key.get(path).cloned(),
            Reference::Incremental(edge) => {
                let values = self.incremental?;
                match edge {
                    IncrementalReference::StartValue | IncrementalReference::LastValue => {
                        values.start.clone()
                    }
                    IncrementalReference::EndValue => values.end.clone(),
                    IncrementalReference::InitialValue => values.initial.clone(),
                    IncrementalReference::Lag => values.lag.clone(),
                }
            }
            Reference::Partition(key) => self.slice.partition.get(key).cloned(),
            Reference::JobId => self.job_id.cloned(),
        }
    }

    /// Whether a placeholder's value is a list of the values of several parent records.
    pub(super) fn is_batch(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Parent { resource, .. } => {
                self.parent(resource).is_some_and(|parent| parent.batch)
            }
            _ => false,
        }
    }

    fn parent(&self, resource: &str) -> Option<&ParentRecord> {
        let mut parents = self.slice.parents.iter();
        parents.find(|parent| parent.resource == *resource)
    }
}
