//! The fields of a record that child resources use.

use std::collections::BTreeMap;

use jiter::Peek;
use serde_json::Value;

use super::Error;
use super::walk::{Read, Walk};
use crate::flow::ParentRecord;
use crate::plan::DecodePlan;
use crate::schema::ExactNumber;

/// Paths that an error shows.
const PATHS_SHOWN: usize = 30;

/// The parent record that a record is for the children of its resource; `None` where there are none.
pub(super) fn parent_record(
    plan: &DecodePlan,
    record: usize,
    data: &[u8],
) -> Result<Option<ParentRecord>, Error> {
    if plan.parent_key_paths.is_empty() && plan.parent_included.is_empty() {
        return Ok(None);
    }
    let fault = |fault: Box<super::walk::Fault>| fault.into_error(record, data);
    let mut parent = ParentRecord {
        resource: plan.resource.clone(),
        key: BTreeMap::new(),
        included: BTreeMap::new(),
    };
    for path in &plan.parent_key_paths {
        let keys: Vec<&str> = path.split('.').collect();
        let Some(value) = find(data, &keys).map_err(fault)?.and_then(value) else {
            let available = paths(data).map_err(fault)?.join("`, `");
            let path = path.clone();
            return Err(Error::MissingParentKey {
                record,
                path,
                available,
            });
        };
        parent.key.insert(path.clone(), value);
    }
    for field in &plan.parent_included {
        // The text itself, so that no number changes.
        if let Some(text) = find(data, &[field]).map_err(fault)?
            && text != "null"
        {
            parent.included.insert(field.clone(), text.to_owned());
        }
    }
    Ok(Some(parent))
}

/// The JSON text at a path. A record that is no object has its only value under `value`.
fn find<'j>(data: &'j [u8], path: &[&str]) -> Read<Option<&'j str>> {
    let mut walk = Walk::new(data, &[]);
    let mut peek = walk.json.peek()?;
    let steps = match path {
        ["value", rest @ ..] if peek != Peek::Object => rest,
        path => path,
    };
    for step in steps {
        if peek != Peek::Object {
            return Ok(None);
        }
        let mut is_step = walk.json.known_object()?.map(|key| key == *step);
        while is_step == Some(false) {
            let peek = walk.json.peek()?;
            walk.skip(peek, 1)?;
            is_step = walk.json.next_key()?.map(|key| key == *step);
        }
        if is_step.is_none() {
            return Ok(None);
        }
        peek = walk.json.peek()?;
    }
    Ok(Some(walk.skip(peek, 1)?))
}

/// The value of JSON text; `None` for null. A number that no 64-bit type holds exactly stays as it is spelled.
fn value(text: &str) -> Option<Value> {
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
