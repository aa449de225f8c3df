//! Bodies that are a page of records rather than one record.

use super::BodyError;
use super::scan::{DEPTH_LIMIT, malformed};
use crate::json::{Peek, Reader};

/// Words in the names of members that tell of paging; a name is compared without case, `_` and `-`.
const PAGING_NAMES: [&str; 25] = [
    "next",
    "nextpage",
    "nexturl",
    "nextlink",
    "nextcursor",
    "nextpagetoken",
    "previous",
    "prev",
    "hasmore",
    "more",
    "total",
    "totalcount",
    "totalpages",
    "totalitems",
    "totalresults",
    "count",
    "page",
    "pages",
    "pagesize",
    "perpage",
    "limit",
    "offset",
    "cursor",
    "size",
    "object",
];

/// The list of records within a body that tells of nothing but paging beside it; `None` where the body is a record.
///
/// An object with members of its own (an `id`, a `name`) is a record, whatever lists it has.
pub(super) fn list_within(body: &[u8]) -> Result<Option<String>, BodyError> {
    let mut json = Reader::of_bytes(body);
    if json.peek().map_err(malformed)? != Peek::Object {
        return Ok(None);
    }
    let mut list = None;
    let mut key = json.known_object().map_err(malformed)?.map(str::to_owned);
    while let Some(name) = key {
        let peek = json.peek().map_err(malformed)?;
        if peek == Peek::Array && list.is_none() && is_list_of_objects(&mut json)? {
            list = Some(name);
        } else {
            if peek != Peek::Array {
                json.skip(peek, DEPTH_LIMIT).map_err(malformed)?;
            }
            // Objects beside the list (`meta`, `links`) are part of the envelope.
            if peek != Peek::Object && !tells_of_paging(&name) {
                return Ok(None);
            }
        }
        key = json.next_key().map_err(malformed)?.map(str::to_owned);
    }
    Ok(list)
}

/// Passes over a list.
fn is_list_of_objects(json: &mut Reader<'_>) -> Result<bool, BodyError> {
    let mut next = json.known_array().map_err(malformed)?;
    let mut only_objects = next.is_some();
    while let Some(peek) = next {
        only_objects &= peek == Peek::Object;
        json.skip(peek, DEPTH_LIMIT).map_err(malformed)?;
        next = json.array_step().map_err(malformed)?;
    }
    Ok(only_objects)
}

/// Whether a member of that name tells of paging rather than of a record.
pub(crate) fn tells_of_paging(name: &str) -> bool {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    let word: String = letters.flat_map(char::to_lowercase).collect();
    PAGING_NAMES.contains(&word.as_str()) || word.ends_with("nextlink")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_has_nothing_of_its_own() {
        let check = |body: &str, expected: Option<&str>| {
            let found = list_within(body.as_bytes()).unwrap();
            assert_eq!(found.as_deref(), expected, "{body}");
        };
        check(r#"{"data":[{"a":1}]}"#, Some("data"));
        check(
            r#"{"next":null,"total":2,"orders":[{}],"meta":{"page":1}}"#,
            Some("orders"),
        );
        check(r#"{"value":[{}],"@odata.nextLink":"x"}"#, Some("value"));
        check(r#"{"id":1,"total":5,"items":[{}]}"#, None);
        check(r#"{"id":1}"#, None);
        check(r#"{"tags":["a"]}"#, None);
        check(r#"{"data":[]}"#, None);
        check(r#"{"data":{"id":1}}"#, None);
        check(r#"[{"id":1}]"#, None);
    }
}
