//! The shipped fixture behaves as the API that it simulates.

use std::{collections::HashSet, path::Path};

use engine_sandbox::Fixture;
use serde_json::{Value, json};

use super::support::{self, Api};

/// 2024-01-15T00:00:00Z.
const MONDAY: i64 = 1_705_276_800;
const DAY: i64 = 86_400;
/// 2024-01-22T12:30:00Z.
const NOW: i64 = 1_705_926_600;

fn fixture() -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/sandbox/assembled.yaml");
    Fixture::load(&path).unwrap()
}

async fn assembled() -> Api {
    Api::start(fixture()).await
}

fn window(path: &str, start: i64, end: i64) -> String {
    format!("{path}?start_time={start}&end_time={end}")
}

fn members(value: &Value) -> Vec<&Value> {
    value.as_object().unwrap().values().collect()
}

#[tokio::test]
async fn people_are_a_map_in_pages_with_their_groups_beside_them() {
    let api = assembled().await;
    let first = api.get("people?limit=1000").await;
    let second = api.get("people?limit=500&offset=500").await;
    assert_eq!(
        (&first["total"], &first["limit"], &first["offset"]),
        (&json!(620), &json!(500), &json!(0))
    );
    assert_eq!(second["offset"], 500);
    let mut people = members(&first["people"]);
    assert_eq!(people.len(), 500);
    people.extend(members(&second["people"]));
    let ids: HashSet<&str> = people
        .iter()
        .map(|person| person["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 620);
    for person in &people {
        assert!(
            first["sites"]
                .get(person["site"].as_str().unwrap())
                .is_some()
        );
        assert!(
            first["teams"]
                .get(person["teams"][0].as_str().unwrap())
                .is_some()
        );
        assert!(
            !person.as_object().unwrap().values().any(Value::is_null),
            "absent, not null"
        );
        assert_eq!(
            person.get("agent_id").is_some(),
            person.get("agent_role").is_some()
        );
        assert_ne!(person.get("agent_id"), Some(&person["id"]));
        assert!(person["created_at"].is_i64());
    }
    let without_agent = people
        .iter()
        .filter(|person| person.get("agent_id").is_none())
        .count();
    assert!((10..100).contains(&without_agent), "{without_agent}");
    let platforms: HashSet<Vec<&String>> = people
        .iter()
        .map(|person| person["platforms"].as_object().unwrap().keys().collect())
        .collect();
    assert!(platforms.len() > 5);
}

#[tokio::test]
async fn people_can_be_asked_for_by_group_and_one_by_one() {
    let api = assembled().await;
    let all = api.get("people").await;
    let person = members(&all["people"])[3].clone();
    let site = person["site"].as_str().unwrap();
    let of_site = api.get(&format!("people?site={site}")).await;
    assert!(
        members(&of_site["people"])
            .iter()
            .all(|person| person["site"] == site)
    );
    assert!(of_site["total"].as_u64().unwrap() < 620);
    let team = person["teams"][0].as_str().unwrap();
    let of_team = api.get(&format!("people?team={team}")).await;
    assert!(
        of_team["people"]
            .get(person["id"].as_str().unwrap())
            .is_some()
    );
    assert_eq!(
        api.get(&format!("people/{}", person["id"].as_str().unwrap()))
            .await,
        person
    );
    assert_eq!(
        api.error("people/00000000-0000-4000-8000-000000000000")
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_wrong_key_is_refused_with_json() {
    let mut api = assembled().await;
    api.key = Some("sk_live_wrong".to_owned());
    assert_eq!(
        api.error("people").await,
        (401, "Invalid credentials".to_owned())
    );
    let url = format!("{}/people", api.sandbox.url());
    let bearer = api
        .client
        .get(url)
        .bearer_auth("sk_live_sandbox")
        .send()
        .await
        .unwrap();
    assert_eq!(bearer.status(), 401);
}

#[tokio::test]
async fn missing_parameters_are_named() {
    let api = assembled().await;
    let missing = |name: &str| (400, format!("Missing required field {name}"));
    for path in [
        "activities",
        "agents/state",
        "event_changes",
        "requirements",
        "forecasts",
    ] {
        assert_eq!(api.error(path).await, missing("start_time"), "{path}");
        let with_start = format!("{path}?start_time={MONDAY}");
        assert_eq!(api.error(&with_start).await, missing("end_time"), "{path}");
    }
    assert_eq!(
        api.error(&window("forecasts", MONDAY, NOW)).await,
        missing("channel")
    );
    assert_eq!(
        api.error("agents/state?start_time=soon&end_time=1").await.0,
        400
    );
    let (status, body) = support::json(
        api.post("reports/adherence", &json!({ "start_time": 1 }))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (status, body["error"].as_str().unwrap()),
        (400, "Missing required field end_time")
    );
    assert_eq!(api.error("no/such/path").await.0, 404);
    assert_eq!(api.error("reports/adherence").await.0, 404);
}

#[tokio::test]
async fn agent_states_lie_in_their_window_page_by_page() {
    let api = assembled().await;
    let first = api
        .get(&format!(
            "{}&limit=9999",
            window("agents/state", MONDAY, MONDAY + DAY)
        ))
        .await;
    assert_eq!(
        (&first["total"], &first["limit"]),
        (&json!(720), &json!(500))
    );
    let second = window("agents/state", MONDAY, MONDAY + DAY) + "&offset=500";
    let second = api.get(&second).await;
    let mut states = first["agent_states"].as_array().unwrap().clone();
    states.extend(second["agent_states"].as_array().unwrap().clone());
    assert_eq!(states.len(), 720);
    let mut keys = HashSet::new();
    for state in &states {
        let start = state["start_time"].as_i64().unwrap();
        assert!((MONDAY..MONDAY + DAY).contains(&start));
        assert_eq!(
            state.get("ticket_id").is_some(),
            state.get("ticket_status").is_some()
        );
        keys.insert(format!(
            "{} {} {start}",
            state["agent_id"], state["platform"]
        ));
    }
    assert_eq!(keys.len(), states.len(), "the primary key is one");
    let agent = states[0]["agent_id"].as_str().unwrap();
    let of_agent = window("agents/state", 0, NOW) + "&agent_id=" + agent;
    let of_agent = api.get(&of_agent).await;
    assert!(
        of_agent["agent_states"]
            .as_array()
            .unwrap()
            .iter()
            .all(|state| state["agent_id"] == agent)
    );
    let states = api.sandbox.information().collections["agent_states"];
    assert!((12_000..=20_000).contains(&states), "{states}");
}

#[tokio::test]
async fn activities_recur_and_reach_ahead() {
    let api = assembled().await;
    let answer = api.get(&window("activities", 0, NOW + 60 * DAY)).await;
    let activities = answer["activities"].as_object().unwrap();
    assert!(
        activities
            .iter()
            .all(|(key, activity)| activity["id_with_timestamps"] == *key)
    );
    let ids: HashSet<&str> = activities
        .values()
        .filter_map(|activity| activity["id"].as_str())
        .collect();
    assert!(
        ids.len() * 2 < activities.len(),
        "{} of {}",
        ids.len(),
        activities.len()
    );
    let latest = activities
        .values()
        .filter_map(|activity| activity["start_time"].as_i64())
        .max();
    assert!(latest.unwrap() > NOW + 14 * DAY);
    assert!(answer.get("total").is_none());
}

#[tokio::test]
async fn small_collections_are_maps_and_trees_have_roots() {
    let api = assembled().await;
    for name in [
        "teams",
        "sites",
        "queues",
        "skills",
        "roles",
        "activity_types",
        "requirement_types",
    ] {
        let answer = api.get(name).await;
        let records = answer[name].as_object().unwrap();
        assert!(
            records.iter().all(|(key, record)| record["id"] == *key),
            "{name}"
        );
        for record in records.values() {
            if let Some(parent) = record["parent_id"]
                .as_str()
                .filter(|parent| !parent.is_empty())
            {
                assert!(records.contains_key(parent), "{name}");
            }
        }
    }
    let teams = api.get("teams").await;
    let roots = members(&teams["teams"])
        .iter()
        .filter(|team| team["parent_id"].is_null())
        .count();
    assert_eq!(roots, 5);
}

#[tokio::test]
async fn the_other_collections_have_their_shapes() {
    let api = assembled().await;
    let changes = api
        .get(&window("event_changes", MONDAY, MONDAY + DAY))
        .await;
    assert_eq!(changes["total"], 48);
    let is_inside = |change: &&Value| change["modified_at"].as_i64().unwrap() - MONDAY < DAY;
    assert!(members(&changes["event_changes"]).iter().all(is_inside));
    let requirements = api.get(&window("requirements", MONDAY, MONDAY + DAY)).await;
    assert_eq!(requirements["requirements"].as_array().unwrap().len(), 96);
    let forecasts = api
        .get(&(window("forecasts", NOW, NOW + 7 * DAY) + "&channel=phone"))
        .await;
    let forecasts = forecasts["forecasts"].as_array().unwrap();
    assert_eq!(forecasts.len(), 168);
    assert!(
        forecasts
            .iter()
            .all(|forecast| forecast["channel"] == "phone")
    );
    let conversations = api.get("assist/conversations?offset=140").await;
    assert_eq!(conversations["conversations"].as_array().unwrap().len(), 10);
    assert!(conversations.get("total").is_none());
    let conversations = api.get("assist/conversations").await;
    assert_eq!(conversations["conversations"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn reports_take_a_while_and_cover_their_window() {
    let api = assembled().await;
    for (report, polls) in [
        ("adherence", 1),
        ("agent_ticket_stats", 2),
        ("agent_state_handle_times", 1),
    ] {
        let body = json!({ "start_time": MONDAY, "end_time": MONDAY + 7 * DAY, "interval": "30m" });
        let created = api
            .post(&format!("reports/{report}"), &body)
            .send()
            .await
            .unwrap();
        let (_, created) = support::json(created).await;
        let path = format!("reports/{}", created["report_id"].as_str().unwrap());
        for _ in 0..polls {
            let early = api.get(&path).await;
            assert_eq!(early["status"], "in_progress");
            assert!(early.get("metrics").is_none());
        }
        let complete = api.get(&path).await;
        assert_eq!(complete["status"], "complete");
        let mut metrics = complete["metrics"].as_array().unwrap().clone();
        let rest = api.get(&format!("{path}?offset=500")).await;
        metrics.extend(rest["metrics"].as_array().unwrap().clone());
        assert_eq!(complete["total_metric_count"], metrics.len());
        assert!(metrics.len() > 500);
        for metric in metrics {
            assert!((MONDAY..MONDAY + 7 * DAY).contains(&metric["start_time"].as_i64().unwrap()));
            assert!(metric["attributes"].is_object());
        }
    }
}

#[tokio::test]
async fn a_channel_narrows_a_report() {
    let api = assembled().await;
    let body = json!({ "start_time": MONDAY, "end_time": NOW, "channel": "chat" });
    let created = api
        .post("reports/agent_ticket_stats", &body)
        .send()
        .await
        .unwrap();
    let (_, created) = support::json(created).await;
    let path = format!("reports/{}", created["report_id"].as_str().unwrap());
    api.get(&path).await;
    api.get(&path).await;
    let complete = api.get(&path).await;
    let metrics = complete["metrics"].as_array().unwrap();
    assert!(!metrics.is_empty() && metrics.iter().all(|metric| metric["channel"] == "chat"));
    let seen = api.sandbox.requests();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].body.as_str()),
        ("POST", body.to_string().as_str())
    );
}

#[tokio::test]
async fn the_next_day_brings_late_edits() {
    let api = assembled().await;
    let states_path = window("agents/state", NOW - 2 * DAY, NOW);
    let people_before = api.get("people").await;
    let before = api.get(&states_path).await;
    api.sandbox.set_now("2024-01-23T12:30:00Z".parse().unwrap());
    let after = api.get(&states_path).await;
    let late = after["total"].as_u64().unwrap() - before["total"].as_u64().unwrap();
    assert!((1..=12).contains(&late), "{late}");
    let closed = |answer: &Value| {
        let states = answer["agent_states"].as_array().unwrap().clone();
        states
            .iter()
            .filter(|state| state["ticket_status"] == "closed")
            .count()
    };
    assert_eq!(closed(&before), 0);
    assert!(closed(&after) > 0);
    let people_after = api.get("people").await;
    let changed: Vec<&String> = people_before["people"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(id, person)| people_after["people"][id.as_str()]["email"] != person["email"])
        .map(|(id, _)| id)
        .collect();
    assert_eq!(changed.len(), 1);
}

#[tokio::test]
async fn the_limit_of_the_real_api_can_be_put_in() {
    let mut fixture = fixture();
    let limit = fixture.rate_limit.as_mut().unwrap();
    (limit.requests, limit.burst) = (300, 20);
    let api = Api::start(fixture).await;
    let mut refused = None;
    // At 5 a second a client that does not wait runs dry soon.
    for _ in 0..2_000 {
        let response = api.request("teams").send().await.unwrap();
        if response.status() == 429 {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(
        support::json(refused).await.1["error"],
        "Rate limit exceeded"
    );
}

#[tokio::test]
async fn two_starts_serve_the_same_bytes() {
    let path = window("agents/state", MONDAY, NOW);
    let (first, second) = (assembled().await, assembled().await);
    for path in ["people", path.as_str()] {
        let mut bodies = Vec::new();
        for api in [&first, &second] {
            bodies.push(
                api.request(path)
                    .send()
                    .await
                    .unwrap()
                    .bytes()
                    .await
                    .unwrap(),
            );
        }
        assert_eq!(bodies[0], bodies[1]);
    }
}
