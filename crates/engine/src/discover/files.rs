//! The files of a new pipeline.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::setup::Setup;
use super::spec_text::SCHEMA_FILE;
use crate::spec::{Secret, pipeline_schema};

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name in the folder.
    pub name: String,
    /// It was there before, and lines were added to it.
    pub was_there: bool,
}

/// Why a file can't be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The spec is there already.
    #[error(
        "`{0}` is there already, and nothing was written: to read more of the API, add a resource to it; `--force` writes \
         the file anew, and another name writes another file"
    )]
    Exists(String),
    /// A secret that a `.env` file can't hold.
    #[error("the value of {0} holds a line break, which a `.env` file can't hold")]
    Unwritable(String),
    /// The system refuses.
    #[error("write `{name}`")]
    Io {
        /// The file's name.
        name: String,
        /// The cause.
        source: std::io::Error,
    },
}

/// Tells where the spec of a pipeline of that name is in a folder already.
pub fn existing(folder: &Path, pipeline: &str) -> Option<FileError> {
    let name = format!("{pipeline}.yaml");
    folder
        .join(&name)
        .exists()
        .then_some(FileError::Exists(name))
}

/// Writes a spec and what belongs to it: `.env` with the secrets, `.env.example`, `.gitignore`, and the JSON Schema for editors.
///
/// Of the files that are there, only the spec is replaced, and only by `force`; the others get the lines that they lack.
///
/// # Errors
/// The spec is there and `force` is not given, or a file can't be written.
pub fn write_files(
    folder: &Path,
    setup: &Setup,
    yaml: &str,
    secrets: &[(String, Secret)],
    force: bool,
) -> Result<Vec<Written>, FileError> {
    if let Some(error) = existing(folder, &setup.name).filter(|_| !force) {
        return Err(error);
    }
    let secret_lines = secrets
        .iter()
        .map(|(name, secret)| Ok(Line::of_variable(name, &quoted(name, secret)?)))
        .collect::<Result<Vec<Line>, FileError>>()?;
    let mut written = vec![create_spec(
        folder,
        &format!("{}.yaml", setup.name),
        yaml,
        force,
    )?];
    let schema = folder.join(SCHEMA_FILE);
    if !schema.exists() {
        let mut text = serde_json::to_string_pretty(&pipeline_schema()).unwrap_or_default();
        text.push('\n');
        written.push(create_spec(folder, SCHEMA_FILE, &text, false)?);
    }
    let examples = setup.variables().into_iter().map(|variable| Line {
        begins: vec![format!("{}=", variable.name)],
        text: format!("# {}\n{}=", variable.meaning, variable.name),
    });
    let examples: Vec<Line> = examples.collect();
    let ignored = [".env", "data/"].map(|name| Line {
        begins: vec![name.to_owned(), format!("/{name}")],
        text: name.to_owned(),
    });
    let heading = "# Copy this file to `.env`, and fill it in.\n";
    written.extend(add_lines(
        folder,
        ".env.example",
        heading,
        &examples,
        false,
    )?);
    written.extend(add_lines(folder, ".env", "", &secret_lines, true)?);
    written.extend(add_lines(folder, ".gitignore", "", &ignored, false)?);
    Ok(written)
}

/// A line that a file is to have.
struct Line {
    /// A line that begins so stands in for it.
    begins: Vec<String>,
    text: String,
}

impl Line {
    fn of_variable(name: &str, value: &str) -> Self {
        Self {
            begins: vec![format!("{name}=")],
            text: format!("{name}={value}"),
        }
    }

    fn is_in(&self, text: &str) -> bool {
        text.lines().any(|line| {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            self.begins
                .iter()
                .any(|begin| match begin.strip_suffix('=') {
                    Some(_) => line.starts_with(begin.as_str()),
                    None => line.trim_end_matches('/') == begin.trim_end_matches('/'),
                })
        })
    }
}

fn create_spec(folder: &Path, name: &str, text: &str, force: bool) -> Result<Written, FileError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let file = options.open(folder.join(name));
    let wrote = file.and_then(|mut file| file.write_all(text.as_bytes()));
    wrote.map_err(|source| io_error(name, source))?;
    Ok(Written {
        name: name.to_owned(),
        was_there: false,
    })
}

/// Adds the lines that a file lacks. One that holds secrets is created for its owner alone.
fn add_lines(
    folder: &Path,
    name: &str,
    heading: &str,
    lines: &[Line],
    is_secret: bool,
) -> Result<Option<Written>, FileError> {
    let path: PathBuf = folder.join(name);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(io_error(name, error)),
    };
    let known = before.as_deref().unwrap_or_default();
    let missing: Vec<&str> = lines
        .iter()
        .filter(|line| !line.is_in(known))
        .map(|line| line.text.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let mut text = if before.is_none() {
        heading.to_owned()
    } else {
        String::new()
    };
    if !known.is_empty() && !known.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&missing.join("\n"));
    text.push('\n');
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    if is_secret {
        for_owner_alone(&mut options);
    }
    let file = options.open(&path);
    let wrote = file.and_then(|mut file| file.write_all(text.as_bytes()));
    wrote.map_err(|source| io_error(name, source))?;
    Ok(Some(Written {
        name: name.to_owned(),
        was_there: before.is_some(),
    }))
}

#[cfg(unix)]
fn for_owner_alone(options: &mut std::fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

/// Other systems give a new file the permissions of its folder.
#[cfg(not(unix))]
fn for_owner_alone(_: &mut std::fs::OpenOptions) {}

/// A secret as a `.env` file holds it.
fn quoted(name: &str, secret: &Secret) -> Result<String, FileError> {
    let text = secret.expose();
    if text.contains(['\n', '\r', '\0']) {
        return Err(FileError::Unwritable(name.to_owned()));
    }
    let is_plain = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':' | '/' | '=')
    };
    if text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    let mut quoted = String::from('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    Ok(quoted)
}

fn io_error(name: &str, source: std::io::Error) -> FileError {
    FileError::Io {
        name: name.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_secret_comes_back(text in "[^\\r\\n\\x00]{1,20}") {
            let line = format!("A={}\n", quoted("A", &Secret::new(text.clone())).unwrap());
            let read: Vec<_> = dotenvy::from_read_iter(line.as_bytes()).collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read, vec![("A".to_owned(), text)]);
        }
    }

    #[test]
    fn a_line_break_is_refused() {
        let error = quoted("A", &Secret::new("a\nB=c")).unwrap_err();
        insta::assert_snapshot!(error, @"the value of A holds a line break, which a `.env` file can't hold");
    }
}
