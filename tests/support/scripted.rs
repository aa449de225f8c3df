//! A server on loopback that answers as a closure says, also in ways in which no good server would.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest wait for a client that has connected and says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The path and the query.
    pub(crate) target: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// Requests of this very target so far, this one included.
    pub(crate) time: usize,
}

impl Request {
    /// The value of a query parameter, as it was written.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A whole answer.
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// A success that announces a body of this length, sends another, and closes.
    Short { announced: u64, body: Vec<u8> },
    /// The connection is closed without a word.
    Dropped,
}

impl Reply {
    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body)
    }

    pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Whole {
                status,
                mut headers,
                body,
            } => {
                headers.push((name, value.into()));
                Self::Whole {
                    status,
                    headers,
                    body,
                }
            }
            other => other,
        }
    }

    pub(crate) fn redirect(location: impl Into<String>) -> Self {
        Self::status(302, "").with("Location", location)
    }

    /// The bytes on the wire.
    fn bytes(self) -> Vec<u8> {
        let (status, headers, length, body) = match self {
            Self::Whole {
                status,
                headers,
                body,
            } => (status, headers, body.len() as u64, body),
            Self::Short { announced, body } => (200, Vec::new(), announced, body),
            Self::Dropped => return Vec::new(),
        };
        let mut head =
            format!("HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {length}\r\n");
        for (name, value) in headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        [head.into_bytes(), body].concat()
    }
}

type Answer = dyn Fn(&Request) -> Reply + Send + Sync;

/// The running server; it ends with this value.
pub(crate) struct Scripted {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Scripted {
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let answer: Arc<Answer> = Arc::new(answer);
        let (seen, ended) = (Arc::clone(&requests), Arc::clone(&stopped));
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                let stream = stream.unwrap();
                // A client that goes away is its own affair.
                std::thread::spawn(move || drop(serve(stream, &*answer, &seen)));
            }
        });
        Self {
            address,
            requests,
            stopped,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The paths and queries asked for, in order.
    pub(crate) fn targets(&self) -> Vec<String> {
        let requests = self.requests();
        requests.into_iter().map(|request| request.target).collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &Answer,
    seen: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let Some(target) = line.split(' ').nth(1).map(str::to_owned) else {
        return Ok(());
    };
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        lines.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length");
    let length = length.map_or(0, |length| length.parse().unwrap());
    let mut body = Vec::new();
    lines.take(length).read_to_end(&mut body)?;
    let request = {
        let mut seen = seen.lock().unwrap();
        let before = seen.iter().filter(|other| other.target == target).count();
        let request = Request {
            target,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            time: before + 1,
        };
        seen.push(request.clone());
        request
    };
    stream.write_all(&answer(&request).bytes())
}
