//! Which part of a list a request gets, and how it asks for the next.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Asked, BadParameter, Parameters};
use crate::fixture::{DEFAULT_PAGE_SIZE, PageStyle, Paging};

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// How many records come before it.
    pub(super) offset: usize,
    /// The most records that it has.
    pub(super) limit: usize,
    /// How many records the list has.
    pub(super) total: usize,
    /// The number of the first page.
    first: u64,
}

/// How to ask for the page after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// A member of the body; none after the last page.
    Member(String, Option<String>),
    /// A header by its name, with its value.
    Header(String, String),
}

impl Page {
    /// The page that a request asks for, with its limit clamped; `place_of` finds the record with a key.
    pub(super) fn read(
        paging: &Paging,
        parameters: &Parameters,
        total: usize,
        place_of: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, BadParameter> {
        let first = paging.first_page.unwrap_or(1);
        if paging.style == PageStyle::Single {
            return Ok(Self {
                offset: 0,
                limit: total,
                total,
                first,
            });
        }
        let maximum = paging.maximum_size.unwrap_or(u64::MAX);
        let default = paging
            .default_size
            .unwrap_or(DEFAULT_PAGE_SIZE.min(maximum));
        let limit = parameters
            .number(size_parameter(paging))?
            .unwrap_or(default)
            .clamp(1, maximum);
        let parameter = position_parameter(paging);
        let invalid = || BadParameter(format!("Invalid {parameter}"));
        let offset = match paging.style {
            PageStyle::PageNumber => {
                let page = parameters.number(parameter)?.unwrap_or(first);
                page.checked_sub(first)
                    .ok_or_else(invalid)?
                    .saturating_mul(limit)
            }
            PageStyle::StartingAfter => match parameters.get(parameter) {
                Some(key) => place_of(key).ok_or_else(invalid)? as u64 + 1,
                None => 0,
            },
            PageStyle::Cursor | PageStyle::HeaderCursor => match parameters.get(parameter) {
                Some(cursor) => decode_cursor(cursor).ok_or_else(invalid)?,
                None => 0,
            },
            _ => parameters.number(parameter)?.unwrap_or_default(),
        };
        let whole = |number| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Self {
            offset: whole(offset),
            limit: whole(limit),
            total,
            first,
        })
    }

    /// How many records it has.
    pub(super) fn count(&self) -> usize {
        self.limit.min(self.total.saturating_sub(self.offset))
    }

    /// Where the page after it starts; none after the last.
    pub(super) fn end(&self) -> Option<usize> {
        let end = self.offset.saturating_add(self.limit);
        (end < self.total).then_some(end)
    }

    /// Its number.
    pub(super) fn number(&self) -> u64 {
        (self.offset / self.limit.max(1)) as u64 + self.first
    }

    /// How many pages there are.
    pub(super) fn pages(&self) -> usize {
        self.total.div_ceil(self.limit.max(1))
    }

    /// How the answer tells the client to ask for the page after; none in styles that tell nothing.
    pub(super) fn next(&self, paging: &Paging, asked: &Asked, base_url: &str) -> Option<Next> {
        let link = |offset: usize| {
            let query = asked.parameters.query_with(&[
                (size_parameter(paging), self.limit.to_string()),
                (position_parameter(paging), offset.to_string()),
            ]);
            format!("{base_url}/{}?{query}", asked.path)
        };
        let member = || paging.next_at.clone().unwrap_or_default();
        match paging.style {
            PageStyle::Single
            | PageStyle::Offset
            | PageStyle::PageNumber
            | PageStyle::StartingAfter => None,
            PageStyle::HeaderCursor => {
                let cursor = self.end().map(encode_cursor)?;
                Some(Next::Header(member(), cursor))
            }
            PageStyle::Cursor => Some(Next::Member(member(), self.end().map(encode_cursor))),
            PageStyle::JsonLink => Some(Next::Member(member(), self.end().map(link))),
            PageStyle::LinkHeader => {
                let url = self.end().map(link)?;
                let value = format!("<{url}>; rel=\"next\"");
                Some(Next::Header("link".to_owned(), value))
            }
        }
    }
}

impl Next {
    /// What tells this answer from another of the same page.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Member(_, value) => value.as_deref().unwrap_or_default(),
            Self::Header(_, value) => value,
        }
    }

    /// The header's name and value.
    pub(super) fn header(&self) -> Option<(String, String)> {
        match self {
            Self::Header(name, value) => Some((name.clone(), value.clone())),
            Self::Member(..) => None,
        }
    }
}

fn size_parameter(paging: &Paging) -> &str {
    paging.size_parameter.as_deref().unwrap_or("limit")
}

fn position_parameter(paging: &Paging) -> &str {
    paging
        .position_parameter
        .as_deref()
        .unwrap_or(match paging.style {
            PageStyle::PageNumber => "page",
            PageStyle::Cursor | PageStyle::HeaderCursor => "cursor",
            PageStyle::StartingAfter => "starting_after",
            _ => "offset",
        })
}

/// A cursor is opaque, so that no client is tempted to count with it.
fn encode_cursor(offset: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{offset}"))
}

fn decode_cursor(cursor: &str) -> Option<u64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("after:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        paging: &str,
        query: &[(&str, &str)],
        expected: Option<(usize, usize, Option<usize>)>,
    ) {
        let paging: Paging = serde_yaml::from_str(paging).unwrap();
        let pairs = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let page = Page::read(&paging, &Parameters(pairs.collect()), 25, |key| {
            key.strip_prefix('k')?.parse().ok()
        });
        let page = page
            .ok()
            .map(|page| (page.offset, page.count(), page.end()));
        assert_eq!(page, expected, "{query:?}");
    }

    #[test]
    fn a_single_page_has_everything() {
        check("{}", &[("limit", "3")], Some((0, 25, None)));
    }

    #[test]
    fn offsets_are_taken_and_limits_clamped() {
        let paging = "{ style: offset, default_size: 5, maximum_size: 10 }";
        check(paging, &[], Some((0, 5, Some(5))));
        check(
            paging,
            &[("limit", "99"), ("offset", "20")],
            Some((20, 5, None)),
        );
        check(paging, &[("offset", "30")], Some((30, 0, None)));
        check(paging, &[("limit", "many")], None);
    }

    #[test]
    fn pages_are_counted_from_the_first() {
        check(
            "{ style: page_number, default_size: 10 }",
            &[("page", "3")],
            Some((20, 5, None)),
        );
        check(
            "{ style: page_number, default_size: 10 }",
            &[("page", "0")],
            None,
        );
        let paging = "{ style: page_number, default_size: 10, first_page: 0 }";
        check(paging, &[("page", "0")], Some((0, 10, Some(10))));
    }

    #[test]
    fn keys_stand_for_the_place_behind_them() {
        let paging = "{ style: starting_after, key_field: id, default_size: 10 }";
        check(paging, &[], Some((0, 10, Some(10))));
        check(
            paging,
            &[("starting_after", "k9")],
            Some((10, 10, Some(20))),
        );
        check(paging, &[("starting_after", "x")], None);
    }

    #[test]
    fn cursors_come_back_as_they_went() {
        let paging = "{ style: cursor, default_size: 10 }";
        check(
            paging,
            &[("cursor", &encode_cursor(10))],
            Some((10, 10, Some(20))),
        );
        check(paging, &[("cursor", "10")], None);
    }
}
