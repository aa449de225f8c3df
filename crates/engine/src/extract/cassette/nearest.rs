//! What is said of a request that was not recorded: the nearest one that was, and what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use url::form_urlencoded;

use super::{Asked, Entry};

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::extract) struct Unrecorded(pub(in crate::extract) String);

/// Tells the nearest request; equal ones are all used up.
pub(super) fn unrecorded(asked: &Asked, entries: &[Entry], folder: &Path) -> Unrecorded {
    let place = folder.display();
    let equal = entries.iter().filter(|entry| entry.asked == *asked).count();
    if equal > 0 {
        let times = if equal == 1 {
            "once".to_owned()
        } else {
            format!("{equal} times")
        };
        return Unrecorded(format!(
            "`{place}` has its answer {times}, and it is asked for once more"
        ));
    }
    let near = entries
        .iter()
        .map(|entry| (differences(asked, &entry.asked), entry))
        .min_by_key(|(differences, _)| differences.len());
    Unrecorded(match near {
        None => format!("`{place}` holds no request"),
        Some((differences, entry)) => format!(
            "`{place}` doesn't hold it; the nearest request there is `{} {}`: {}",
            entry.asked.method,
            entry.asked.url,
            differences.join(", ")
        ),
    })
}

/// What differs, as `what is X here, and Y there`.
fn differences(here: &Asked, there: &Asked) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, here: Option<&str>, there: Option<&str>| match (here, there) {
        (here, there) if here == there => {}
        (Some(here), Some(there)) => {
            found.push(format!("{what} is `{here}` here and `{there}` there"));
        }
        (Some(here), None) => found.push(format!("{what} is `{here}` here and absent there")),
        (None, Some(there)) => found.push(format!("{what} is absent here and `{there}` there")),
        (None, None) => {}
    };
    compare(
        "the resource",
        here.resource.as_deref(),
        there.resource.as_deref(),
    );
    compare("the method", Some(&here.method), Some(&there.method));
    let (here_path, here_query) = parts(&here.url);
    let (there_path, there_query) = parts(&there.url);
    compare("the path", Some(here_path), Some(there_path));
    for name in names(&here_query, &there_query) {
        let here = here_query.get(name).map(String::as_str);
        compare(
            &format!("`{name}`"),
            here,
            there_query.get(name).map(String::as_str),
        );
    }
    for name in names(&here.headers, &there.headers) {
        let value = |headers: &'_ BTreeMap<String, String>| headers.get(name).cloned();
        let (here, there) = (value(&here.headers), value(&there.headers));
        compare(
            &format!("header `{name}`"),
            here.as_deref(),
            there.as_deref(),
        );
    }
    compare("the body", here.body.as_deref(), there.body.as_deref());
    found
}

fn names<'a>(
    here: &'a BTreeMap<String, String>,
    there: &'a BTreeMap<String, String>,
) -> BTreeSet<&'a str> {
    here.keys()
        .chain(there.keys())
        .map(String::as_str)
        .collect()
}

/// The path, and the parameters with the values of each in one text.
fn parts(url: &str) -> (&str, BTreeMap<String, String>) {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut params: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let known = params.entry(name.into_owned()).or_default();
        if !known.is_empty() {
            known.push(',');
        }
        known.push_str(&value);
    }
    (path, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(resource: &str, url: &str) -> Asked {
        Asked {
            resource: Some(resource.to_owned()),
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: BTreeMap::new(),
            body: None,
        }
    }

    fn entry(resource: &str, url: &str) -> Entry {
        Entry {
            asked: asked(resource, url),
            status: 200,
            answer_headers: BTreeMap::new(),
            answer: None,
        }
    }

    #[test]
    fn names_the_nearest_and_what_differs() {
        let entries = [
            entry("teams", "/teams"),
            entry("people", "/people?limit=2&offset=0"),
            entry("people", "/people?limit=5&page=9"),
        ];
        let tell = |asked: &Asked| unrecorded(asked, &entries, Path::new("tape")).0;
        insta::assert_snapshot!(
            tell(&asked("people", "/people?limit=2&offset=4")),
            @"`tape` doesn't hold it; the nearest request there is `GET /people?limit=2&offset=0`: `offset` is `4` here and `0` there"
        );
        insta::assert_snapshot!(
            tell(&asked("teams", "/teams?all=1")),
            @"`tape` doesn't hold it; the nearest request there is `GET /teams`: `all` is `1` here and absent there"
        );
        insta::assert_snapshot!(
            tell(&asked("teams", "/teams")),
            @"`tape` has its answer once, and it is asked for once more"
        );
        let none = unrecorded(&asked("teams", "/teams"), &[], Path::new("tape"));
        assert_eq!(none.0, "`tape` holds no request");
    }
}
