//! The fields of a record that child resources use.

use serde_json::Value;

use super::Error;
use super::walk::{Fault, Read, Walk, find};
use crate::flow::{ParentFields, Slice};
use crate::json::Peek;
use crate::plan::{FieldPath, ParentField, Selector};
use crate::schema::ExactNumber;

/// Paths that an error shows.
const PATHS_SHOWN: usize = 30;

/// The fields of a record that other resources use; `None` where there are none.
///
/// What the record itself includes from its parents can be named like a field of its own.
pub(super) fn parent_fields(
    wanted: &[ParentField],
    slice: &Slice,
    record: usize,
    data: &[u8],
) -> Result<Option<ParentFields>, Error> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let fault = |fault: Box<Fault>| fault.into_error(record, data);
    let mut fields = ParentFields::new();
    for field in wanted {
        let found = text_at(data, &field.path).map_err(fault)?;
        let found = found.or_else(|| included(slice, &field.path));
        if field.required && found.is_none_or(|text| text == "null") {
            return Err(Error::MissingParentKey {
                record,
                path: field.path.as_str().to_owned(),
                available: paths(data).map_err(fault)?.join("`, `"),
            });
        }
        if let Some(text) = found {
            // The text itself, so that no number changes.
            fields.insert(field.path.as_str().to_owned(), text.to_owned());
        }
    }
    Ok(Some(fields))
}

/// The JSON text of a column that the slice's records include from their parents.
fn included<'s>(slice: &'s Slice, path: &FieldPath) -> Option<&'s str> {
    let [column] = path.keys()? else {
        return None;
    };
    let mut parents = slice.parents.iter();
    parents.find_map(|parent| parent.included.get(column).map(String::as_str))
}

/// The JSON text at a path; of a JSONPath the first match.
fn text_at<'j>(data: &'j [u8], path: &FieldPath) -> Read<Option<&'j str>> {
    if let Some(keys) = path.keys() {
        let found = find(data, keys)?;
        let text = found.and_then(|range| data.get(range));
        // The record has been read already, so that it is JSON.
        return Ok(text.and_then(|text| std::str::from_utf8(text).ok()));
    }
    let text = |selector: &Selector| selector.value(data).ok().flatten();
    let found = path.selector().and_then(text);
    Ok(found.and_then(|text| std::str::from_utf8(text).ok()))
}

/// The value of JSON text as requests take it; `None` for null. A number that no 64-bit type holds exactly stays as it is
/// spelled.
pub(crate) fn key_value(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    match &value {
        Value::Null => None,
        Value::Number(number) => {
            let exact = ExactNumber::parse(number.to_string().as_bytes());
            let same = exact == ExactNumber::parse(text.as_bytes());
            Some(if same {
                value
            } else {
                Value::String(text.to_owned())
            })
        }
        _ => Some(value),
    }
}

/// The paths of a record that are not null, one level of objects deep.
fn paths(data: &[u8]) -> Read<Vec<String>> {
    let mut walk = Walk::new(data, &[]);
    if walk.json.peek()? != Peek::Object {
        return Ok(vec!["value".to_owned()]);
    }
    let mut found = Vec::new();
    let mut key = walk.json.known_object()?.map(str::to_owned);
    while let Some(name) = key {
        let peek = walk.json.peek()?;
        let text = walk.skip(peek, 1)?;
        match serde_json::from_str(text) {
            Ok(Value::Null) => {}
            Ok(Value::Object(members)) => {
                let members = members.iter().filter(|(_, value)| !value.is_null());
                found.extend(members.map(|(member, _)| format!("{name}.{member}")));
            }
            _ => found.push(name),
        }
        key = walk.json.next_key()?.map(str::to_owned);
    }
    found.truncate(PATHS_SHOWN);
    Ok(found)
}
