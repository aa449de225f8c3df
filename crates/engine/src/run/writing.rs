//! Writing the pages of a slice while later ones are decoded.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::error::{Error, joined};
use super::output::{PageOutput, SliceOutput};
use super::slice::blocking;
use crate::flow::Slice;

/// Pages that wait while others are written, in bytes; with more of them, decoding waits too.
const WAITING_BYTES: usize = 2 << 20;

/// Writes the pages of one slice in their order, several at a time where they come faster than they are written.
pub(super) struct Writing {
    /// `None` while the task has it, and after an error.
    output: Option<SliceOutput>,
    /// One at most.
    task: JoinSet<Result<SliceOutput, Error>>,
    slice: Arc<Slice>,
    computing: Arc<Semaphore>,
    waiting: Vec<PageOutput>,
    waiting_bytes: usize,
}

impl Writing {
    pub(super) fn new(output: SliceOutput, slice: &Slice, computing: &Arc<Semaphore>) -> Self {
        Self {
            output: Some(output),
            task: JoinSet::new(),
            slice: Arc::new(slice.clone()),
            computing: Arc::clone(computing),
            waiting: Vec::new(),
            waiting_bytes: 0,
        }
    }

    /// Takes a page. An error may be that of an earlier page.
    pub(super) async fn write(&mut self, page: PageOutput) -> Result<(), Error> {
        self.waiting_bytes += page.bytes();
        self.waiting.push(page);
        if let Some(written) = self.task.try_join_next() {
            self.output = Some(joined(written)??);
        }
        if self.output.is_some() || self.waiting_bytes >= WAITING_BYTES {
            self.write_waiting().await?;
        }
        Ok(())
    }

    /// Writes all that waits, and gives the output back.
    pub(super) async fn finish(mut self) -> Result<SliceOutput, Error> {
        self.write_waiting().await?;
        self.written().await
    }

    /// Begins to write all that waits, once what is being written is.
    async fn write_waiting(&mut self) -> Result<(), Error> {
        let mut output = self.written().await?;
        let pages = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let (slice, computing) = (Arc::clone(&self.slice), Arc::clone(&self.computing));
        self.task.spawn(async move {
            blocking(&computing, move || {
                for page in pages {
                    output.write(page, &slice)?;
                }
                Ok(output)
            })
            .await?
        });
        Ok(())
    }

    /// The output, once nothing is being written.
    async fn written(&mut self) -> Result<SliceOutput, Error> {
        match (self.output.take(), self.task.join_next().await) {
            (Some(output), _) => Ok(output),
            (None, Some(written)) => joined(written)?,
            // An earlier write failed, and its error was told.
            (None, None) => Err(Error::Interrupted),
        }
    }
}
