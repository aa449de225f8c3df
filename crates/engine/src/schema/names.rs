//! Column names: unique at their level whatever the case of letters, and a function of the set of keys alone.
//!
//! Columns that exist already keep their names. Then, in this order, names go to
//! 1. plain columns, one for each spelling that differs in more than case: values of the parent record before
//!    source keys, and the first key by its bytes where several differ in case alone;
//! 2. the other plain columns, sorted the same way;
//! 3. variants, `<plain>__v_<kind>`, sorted by plain name and kind.
//!
//! A name that is taken gets `_` appended until it is free. A source key that looks like a variant's name gets
//! `_` at once, so that it never takes the place of a variant that comes later.

use std::collections::{HashMap, HashSet};

use super::column::{Column, ColumnType, Kind, Source};

/// Names that the metadata columns hold at the top level.
pub(crate) const METADATA_NAMES: [&str; 2] = ["_load_id", "_extracted_at"];

/// A column that needs a name.
#[derive(Clone, Debug)]
pub(super) struct Unnamed {
    pub(super) source: Source,
    pub(super) kind: Option<Kind>,
    pub(super) data_type: ColumnType,
    /// Holds the plain name of its source, rather than being a variant.
    pub(super) plain: bool,
    pub(super) required: bool,
    pub(super) declared: bool,
    pub(super) description: Option<String>,
}

/// Appends new columns to existing ones, each with a free name, in the order given.
pub(super) fn append_named(columns: &mut Vec<Column>, reserved: &[&str], new: Vec<Unnamed>) {
    let mut taken: HashSet<String> = columns.iter().map(|column| folded(&column.name)).collect();
    taken.extend(reserved.iter().map(|name| folded(name)));

    let mut names: Vec<Option<String>> = vec![None; new.len()];
    let mut order: Vec<usize> = (0..new.len()).filter(|at| new[*at].plain).collect();
    order.sort_by_cached_key(|at| {
        let source = &new[*at].source;
        (!source.from_parent, source.base_name(), source.clone())
    });
    let mut clashing = Vec::new();
    for at in order {
        let base = base_name(&new[at].source.base_name());
        if taken.insert(folded(&base)) {
            names[at] = Some(base);
        } else {
            clashing.push((at, base));
        }
    }
    for (at, base) in clashing {
        names[at] = Some(claim(&mut taken, base));
    }

    let mut variants: Vec<(String, usize)> = Vec::new();
    // The first column of a source has its plain name.
    let mut plain_names: HashMap<&Source, &String> = HashMap::new();
    for column in columns.iter() {
        plain_names.entry(&column.source).or_insert(&column.name);
    }
    for (column, name) in new.iter().zip(&names) {
        if let Some(name) = name {
            plain_names.entry(&column.source).or_insert(name);
        }
    }
    for (at, column) in new.iter().enumerate().filter(|(_, column)| !column.plain) {
        let plain = match plain_names.get(&column.source) {
            Some(plain) => (*plain).clone(),
            None => base_name(&column.source.base_name()),
        };
        variants.push((
            format!("{plain}__v_{}", column.kind.map_or("json", Kind::name)),
            at,
        ));
    }
    variants.sort();
    for (name, at) in variants {
        names[at] = Some(claim(&mut taken, name));
    }

    for (column, name) in new.into_iter().zip(names) {
        columns.push(Column {
            source: column.source,
            kind: column.kind,
            name: name.expect("a column is either plain or a variant, and both are named above"),
            data_type: column.data_type,
            required: column.required,
            declared: column.declared,
            closed: false,
            description: column.description,
        });
    }
}

fn claim(taken: &mut HashSet<String>, mut name: String) -> String {
    while !taken.insert(folded(&name)) {
        name.push('_');
    }
    name
}

fn base_name(key: &str) -> String {
    let lower = folded(key);
    let variant = Kind::ALL
        .map(Kind::name)
        .into_iter()
        .chain(["json"])
        .any(|kind| {
            lower
                .strip_suffix(kind)
                .is_some_and(|start| start.ends_with("__v_"))
        });
    if variant || key.is_empty() {
        format!("{key}_")
    } else {
        key.to_owned()
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(key: &str, kind: Kind, plain: bool) -> Unnamed {
        Unnamed {
            source: Source::key(key),
            kind: Some(kind),
            data_type: ColumnType::Text,
            plain,
            required: false,
            declared: false,
            description: None,
        }
    }

    fn check(existing: &[&str], keys: &[&str], expected: &[&str]) {
        let new = |keys: &[&str]| {
            keys.iter()
                .map(|key| column(key, Kind::String, true))
                .collect()
        };
        let mut columns = Vec::new();
        append_named(&mut columns, &[], new(existing));
        append_named(&mut columns, &METADATA_NAMES, new(keys));
        let names: Vec<&str> = columns[existing.len()..]
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_name_that_is_taken_gets_an_underscore() {
        check(&[], &["a", "A", "b"], &["a_", "A", "b"]);
        check(&[], &["A", "b", "a"], &["A", "b", "a_"]);
        check(&[], &["a", "A", "a_"], &["a__", "A", "a_"]);
        check(&["a"], &["A", "Ä", "ä"], &["A_", "Ä", "ä_"]);
        check(&[], &["", "_", "_LOAD_ID"], &["_", "__", "_LOAD_ID_"]);
        check(
            &[],
            &["a__v_string", "b__V_Json", "__v_x"],
            &["a__v_string_", "b__V_Json_", "__v_x"],
        );
    }

    #[test]
    fn variants_are_named_after_the_plain_column() {
        let mut columns = Vec::new();
        let new = ["b", "B"].map(|key| column(key, Kind::String, true));
        append_named(&mut columns, &[], new.to_vec());
        let number = column("b", Kind::Number, false);
        append_named(&mut columns, &[], vec![number.clone(), number]);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["b_", "B", "b___v_number", "b___v_number_"]);
    }
}
