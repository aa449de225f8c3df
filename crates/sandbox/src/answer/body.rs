//! Puts the body of a page together.

use serde_json::{Map, Value};

use super::page::{Next, Page};
use crate::{
    data::{Records, World},
    fixture::{Body, Member},
};

/// What holds the records' place until they are put in; the control characters keep it apart from any text of an API.
const PLACEHOLDER: &str = "\u{1}records\u{1}";

/// What stands around the records of a page.
pub(super) struct Around<'a> {
    pub(super) body: &'a Body,
    pub(super) page: &'a Page,
    /// The member with a job's status, and its value.
    pub(super) status: Option<(&'a str, &'a str)>,
    pub(super) next: Option<&'a Next>,
}

/// The body of a page: the rows of the page out of those selected, or out of all.
pub(super) fn compose(
    world: &World,
    records: &Records,
    rows: Option<&[u32]>,
    around: &Around,
) -> Vec<u8> {
    let page = around.page;
    let start = page.offset.min(page.total);
    let row_of = |place: usize| rows.map_or(place, |rows| rows[place] as usize);
    let rows = (start..start + page.count()).map(row_of);
    let envelope = envelope(world, around);
    let (before, after) = match &envelope {
        None => ("", ""),
        Some(text) => {
            let placeholder = Value::from(PLACEHOLDER).to_string();
            let place = text.find(&placeholder).unwrap_or(text.len());
            let (before, rest) = text.split_at(place);
            (before, rest.get(placeholder.len()..).unwrap_or_default())
        }
    };
    let mut bytes = before.as_bytes().to_vec();
    put_records(records, rows, around.body.keyed_by.as_deref(), &mut bytes);
    bytes.extend_from_slice(after.as_bytes());
    bytes
}

/// The body of a job that has no records: its status and the members that count none.
pub(super) fn without_records(body: &Body, status_at: &str, status: &str, world: &World) -> Value {
    let mut envelope = Value::Object(Map::new());
    put_at(&mut envelope, status_at, Value::from(status));
    for (name, member) in &body.members {
        match member {
            Member::Now => put_at(&mut envelope, name, Value::from(world.now.as_second())),
            Member::Constant(value) => put_at(&mut envelope, name, value.clone()),
            _ => {}
        }
    }
    envelope
}

fn envelope(world: &World, around: &Around) -> Option<String> {
    let records_at = around.body.records_at.as_deref()?;
    let mut envelope = Value::Object(Map::new());
    if let Some((member, status)) = around.status {
        put_at(&mut envelope, member, Value::from(status));
    }
    put_at(&mut envelope, records_at, Value::from(PLACEHOLDER));
    for (name, member) in &around.body.members {
        put_at(&mut envelope, name, value_of(member, world, around.page));
    }
    if let Some(Next::Member(member, value)) = around.next {
        put_at(&mut envelope, member, Value::from(value.clone()));
    }
    Some(envelope.to_string())
}

fn value_of(member: &Member, world: &World, page: &Page) -> Value {
    match member {
        Member::Total => page.total.into(),
        Member::Pages => page.pages().into(),
        Member::Count => page.count().into(),
        Member::Limit => page.limit.into(),
        Member::Offset => page.offset.into(),
        Member::Page => page.number().into(),
        Member::HasMore => page.end().is_some().into(),
        Member::Now => world.now.as_second().into(),
        Member::Constant(value) => value.clone(),
        Member::Records(other) => {
            let Some(records) = world.records(&other.collection) else {
                return Value::Null;
            };
            let mut bytes = Vec::new();
            put_records(
                records,
                0..records.len(),
                other.keyed_by.as_deref(),
                &mut bytes,
            );
            serde_json::from_slice(&bytes).unwrap_or_default()
        }
    }
}

/// Puts a value at a path with dots.
fn put_at(envelope: &mut Value, path: &str, value: Value) {
    let mut place = envelope;
    for name in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
    }
    *place = value;
}

fn put_records(
    records: &Records,
    rows: impl Iterator<Item = usize> + Clone,
    keyed_by: Option<&str>,
    bytes: &mut Vec<u8>,
) {
    bytes.reserve(rows.clone().map(|row| records.record(row).len() + 48).sum());
    bytes.push(if keyed_by.is_some() { b'{' } else { b'[' });
    for (place, row) in rows.enumerate() {
        if place > 0 {
            bytes.push(b',');
        }
        if let Some(field) = keyed_by {
            let key = records.field(field, row).unwrap_or(b"null");
            if key.first() == Some(&b'"') {
                bytes.extend_from_slice(key);
            } else {
                bytes.push(b'"');
                bytes.extend_from_slice(key);
                bytes.push(b'"');
            }
            bytes.push(b':');
        }
        bytes.extend_from_slice(records.record(row));
    }
    bytes.push(if keyed_by.is_some() { b'}' } else { b']' });
}
