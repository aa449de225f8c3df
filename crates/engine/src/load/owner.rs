//! Whose tables a destination holds.

use super::Error;
use super::commit_log::CommitRecord;

/// The pipeline and the API whose tables a destination holds: those of two never mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The pipeline's name, and what tells one account from another.
    pub pipeline: String,
    /// The API that is read: the origin of its base URL, or `sandbox`.
    pub api: String,
    /// What `pipeline` was before.
    pub earlier_pipelines: Vec<String>,
    /// What `api` was before.
    pub earlier_apis: Vec<String>,
}

impl Owner {
    /// One that had no other name before.
    pub fn new(pipeline: &str, api: &str) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            api: api.to_owned(),
            earlier_pipelines: Vec::new(),
            earlier_apis: Vec::new(),
        }
    }

    /// Refuses a log whose newest commit is of another pipeline or API.
    pub(super) fn check(&self, newest: &CommitRecord) -> Result<(), Error> {
        let CommitRecord { pipeline, api, .. } = newest;
        if *pipeline != self.pipeline && !self.earlier_pipelines.contains(pipeline) {
            return Err(Error::OtherPipeline {
                pipeline: pipeline.clone(),
                own: self.pipeline.clone(),
            });
        }
        if *api != self.api && !self.earlier_apis.contains(api) {
            return Err(Error::OtherApi {
                api: api.clone(),
                own: self.api.clone(),
            });
        }
        Ok(())
    }
}
