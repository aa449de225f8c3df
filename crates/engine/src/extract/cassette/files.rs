//! The files of a cassette's bodies.

use std::fs;
use std::io;
use std::path::Path;

use serde::de::IgnoredAny;
use xxhash_rust::xxh3::xxh3_128;

/// Bodies from this size on are compressed, in bytes.
const COMPRESSED_FROM: usize = 256 * 1024;

/// The levels of objects and lists whose members have a line each.
const LEVELS_IN_LINES: usize = 2;

const ZSTD_LEVEL: i32 = 9;

/// A body as it is kept: without secrets.
pub(super) struct BodyText {
    bytes: Vec<u8>,
    kind: &'static str,
}

impl BodyText {
    /// JSON in one line gets line breaks between its values, so that a difference shows; the values stay as they are.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let Ok(text) = str::from_utf8(&bytes) else {
            return Self { bytes, kind: "bin" };
        };
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Self { bytes, kind: "txt" };
        }
        let bytes = if text.contains('\n') {
            bytes
        } else {
            in_lines(text).into_bytes()
        };
        Self {
            bytes,
            kind: "json",
        }
    }
}

/// The file of a body, relative to the cassette.
pub(super) fn body_file(body: &BodyText) -> String {
    let compressed = if body.bytes.len() >= COMPRESSED_FROM {
        ".zst"
    } else {
        ""
    };
    let hash = xxh3_128(&body.bytes);
    format!("bodies/{hash:032x}.{}{compressed}", body.kind)
}

/// Writes a body where it isn't there yet. Blocks.
pub(super) fn write_body(folder: &Path, body: &BodyText) -> io::Result<String> {
    let name = body_file(body);
    let path = folder.join(&name);
    if !path.exists() {
        fs::create_dir_all(folder.join("bodies"))?;
        if is_compressed(&name) {
            fs::write(path, zstd::encode_all(&*body.bytes, ZSTD_LEVEL)?)?;
        } else {
            fs::write(path, &body.bytes)?;
        }
    }
    Ok(name)
}

/// Reads a body back. Blocks.
pub(super) fn read_body(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let is_inside = name
        .strip_prefix("bodies/")
        .is_some_and(|rest| !rest.contains(['/', '\\']) && rest != "..");
    if !is_inside {
        let problem = format!("`{name}` is no file of a cassette's `bodies`");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let bytes = fs::read(folder.join(name))?;
    if is_compressed(name) {
        return zstd::decode_all(&*bytes);
    }
    Ok(bytes)
}

fn is_compressed(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|ending| ending == "zst")
}

/// JSON with a line for each member of the outer levels.
fn in_lines(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + json.len() / 8);
    let mut depth = 0_usize;
    let (mut in_string, mut is_escaped) = (false, false);
    let mut just_opened = false;
    let break_line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', depth));
    };
    for letter in json.chars() {
        if in_string {
            text.push(letter);
            in_string = is_escaped || letter != '"';
            is_escaped = !is_escaped && letter == '\\';
            continue;
        }
        let closes = matches!(letter, ']' | '}');
        if just_opened && !closes && depth <= LEVELS_IN_LINES {
            break_line(&mut text, depth);
        }
        if closes {
            if !just_opened && depth <= LEVELS_IN_LINES {
                break_line(&mut text, depth.saturating_sub(1));
            }
            depth = depth.saturating_sub(1);
        }
        text.push(letter);
        just_opened = matches!(letter, '[' | '{');
        match letter {
            '[' | '{' => depth += 1,
            '"' => in_string = true,
            ',' if depth <= LEVELS_IN_LINES => break_line(&mut text, depth),
            _ => {}
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_levels_have_lines() {
        insta::assert_snapshot!(in_lines(r#"{"people":[{"id":1,"n":"a,\"}"},{"id":2}],"empty":{},"total":2}"#), @r#"
        {
         "people":[
          {"id":1,"n":"a,\"}"},
          {"id":2}
         ],
         "empty":{},
         "total":2
        }
        "#);
        assert_eq!(in_lines("17"), "17\n");
    }

    #[test]
    fn bodies_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("\"{}\"", "x".repeat(COMPRESSED_FROM));
        for (body, ending) in [
            ("{}", ".json"),
            ("<html>", ".txt"),
            (long.as_str(), ".json.zst"),
        ] {
            let text = BodyText::new(body.as_bytes().to_vec());
            let name = write_body(folder.path(), &text).unwrap();
            assert!(name.ends_with(ending), "{name}");
            let read = read_body(folder.path(), &name).unwrap();
            assert_eq!(String::from_utf8(read).unwrap().trim_end(), body);
        }
        for outside in ["../cassette.json", "bodies/../x", "bodies/..", "/etc/hosts"] {
            assert!(read_body(folder.path(), outside).is_err(), "{outside}");
        }
    }
}
