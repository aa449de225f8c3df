//! Who holds a lease: a process on a host.

use serde::{Deserialize, Serialize};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// By how much two readings of one instant may differ, in seconds: they are rounded.
const TOLERANCE: u64 = 2;

/// A process, told apart from others that had or will have its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Name of the host.
    pub(super) host: String,
    /// When the host was started, in seconds since 1970. It is computed from the clock, and moves when that is set.
    booted_at: u64,
    /// Number of the process.
    pub(super) process: u32,
    /// When the process was started, in seconds since 1970, counted from `booted_at`.
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
    ///
    /// It can't either where a process like it runs, but the host seems to have been started at another time: the clock
    /// was set, or another boot gave the number once more.
    pub(super) fn is_alive(&self, from: &Self) -> Option<bool> {
        if self.host != from.host || self.host.is_empty() {
            return None;
        }
        let since_boot = |started_at: u64, booted_at: u64| started_at.saturating_sub(booted_at);
        let own = since_boot(self.started_at, self.booted_at);
        let runs =
            started_at(self.process).is_some_and(|at| near(since_boot(at, from.booted_at), own));
        if runs && !near(self.booted_at, from.booted_at) {
            return None;
        }
        Some(runs)
    }
}

fn near(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= TOLERANCE
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
        let elsewhere = Holder {
            host: "elsewhere".to_owned(),
            ..own.clone()
        };
        assert_eq!(elsewhere.is_alive(&own), None);
    }

    #[test]
    fn a_clock_that_was_set_kills_nobody() {
        let own = Holder::this_process();
        for jump in [-3_600, -10, 10, 3_600] {
            let before_the_jump = Holder {
                booted_at: own.booted_at.saturating_add_signed(jump),
                started_at: own.started_at.saturating_add_signed(jump),
                ..own.clone()
            };
            assert_eq!(before_the_jump.is_alive(&own), None, "{jump}");
            let another_process = Holder {
                started_at: before_the_jump.started_at + 100,
                ..before_the_jump
            };
            assert_eq!(another_process.is_alive(&own), Some(false), "{jump}");
        }
    }
}
