//! Finding the way of paging from the first answer.

use std::collections::HashSet;
use std::ops::Range;

use jiter::{Jiter, JiterResult, Peek};

use super::offset::Offset;
use super::page_number::PageNumber;
use super::{Answer, Kind, Next, PagerError, header_link, scalar};
use crate::plan::{CursorPlan, OffsetPlan, PageNumberPlan, Selector};

/// Keys from the root to a value that is looked at.
const LONGEST_PATH: usize = 4;

/// The names under which APIs give a total of records.
const TOTAL_NAMES: [&str; 4] = ["total", "total_count", "totalcount", "total_items"];

/// The names under which APIs give a total of pages.
const PAGES_NAMES: [&str; 3] = ["total_pages", "pages", "totalpages"];

/// Chooses the way of paging, and says what it chose.
///
/// The first request carried no paging parameters, so that the answer is the first page of any of them.
pub(super) fn detect(answer: &Answer<'_>) -> Result<(Kind, Option<String>), PagerError> {
    if matches!(header_link::next("next", answer), Ok(Next::Link(_))) {
        return Ok(chosen(
            Kind::HeaderLink("next".to_owned()),
            "`header_link`, from the `Link` header",
        ));
    }
    let members = members(answer);
    if let Some(link) = members
        .iter()
        .find(|member| member.is_next() && member.is_link(answer.body))
    {
        let selector = Selector::from_keys(link.path.clone());
        let text = format!("`json_link`, from `{}`", selector.as_str());
        return Ok(chosen(Kind::JsonLink(selector), &text));
    }
    let count = u64::try_from(answer.records.len()).unwrap_or(u64::MAX);
    let total = members
        .iter()
        .find(|member| member.is_named(&TOTAL_NAMES) && member.number(answer.body).is_some());
    if let Some(total) = total
        && let Some((kind, text)) = offset(total, &members, answer, count)
    {
        return Ok(chosen(kind, &text));
    }
    let pages = members
        .iter()
        .find(|member| member.is_named(&PAGES_NAMES) && member.number(answer.body).is_some());
    if let Some(pages) = pages
        && let Some((kind, text)) = page_number(pages, &members, answer)
    {
        return Ok(chosen(kind, &text));
    }
    if let Some(cursor) = members
        .iter()
        .find(|member| member.is_next() && member.is_cursor(answer.body))
    {
        let cursor_path = Selector::from_keys(cursor.path.clone());
        let text = format!("`cursor`, from `{}`", cursor_path.as_str());
        let cursor_param = "cursor".to_owned();
        let plan = CursorPlan {
            cursor_path,
            cursor_param,
            stop_after_empty_page: false,
            has_more_path: None,
        };
        return Ok(chosen(Kind::Cursor(plan), &text));
    }
    let short = |member: &&Member, least: u64| {
        member
            .number(answer.body)
            .is_some_and(|number| number > least)
    };
    let more = total
        .filter(|total| short(total, count))
        .or(pages.filter(|pages| short(pages, 1)));
    match more {
        Some(member) => Err(PagerError::Undetected {
            path: Selector::from_keys(member.path.clone()).as_str().to_owned(),
            records: count,
        }),
        None => Ok(chosen(Kind::SinglePage, "`single_page`")),
    }
}

fn chosen(kind: Kind, text: &str) -> (Kind, Option<String>) {
    (kind, Some(format!("detected paginator: {text}")))
}

/// A total beside an offset or a limit.
fn offset(
    total: &Member,
    members: &[Member],
    answer: &Answer<'_>,
    count: u64,
) -> Option<(Kind, String)> {
    let beside = |name: &str| {
        members
            .iter()
            .find(|member| member.is_beside(total) && member.is_named(&[name]))
    };
    let number = |name: &str| beside(name).and_then(|member| member.number(answer.body));
    let (offset, limit) = (number("offset"), number("limit"));
    if offset.is_none() && limit.is_none() {
        return None;
    }
    let total_path = Selector::from_keys(total.path.clone());
    let text = format!("`offset`, from `{}`", total_path.as_str());
    let plan = OffsetPlan {
        limit: limit.filter(|limit| *limit > 0).unwrap_or(count.max(1)),
        offset: offset.unwrap_or(0),
        offset_param: "offset".to_owned(),
        limit_param: "limit".to_owned(),
        total_path: Some(total_path),
        maximum_offset: None,
        stop_after_empty_page: true,
        has_more_path: None,
    };
    Some((Kind::Offset(Offset::new(plan)), text))
}

/// A total of pages beside the number of this page, which tells where the API begins to count.
fn page_number(pages: &Member, members: &[Member], answer: &Answer<'_>) -> Option<(Kind, String)> {
    let names = ["page", "current_page", "page_number"];
    let this = members
        .iter()
        .find(|member| member.is_beside(pages) && member.is_named(&names))?;
    let page = this.number(answer.body).filter(|page| *page <= 1)?;
    let total_path = Selector::from_keys(pages.path.clone());
    let text = format!("`page_number`, from `{}`", total_path.as_str());
    let plan = PageNumberPlan {
        base_page: page,
        page,
        page_param: "page".to_owned(),
        total_path: Some(total_path),
        maximum_page: None,
        stop_after_empty_page: true,
        has_more_path: None,
    };
    Some((Kind::PageNumber(PageNumber::new(plan)), text))
}

/// A scalar in the body, outside of lists and records.
struct Member {
    path: Vec<String>,
    range: Range<usize>,
}

impl Member {
    fn is_named(&self, names: &[&str]) -> bool {
        self.path
            .last()
            .is_some_and(|key| names.iter().any(|name| key.eq_ignore_ascii_case(name)))
    }

    /// Whether the key begins with `next`, or the value is the `href` or `url` of such a key.
    fn is_next(&self) -> bool {
        let begins = |key: &String, word: &str| key.to_ascii_lowercase().starts_with(word);
        match self.path.as_slice() {
            [.., key] if begins(key, "next") => true,
            [.., outer, key] => {
                begins(outer, "next") && (begins(key, "href") || begins(key, "url"))
            }
            _ => false,
        }
    }

    fn is_beside(&self, other: &Self) -> bool {
        self.path.split_last().map(|(_, outer)| outer)
            == other.path.split_last().map(|(_, outer)| outer)
    }

    fn is_link(&self, body: &[u8]) -> bool {
        let raw = &body[self.range.clone()];
        let text = raw
            .first()
            .filter(|first| **first == b'"')
            .and_then(|_| scalar::text(raw));
        text.is_some_and(|text| text.starts_with("http") || text.starts_with('/'))
    }

    fn is_cursor(&self, body: &[u8]) -> bool {
        scalar::text(&body[self.range.clone()]).is_some_and(|text| !text.is_empty())
    }

    fn number(&self, body: &[u8]) -> Option<u64> {
        scalar::whole_number(Some(&body[self.range.clone()]))
    }
}

fn members(answer: &Answer<'_>) -> Vec<Member> {
    let records: HashSet<usize> = answer.records.iter().map(|record| record.start).collect();
    let mut walk = Walk {
        json: Jiter::new(answer.body),
        path: Vec::new(),
        records,
        members: Vec::new(),
    };
    // The body is known to be JSON, so that the walk reaches its end.
    let walked = walk.json.peek().and_then(|peek| walk.value(peek));
    debug_assert!(walked.is_ok());
    walk.members
}

struct Walk<'body> {
    json: Jiter<'body>,
    path: Vec<String>,
    /// Where records begin.
    records: HashSet<usize>,
    members: Vec<Member>,
}

impl Walk<'_> {
    fn value(&mut self, peek: Peek) -> JiterResult<()> {
        let start = self.json.current_index();
        if peek == Peek::Object && self.path.len() < LONGEST_PATH && !self.records.contains(&start)
        {
            let mut key = self.json.known_object()?.map(str::to_owned);
            while let Some(name) = key {
                self.path.push(name);
                let peek = self.json.peek()?;
                self.value(peek)?;
                self.path.pop();
                key = self.json.next_key()?.map(str::to_owned);
            }
            return Ok(());
        }
        self.json.known_skip(peek)?;
        if peek != Peek::Object && peek != Peek::Array {
            self.members.push(Member {
                path: self.path.clone(),
                range: start..self.json.current_index(),
            });
        }
        Ok(())
    }
}
