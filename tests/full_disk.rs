//! A disk that is full, and one that is read-only: one clear error, and the tables as they were.
//!
//! The disk is a small one in memory, which only the command and its shell see. Where the system lets nobody mount one,
//! the tests say so.
#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::{Finished, Reply, Request, Scripted, Workspace, rows};

/// Makes the disk, and does what follows on it.
const DISK: &str = "mkdir -p lake && mount -t tmpfs -o size=400k disk lake || exit 77\n";

/// Runs the command on a disk in three states: with room, as `meanwhile` makes it, and as `afterwards` makes it; gives
/// what the second run said and the tables behind each.
fn three_runs(meanwhile: &str, afterwards: &str) -> Option<(Finished, [u64; 3])> {
    let server = Scripted::start(|request: &Request| {
        // The texts hardly compress: each row takes more than half a kilobyte on disk.
        let mut state = request.time as u64;
        let mut digit = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'0' + u8::try_from(state >> 33 & 0x3f).unwrap().min(74))
        };
        let record = |id: usize| {
            let text: String = (0..1_000)
                .map(|_| digit())
                .filter(char::is_ascii_alphanumeric)
                .collect();
            format!(r#"{{"id": {id}, "text": "{text}"}}"#)
        };
        let count = if request.time == 1 { 100 } else { 700 };
        let records: Vec<String> = (0..count).map(record).collect();
        Reply::json(format!("[{}]", records.join(",")))
    });
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\n\
         resources: [{{ name: items, write_disposition: replace, endpoint: {{ paginator: single_page }} }}]\n\
         destination: {{ url: lake }}\n",
        server.url()
    );
    workspace.write("items.yaml", &spec);
    let run = format!("{} run items.yaml", env!("CARGO_BIN_EXE_engine"));
    let script = format!(
        "{DISK}{run} >first 2>&1 || exit 1\ncp -R lake lake-1\n\
         {meanwhile}\n{run} >&2; code=$?\ncp -R lake lake-2\n\
         {afterwards}\n{run} >third 2>&1 || exit 1\ncp -R lake lake-3\nexit $code\n"
    );
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--map-root-user", "sh", "-c", &script])
        .current_dir(workspace.path())
        .env("NO_COLOR", "1");
    let finished = command.output().ok().map(Finished::from);
    let Some(finished) = finished.filter(|finished| !may_not_mount(finished)) else {
        // The harness shows what a passing test prints only where it is written past its capture.
        let mut shown = std::io::stderr();
        writeln!(shown, "left out: nothing can be mounted here").unwrap();
        return None;
    };
    let table = |copy: &str| {
        let lake = workspace.path().join(copy);
        assert_eq!(staged(&lake), 0, "{copy}: {finished:#?}");
        rows(&lake, "items").len()
    };
    let tables = ["lake-1", "lake-2", "lake-3"].map(table);
    Some((finished, tables))
}

fn may_not_mount(finished: &Finished) -> bool {
    finished.code == Some(77) || finished.stderr.contains("unshare failed")
}

/// Files that a run has left in the staging folder.
fn staged(lake: &Path) -> usize {
    std::fs::read_dir(lake.join("_engine/staging")).map_or(0, Iterator::count)
}

fn errors(finished: &Finished) -> usize {
    let lines = finished.stderr.lines();
    lines.filter(|line| line.starts_with("error: ")).count()
}

#[test]
fn a_full_disk_is_one_clear_error() {
    let Some((second, tables)) = three_runs("", "mount -o remount,size=16m lake") else {
        return;
    };
    second.assert_code(1);
    assert!(
        second.stderr.contains("No space left on device"),
        "{second:#?}"
    );
    assert_eq!(errors(&second), 1, "{second:#?}");
    assert_eq!(tables, [100, 100, 700]);
}

#[test]
fn a_read_only_folder_is_one_clear_error() {
    let make = |how: &str| format!("mount -o remount,{how},size=16m lake");
    let Some((second, tables)) = three_runs(&make("ro"), &make("rw")) else {
        return;
    };
    second.assert_code(1);
    assert!(
        second.stderr.contains("Read-only file system"),
        "{second:#?}"
    );
    assert_eq!(errors(&second), 1, "{second:#?}");
    assert_eq!(tables, [100, 100, 700]);
}
