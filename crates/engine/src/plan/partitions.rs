//! Compiling `for_each`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::mistakes::{Mistakes, Place};
use super::request::References;
use crate::spec;

/// Every combination of the values of `for_each`, the last key changing fastest.
pub(super) fn compile(
    for_each: &IndexMap<String, Vec<Value>>,
    references: &References,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Vec<BTreeMap<String, Value>> {
    let named: Vec<(&str, &Place)> = references.partitions().collect();
    for (key, place) in &named {
        if !for_each.contains_key(*key) {
            let keys: Vec<&str> = for_each.keys().map(String::as_str).collect();
            let help = match spec::did_you_mean(key, keys.iter().copied()) {
                Some(name) => format!("did you mean `{{partition.{name}}}`?"),
                None => format!("give its values: `for_each: {{ {key}: [a, b] }}`"),
            };
            mistakes.add(
                "plan::partition",
                place,
                format!("`for_each` has no key `{key}`"),
                help,
            );
        }
    }
    let mut partitions = vec![BTreeMap::new()];
    for (key, values) in for_each {
        let place = place.key(key);
        if !named.iter().any(|(name, _)| name == key) {
            mistakes.add(
                "plan::partition",
                &place,
                format!("no request names `{{partition.{key}}}`, so that each value would ask for the same"),
                None,
            );
        }
        if values.is_empty() {
            mistakes.add(
                "plan::partition",
                &place,
                format!("`{key}` has no values"),
                None,
            );
        }
        if values
            .iter()
            .any(|value| value.is_object() || value.is_array() || value.is_null())
        {
            mistakes.add(
                "plan::partition",
                &place,
                format!("the values of `{key}` must be scalars"),
                None,
            );
        }
        partitions = partitions
            .into_iter()
            .flat_map(|partition: BTreeMap<String, Value>| {
                values.iter().map(move |value| {
                    let mut partition = partition.clone();
                    partition.insert(key.clone(), value.clone());
                    partition
                })
            })
            .collect();
    }
    partitions
}
