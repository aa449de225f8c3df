//! Keeps what is asked and answered.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::files::{BodyText, write_body};
use super::scrub::Scrubber;
use super::{About, Asked, CassetteError, Entry, Label, VERSION};
use crate::extract::http::Response;

/// Writes a cassette: bodies as they come, the list of requests at the end.
pub struct Recorder {
    folder: PathBuf,
    about: About,
    base_url: OnceLock<String>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    /// The first body that could not be written.
    failure: Option<io::Error>,
}

/// What a cassette holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// How many requests.
    pub requests: usize,
}

impl Recorder {
    /// Makes the folder, or empties it of an earlier cassette.
    pub fn create(folder: &Path, about: About) -> Result<Self, CassetteError> {
        let failed = |source| write_error(folder, source);
        fs::create_dir_all(folder).map_err(failed)?;
        if folder.join("cassette.json").exists() {
            for name in ["cassette.json", "requests.jsonl"] {
                or_absent(fs::remove_file(folder.join(name))).map_err(failed)?;
            }
            or_absent(fs::remove_dir_all(folder.join("bodies"))).map_err(failed)?;
        } else if fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(CassetteError::Taken(folder.to_owned()));
        }
        Ok(Self {
            folder: folder.to_owned(),
            about,
            base_url: OnceLock::new(),
            kept: Mutex::default(),
        })
    }

    /// Writes the list of what was kept. Also a run that failed can be played again.
    pub fn finish(&self) -> Result<Recorded, CassetteError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = kept.failure.take() {
            return Err(write_error(&self.folder, source));
        }
        // Equal requests stay in the order of their answers.
        kept.entries.sort_by(|a, b| a.asked.cmp(&b.asked));
        let mut lines = String::new();
        for entry in &kept.entries {
            lines.push_str(&json(serde_json::to_string(entry)));
            lines.push('\n');
        }
        let label = Label {
            version: VERSION,
            about: self.about.clone(),
            base_url: self.base_url.get().cloned().unwrap_or_default(),
        };
        let label = format!("{}\n", json(serde_json::to_string_pretty(&label)));
        // The label comes last: without it a folder is no cassette.
        for (name, text) in [("requests.jsonl", lines), ("cassette.json", label)] {
            let path = self.folder.join(name);
            fs::write(&path, text).map_err(|source| write_error(&path, source))?;
        }
        Ok(Recorded {
            requests: kept.entries.len(),
        })
    }

    /// Takes the base URL, without secrets.
    pub(super) fn set_base_url(&self, base_url: String) {
        let _first_one_stays = self.base_url.set(base_url);
    }

    pub(super) async fn keep(
        self: &Arc<Self>,
        asked: Asked,
        body: Option<BodyText>,
        response: &Response,
        scrubber: Scrubber,
        is_for_token: bool,
    ) {
        let status = response.status.as_u16();
        let answer_headers = scrubber.answer_headers(&response.headers);
        let (bytes, file) = (response.body.clone(), response.file.clone());
        let folder = self.folder.clone();
        let write = move || -> io::Result<Option<String>> {
            if let Some(body) = body {
                write_body(&folder, &body)?;
            }
            let answer = scrubber.answer_body(&bytes, file.as_ref(), is_for_token)?;
            answer.map(|body| write_body(&folder, &body)).transpose()
        };
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(answer) => kept.entries.push(Entry {
                asked,
                status,
                answer_headers,
                answer,
            }),
            Err(error) => {
                kept.failure.get_or_insert(error);
            }
        }
    }
}

fn json(text: serde_json::Result<String>) -> String {
    text.expect("texts and numbers are always JSON")
}

fn or_absent(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_error(path: &Path, source: io::Error) -> CassetteError {
    CassetteError::File {
        action: "write",
        path: path.to_owned(),
        source,
    }
}
