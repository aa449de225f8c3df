//! Records that are filtered and changed before they become rows, and before other resources see them.

use engine_sandbox::Fixture;

use crate::support::{Served, Workspace, rows};

const FIXTURE: &str = "
version: 1
name: shop
now: 2024-01-22T12:31:00Z
collections:
  orders:
    records: 4
    fields:
      id: { increment: { start: 1 } }
      amount: { increment: { start: 10 } }
      token: { constant: hidden }
routes:
  - { path: orders, answer: { list: { collection: orders } } }
  - { path: 'orders/{id}', answer: { record: { collection: orders, parameter: id, field: id } } }
";

const SPEC: &str = "
resources:
  - name: orders
    endpoint: { paginator: single_page }
    filter: id > 1
    processing_steps:
      - map: { cents: amount * 100, label: \"'order ' ~ id\" }
        rename: { amount: euros }
        drop: [token]
      - filter: cents < 1300
  - name: details
    endpoint: \"orders/{resources.orders.id}\"
    include_from_parent: [label]
    filter: _orders_label == 'order 2'
    processing_steps: [{ drop: [token] }]
";

#[test]
fn records_go_through_their_steps() {
    let served = Served::start(Fixture::parse(FIXTURE).unwrap());
    let workspace = Workspace::new();
    let spec = format!("client: {{ base_url: {} }}\n{SPEC}", served.url());
    workspace.write("shop.yaml", &spec);
    let finished = workspace.engine(["run", "shop.yaml"]);
    finished.assert_code(0);
    let lake = workspace.path().join("data/shop");
    let shown = |table: &str| -> Vec<String> {
        let mut shown = Vec::new();
        for mut row in rows(&lake, table).rows {
            row.retain(|column, _| !["_load_id", "_extracted_at"].contains(&column.as_str()));
            shown.push(format!("{row:?}"));
        }
        shown
    };
    assert_eq!(
        shown("orders"),
        [
            r#"{"cents": "1100", "euros": "11", "id": "2", "label": "order 2"}"#,
            r#"{"cents": "1200", "euros": "12", "id": "3", "label": "order 3"}"#,
        ]
    );
    assert_eq!(
        shown("details"),
        [r#"{"_orders_label": "order 2", "amount": "11", "id": "2"}"#]
    );
    // What a filter left out of the parent is not asked for.
    let mut asked: Vec<String> = served.requests().into_iter().map(|one| one.path).collect();
    asked.sort();
    assert_eq!(asked, ["/orders", "/orders/2", "/orders/3"]);
}

#[test]
fn an_expression_that_fails_names_the_record() {
    let served = Served::start(Fixture::parse(FIXTURE).unwrap());
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}\nresources: [{{ name: orders, filter: \"id + [] > 1\" }}]\n",
        served.url()
    );
    workspace.write("shop.yaml", &spec);
    let finished = workspace.engine(["run", "shop.yaml"]);
    finished.assert_code(1);
    for part in [
        "page 1 of `orders`",
        "record `0`",
        "id + []",
        "unsupported types",
    ] {
        assert!(
            finished.stderr.contains(part),
            "{part}: {}",
            finished.stderr
        );
    }
}

#[test]
fn values_of_for_each_become_columns_and_tell_rows_apart() {
    let served = Served::start(Fixture::parse(FIXTURE).unwrap());
    let workspace = Workspace::new();
    let spec = format!(
        "client: {{ base_url: {} }}
resources:
  - name: orders
    write_disposition: merge
    primary_key: [id, shop]
    for_each: {{ shop: [north, south] }}
    endpoint: {{ paginator: single_page, params: {{ shop: '{{partition.shop}}' }} }}
    filter: statu != 'deleted'
    processing_steps: [{{ map: {{ shop: partition.shop, note: remark | default('none') }} }}]
",
        served.url()
    );
    workspace.write("shop.yaml", &spec);
    let finished = workspace.engine(["run", "shop.yaml"]);
    finished.assert_code(0);
    let orders = rows(&workspace.path().join("data/shop"), "orders");
    assert_eq!(orders.len(), 8);
    assert_eq!(orders.distinct(&["id", "shop"]), 8);
    let told = &finished.stderr;
    let noted = "note: orders: no record has the field `statu`, which a filter names";
    assert!(told.contains(noted), "{told}");
    let noted = "note: orders: no record has the field `remark`, which `map` names";
    assert!(told.contains(noted), "{told}");
    assert!(!told.contains("`partition`"), "{told}");

    // By a field that no record has, a filter lets nothing pass.
    let spec = spec.replace("statu != 'deleted'", "statu == 'open'");
    workspace.write("other.yaml", &spec);
    let finished = workspace.engine(["run", "other.yaml"]);
    let warned = "warning: orders: no record has the field `statu`, which a filter names";
    assert!(finished.stdout.contains(warned), "{}", finished.stdout);
}
