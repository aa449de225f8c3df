//! Which resources depend on which, and what each uses of the others' records.
//!
//! A resource depends on those that its requests name. Of these, one that is an ancestor of another one is no parent of
//! its own: its values come along with the other one's records. What is left are the parents; where there are several,
//! each combination of their records is read, but only of records that descend from the same ancestors.

use std::collections::BTreeSet;

use super::graph::{Dependencies, Graph};
use super::mistakes::{Mistakes, Place};
use super::model::{IncludedField, ParentField, ParentPlan, ResourcePlan};
use super::request::References;
use super::selector::SelectorError;
use super::{FieldPath, resource::Compiled};
use crate::schema::ROW_ID;
use crate::spec::{self, Resource};

/// What the requests of a resource name of another one.
pub(super) struct Named {
    pub(super) resource: String,
    key_paths: Vec<String>,
}

/// The other resources that placeholders name; `names` are the names of all resources.
pub(super) fn named(
    references: &References,
    names: &[&str],
    mistakes: &mut Mistakes,
) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    for (name, path, place) in references.parents() {
        if !names.contains(&name) {
            unknown(name, names, place, mistakes);
            continue;
        }
        if let Err(error) = FieldPath::parse(path) {
            wrong_path(&error, place, mistakes);
            continue;
        }
        let known = all.iter().position(|one| one.resource == name);
        let at = known.unwrap_or_else(|| {
            all.push(Named {
                resource: name.to_owned(),
                key_paths: Vec::new(),
            });
            all.len() - 1
        });
        add_new(&mut all[at].key_paths, path);
    }
    all
}

fn unknown(name: &str, names: &[&str], place: &Place, mistakes: &mut Mistakes) {
    let help = spec::did_you_mean(name, names.iter().copied())
        .map(|name| format!("did you mean `{name}`?"));
    mistakes.add(
        "plan::unknown_parent",
        place,
        format!("no resource is called `{name}`"),
        help,
    );
}

fn wrong_path(error: &SelectorError, place: &Place, mistakes: &mut Mistakes) {
    let help = "name a field such as `id`, `author.id`, `tags[0].name` or `['a.b']`".to_owned();
    mistakes.add("plan::selector", place, error.to_string(), help);
}

/// Tells every resource what it uses of others, and what others use of it. Returns the order in which each resource
/// comes behind its parents.
pub(super) fn link(
    resources: &[Resource],
    compiled: &mut [Compiled],
    mistakes: &mut Mistakes,
) -> Vec<usize> {
    let dependencies: Vec<Dependencies> = resources
        .iter()
        .zip(&*compiled)
        .map(|(resource, compiled)| Dependencies {
            name: resource.name.clone(),
            on: compiled
                .named
                .iter()
                .map(|named| named.resource.clone())
                .collect(),
        })
        .collect();
    let graph = Graph::new(&dependencies, mistakes);
    let mut families = Families::new(resources, &graph);
    for (place, compiled) in compiled.iter().enumerate() {
        families.add_named(place, &compiled.named);
    }
    for place in 0..resources.len() {
        families.add_included(place, mistakes);
    }
    for place in 0..resources.len() {
        families.add_shared(place);
    }
    families.carry_along();
    for place in 0..resources.len() {
        families.check_batch(place, mistakes);
    }
    let fields = families.fields();
    for (place, (compiled, fields)) in compiled.iter_mut().zip(fields).enumerate() {
        if let Ok(plan) = &mut compiled.plan {
            plan.parents = families.take(place);
            plan.decode.parent_fields = fields;
        }
    }
    graph.order
}

/// What each resource uses of the others, while it is put together. Resources are known by their places in the spec.
struct Families<'a> {
    resources: &'a [Resource],
    graph: &'a Graph,
    /// For each resource the resources that it depends on directly.
    parents: Vec<Vec<usize>>,
    /// For each resource what it uses, with the place of the other one.
    uses: Vec<Vec<(usize, ParentPlan)>>,
}

impl<'a> Families<'a> {
    fn new(resources: &'a [Resource], graph: &'a Graph) -> Self {
        Self {
            resources,
            graph,
            parents: vec![Vec::new(); resources.len()],
            uses: vec![Vec::new(); resources.len()],
        }
    }

    fn name(&self, place: usize) -> &'a str {
        &self.resources[place].name
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.resources
            .iter()
            .position(|resource| resource.name == name)
    }

    /// What `place` uses of `other`, which is one of its ancestors.
    fn uses_of(&mut self, place: usize, other: usize) -> &mut ParentPlan {
        let known = self.uses[place]
            .iter()
            .position(|(known, _)| *known == other);
        let at = known.unwrap_or_else(|| {
            let parents = &self.parents[place];
            let leads_there = |parent: &&usize| {
                **parent == other
                    || (!parents.contains(&other)
                        && self.graph.ancestors[**parent].contains(&other))
            };
            let through = parents.iter().filter(leads_there);
            let plan = ParentPlan {
                resource: self.name(other).to_owned(),
                through: through
                    .map(|parent| self.name(*parent).to_owned())
                    .collect(),
                ..ParentPlan::default()
            };
            self.uses[place].push((other, plan));
            self.uses[place].len() - 1
        });
        &mut self.uses[place][at].1
    }

    fn add_named(&mut self, place: usize, named: &[Named]) {
        let places: Vec<usize> = named
            .iter()
            .filter_map(|named| self.place(&named.resource))
            .collect();
        let is_parent = |one: &&usize| {
            let is_behind =
                |other: &usize| *other != **one && self.graph.ancestors[*other].contains(one);
            !places.iter().any(is_behind)
        };
        self.parents[place] = places.iter().filter(is_parent).copied().collect();
        for (named, other) in named.iter().zip(places.iter().copied()) {
            self.uses_of(place, other)
                .key_paths
                .clone_from(&named.key_paths);
        }
    }

    fn add_included(&mut self, place: usize, mistakes: &mut Mistakes) {
        let resource = &self.resources[place];
        let list = Place::root()
            .key("resources")
            .index(place)
            .key("include_from_parent");
        if self.parents[place].is_empty() && !resource.include_from_parent.is_empty() {
            mistakes.add(
                "plan::include_without_parent",
                &list,
                format!("`{}` has no parent to include from", resource.name),
                "a resource gets a parent by naming one of its fields: `{resources.<parent>.<field>}`"
                    .to_owned(),
            );
            return;
        }
        let mut columns = BTreeSet::new();
        for (index, field) in resource.include_from_parent.iter().enumerate() {
            let field_place = list.index(index);
            let Some(other) = self.included_resource(place, field, &field_place, mistakes) else {
                continue;
            };
            let path = match FieldPath::parse(&field.field) {
                Ok(path) => path,
                Err(error) => {
                    wrong_path(&error, &field_place, mistakes);
                    continue;
                }
            };
            let column = field
                .column
                .clone()
                .unwrap_or_else(|| format!("_{}_{}", self.name(other), path.column_part()));
            if !columns.insert(column.clone()) {
                mistakes.add(
                    "plan::included_column",
                    &field_place,
                    format!("two included fields become the column `{column}`"),
                    "give one of them another name: `{ field: …, column: … }`".to_owned(),
                );
                continue;
            }
            if column == ROW_ID {
                mistakes.add(
                    "plan::included_column",
                    &field_place,
                    format!("`{ROW_ID}` is the column that tells rows apart"),
                    "give the field another name: `{ field: …, column: … }`".to_owned(),
                );
                continue;
            }
            self.uses_of(place, other).included.push(IncludedField {
                path: field.field.clone(),
                column,
            });
        }
    }

    /// The resource from which a field is included: the one that is named, else the only parent.
    fn included_resource(
        &self,
        place: usize,
        field: &spec::IncludedField,
        field_place: &Place,
        mistakes: &mut Mistakes,
    ) -> Option<usize> {
        let name = self.name(place);
        if let Some(other) = &field.resource {
            let found = self.place(other);
            if found.is_some_and(|other| self.graph.ancestors[place].contains(&other)) {
                return found;
            }
            let names = self.graph.ancestors[place].iter();
            let names: Vec<&str> = names.map(|other| self.name(*other)).collect();
            let help = spec::did_you_mean(other, names.iter().copied());
            mistakes.add(
                "plan::include_without_parent",
                &field_place.key("resource"),
                format!("`{name}` doesn't depend on `{other}`"),
                match help {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "name a parent, or a parent's parent".to_owned(),
                },
            );
            return None;
        }
        match self.parents[place].as_slice() {
            [] => None,
            [only] => Some(*only),
            [first, second, ..] => {
                mistakes.add(
                    "plan::several_parents",
                    field_place,
                    format!(
                        "`{name}` depends on `{}` and on `{}`, and `{}` may be of either",
                        self.name(*first),
                        self.name(*second),
                        field.field
                    ),
                    format!(
                        "say which: `{{ resource: {}, field: {} }}`",
                        self.name(*first),
                        field.field
                    ),
                );
                None
            }
        }
    }

    /// Parents that share an ancestor are put together by what the requests in between name of it.
    fn add_shared(&mut self, place: usize) {
        let parents = self.parents[place].clone();
        if parents.len() < 2 {
            return;
        }
        let mut relatives: BTreeSet<usize> = parents.iter().copied().collect();
        for parent in &parents {
            relatives.extend(&self.graph.ancestors[*parent]);
        }
        let shared = relatives.iter().copied().filter(|other| {
            let leads_there = |parent: &&usize| self.graph.ancestors[**parent].contains(other);
            parents.iter().filter(leads_there).count() > 1
        });
        for other in shared.collect::<Vec<_>>() {
            let mut paths = Vec::new();
            for relative in &relatives {
                let uses = self.uses[*relative].iter();
                for (_, plan) in uses.filter(|(known, _)| *known == other) {
                    plan.key_paths
                        .iter()
                        .for_each(|path| add_new(&mut paths, path));
                }
            }
            let carried = &mut self.uses_of(place, other).carried;
            for path in &paths {
                add_new(carried, path);
            }
        }
    }

    /// What comes through a parent must be carried by it, and by all between it and its source.
    fn carry_along(&mut self) {
        for place in self.graph.order.iter().rev().copied() {
            for (other, plan) in self.uses[place].clone() {
                for through in &plan.through {
                    let Some(through) = self.place(through).filter(|through| *through != other)
                    else {
                        continue;
                    };
                    let carried = &mut self.uses_of(through, other).carried;
                    paths(&plan).for_each(|path| add_new(carried, path));
                }
            }
        }
    }

    /// Of a batch it can't be told which record brought which answer.
    fn check_batch(&self, place: usize, mistakes: &mut Mistakes) {
        let resource = &self.resources[place];
        if resource.parents_per_request.is_none() {
            return;
        }
        let name = &resource.name;
        let at = Place::root().key("resources").index(place);
        if let [first, second, ..] = self.parents[place].as_slice() {
            let (first, second) = (self.name(*first), self.name(*second));
            mistakes.add(
                "plan::batch",
                &at.key("parents_per_request"),
                format!(
                    "`{name}` depends on `{first}` and on `{second}`, and a batch is of one parent"
                ),
                "leave out `parents_per_request`".to_owned(),
            );
        }
        for (_, plan) in self.uses[place].iter().filter(|(_, plan)| plan.is_parent()) {
            if let Some(field) = plan.included.first() {
                mistakes.add(
                    "plan::batch",
                    &at.key("include_from_parent"),
                    format!(
                        "a request asks for many records of `{}`: whose `{}` belongs to a record can't be told",
                        plan.resource, field.path
                    ),
                    "leave out the field, or `parents_per_request`".to_owned(),
                );
            } else if let Some(path) = plan.carried.first() {
                mistakes.add(
                    "plan::batch",
                    &at.key("parents_per_request"),
                    format!(
                        "resources below `{name}` use `{path}` of `{}`, and of a batch it can't be told which record that is",
                        plan.resource
                    ),
                    "leave out `parents_per_request`".to_owned(),
                );
            }
        }
    }

    /// For each resource the fields that others use of its records.
    fn fields(&self) -> Vec<Vec<ParentField>> {
        let mut fields: Vec<Vec<ParentField>> = vec![Vec::new(); self.resources.len()];
        for (other, plan) in self.uses.iter().flatten() {
            for path in paths(plan) {
                let required = plan.key_paths.iter().any(|key| key == path);
                let known = fields[*other]
                    .iter_mut()
                    .find(|field| field.path.as_str() == path);
                match (known, FieldPath::parse(path)) {
                    (Some(field), _) => field.required |= required,
                    (None, Ok(path)) => fields[*other].push(ParentField { path, required }),
                    // Reported where it was named.
                    (None, Err(_)) => {}
                }
            }
        }
        fields
    }

    /// What a resource uses, ancestors first.
    fn take(&mut self, place: usize) -> Vec<ParentPlan> {
        let mut uses = std::mem::take(&mut self.uses[place]);
        uses.sort_by_key(|(other, _)| self.graph.order.iter().position(|one| one == other));
        uses.into_iter().map(|(_, plan)| plan).collect()
    }
}

/// Every path into the other resource's records.
fn paths(plan: &ParentPlan) -> impl Iterator<Item = &str> {
    let included = plan.included.iter().map(|field| &field.path);
    let all = plan.key_paths.iter().chain(included).chain(&plan.carried);
    all.map(String::as_str)
}

fn add_new(known: &mut Vec<String>, path: &str) {
    if !known.iter().any(|one| one == path) {
        known.push(path.to_owned());
    }
}

/// The names of all resources that a resource depends on, over any number of steps.
pub(crate) fn ancestors<'a>(resources: &'a [ResourcePlan], name: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![name];
    while let Some(name) = waiting.pop() {
        let Some(resource) = resources.iter().find(|resource| resource.name == name) else {
            continue;
        };
        for parent in &resource.parents {
            if found.insert(parent.resource.as_str()) {
                waiting.push(&parent.resource);
            }
        }
    }
    found
}
