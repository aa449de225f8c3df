//! The order of the resources: each after its parents.

use std::collections::{BTreeSet, HashMap};

use super::mistakes::{Mistakes, Place};

/// A resource's name and the names of the resources that it depends on.
pub(super) struct Dependencies {
    pub(super) name: String,
    pub(super) on: Vec<String>,
}

/// The resources of a pipeline and how they depend on each other, by their places in the spec.
pub(super) struct Graph {
    /// Every place, each behind those that it depends on, otherwise in the order of the spec.
    pub(super) order: Vec<usize>,
    /// For each place, all places that it depends on, over any number of steps.
    pub(super) ancestors: Vec<BTreeSet<usize>>,
}

impl Graph {
    /// Puts the resources in order and reports cycles. Resources that don't exist are reported elsewhere and ignored here.
    pub(super) fn new(resources: &[Dependencies], mistakes: &mut Mistakes) -> Self {
        let places: HashMap<&str, usize> = resources
            .iter()
            .enumerate()
            .map(|(place, resource)| (resource.name.as_str(), place))
            .collect();
        let parents: Vec<Vec<usize>> = resources
            .iter()
            .map(|resource| {
                let places = resource
                    .on
                    .iter()
                    .filter_map(|name| places.get(name.as_str()));
                places.copied().collect()
            })
            .collect();
        let order = order(resources, &parents, mistakes);
        let mut ancestors = vec![BTreeSet::new(); resources.len()];
        for place in &order {
            let mut all = BTreeSet::new();
            for parent in &parents[*place] {
                all.insert(*parent);
                all.extend(&ancestors[*parent]);
            }
            ancestors[*place] = all;
        }
        Self { order, ancestors }
    }
}

/// How far the walk has come with a resource.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    None,
    Begun,
    Done,
}

/// Walks up from each resource, depth first; the walk keeps its own stack, however long the line of ancestors is.
fn order(
    resources: &[Dependencies],
    parents: &[Vec<usize>],
    mistakes: &mut Mistakes,
) -> Vec<usize> {
    let mut sorted = Vec::with_capacity(resources.len());
    let mut visits = vec![Visit::None; resources.len()];
    for start in 0..resources.len() {
        if visits[start] != Visit::None {
            continue;
        }
        visits[start] = Visit::Begun;
        // Each resource with the number of parents that were looked at.
        let mut chain = vec![(start, 0)];
        while let Some((place, looked_at)) = chain.last_mut() {
            let place = *place;
            let Some(parent) = parents[place].get(*looked_at).copied() else {
                visits[place] = Visit::Done;
                sorted.push(place);
                chain.pop();
                continue;
            };
            *looked_at += 1;
            match visits[parent] {
                Visit::None => {
                    visits[parent] = Visit::Begun;
                    chain.push((parent, 0));
                }
                Visit::Begun => report_cycle(resources, &chain, parent, mistakes),
                Visit::Done => {}
            }
        }
    }
    sorted
}

fn report_cycle(
    resources: &[Dependencies],
    chain: &[(usize, usize)],
    back_to: usize,
    mistakes: &mut Mistakes,
) {
    let in_cycle = chain
        .iter()
        .map(|(place, _)| *place)
        .skip_while(|place| *place != back_to);
    let name = |place: usize| resources[place].name.as_str();
    let names: Vec<&str> = in_cycle.chain([back_to]).map(name).collect();
    mistakes.add(
        "plan::cycle",
        &Place::root().key("resources").index(back_to),
        format!(
            "`{}` depends on itself: {}",
            name(back_to),
            names.join(" ← ")
        ),
        "a resource can depend only on resources that don't depend on it".to_owned(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(resources: &[(&str, &[&str])], expected: &[&str], cycles: usize) -> Graph {
        let resources: Vec<_> = resources
            .iter()
            .map(|(name, on)| Dependencies {
                name: (*name).to_owned(),
                on: on.iter().map(|name| (*name).to_owned()).collect(),
            })
            .collect();
        let mut mistakes = Mistakes::default();
        let graph = Graph::new(&resources, &mut mistakes);
        let names: Vec<_> = graph
            .order
            .iter()
            .map(|place| resources[*place].name.as_str())
            .collect();
        assert_eq!(names, expected);
        let found = mistakes.into_result(Ok(())).err().unwrap_or_default();
        assert_eq!(found.len(), cycles);
        graph
    }

    #[test]
    fn parents_come_first() {
        check(
            &[("c", &["b"]), ("a", &[]), ("b", &["a"]), ("d", &[])],
            &["a", "b", "c", "d"],
            0,
        );
        check(&[("a", &["absent"])], &["a"], 0);
        let diamond = check(
            &[("d", &["b", "c"]), ("b", &["a"]), ("c", &["a"]), ("a", &[])],
            &["a", "b", "c", "d"],
            0,
        );
        assert_eq!(diamond.ancestors[0], BTreeSet::from([1, 2, 3]));
        assert_eq!(diamond.ancestors[1], BTreeSet::from([3]));
    }

    #[test]
    fn a_cycle_is_reported_once() {
        check(&[("a", &["b"]), ("b", &["a"])], &["b", "a"], 1);
        check(&[("a", &["a"])], &["a"], 1);
        check(
            &[("a", &["b", "c"]), ("b", &[]), ("c", &["a"])],
            &["b", "c", "a"],
            1,
        );
    }
}
