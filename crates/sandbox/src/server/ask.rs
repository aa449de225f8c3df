//! Asking a sandbox that runs in another process.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Information;

/// Why a running sandbox can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Not of the form `http://127.0.0.1:8080`.
    #[error("expected an address such as `http://127.0.0.1:8080`")]
    NotAnAddress,
    /// The address can be reached from elsewhere: no sandbox is there.
    #[error("not a loopback address")]
    NotLoopback,
    /// Nobody answers.
    #[error("connect and ask for `/_sandbox`")]
    NoAnswer(#[source] io::Error),
    /// Something else answers.
    #[error("not a sandbox's answer")]
    NotASandbox,
}

impl Information {
    /// What the sandbox at an address such as `http://127.0.0.1:8080` says of itself; a path behind it is ignored.
    pub async fn of(url: &str) -> Result<Self, AskError> {
        let authority = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next())
            .ok_or(AskError::NotAnAddress)?;
        let address: SocketAddr = authority
            .replace("localhost", "127.0.0.1")
            .parse()
            .map_err(|_| AskError::NotAnAddress)?;
        if !address.ip().is_loopback() {
            return Err(AskError::NotLoopback);
        }
        let answer = get(address).await.map_err(AskError::NoAnswer)?;
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body)
            .ok_or(AskError::NotASandbox)?;
        serde_json::from_str(body).map_err(|_| AskError::NotASandbox)
    }
}

/// The whole answer, as HTTP/1.0 has it: one body, and the connection's end is its end.
async fn get(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /_sandbox HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
