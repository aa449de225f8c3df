//! JSON text that is looked at member by member, and written again without some of its values.

use std::ops::Range;

use crate::decode::walk::{Read, Walk};
use crate::json::Peek;
use crate::schema::write_json_string;

/// Calls `each` with the key, the value's text and where that begins, for each member of an object.
pub(super) fn members<'j>(
    text: &'j str,
    depth: usize,
    mut each: impl FnMut(&str, &'j str, usize) -> Read,
) -> Read {
    let mut walk = Walk::new(text.as_bytes(), &[]);
    walk.json.peek()?;
    let mut key = walk.json.known_object()?.map(str::to_owned);
    while let Some(name) = key {
        let peek = walk.json.peek()?;
        let start = walk.json.current_index();
        let value = walk.skip(peek, depth)?;
        each(&name, value, start)?;
        key = walk.json.next_key()?.map(str::to_owned);
    }
    Ok(())
}

/// Calls `each` with the text of each element of a list, and where it begins.
pub(super) fn elements<'j>(
    text: &'j str,
    depth: usize,
    mut each: impl FnMut(&'j str, usize) -> Read,
) -> Read {
    let mut walk = Walk::new(text.as_bytes(), &[]);
    walk.json.peek()?;
    let mut next = walk.json.known_array()?;
    while let Some(peek) = next {
        let start = walk.json.current_index();
        let value = walk.skip(peek, depth)?;
        each(value, start)?;
        next = walk.json.array_step()?;
    }
    Ok(())
}

/// What the text of a value begins with.
pub(super) fn peek(text: &str) -> Read<Peek> {
    Ok(Walk::new(text.as_bytes(), &[]).json.peek()?)
}

/// Writes a value that begins at `start` without the members whose values lie at `cuts`; all else keeps its spelling.
///
/// Cuts come in the order of the text, and none lies in another.
pub(super) fn write_without(
    text: &str,
    start: usize,
    depth: usize,
    cuts: &[Range<usize>],
    written: &mut String,
) -> Read {
    let first = cuts.partition_point(|cut| cut.start < start);
    let behind = cuts.partition_point(|cut| cut.start < start + text.len());
    let cuts = cuts.get(first..behind).unwrap_or_default();
    if cuts.is_empty() {
        written.push_str(text);
        return Ok(());
    }
    let mut is_first = true;
    let mut separate = |written: &mut String| {
        if !is_first {
            written.push(',');
        }
        is_first = false;
    };
    if peek(text)? == Peek::Array {
        written.push('[');
        elements(text, depth, |value, at| {
            separate(written);
            write_without(value, start + at, depth + 1, cuts, written)
        })?;
        written.push(']');
    } else {
        written.push('{');
        members(text, depth, |key, value, at| {
            let place = start + at..start + at + value.len();
            let is_cut = cuts.binary_search_by_key(&place.start, |cut| cut.start);
            if is_cut.is_ok() {
                return Ok(());
            }
            separate(written);
            write_json_string(key, written);
            written.push(':');
            write_without(value, place.start, depth + 1, cuts, written)
        })?;
        written.push('}');
    }
    Ok(())
}
