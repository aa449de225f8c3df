//! Strings: where they end, and what their escapes stand for.

use super::{JsonError, JsonResult, Problem};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The first byte from `index` on that is a quotation mark, a backslash or a control character; the end if none is.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut index: usize) -> usize {
    while let Some(eight) = bytes.get(index..).and_then(<[u8]>::first_chunk) {
        let found = ends_of_plain(u64::from_le_bytes(*eight));
        if found != 0 {
            return index + found.trailing_zeros() as usize / 8;
        }
        index += 8;
    }
    let rest = bytes.get(index..).unwrap_or_default();
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | ..=0x1F));
    index + end.unwrap_or(rest.len())
}

/// The high bit of each byte that is a quotation mark, a backslash or a control character, and perhaps of bytes above the
/// first such: subtracting borrows from the byte above only where a byte is found.
#[inline]
fn ends_of_plain(word: u64) -> u64 {
    let marks = (word ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
    let escapes = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    let controls = word.wrapping_sub(ONES * u64::from(b' '));
    (marks | escapes | controls) & !word & HIGH_BITS
}

/// Whether some bytes begin with a short text: eight or four bytes at a time, without a call. The last ones compared may
/// have been compared before.
#[inline]
pub(super) fn begins_with(bytes: &[u8], text: &[u8]) -> bool {
    let Some(bytes) = bytes.get(..text.len()) else {
        return false;
    };
    if let (Some(last), Some(same_last)) = (text.last_chunk::<8>(), bytes.last_chunk()) {
        let mut rests = (text, bytes);
        while let (Some((eight, text)), Some((same, bytes))) = (
            rests.0.split_first_chunk::<8>(),
            rests.1.split_first_chunk(),
        ) {
            if eight != same {
                return false;
            }
            rests = (text, bytes);
        }
        return last == same_last;
    }
    if let (Some(four), Some(same)) = (text.last_chunk::<4>(), bytes.last_chunk()) {
        return four == same && text.first_chunk::<4>() == bytes.first_chunk();
    }
    text.iter().zip(bytes).all(|(one, other)| one == other)
}

/// Puts what a string stands for into `unescaped`, and gives the index behind its closing mark.
///
/// The string begins at `start`, and is plain up to `index`.
pub(super) fn unescape(
    text: &str,
    start: usize,
    mut index: usize,
    unescaped: &mut String,
) -> JsonResult<usize> {
    let bytes = text.as_bytes();
    let fault = |index, reason| JsonError {
        index,
        problem: Problem::Malformed(reason),
    };
    unescaped.clear();
    let mut plain = start;
    loop {
        unescaped.push_str(text.get(plain..index).unwrap_or_default());
        match bytes.get(index) {
            Some(b'"') => return Ok(index + 1),
            Some(b'\\') => {}
            Some(_) => {
                let reason = "control character (\\u0000-\\u001F) found while parsing a string";
                return Err(fault(index, reason));
            }
            None => return Err(fault(index, "EOF while parsing a string")),
        }
        index += 1;
        let character = match bytes.get(index) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (character, last) = unicode(bytes, index)
                    .map_err(|(index, reason)| fault(index.min(bytes.len()), reason))?;
                index = last;
                character
            }
            Some(_) => return Err(fault(index, "invalid escape")),
            None => return Err(fault(index, "EOF while parsing a string")),
        };
        unescaped.push(character);
        index += 1;
        plain = index;
        index = plain_end(bytes, index);
    }
}

/// The character of `\uXXXX` or of two such that are a surrogate pair, and its last byte; `u` is where the letter is.
fn unicode(bytes: &[u8], u: usize) -> Result<(char, usize), (usize, &'static str)> {
    let first = hex(bytes, u)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, u + 4));
    }
    let lone = (u + 4, "lone leading surrogate in hex escape");
    if bytes.len() <= u + 6 {
        return Err((bytes.len(), "EOF while parsing a string"));
    }
    if first >= 0xDC00 || bytes[u + 5] != b'\\' || bytes[u + 6] != b'u' {
        return Err(lone);
    }
    let second = hex(bytes, u + 6)?;
    if !(0xDC00..0xE000).contains(&second) {
        return Err(lone);
    }
    let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    char::from_u32(code)
        .map(|character| (character, u + 10))
        .ok_or(lone)
}

/// The four hexadecimal digits behind `u`.
fn hex(bytes: &[u8], u: usize) -> Result<u32, (usize, &'static str)> {
    let mut value = 0;
    for index in u + 1..=u + 4 {
        let digit = bytes
            .get(index)
            .ok_or((index, "EOF while parsing a string"))?;
        let digit = char::from(*digit).to_digit(16);
        value = value << 4 | digit.ok_or((index, "invalid escape"))?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_beginning_is_compared() {
        let text = b"\"a_long_key_of_an_object\"";
        for length in 0..=text.len() {
            let beginning = &text[..length];
            assert!(begins_with(text, beginning), "{length}");
            assert_eq!(begins_with(beginning, text), length == text.len());
            for place in 0..length {
                let mut other = beginning.to_vec();
                other[place] ^= 1;
                assert!(!begins_with(text, &other), "{place} of {length}");
            }
        }
    }

    #[test]
    fn every_byte_of_a_string_is_looked_at() {
        for byte in 0..=u8::MAX {
            let ends = matches!(byte, b'"' | b'\\' | ..=0x1F);
            for place in 0..20 {
                // What surrounds it lies at the borders of what is found, and must not hide it.
                for other in [b' ', b'!', b'#', b'[', b']', 0x7F, 0x80, 0xA2, 0xDC, 0xFF] {
                    let mut text = [other; 20];
                    text[place] = byte;
                    let end = if ends { place } else { text.len() };
                    assert_eq!(plain_end(&text, 0), end, "{byte} at {place}");
                }
            }
        }
    }
}
