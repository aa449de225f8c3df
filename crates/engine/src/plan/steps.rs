//! Compiling `filter` and `processing_steps`.

use super::mistakes::{Mistakes, Place};
use super::{Expression, StepPlan};
use crate::spec::{Resource, did_you_mean};

/// The steps of a resource; its `filter` is the first one.
pub(super) fn compile(
    resource: &Resource,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Vec<StepPlan> {
    let mut plans = Vec::new();
    if let Some(text) = &resource.filter {
        let filter = expression(resource, text, &place.key("filter"), mistakes);
        plans.push(StepPlan {
            filter,
            ..StepPlan::default()
        });
    }
    for (index, step) in resource.processing_steps.iter().enumerate() {
        let place = place.key("processing_steps").index(index);
        let filter = step.filter.as_ref();
        let map = step.map.iter().filter_map(|(field, text)| {
            let place = place.key("map").key(field);
            Some((field.clone(), expression(resource, text, &place, mistakes)?))
        });
        let map = map.collect();
        plans.push(StepPlan {
            filter: filter
                .and_then(|text| expression(resource, text, &place.key("filter"), mistakes)),
            map,
            rename: step
                .rename
                .iter()
                .map(|(from, to)| (from.clone(), to.clone()))
                .collect(),
            drop: step.drop.clone(),
        });
    }
    plans
}

fn expression(
    resource: &Resource,
    text: &str,
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<Expression> {
    // Any field may be named: which ones there are, the records show.
    match Expression::parse(text, &[]) {
        Ok(expression) => {
            for key in expression.fields_of("partition") {
                check_partition(resource, &key, place, mistakes);
            }
            Some(expression)
        }
        Err(error) => {
            mistakes.add("plan::expression", place, error.to_string(), None);
            None
        }
    }
}

fn check_partition(resource: &Resource, key: &str, place: &Place, mistakes: &mut Mistakes) {
    // Without `for_each`, `partition` is a field of the record.
    if resource.for_each.is_empty() || resource.for_each.contains_key(key) {
        return;
    }
    let known = resource.for_each.keys().map(String::as_str);
    mistakes.add(
        "plan::partition",
        place,
        format!("`for_each` has no key `{key}`"),
        did_you_mean(key, known).map(|name| format!("did you mean `partition.{name}`?")),
    );
}
