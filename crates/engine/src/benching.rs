//! What the benchmarks measure of private parts.

use crate::json::{JsonResult, Peek, Reader};

/// Reads every key, text and number of a JSON document with the pull parser; gives their bytes, `None` for what is no JSON.
pub fn parse(text: &str) -> Option<usize> {
    let mut json = Reader::new(text);
    let mut bytes = 0;
    json.peek()
        .and_then(|peek| read(&mut json, peek, &mut bytes))
        .and_then(|()| json.finish())
        .ok()?;
    Some(bytes)
}

fn read(json: &mut Reader<'_>, peek: Peek, bytes: &mut usize) -> JsonResult {
    match peek {
        Peek::Null => json.known_null()?,
        Peek::True | Peek::False => *bytes += usize::from(json.known_bool(peek)?),
        Peek::Number => *bytes += json.known_number()?.len(),
        Peek::String => *bytes += json.known_str()?.len(),
        Peek::Array => {
            let mut next = json.known_array()?;
            while let Some(element) = next {
                read(json, element, bytes)?;
                next = json.array_step()?;
            }
        }
        Peek::Object => {
            let mut next = json.known_object()?.map(str::len);
            while let Some(key) = next {
                *bytes += key;
                let value = json.peek()?;
                read(json, value, bytes)?;
                next = json.next_key()?.map(str::len);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn all_of_a_document_is_read() {
        assert_eq!(
            parse(r#" {"ab": [1, -2.5, null], "c": {"d": "ef\n"}} "#),
            Some(12)
        );
        assert_eq!(parse("[1,]"), None);
        assert_eq!(parse("1 2"), None);
    }
}
