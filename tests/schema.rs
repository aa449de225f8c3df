//! `engine schema`: the columns of tables, how they came to be, and what differs between two loads.

use std::process::Command;

use serde_json::Value;

use crate::support::{Finished, Workspace, python_of_the_readers};

/// Two loads of one table: in the second a number becomes a fraction, and columns, keys of objects and tables of lists are new.
const LOADS: [&str; 2] = [
    r#"[{"id": 1, "n": 7, "o": {"a": 1}, "k": [{"q": 1}]}, {"id": 2, "rare": true, "day": "2024-01-31"}]"#,
    r#"[{"id": 3, "n": 9}, {"id": 4, "n": 0.5, "o": {"a": 2, "b": "y"}, "day": "soon", "k": [{"q": 2, "r": true}], "<b>": "x"}]"#,
];

fn loaded() -> Workspace {
    let workspace = Workspace::new();
    for records in LOADS {
        let spec = format!(
            "name: shop
client: {{ base_url: \"http://localhost:9\" }}
resources:
  - name: orders
    write_disposition: append
    columns: {{ odd: {{ data_type: text, description: \"the buyer's name\" }} }}
    data: {records}
  - {{ name: lists, nested: tables, write_disposition: append, data: {records} }}
"
        );
        workspace.write("shop.yaml", &spec);
        workspace
            .engine(["run", "shop.yaml", "--destination", "lake"])
            .assert_code(0);
    }
    workspace
}

fn shown(workspace: &Workspace, arguments: &[&str]) -> String {
    let arguments = ["schema", "lake"].iter().chain(arguments);
    let finished = workspace.engine(arguments.copied());
    finished.assert_code(0);
    let lines = finished.stdout.lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

/// The output without what differs from run to run.
fn steady(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" of load ") {
        Some((commit, rest)) => {
            let (_, version) = rest.split_once("Z: ").unwrap();
            format!("{commit}: {version}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn columns_are_shown_with_what_lies_in_them() {
    let workspace = loaded();
    insta::assert_snapshot!(shown(&workspace, &["orders"]), @"
    orders: 11 columns, version 2, 4 rows
     id             bigint
     n              double
     o              object
       a            bigint
       b            text
     k              list of object
       q            bigint
       r            bool
     rare           bool
     day            date
     odd            text                      the buyer's name
     day__v_string  text
     <b>            text
     _load_id       text            not null
     _extracted_at  timestamp       not null
    ");
    let json: Value = serde_json::from_str(&shown(&workspace, &["--output", "json"])).unwrap();
    assert_eq!(json["tables"].as_array().unwrap().len(), 3);
    assert_eq!(json["tables"][2]["table"], "orders");
    assert_eq!(json["tables"][2]["columns"][2]["path"], "o");
    assert_eq!(json["tables"][2]["columns"][3]["path"], "o.a");
    let earlier = shown(&workspace, &["orders", "--at", "1"]);
    assert!(earlier.contains("version 1") && !earlier.contains("day__v_string"));
}

#[test]
fn the_history_names_the_first_record_that_needed_each_change() {
    let workspace = loaded();
    let history = shown(&workspace, &["--history"]);
    insta::assert_snapshot!(steady(&history), @"
    lists
      commit 1: version 1
         + _dlt_id        text
         + id             bigint     lists, page 1, record 0
         + n              bigint     lists, page 1, record 0
         + o__a           bigint     lists, page 1, record 0
         + rare           bool       lists, page 1, record 1
         + day            date       lists, page 1, record 1
         + _load_id       text
         + _extracted_at  timestamp
      commit 2: version 2
         ~ n              bigint became double  lists, page 1, record 1
         + o__b           text                  lists, page 1, record 1
         + day__v_string  text                  lists, page 1, record 1
         + <b>            text                  lists, page 1, record 1

    lists__k
      commit 1: version 1
         + q               bigint  lists, page 1, record 0
         + _dlt_parent_id  text
         + _dlt_list_idx   bigint
         + _dlt_id         text
         + _dlt_root_id    text
      commit 2: version 2
         + r  bool  lists, page 1, record 1

    orders
      commit 1: version 1
         + id             bigint          orders, page 1, record 0
         + n              bigint          orders, page 1, record 0
         + o              object          orders, page 1, record 0
         + k              list of object  orders, page 1, record 0
         + rare           bool            orders, page 1, record 1
         + day            date            orders, page 1, record 1
         + odd            text            declared
         + _load_id       text
         + _extracted_at  timestamp
      commit 2: version 2
         ~ n              bigint became double  orders, page 1, record 1
         + o.b            text                  orders, page 1, record 1
         + k[].r          bool                  orders, page 1, record 1
         + day__v_string  text                  orders, page 1, record 1
         + <b>            text                  orders, page 1, record 1
    ");
    let json = shown(&workspace, &["orders", "--history", "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let second = &json["tables"]["orders"][1];
    insta::assert_snapshot!(second["causes"], @r#"[{"resource":"orders","slice":"all","page":1,"record":1,"columns":["n","o.b","k[].r","day__v_string","<b>"]}]"#);
    assert_eq!(second["columns"][0]["change"], "widened");
    // The log holds where the records stand, and none of their values.
    let commit = workspace
        .path()
        .join("lake/_engine/commits/00000000000000000002.json");
    let commit = std::fs::read_to_string(commit).unwrap();
    assert!(!commit.contains("soon"));
}

#[test]
fn two_loads_are_compared_by_commit_or_by_id() {
    let workspace = loaded();
    insta::assert_snapshot!(shown(&workspace, &["orders", "--diff", "1..2"]), @"
    orders
       ~ n              bigint became double
       + o.b            text
       + k[].r          bool
       + day__v_string  text
       + <b>            text
    ");
    let back = shown(&workspace, &["orders", "--diff", "2..1"]);
    assert!(
        back.contains("- o.b") && back.contains("double became bigint"),
        "{back}"
    );
    assert_eq!(
        shown(&workspace, &["--diff", "2.."]),
        "no difference between commit 2 and commit 2"
    );
    let history = shown(&workspace, &["orders", "--history"]);
    let mut loads = history
        .lines()
        .filter_map(|line| line.split_once(" of load "));
    let (_, first) = loads.next().unwrap();
    let first = first.split(',').next().unwrap();
    let by_id = shown(&workspace, &["orders", "--diff", &format!("{first}..")]);
    assert_eq!(by_id, shown(&workspace, &["orders", "--diff", "1..2"]));
}

#[test]
fn an_arrow_file_has_the_columns_and_no_rows() {
    let workspace = loaded();
    let arguments = ["orders", "--output", "arrow", "--to", "orders.arrow"];
    assert_eq!(shown(&workspace, &arguments), "");
    let file = std::fs::File::open(workspace.path().join("orders.arrow")).unwrap();
    let reader = arrow::ipc::reader::FileReader::try_new(file, None).unwrap();
    assert_eq!(reader.num_batches(), 0);
    let schema = reader.schema();
    assert!(schema.field_with_name("o").unwrap().data_type().is_nested());
    let odd = schema.field_with_name("odd").unwrap();
    assert_eq!(odd.metadata()["description"], "the buyer's name");
}

#[test]
fn duckdb_creates_the_tables_and_takes_their_rows() {
    let Some(python) = python_of_the_readers() else {
        return;
    };
    let workspace = loaded();
    shown(
        &workspace,
        &["--output", "ddl", "--for", "duckdb", "--to", "tables.sql"],
    );
    let script = "import duckdb\n\
        lake = duckdb.connect()\n\
        lake.execute(open('tables.sql').read())\n\
        read = \"read_parquet('lake/orders/*.parquet', union_by_name = true)\"\n\
        lake.execute('insert into orders by name select * from ' + read)\n\
        print(lake.execute('select o.b, k[1].r, odd from orders where id = 4').fetchall())\n\
        print(lake.execute(\"select comment from duckdb_columns() where column_name = 'odd'\").fetchall())";
    let output = Command::new(python)
        .args(["-c", script])
        .current_dir(workspace.path())
        .output()
        .unwrap();
    let finished = Finished::from(output);
    finished.assert_code(0);
    assert_eq!(
        finished.stdout,
        "[('y', True, None)]\n[(\"the buyer's name\",)]\n"
    );
}

#[test]
fn what_does_not_go_together_is_refused_with_what_to_do() {
    let workspace = loaded();
    for (arguments, message) in [
        (&["order"][..], "did you mean `orders`?"),
        (
            &["--diff", "1"],
            "expected two loads or commits, such as `3..12`",
        ),
        (
            &["--diff", "9..2"],
            "there is no commit `9`; the newest is `2`",
        ),
        (
            &["--diff", "monday..2"],
            "no commit is of the load `monday`",
        ),
        (&["--output", "arrow"], "name it behind the destination"),
        (&["--output", "ddl"], "--for <DATABASE>"),
        (&["--for", "spark"], "`--for` is for `--output ddl`"),
        (
            &["--history", "--output", "ddl", "--for", "spark"],
            "are written as `text` or `json`",
        ),
    ] {
        let finished = workspace.engine(["schema", "lake"].iter().chain(arguments).copied());
        finished.assert_code(2);
        assert!(finished.stderr.contains(message), "{finished:#?}");
    }
}
