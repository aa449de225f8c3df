//! Answers from what was recorded.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;

use super::files::read_body;
use super::nearest::{Unrecorded, unrecorded};
use super::{About, Asked, CassetteError, Entry, Label, VERSION};

/// A recorded run.
#[derive(Debug)]
pub struct Cassette {
    folder: PathBuf,
    about: About,
    base_url: String,
    entries: Vec<Entry>,
    /// The answers that are left, by request, as positions in `entries`.
    left: Mutex<HashMap<Asked, VecDeque<usize>>>,
}

/// A recorded answer.
pub(in crate::extract) struct Answer {
    pub(in crate::extract) status: StatusCode,
    pub(in crate::extract) headers: HeaderMap,
    pub(in crate::extract) body: Vec<u8>,
}

impl Cassette {
    /// Opens the folder of a cassette.
    pub fn open(folder: &Path) -> Result<Self, CassetteError> {
        let malformed = |name: &str, problem: String| CassetteError::Malformed {
            path: folder.join(name),
            problem,
        };
        let label = read(&folder.join("cassette.json"))?;
        let label: Label = serde_json::from_str(&label)
            .map_err(|error| malformed("cassette.json", error.to_string()))?;
        if label.version != VERSION {
            let problem = format!(
                "it has version {}, and {VERSION} is what can be read: record it again",
                label.version
            );
            return Err(malformed("cassette.json", problem));
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (line, text) in read(&folder.join("requests.jsonl"))?.lines().enumerate() {
            let problem = |problem: String| {
                malformed("requests.jsonl", format!("line {}: {problem}", line + 1))
            };
            let entry: Entry =
                serde_json::from_str(text).map_err(|error| problem(error.to_string()))?;
            status(entry.status).map_err(problem)?;
            headers(&entry.answer_headers).map_err(problem)?;
            entries.push(entry);
        }
        let mut left: HashMap<Asked, VecDeque<usize>> = HashMap::new();
        for (position, entry) in entries.iter().enumerate() {
            left.entry(entry.asked.clone())
                .or_default()
                .push_back(position);
        }
        Ok(Self {
            folder: folder.to_owned(),
            about: label.about,
            base_url: label.base_url,
            entries,
            left: Mutex::new(left),
        })
    }

    /// The start of the recorded run.
    pub fn now(&self) -> Timestamp {
        self.about.now
    }

    /// The API, as the commit log named it.
    pub fn api(&self) -> &str {
        &self.about.api
    }

    /// The base URL of the recorded run, without secrets.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The next answer to a request.
    pub(super) async fn answer(&self, asked: Asked) -> Result<Answer, Unrecorded> {
        let position = {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.get_mut(&asked).and_then(VecDeque::pop_front)
        };
        let recorded = position.and_then(|position| self.entries.get(position));
        let Some(recorded) = recorded else {
            return Err(unrecorded(&asked, &self.entries, &self.folder));
        };
        let body = match recorded.answer.clone() {
            None => Vec::new(),
            Some(name) => {
                let folder = self.folder.clone();
                let read = {
                    let name = name.clone();
                    tokio::task::spawn_blocking(move || read_body(&folder, &name))
                };
                let read = read
                    .await
                    .unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)));
                read.map_err(|error| {
                    let path = self.folder.join(&name);
                    Unrecorded(format!(
                        "its answer can't be read from `{}`: {error}",
                        path.display()
                    ))
                })?
            }
        };
        let broken = |problem: String| Unrecorded(problem);
        Ok(Answer {
            status: status(recorded.status).map_err(broken)?,
            headers: headers(&recorded.answer_headers).map_err(broken)?,
            body,
        })
    }
}

fn status(number: u16) -> Result<StatusCode, String> {
    StatusCode::from_u16(number).map_err(|_| format!("{number} is no status"))
}

fn headers(recorded: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in recorded {
        let unfit = || format!("`{name}` is no header");
        let key = HeaderName::try_from(name).map_err(|_| unfit())?;
        let value = HeaderValue::try_from(value).map_err(|_| unfit())?;
        headers.insert(key, value);
    }
    Ok(headers)
}

fn read(path: &Path) -> Result<String, CassetteError> {
    fs::read_to_string(path).map_err(|source| CassetteError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}
