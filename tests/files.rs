//! How the files of a table are compressed, and into which folders they are divided.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{
    Finished, Reply, Scripted, Served, Workspace, assembled, assembled_fixture,
    python_of_the_readers, root,
};

#[test]
fn every_compression_is_written_and_read() {
    let served = Served::start(assembled_fixture());
    let workspace = Workspace::new();
    let shipped = std::fs::read_to_string(assembled()).unwrap();
    let expected = served.collections()["agent_states"];
    let python = python_of_the_readers();
    for (compression, codec) in [
        ("zstd", "ZSTD"),
        ("zstd(9)", "ZSTD"),
        ("snappy", "SNAPPY"),
        ("lz4", "LZ4_RAW"),
        ("gzip", "GZIP"),
        ("gzip(1)", "GZIP"),
        ("none", "UNCOMPRESSED"),
    ] {
        let spec = shipped.replace("compression: zstd", &format!("compression: {compression}"));
        let spec = workspace.write("assembled.yaml", &spec);
        let folder = format!("data/{compression}");
        workspace
            .engine([
                "run",
                spec.to_str().unwrap(),
                "--resource",
                "agent_states",
                "--sandbox",
                &served.origin(),
                "--destination",
                &folder,
            ])
            .assert_code(0);
        let table = workspace.path().join(folder).join("agent_states");
        let mut rows = 0;
        for (path, _) in files_below(&table) {
            let file = File::open(table.join(&path)).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            for group in reader.metadata().row_groups() {
                for column in group.columns() {
                    assert_eq!(column.compression_codec().to_string(), codec, "{path}");
                }
            }
            let batches = reader.build().unwrap();
            rows += batches
                .map(|batch| batch.unwrap().num_rows() as u64)
                .sum::<u64>();
        }
        assert_eq!(rows, expected, "{compression}");
        if let Some(python) = &python {
            let output = Command::new(python)
                .arg(root().join("tests/readers/count_rows.py"))
                .args([table.as_os_str(), expected.to_string().as_ref()])
                .output()
                .unwrap();
            Finished::from(output).assert_code(0);
        }
    }
}

/// Rows of each file below a folder, by its path in it.
fn files_below(folder: &Path) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap());
            let rows = reader.unwrap().metadata().file_metadata().num_rows();
            let path = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.insert(path, usize::try_from(rows).unwrap());
        }
    }
    found
}

/// Rows by folder, with the files of one folder put together.
fn rows_by_folder(table: &Path) -> BTreeMap<String, usize> {
    let mut folders = BTreeMap::new();
    for (path, rows) in files_below(table) {
        let (folder, _) = path.rsplit_once('/').unwrap_or_default();
        *folders.entry(folder.to_owned()).or_default() += rows;
    }
    folders
}

const CALLS: [&str; 2] = [
    r#"[{"id": 1, "channel": "phone", "size": 5, "start_time": "2024-01-31T23:59:59Z"},
        {"id": 2, "channel": "chat: eu/west", "size": 5, "start_time": "2024-02-01T00:00:00+01:00"},
        {"id": 3, "channel": null, "size": 7, "start_time": "2024-02-01T12:00:00Z"},
        {"id": 4, "channel": "phone", "size": 7, "start_time": "2024-02-01T12:00:00Z"}]"#,
    r#"[{"id": 4, "channel": "phone", "size": 7.5, "start_time": "2024-02-03T12:00:00Z"},
        {"id": 5, "channel": "", "size": 9, "start_time": "2024-02-03T12:00:00Z"}]"#,
];

/// A workspace with a table of these records, divided as `partition_by` says in each load.
fn loaded(write_disposition: &str, partition_by: [&str; 2]) -> Workspace {
    let served = Scripted::start(move |request| Reply::json(CALLS[request.time - 1]));
    let workspace = Workspace::new();
    for partition_by in partition_by {
        let spec = format!(
            "client: {{ base_url: '{}' }}\n\
             resource_defaults: {{ partition_by: {partition_by} }}\n\
             resources:\n\
             - name: calls\n  \
               primary_key: id\n  \
               write_disposition: {write_disposition}\n  \
               endpoint: {{ path: calls, data_selector: $, paginator: single_page }}\n",
            served.url()
        );
        workspace.write("shop.yaml", &spec);
        workspace.engine(["run", "shop.yaml"]).assert_code(0);
    }
    workspace
}

fn check_folders(workspace: &Workspace, expected: &[(&str, usize)]) {
    let expected = expected
        .iter()
        .map(|(folder, rows)| ((*folder).to_owned(), *rows));
    let table = workspace.path().join("data/shop/calls");
    assert_eq!(rows_by_folder(&table), expected.collect());
}

const BY_CHANNEL_AND_DAY: &str = "[channel, { column: start_time, part: day }]";

#[test]
fn a_merged_table_keeps_each_row_in_its_folder() {
    let workspace = loaded("merge", [BY_CHANNEL_AND_DAY; 2]);
    check_folders(
        &workspace,
        &[
            ("channel=/start_time_day=2024-02-03", 1),
            (
                "channel=__HIVE_DEFAULT_PARTITION__/start_time_day=2024-02-01",
                1,
            ),
            ("channel=chat%3A eu%2Fwest/start_time_day=2024-01-31", 1),
            ("channel=phone/start_time_day=2024-01-31", 1),
            ("channel=phone/start_time_day=2024-02-03", 1),
        ],
    );
}

#[test]
fn a_replaced_table_has_the_newest_folders() {
    let workspace = loaded("replace", [BY_CHANNEL_AND_DAY; 2]);
    check_folders(
        &workspace,
        &[
            ("channel=/start_time_day=2024-02-03", 1),
            ("channel=phone/start_time_day=2024-02-03", 1),
        ],
    );
}

#[test]
fn files_stay_where_they_are_when_the_layout_changes() {
    let workspace = loaded(
        "append",
        ["[channel]", "[{ column: start_time, part: month }]"],
    );
    check_folders(
        &workspace,
        &[
            ("channel=__HIVE_DEFAULT_PARTITION__", 1),
            ("channel=chat%3A eu%2Fwest", 1),
            ("channel=phone", 2),
            ("start_time_month=2024-02", 2),
        ],
    );
}

/// One load of these records, divided by `channel`.
fn divided_by_channel(records: &'static str) -> (Workspace, Finished) {
    let served = Scripted::start(move |_| Reply::json(records));
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: '{}' }}\n\
         resources: [{{ name: calls, partition_by: [channel], endpoint: {{ data_selector: $, paginator: single_page }} }}]\n",
        served.url()
    );
    workspace.write("shop.yaml", &spec);
    let finished = workspace.engine(["run", "shop.yaml"]);
    (workspace, finished)
}

#[test]
fn a_column_that_was_never_more_than_null_has_one_folder() {
    let (workspace, finished) = divided_by_channel(r#"[{"id": 1, "channel": null}, {"id": 2}]"#);
    finished.assert_code(0);
    check_folders(&workspace, &[("channel=__HIVE_DEFAULT_PARTITION__", 2)]);
}

#[test]
fn what_can_not_be_divided_commits_nothing() {
    let check = |records, expected: &str| {
        let (workspace, finished) = divided_by_channel(records);
        finished.assert_code(1);
        let words: Vec<&str> = finished.stderr.split_whitespace().collect();
        let told = words.join(" ").replace("│ ", "");
        assert!(told.contains("divide `calls` by `channel`"), "{told}");
        assert!(told.contains(expected), "{told}");
        assert!(!workspace.path().join("data/shop/calls").exists());
    };
    check(r#"[{"id": 1}]"#, "no record has it");
    check(
        r#"[{"id": 1, "channel": {"name": "phone"}}]"#,
        "it holds objects or lists",
    );
    check(
        r#"[{"id": 1, "channel": ["phone"]}]"#,
        "it holds objects or lists",
    );
}

/// As `docs/partitions.md` says.
#[test]
fn readers_find_all_values_in_folders() {
    let Some(python) = python_of_the_readers() else {
        return;
    };
    let by_all = "[channel, size, { column: start_time, part: day }]";
    let workspace = loaded("merge", [by_all; 2]);
    let output = Command::new(python)
        .arg(root().join("tests/readers/read_folders.py"))
        .arg(workspace.path().join("data/shop/calls"))
        .output()
        .unwrap();
    Finished::from(output).assert_code(0);
}

/// A folder is called as its column is in the files, and never as another column, whatever the case of letters.
#[test]
fn a_folder_hides_no_other_column() {
    let workspace = Workspace::new();
    let spec = |resource: &str| {
        format!(
            "client: {{ base_url: 'http://127.0.0.1:1' }}\nresources:\n  - {resource}\ndestination: {{ url: lake }}\n"
        )
    };
    let letters = "{ name: letters, data: [{ id: 1, Ch: a, CH: b }, { id: 2, Ch: c, CH: d }], partition_by: [Ch] }";
    workspace.write("letters.yaml", &spec(letters));
    workspace.engine(["run", "letters.yaml"]).assert_code(0);
    let folders = std::fs::read_dir(workspace.path().join("lake/letters")).unwrap();
    let mut folders: Vec<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, ["Ch_=a", "Ch_=c"]);
    let days = "{ name: days, data: [{ at: '2024-01-05T00:00:00Z', At_Day: y }], partition_by: [{ column: at, part: day }] }";
    workspace.write("days.yaml", &spec(days).replace("lake", "other"));
    let run = workspace.engine(["run", "days.yaml"]);
    run.assert_code(1);
    let told = "the table has a column `At_Day`, which the folders `at_day=…` would hide";
    assert!(run.stderr.contains(told), "{}", run.stderr);
}
