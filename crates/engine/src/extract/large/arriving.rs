//! A body while it arrives: in memory at first, on disk once it is large.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::BodyFile;

/// What is kept in memory of a body on disk, for messages, in bytes.
const HEAD_BYTES: usize = 64 << 10;

/// A body of which more may come.
#[derive(Debug)]
pub(in crate::extract) struct Arriving {
    content: Content,
    /// Size from which on it is on disk, in bytes.
    in_memory: usize,
    /// In bytes.
    length: u64,
}

#[derive(Debug)]
enum Content {
    InMemory(BytesMut),
    OnDisk { head: Bytes, file: File },
}

impl Arriving {
    /// Begins a body that is held in memory up to a size in bytes; `announced` is how long it is said to be.
    pub(in crate::extract) fn new(in_memory: usize, announced: u64) -> Self {
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        Self {
            content: Content::InMemory(BytesMut::with_capacity(announced.min(in_memory))),
            in_memory,
            length: 0,
        }
    }

    /// Size so far, in bytes.
    pub(in crate::extract) fn length(&self) -> u64 {
        self.length
    }

    /// Takes what came next.
    pub(in crate::extract) async fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.length += chunk.len() as u64;
        match &mut self.content {
            Content::InMemory(body) => {
                body.extend_from_slice(chunk);
                if body.len() > self.in_memory {
                    let mut file = File::from_std(tempfile::tempfile()?);
                    file.write_all(body).await?;
                    body.truncate(HEAD_BYTES);
                    let head = Bytes::copy_from_slice(body);
                    self.content = Content::OnDisk { head, file };
                }
            }
            Content::OnDisk { file, .. } => file.write_all(chunk).await?,
        }
        Ok(())
    }

    /// The body; where it is on disk, its beginning and the file.
    pub(in crate::extract) async fn finish(self) -> io::Result<(Bytes, Option<BodyFile>)> {
        match self.content {
            Content::InMemory(body) => Ok((body.freeze(), None)),
            Content::OnDisk { head, mut file } => {
                file.flush().await?;
                let file = file.into_std().await;
                let bytes = self.length;
                Ok((head, Some(BodyFile { file, bytes })))
            }
        }
    }
}
