//! Ways of paging to try out, where someone looks on: those that the first answer proves, and those that APIs of its shape
//! often have.

use super::chains::quoted;
use super::{Answer, Detected, Member, detected, refuse_more, total_header};
use crate::extract::page::fullness::is_usual_limit;
use crate::extract::page::members::TOTAL_NAMES;
use crate::plan::{ChainedPlan, DEFAULT_CURSOR_PARAM, NextPlan, PageUnit, Selector, TotalSource};

/// Query parameters in which APIs take a cursor back, whatever its name in the answer.
const USUAL_CURSOR_PARAMS: [&str; 4] =
    [DEFAULT_CURSOR_PARAM, "start_cursor", "page_token", "after"];

/// Texts that are a cursor in some APIs, and go back under their own name.
const TEXTS_SENT_BACK: [&str; 8] = [
    "offset",
    "cursor",
    "after",
    "marker",
    "bookmark",
    "continuation",
    "continuation_token",
    "continuationtoken",
];

/// A way of paging to try out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// What to write behind `paginator:`.
    pub(crate) spec: String,
    /// What in the answer speaks for it.
    pub(crate) evidence: String,
    /// The answer itself shows it; else it is only usual.
    pub(crate) is_shown: bool,
}

/// What an answer lets suppose about paging.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Suggestions {
    /// The likelier ones first.
    pub(crate) ways: Vec<Suggestion>,
    /// The answer says that there is more, and not how to ask for it.
    pub(crate) more_is_promised: Option<String>,
}

/// What an answer to a request without paging parameters lets suppose.
pub(in crate::extract) fn suggest(counts_records: bool, answer: &Answer<'_>) -> Suggestions {
    let members = Member::all(answer.body, answer.records);
    if let Some(detected) = detected(counts_records, answer, &members) {
        return Suggestions {
            ways: variants(&detected),
            more_is_promised: None,
        };
    }
    let promised = refuse_more(answer, &members).err();
    let mut ways = sent_back(&members);
    if promised.is_some() || is_usual_limit(answer.count()) {
        ways.extend(usual_numbers(answer, &members));
    }
    Suggestions {
        ways,
        more_is_promised: promised.map(|error| error.to_string()),
    }
}

/// A way that was found, with each value that the answer leaves open.
fn variants(found: &Detected) -> Vec<Suggestion> {
    let (spec, evidence) = match found {
        Detected::Chain { plan, spec, .. } => (spec, told_by(&plan.next)),
        Detected::Numbers { plan, spec, .. } => {
            let total = plan.stop.total.as_ref();
            let told = total.map(|total| {
                let unit = match total.unit {
                    PageUnit::Records => "records",
                    PageUnit::Pages => "pages",
                };
                match &total.source {
                    TotalSource::Body(path) => format!("`{path}` counts the {unit}"),
                    TotalSource::Header(name) => format!("the header `{name}` counts the {unit}"),
                }
            });
            (spec, told.unwrap_or_default())
        }
    };
    let specs: Vec<String> = match found {
        Detected::Numbers {
            base_is_known: false,
            ..
        } => [1, 0]
            .map(|base| {
                let with_base = format!("type: page_number, base_page: {base},");
                spec.replacen("type: page_number,", &with_base, 1)
            })
            .into(),
        Detected::Chain {
            plan:
                ChainedPlan {
                    next: NextPlan::BodyCursor { path, .. },
                    ..
                },
            ..
        } => with_cursor_params(spec, path),
        _ => vec![spec.clone()],
    };
    let suggestion = |spec| Suggestion {
        spec,
        evidence: evidence.clone(),
        is_shown: true,
    };
    specs.into_iter().map(suggestion).collect()
}

/// A spec with each parameter that may take the cursor at the path, unless its name has told the parameter.
fn with_cursor_params(spec: &str, path: &Selector) -> Vec<String> {
    let default = format!("cursor_param: {DEFAULT_CURSOR_PARAM}");
    if !spec.contains(&default) {
        return vec![spec.to_owned()];
    }
    let key = path.as_str().rsplit('.').next().unwrap_or_default();
    let is_word = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let mut letters = key.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let own: String = first.into_iter().chain(letters).collect();
    let [usual, others @ ..] = USUAL_CURSOR_PARAMS;
    let mut params = vec![usual];
    params.extend([key, &own].into_iter().filter(|name| is_word(name)));
    params.extend(others);
    let mut specs: Vec<String> = Vec::new();
    for param in params {
        let spec = spec.replacen(&default, &format!("cursor_param: {param}"), 1);
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    specs
}

fn told_by(next: &NextPlan) -> String {
    match next {
        NextPlan::HeaderLink { relation } => {
            format!("the `Link` header has the URL of the `{relation}` page")
        }
        NextPlan::JsonLink { path } => format!("`{path}` has the URL of the next page"),
        NextPlan::BodyCursor { path, .. } => format!("`{path}` has a cursor"),
        NextPlan::HeaderCursor { header, .. } => format!("the header `{header}` has a cursor"),
        NextPlan::RecordCursor { path, .. } => {
            format!("`has_more` is true, and the records have an `{path}`")
        }
    }
}

/// Texts that look like cursors by their name alone.
fn sent_back(members: &[Member<'_>]) -> Vec<Suggestion> {
    let is_text = |member: &&Member<'_>| member.raw.first() == Some(&b'"') && member.is_cursor();
    let cursors = members
        .iter()
        .filter(|member| member.is_named(&TEXTS_SENT_BACK));
    let suggestion = |member: &Member<'_>| {
        let path = member.selector();
        Suggestion {
            spec: format!(
                "{{ type: cursor, cursor_path: {}, cursor_param: {} }}",
                quoted(&path),
                member.key()
            ),
            evidence: format!("`{path}` has a text that may be a cursor"),
            is_shown: true,
        }
    };
    cursors.filter(is_text).map(suggestion).collect()
}

/// Page numbers and offsets under their usual names.
fn usual_numbers(answer: &Answer<'_>, members: &[Member<'_>]) -> Vec<Suggestion> {
    let count = answer.count();
    let is_total = |member: &&Member<'_>| {
        member.is_named(&TOTAL_NAMES) && member.number().is_some_and(|total| total > count)
    };
    let total = match (members.iter().find(is_total), total_header(answer)) {
        (Some(member), _) => format!("total_items_path: {}", quoted(&member.selector())),
        (None, Some(header)) => format!("total_items_header: {header}"),
        (None, None) => "total_path: null".to_owned(),
    };
    let evidence = if total == "total_path: null" {
        format!("{count} records came, a number to which APIs limit their pages")
    } else {
        format!("{count} records came, and the answer tells of more")
    };
    let suggestion = |spec| Suggestion {
        spec,
        evidence: evidence.clone(),
        is_shown: false,
    };
    vec![
        suggestion(format!("{{ type: page_number, base_page: 1, {total} }}")),
        suggestion(format!("{{ type: offset, limit: {count}, {total} }}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_back_under_usual_names_and_its_own() {
        let params = |key: &str| {
            let spec = "{ type: cursor, cursor_param: cursor }";
            let path = Selector::from_keys(vec!["meta".to_owned(), key.to_owned()]);
            let specs = with_cursor_params(spec, &path).into_iter();
            let params = specs.map(|spec| {
                spec.replace("{ type: cursor, cursor_param: ", "")
                    .replace(" }", "")
            });
            params.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            params("next_token"),
            "cursor next_token start_cursor page_token after"
        );
        assert_eq!(
            params("NextToken"),
            "cursor NextToken nextToken start_cursor page_token after"
        );
        assert_eq!(params("next: {x}"), "cursor start_cursor page_token after");
        let told = "{ type: cursor, cursor_param: pageToken }";
        assert_eq!(with_cursor_params(told, &Selector::root()), [told]);
    }
}
