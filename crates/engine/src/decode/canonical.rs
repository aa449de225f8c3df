//! JSON text in the canonical form that columns of JSON hold; see [`render_json`](crate::schema::render_json).

use super::walk::{Fault, Problem, Read, Walk};
use crate::json::Peek;
use crate::schema::{ExactNumber, write_json_string};

/// Writes the canonical form of a JSON value.
pub(super) fn canonical_json(text: &str) -> Read<String> {
    let mut walk = Walk::new(text.as_bytes(), &[]);
    let mut canonical = String::new();
    let peek = walk.json.peek()?;
    write_value(&mut walk, peek, &mut canonical)?;
    Ok(canonical)
}

fn write_value(walk: &mut Walk<'_>, peek: Peek, text: &mut String) -> Read {
    match peek {
        Peek::Null => {
            walk.json.known_null()?;
            text.push_str("null");
        }
        Peek::True | Peek::False => {
            text.push_str(if walk.json.known_bool(peek)? {
                "true"
            } else {
                "false"
            });
        }
        Peek::String => write_json_string(walk.json.known_str()?, text),
        Peek::Object => write_object(walk, text)?,
        Peek::Array => {
            text.push('[');
            let mut next = walk.json.known_array()?;
            let mut first = true;
            while let Some(peek) = next {
                if !first {
                    text.push(',');
                }
                first = false;
                write_value(walk, peek, text)?;
                next = walk.json.array_step()?;
            }
            text.push(']');
        }
        Peek::Number => {
            let index = walk.json.current_index();
            let number = ExactNumber::parse(walk.json.known_number()?.as_bytes());
            let immense = || Fault::new(Problem::ImmenseExponent, index);
            text.push_str(&number.ok_or_else(immense)?.canonical());
        }
    }
    Ok(())
}

fn write_object(walk: &mut Walk<'_>, text: &mut String) -> Read {
    let start = walk.json.current_index();
    let mut members: Vec<(String, String)> = Vec::new();
    let mut key = walk.json.known_object()?.map(str::to_owned);
    while let Some(name) = key {
        let peek = walk.json.peek()?;
        let mut value = String::new();
        write_value(walk, peek, &mut value).map_err(|fault| fault.under_key(&name))?;
        members.push((name, value));
        key = walk.json.next_key()?.map(str::to_owned);
    }
    members.sort();
    members.dedup();
    if let Some([(key, _), _]) = members
        .array_windows()
        .find(|[left, right]| left.0 == right.0)
    {
        return Err(Fault::new(Problem::DuplicateKey, start).under_key(key));
    }
    text.push('{');
    let mut first = true;
    for (name, value) in members.iter().filter(|(_, value)| value != "null") {
        if !first {
            text.push(',');
        }
        first = false;
        write_json_string(name, text);
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    Ok(())
}
