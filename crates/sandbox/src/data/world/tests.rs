use serde_json::Value;

use super::*;

fn world(fixture: &str, now: &str) -> World {
    let fixture = Fixture::parse(&format!("version: 1\nname: shop\nnow: {now}\n{fixture}"));
    let fixture = fixture.unwrap();
    World::build(&fixture, fixture.now)
}

fn records(world: &World, collection: &str) -> Vec<Value> {
    let records = world.records(collection).unwrap();
    (0..records.len())
        .map(|row| serde_json::from_slice(records.record(row)).unwrap())
        .collect()
}

const EVERY_GENERATOR: &str = r#"
collections:
  groups:
    records: 4
    fields:
      id: uuid
      code: { optional: { absent: 0.5, value: { pattern: "G-##?" } } }
      above: { parent: { field: id, roots: 1, root: "" } }
  orders:
    records: 200
    fields:
      id: { increment: { start: 10, step: 5 } }
      first_name: first_name
      last_name: last_name
      email: { email: { domain: example.com } }
      group: { reference: { collection: groups, field: id } }
      group_code: { reference: { collection: groups, field: code } }
      groups: { list: { minimum: 0, maximum: 3, distinct: true, item: { reference: { collection: groups, field: id } } } }
      status: { choice: [open, closed] }
      turn: { cycle: [1, 2] }
      fixed: { constant: { a: [1, null] } }
      title: { words: { minimum: 1, maximum: 3 } }
      paid: { bool: 0.5 }
      count: { integer: { minimum: -3, maximum: 3 } }
      price: { float: { minimum: 1, maximum: 2, decimals: 3 } }
      created: { time: { from: 2024-01-01T00:00:00Z, to: 2024-01-02T00:00:00Z, format: rfc3339 } }
      updated: { after: { field: created, minimum: 1h, maximum: 1h, format: unix } }
      day: { after: { field: created, maximum: 0s, format: date } }
      note: { nullable: { nulls: 0.5, value: { text: "{id}/{title}" } } }
      left: { optional: { absent: 0.5, together: both, value: { constant: 1 } } }
      right: { optional: { absent: 0.5, together: both, value: { constant: 2 } } }
      tags: { keys: { minimum: 0, maximum: 4, key: { pattern: "?" }, value: { integer: { minimum: 0, maximum: 9 } } } }
      batch: { recurring: { values: 5, value: uuid } }
      address: { object: { street: { words: { minimum: 2, maximum: 2 } }, door: { optional: { absent: 0.5, value: { constant: 4 } } } } }
routes: []
"#;

#[test]
fn records_are_the_same_each_time() {
    let make = || {
        let world = world(EVERY_GENERATOR, "2024-01-22T12:30:00Z");
        let records = world.records("orders").unwrap();
        (0..records.len())
            .map(|row| records.record(row).to_vec())
            .collect::<Vec<_>>()
    };
    assert_eq!(make(), make());
}

#[test]
fn another_seed_gives_other_records() {
    let other = format!("seed: 7\n{EVERY_GENERATOR}");
    let now = "2024-01-22T12:30:00Z";
    assert_ne!(
        records(&world(EVERY_GENERATOR, now), "orders"),
        records(&world(&other, now), "orders")
    );
}

#[test]
fn generators_keep_their_promises() {
    let world = world(EVERY_GENERATOR, "2024-01-22T12:30:00Z");
    let groups = records(&world, "groups");
    let orders = records(&world, "orders");
    assert_eq!(orders.len(), 200);
    assert_eq!(groups[0]["above"], "");
    assert!(
        groups[1..]
            .iter()
            .all(|group| group["above"] != group["id"] && group["above"] != "")
    );
    for (row, order) in orders.iter().enumerate() {
        assert_eq!(order["id"], 10 + 5 * row);
        assert_eq!(order["turn"], 1 + row % 2);
        let group = groups
            .iter()
            .find(|group| group["id"] == order["group"])
            .unwrap();
        assert_eq!(
            order["group_code"], group["code"],
            "both references point to one record"
        );
        let created: Timestamp = order["created"].as_str().unwrap().parse().unwrap();
        assert_eq!(order["updated"], created.as_second() + 3600);
        assert_eq!(
            order["day"].as_str(),
            order["created"].as_str().unwrap().get(..10)
        );
        assert_eq!(order.get("left").is_some(), order.get("right").is_some());
        let note = format!("{}/{}", order["id"], order["title"].as_str().unwrap());
        assert!(order["note"].is_null() || order["note"] == note);
    }
    let present = orders
        .iter()
        .filter(|order| order.get("left").is_some())
        .count();
    assert!((60..140).contains(&present), "{present}");
    let batches: BTreeSet<&str> = orders
        .iter()
        .filter_map(|order| order["batch"].as_str())
        .collect();
    assert_eq!(batches.len(), 5);
}

const SERIES: &str = "
collections:
  states:
    series: { from: 2024-01-01T00:00:00Z, every: 1h, ahead: 2h, per_step: 2 }
    fields: { at: { instant: rfc3339 }, side: { cycle: [left, right] }, state: { choice: [a, b, c] }, value: uuid }
routes: []
";

#[test]
fn a_series_reaches_from_its_start_to_ahead_of_now() {
    let states = records(&world(SERIES, "2024-01-01T01:59:59Z"), "states");
    let shown: Vec<_> = states
        .iter()
        .map(|state| {
            format!(
                "{} {}",
                state["at"].as_str().unwrap(),
                state["side"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(shown.len(), 8);
    assert_eq!(shown[0], "2024-01-01T00:00:00Z left");
    assert_eq!(shown[7], "2024-01-01T03:00:00Z right");
}

#[test]
fn a_series_keeps_its_records_as_it_grows() {
    let before = records(&world(SERIES, "2024-01-02T00:00:00Z"), "states");
    let after = records(&world(SERIES, "2024-01-03T00:00:00Z"), "states");
    assert_eq!(after.len(), before.len() + 48);
    assert_eq!(after[..before.len()], before);
}

#[test]
fn edits_show_from_their_moment_and_touch_nothing_else() {
    let edits = "
edits:
  - at: 2024-01-02T00:00:00Z
    collection: states
    change: { within: 6h }
    set: { state: { constant: edited } }
  - at: 2024-01-02T00:00:00Z
    collection: states
    add: { records: 3, within: 3h }
    set: { state: { constant: late } }
";
    let fixture = format!("{SERIES}{edits}");
    let untouched = records(&world(SERIES, "2024-01-02T00:00:00Z"), "states");
    let before = records(&world(&fixture, "2024-01-01T23:59:59Z"), "states");
    assert!(
        before
            .iter()
            .all(|state| state["state"] != "edited" && state["state"] != "late")
    );

    let after = records(&world(&fixture, "2024-01-02T00:00:00Z"), "states");
    let late: Vec<_> = after
        .iter()
        .filter(|state| state["state"] == "late")
        .map(|state| &state["at"])
        .collect();
    assert_eq!(
        late,
        [
            "2024-01-01T21:30:00Z",
            "2024-01-01T22:30:00Z",
            "2024-01-01T23:30:00Z"
        ]
    );
    assert!(after.is_sorted_by_key(|state| state["at"].as_str().map(str::to_owned)));
    let rest: Vec<_> = after
        .iter()
        .filter(|state| state["state"] != "late")
        .collect();
    assert_eq!(rest.len(), untouched.len());
    for (now, then) in rest.into_iter().zip(&untouched) {
        let at = now["at"].as_str().unwrap();
        let is_edited = ("2024-01-01T18:00:00Z".."2024-01-02T00:00:00Z").contains(&at);
        assert_eq!(now["state"] == "edited", is_edited, "{at}");
        assert_eq!(now["value"], then["value"]);
    }
}

#[test]
fn an_edited_record_leaves_those_that_refer_to_it_as_they_were() {
    let fixture = "
collections:
  people: { records: 3, fields: { id: uuid, email: { email: { domain: example.com } } } }
  states: { records: 9, fields: { email: { reference: { collection: people, field: email } } } }
routes: []
edits:
  - { at: 2024-01-02T00:00:00Z, collection: people, change: { positions: [1] }, set: { email: { constant: new } } }
";
    let before = world(fixture, "2024-01-01T00:00:00Z");
    let after = world(fixture, "2024-01-02T00:00:00Z");
    assert_eq!(records(&before, "states"), records(&after, "states"));
    let emails: Vec<_> = records(&after, "people")
        .iter()
        .map(|person| person["email"] == "new")
        .collect();
    assert_eq!(emails, [false, true, false]);
}
