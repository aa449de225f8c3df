//! The order of the resources: each after its parent.

use std::collections::HashMap;

use super::mistakes::{Mistakes, Place};

/// Sorts resources so that each comes after its parent, otherwise in the order of the spec.
///
/// `parents` holds, for each resource, its name and its parent's name. The result holds places in that list.
/// Parents that don't exist are reported elsewhere and ignored here.
pub(super) fn order(parents: &[(String, Option<String>)], mistakes: &mut Mistakes) -> Vec<usize> {
    let places: HashMap<&str, usize> = parents
        .iter()
        .enumerate()
        .map(|(place, (name, _))| (name.as_str(), place))
        .collect();
    let parent_of = |place: usize| {
        let parent = parents[place].1.as_deref()?;
        places.get(parent).copied()
    };
    let mut sorted = Vec::with_capacity(parents.len());
    let mut done = vec![false; parents.len()];
    for start in 0..parents.len() {
        // The chain from the resource up to the first ancestor that has its place already.
        let mut chain = Vec::new();
        let mut next = Some(start);
        while let Some(place) = next.filter(|place| !done[*place]) {
            if chain.contains(&place) {
                report_cycle(parents, &chain, place, mistakes);
                break;
            }
            chain.push(place);
            next = parent_of(place);
        }
        for place in chain.into_iter().rev() {
            done[place] = true;
            sorted.push(place);
        }
    }
    sorted
}

fn report_cycle(
    parents: &[(String, Option<String>)],
    chain: &[usize],
    back_to: usize,
    mistakes: &mut Mistakes,
) {
    let from = chain
        .iter()
        .position(|place| *place == back_to)
        .unwrap_or(0);
    let mut names: Vec<&str> = chain[from..]
        .iter()
        .map(|place| parents[*place].0.as_str())
        .collect();
    names.push(&parents[back_to].0);
    mistakes.add(
        "plan::cycle",
        &Place::root().key("resources").index(back_to),
        format!(
            "`{}` depends on itself: {}",
            parents[back_to].0,
            names.join(" ← ")
        ),
        "a resource can depend only on resources that don't depend on it".to_owned(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parents: &[(&str, Option<&str>)], expected: &[&str], cycles: usize) {
        let parents: Vec<_> = parents
            .iter()
            .map(|(name, parent)| ((*name).to_owned(), parent.map(ToOwned::to_owned)))
            .collect();
        let mut mistakes = Mistakes::default();
        let names: Vec<_> = order(&parents, &mut mistakes)
            .into_iter()
            .map(|place| parents[place].0.as_str())
            .collect();
        assert_eq!(names, expected);
        let found = mistakes.into_result(Ok(())).err().unwrap_or_default();
        assert_eq!(found.len(), cycles);
    }

    #[test]
    fn parents_come_first() {
        check(
            &[("c", Some("b")), ("a", None), ("b", Some("a")), ("d", None)],
            &["a", "b", "c", "d"],
            0,
        );
        check(&[("a", Some("absent"))], &["a"], 0);
    }

    #[test]
    fn a_cycle_is_reported_once() {
        check(&[("a", Some("b")), ("b", Some("a"))], &["b", "a"], 1);
        check(&[("a", Some("a"))], &["a"], 1);
    }
}
