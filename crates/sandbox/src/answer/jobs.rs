//! The asynchronous jobs that clients have created.

use indexmap::IndexMap;

use super::Parameters;
use crate::{data::identifier, fixture::CreateJob};

/// How many jobs are remembered; older ones are answered with 404.
const MAXIMUM_JOBS: usize = 10_000;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has no records yet.
    Running,
    /// It has its records.
    Complete,
    /// It never will have any.
    Failed,
}

impl Progress {
    /// The word for it in an answer.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "in_progress",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }
}

/// All jobs by id.
#[derive(Default)]
pub(crate) struct Jobs {
    by_identifier: IndexMap<String, Job>,
    created: u64,
    created_by_route: IndexMap<usize, u64>,
}

struct Job {
    route: usize,
    parameters: Parameters,
    polls: u64,
    end: Progress,
}

impl Jobs {
    /// Starts a job for the route at this position and says its id.
    pub(crate) fn create(
        &mut self,
        seed: u64,
        route: usize,
        create: &CreateJob,
        parameters: Parameters,
    ) -> String {
        let of_route = self.created_by_route.entry(route).or_default();
        let end = if *of_route < create.failing {
            Progress::Failed
        } else {
            Progress::Complete
        };
        *of_route += 1;
        self.created += 1;
        let identifier = identifier(seed, self.created);
        if self.by_identifier.len() >= MAXIMUM_JOBS {
            self.by_identifier.shift_remove_index(0);
        }
        let job = Job {
            route,
            parameters,
            polls: create.polls,
            end,
        };
        self.by_identifier.insert(identifier.clone(), job);
        identifier
    }

    /// How far a job is, the route that created it and what it was created with; asking brings it on.
    pub(crate) fn poll(&mut self, identifier: &str) -> Option<(Progress, usize, Parameters)> {
        let job = self.by_identifier.get_mut(identifier)?;
        let progress = if job.polls > 0 {
            Progress::Running
        } else {
            job.end
        };
        job.polls = job.polls.saturating_sub(1);
        Some((progress, job.route, job.parameters.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_in_progress_for_its_polls_and_the_first_ones_fail() {
        let create: CreateJob =
            serde_yaml::from_str("{ collection: c, identifier: id, polls: 1, failing: 1 }")
                .unwrap();
        let mut jobs = Jobs::default();
        let first = jobs.create(0, 0, &create, Parameters::default());
        let second = jobs.create(0, 0, &create, Parameters::default());
        let mut progress = |identifier: &str| jobs.poll(identifier).map(|polled| polled.0);
        assert_eq!(progress(&first), Some(Progress::Running));
        assert_eq!(progress(&first), Some(Progress::Failed));
        assert_eq!(progress(&second), Some(Progress::Running));
        assert_eq!(progress(&second), Some(Progress::Complete));
        assert_eq!(progress("another"), None);
    }
}
