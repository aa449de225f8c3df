//! Reading single JSON values of an answer.

use serde_json::Value;

/// The name of a value's kind, for messages.
pub(super) fn kind(raw: Option<&[u8]>) -> &'static str {
    match raw.and_then(<[u8]>::first) {
        None => "nothing",
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        Some(b'"') => "a text",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(_) => "a number",
    }
}

/// A whole number of at least 0, also where it is written as text or with a fraction of zero.
pub(super) fn whole_number(raw: Option<&[u8]>) -> Option<u64> {
    let text = text(raw?)?;
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') =>
        {
            digits
        }
        Some(_) => return None,
        None => text,
    };
    digits.parse().ok()
}

/// The text of a text or number.
pub(super) fn text(raw: &[u8]) -> Option<String> {
    match raw.first()? {
        b'"' => serde_json::from_slice(raw).ok(),
        b'-' | b'0'..=b'9' => String::from_utf8(raw.to_vec()).ok(),
        _ => None,
    }
}

/// A text or number as JSON; a number that can't be held exactly as its text.
pub(super) fn exact(raw: &[u8]) -> Option<Value> {
    let text = text(raw)?;
    if raw.first() == Some(&b'"') {
        return Some(Value::String(text));
    }
    let number = serde_json::from_slice::<Value>(raw).ok()?;
    let written = number.to_string();
    Some(if written == text {
        number
    } else {
        Value::String(text)
    })
}

/// A boolean, also where it is written as `yes`, `t`, `1`, `no`, `f`, `0` and the like in any case.
pub(super) fn boolean(raw: Option<&[u8]>) -> Option<bool> {
    match serde_json::from_slice(raw?).ok()? {
        Value::Bool(truth) => Some(truth),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "t" | "y" | "1" => Some(true),
            "no" | "false" | "f" | "n" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers() {
        let read = |raw: &str| whole_number(Some(raw.as_bytes()));
        assert_eq!(
            [read("12"), read("\"12\""), read("12.0"), read("\" 12 \"")],
            [Some(12); 4]
        );
        for none in [
            "-1", "1.5", "1e3", "\"\"", "\"x\"", "null", "true", "[1]", "{}", "1.",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(whole_number(None), None);
    }

    #[test]
    fn keeps_the_type_of_what_can_be_held() {
        let read = |raw: &str| exact(raw.as_bytes()).map(|value| value.to_string());
        for same in ["12", "-3", "0", "1.5", "\"12\"", "18446744073709551615"] {
            assert_eq!(read(same).as_deref(), Some(same));
        }
        for large in ["18446744073709551616", "1.50", "1e3"] {
            assert_eq!(read(large), Some(format!("\"{large}\"")));
        }
        assert_eq!(
            [read("null"), read("{}"), read("true")],
            [const { None }; 3]
        );
    }

    #[test]
    fn reads_booleans() {
        let read = |raw: &str| boolean(Some(raw.as_bytes()));
        assert_eq!(
            [read("true"), read("\"Yes\""), read("\"1\"")],
            [Some(true); 3]
        );
        assert_eq!(
            [read("false"), read("\"F\""), read("\"0\"")],
            [Some(false); 3]
        );
        assert_eq!(
            [read("1"), read("null"), read("\"maybe\""), boolean(None)],
            [None; 4]
        );
    }
}
