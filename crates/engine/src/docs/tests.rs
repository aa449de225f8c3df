use super::*;
use crate::plan::compile;
use crate::spec::{Secret, Source};

fn page_of(spec: &str, variables: &Variables, tables: &KnownTables) -> String {
    let (source, pipeline) = Source::read("spec.yaml", spec, variables).unwrap();
    let secrets = source.substituted(variables);
    let plan = source.finish(compile(&pipeline)).unwrap();
    without_secrets(&page(&pipeline, &plan, tables), &secrets, variables)
}

fn no_variables() -> Variables {
    Variables::new([])
}

#[test]
fn each_way_to_read_is_told() {
    let spec = r#"
name: shop
description: "What the shop sells | and *to whom*."
client: { base_url: "https://shop.example.com/v1", rate_limit: 5/s }
resources:
  - name: users
    description: Everyone who has an account.
    endpoint: { path: users, data_selector: items, paginator: { type: cursor, cursor_path: meta.next } }
  - name: orders
    write_disposition: merge
    primary_key: [user, id]
    filter: "status != 'a|b'"
    for_each: { channel: [web, "pa`per"] }
    columns: { total: { data_type: decimal, precision: 10, scale: 2, nullable: false, description: "in <euros>" } }
    endpoint:
      path: "users/{resources.users.id}/orders"
      params: { channel: "{partition.channel}" }
      paginator: { type: page_number, total_path: pages }
      incremental: { cursor_path: at, initial_value: "2024-01-01", window: 1d, lag: 3d, start_param: from, end_param: to }
  - { name: colours, data: [red, green] }
"#;
    let spec = spec.replace("rate_limit: 5/s", "rate_limit: { requests: 5, per: 1s }");
    insta::assert_snapshot!(page_of(&spec, &no_variables(), &KnownTables::new()), @r#"
    # shop

    What the shop sells \| and \*to whom\*.

    Reads `https://shop.example.com/v1`, at most 5 requests in 1 s.

    | resource | rows | key | reads |
    |---|---|---|---|
    | [users](#users) | append |  | everything |
    | [orders](#orders) | merge | `user`, `id` | what is new by `at` |
    | [colours](#colours) | append |  | everything |

    ## users

    Everyone who has an account.

    - **Endpoint:** `GET users`, records at `items`
    - **Pages:** by the cursor at `meta.next`
    - **Table:** `users`, append: rows join those that are there

    ## orders

    - **Endpoint:** `GET users/{resources.users.id}/orders`
    - **Pages:** by number, up to the total at `pages`
    - **For each:** record of [users](#users), by `id`
    - **For each:** `channel` of `"web"`, ``"pa`per"``
    - **What is new:** by `at` from 2024-01-01T00:00:00Z on, in windows of 1d, looking back 3d
    - **Table:** `orders`, merge: a row takes the place of the one with its key, `user`, `id`
    - **Only:** records with `status != 'a|b'`

    Declared columns; what else the records have becomes columns too.

    | column | type | null | description |
    |---|---|---|---|
    | `total` | decimal(10, 2) | no | in &lt;euros> |

    ## colours

    - **Records:** given in the spec itself
    - **Table:** `colours`, append: rows join those that are there
    "#);
}

#[test]
fn what_variables_put_in_is_not_shown_and_what_they_lack_is_named() {
    let spec = r#"
name: shop
client: { base_url: "https://shop.example.com/${ACCOUNT}/v1", auth: { type: bearer, token: "${TOKEN}" } }
resources: [{ name: orders, endpoint: { path: "orders/${ACCOUNT}/${SHOP}" } }]
"#;
    let account = ("ACCOUNT".to_owned(), "hunter2".to_owned());
    let mut variables = Variables::new([account]);
    variables.let_names_stand_in();
    let page = page_of(spec, &variables, &KnownTables::new());
    assert!(!page.contains("hunter2"), "{page}");
    assert!(page.contains("`GET orders/…/$SHOP`"), "{page}");
}

#[test]
fn nothing_that_is_known_of_a_table_becomes_markup() {
    let column = ColumnDescription {
        path: "a|b`c".to_owned(),
        type_name: "text".to_owned(),
        nullable: true,
        declared: false,
        description: Some("<script>|*x*\n# no heading".to_owned()),
        depth: 0,
        name: String::new(),
        key: String::new(),
        given: false,
    };
    let examples = [("a|b`c".to_owned(), "`<b>`|\n".to_owned())];
    let known = KnownTable {
        columns: vec![column],
        examples: examples.into(),
        child_tables: Vec::new(),
    };
    let spec = "name: s\nclient: { base_url: \"https://s.example.com\" }\nresources: [t]\n";
    let page = page_of(spec, &no_variables(), &[("t".to_owned(), known)].into());
    let row = page.lines().last().unwrap();
    assert_eq!(
        row,
        r"| ``a\|b`c`` | text | yes | &lt;script>\|\*x\* \# no heading | `` `<b>`\|  `` |"
    );
}

#[test]
fn a_secret_is_hidden_in_each_spelling() {
    let variables = Variables::new([("KEY".to_owned(), "top/secret+key".to_owned())]);
    let put_in = [SecretVariable {
        name: "KEY".to_owned(),
        value: Secret::new("top/secret+key".to_owned()),
    }];
    let page =
        "as it is: top/secret+key; in a URL: top%2Fsecret%2Bkey; in Base64: dG9wL3NlY3JldCtrZXk=";
    let shown = without_secrets(page, &put_in, &variables);
    assert_eq!(shown, "as it is: …; in a URL: …; in Base64: …=");
}
