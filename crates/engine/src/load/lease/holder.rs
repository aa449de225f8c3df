//! Who holds a lease: a process on a host.

use serde::{Deserialize, Serialize};
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// By how much two readings of one instant may differ, in seconds: they are rounded.
const TOLERANCE: u64 = 2;

/// A process, told apart from others that had or will have its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Name of the host.
    pub(super) host: String,
    /// What tells this start of the host from others, and from hosts of the same name.
    boot: String,
    /// What tells apart the containers of a host, where processes are numbered anew; empty where there is no such thing.
    namespace: String,
    /// Number of the process.
    pub(super) process: u32,
    /// When the process was started, in seconds since the host was: no clock that is set changes it.
    started_at: u64,
}

impl Holder {
    /// This process.
    pub(super) fn this_process() -> Self {
        let process = std::process::id();
        Self {
            host: System::host_name().unwrap_or_default(),
            boot: boot(),
            namespace: namespace(),
            process,
            started_at: started_at(process).unwrap_or_default(),
        }
    }

    /// Whether the process runs, seen from this one; `None` where that can't be seen from here.
    pub(super) fn is_alive(&self, from: &Self) -> Option<bool> {
        let sees = |holder: &Self| {
            (
                holder.host.clone(),
                holder.boot.clone(),
                holder.namespace.clone(),
            )
        };
        if self.host.is_empty() || sees(self) != sees(from) {
            return None;
        }
        Some(started_at(self.process).is_some_and(|at| at.abs_diff(self.started_at) <= TOLERANCE))
    }
}

/// Linux has a random id of each boot. Elsewhere it is the time, which a clock that is set changes: then the holder counts
/// as one of another host.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map_or_else(
        |_| System::boot_time().unwrap_or_default().to_string(),
        |id| id.trim().to_owned(),
    )
}

fn namespace() -> String {
    let link = std::fs::read_link("/proc/self/ns/pid");
    link.map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// When a process was started, in seconds since the host was; `None` where it runs no more.
fn started_at(process: u32) -> Option<u64> {
    let id = Pid::from_u32(process);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[id]),
        true,
        ProcessRefreshKind::nothing(),
    );
    let process = system.process(id)?;
    // Its parent hasn't asked yet how it ended.
    let has_ended = matches!(
        process.status(),
        ProcessStatus::Zombie | ProcessStatus::Dead
    );
    (!has_ended).then(|| {
        process
            .start_time()
            .saturating_sub(System::boot_time().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_those_before_it_are_not() {
        let own = Holder::this_process();
        assert_eq!(own.is_alive(&own), Some(true));
        let number_used_before = Holder {
            started_at: own.started_at + 100,
            ..own.clone()
        };
        assert_eq!(number_used_before.is_alive(&own), Some(false));
    }

    #[test]
    fn of_another_host_boot_or_container_nothing_is_known() {
        let own = Holder::this_process();
        let other = || "other".to_owned();
        for elsewhere in [
            Holder {
                host: other(),
                ..own.clone()
            },
            Holder {
                boot: other(),
                ..own.clone()
            },
            Holder {
                namespace: other(),
                ..own.clone()
            },
        ] {
            assert_eq!(elsewhere.is_alive(&own), None, "{elsewhere:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_process_that_ended_and_was_not_waited_for_is_not_alive() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let own = Holder::this_process();
        let holder = Holder {
            process: child.id(),
            started_at: started_at(child.id()).unwrap(),
            ..own.clone()
        };
        assert_eq!(holder.is_alive(&own), Some(true));
        child.kill().unwrap();
        // Nobody waits for it here: it stays in the list of processes.
        while holder.is_alive(&own) == Some(true) {
            std::thread::yield_now();
        }
        assert_eq!(holder.is_alive(&own), Some(false));
        child.wait().unwrap();
    }
}
