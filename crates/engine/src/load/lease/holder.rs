//! Who holds a lease: a process on a host.

use serde::{Deserialize, Serialize};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// By how much the start of one process may differ from one reading to the next, in seconds: it is computed from a clock
/// that may be set.
const CLOCK_TOLERANCE: u64 = 2;

/// A process, told apart from others that had or will have its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Name of the host.
    pub(super) host: String,
    /// When the host was started, in seconds since 1970.
    booted_at: u64,
    /// Number of the process.
    pub(super) process: u32,
    /// When the process was started, in seconds since 1970.
    started_at: u64,
}

impl Holder {
    /// This process.
    pub(super) fn this_process() -> Self {
        let process = std::process::id();
        Self {
            host: System::host_name().unwrap_or_default(),
            booted_at: System::boot_time().unwrap_or_default(),
            process,
            started_at: started_at(process).unwrap_or_default(),
        }
    }

    /// Whether the process runs, seen from a process on the same host; `None` where that can't be seen from here.
    pub(super) fn is_alive(&self, from: &Self) -> Option<bool> {
        if self.host != from.host || self.host.is_empty() {
            return None;
        }
        let same_boot = near(self.booted_at, from.booted_at);
        let same_process = || started_at(self.process).is_some_and(|at| near(at, self.started_at));
        Some(same_boot && same_process())
    }
}

fn near(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= CLOCK_TOLERANCE
}

fn started_at(process: u32) -> Option<u64> {
    let id = Pid::from_u32(process);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[id]),
        true,
        ProcessRefreshKind::nothing(),
    );
    system.process(id).map(sysinfo::Process::start_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_those_before_it_are_not() {
        let own = Holder::this_process();
        assert!(own.started_at > 0);
        assert_eq!(own.is_alive(&own), Some(true));
        let number_used_before = Holder {
            started_at: own.started_at - 100,
            ..own.clone()
        };
        assert_eq!(number_used_before.is_alive(&own), Some(false));
        let before_the_boot = Holder {
            booted_at: own.booted_at - 100,
            ..own.clone()
        };
        assert_eq!(before_the_boot.is_alive(&own), Some(false));
        let elsewhere = Holder {
            host: "elsewhere".to_owned(),
            ..own.clone()
        };
        assert_eq!(elsewhere.is_alive(&own), None);
    }
}
