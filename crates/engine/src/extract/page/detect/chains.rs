//! Links and cursors.

use super::Detected;
use crate::extract::page::members::{MORE_NAMES, Member};
use crate::extract::page::{Answer, header_link};
use crate::plan::{ChainedPlan, DEFAULT_CURSOR_PARAM, NextPlan, Placement, Selector, StopPlan};

/// Query parameters of cursors that are told by the name of the cursor in the answer; all others are `cursor`.
const CURSOR_PARAMS: [(&str, &str); 5] = [
    ("next_page_token", "page_token"),
    ("nextpagetoken", "pageToken"),
    ("next_page", "page"),
    ("nextpage", "page"),
    ("after", "after"),
];

/// Names of cursors that aren't called `next`, and are taken for one beside a `has_more` that is true.
const PLAIN_CURSORS: [&str; 4] = ["cursor", "end_cursor", "endcursor", "after"];

/// A link to the next page, in the `Link` header or in the body.
pub(super) fn link(answer: &Answer<'_>, members: &[Member<'_>]) -> Option<Detected> {
    if matches!(header_link::next("next", answer), Ok(Some(_))) {
        let relation = "next".to_owned();
        return Some(chain(
            NextPlan::HeaderLink { relation },
            None,
            "header_link".to_owned(),
            "the `Link` header has a link with `rel=next`".to_owned(),
        ));
    }
    let link = members
        .iter()
        .find(|member| member.is_next(&["href", "url"]) && member.is_link())?;
    let path = link.selector();
    let spec = format!("{{ type: json_link, next_url_path: {} }}", quoted(&path));
    let reason = format!("`{}` is a link to the next page", path.as_str());
    Some(chain(NextPlan::JsonLink { path }, None, spec, reason))
}

/// A cursor in the body, or the id of the last record where the answer has the shape of an API that goes on from there.
pub(super) fn cursor(answer: &Answer<'_>, members: &[Member<'_>]) -> Option<Detected> {
    let is_more = |member: &&Member<'_>| member.is_named(&MORE_NAMES);
    let more = members.iter().find(is_more);
    let more_follows = more.is_some_and(Member::is_true);
    let next = members
        .iter()
        .find(|member| member.is_next(&["after"]) && member.is_cursor());
    let plain = || {
        let is_plain = |member: &&Member<'_>| member.is_named(&PLAIN_CURSORS) && member.is_cursor();
        members.iter().find(is_plain).filter(|_| more_follows)
    };
    let has_more_path = more.filter(|_| more_follows).map(Member::selector);
    let with_more = |spec: String| match &has_more_path {
        Some(path) => format!("{{ {spec}, has_more_path: {} }}", quoted(path)),
        None => format!("{{ {spec} }}"),
    };
    if let Some(member) = next.or_else(plain) {
        let known = CURSOR_PARAMS
            .iter()
            .find(|(name, _)| member.key().eq_ignore_ascii_case(name));
        let param = known.map_or(DEFAULT_CURSOR_PARAM, |(_, param)| param);
        let path = member.selector();
        let spec = with_more(format!(
            "type: cursor, cursor_path: {}, cursor_param: {param}",
            quoted(&path)
        ));
        let cursor = Placement::Query(param.to_owned());
        let reason = format!("`{}` is a cursor to the next page", path.as_str());
        let next = NextPlan::BodyCursor { path, cursor };
        return Some(chain(next, has_more_path, spec, reason));
    }
    if !(more_follows && is_list_object(answer, members)) {
        return None;
    }
    let spec =
        with_more("type: cursor, cursor_record_path: id, cursor_param: starting_after".to_owned());
    let next = NextPlan::RecordCursor {
        path: Selector::from_keys(vec!["id".to_owned()]),
        cursor: Placement::Query("starting_after".to_owned()),
    };
    let reason = "`object: list`, a `has_more` that is true, and records with an `id`".to_owned();
    Some(chain(next, has_more_path, spec, reason))
}

/// The shape of a list that Stripe has made common: `object: list`, and records with an `id`.
fn is_list_object(answer: &Answer<'_>, members: &[Member<'_>]) -> bool {
    let is_list = |member: &Member<'_>| member.path == ["object"] && member.raw == br#""list""#;
    let id = Selector::from_keys(vec!["id".to_owned()]);
    let has_id = answer.records.last().is_some_and(|last| {
        let raw = id.value(&answer.body[last.clone()]).ok().flatten();
        raw.is_some_and(|raw| raw.first() == Some(&b'"'))
    });
    members.iter().any(is_list) && has_id
}

fn chain(
    next: NextPlan,
    has_more_path: Option<Selector>,
    spec: String,
    reason: String,
) -> Detected {
    let stop = StopPlan {
        has_more_path,
        ..StopPlan::default()
    };
    Detected::Chain {
        plan: ChainedPlan {
            next,
            page_size: None,
            stop,
        },
        spec,
        reason,
    }
}

/// A selector as YAML takes it within a mapping.
pub(super) fn quoted(path: &Selector) -> String {
    let text = path.as_str();
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-');
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
