//! Messages of the whole program: to a real broker and a consumer like those of sites, over crashes
//! and absences, to a webhook, to a listener; and the log that a message leads to. What Rucio makes
//! of messages is in `messages_rucio.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway_tests::broker::{Broker, free_port};
use causeway_tests::hook::Hook;
use causeway_tests::{Gateway, GatewayOptions, rest};
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const START: &str = "transfer.fts_monitoring_start";
const COMPLETE: &str = "transfer.fts_monitoring_complete";
const STATE: &str = "transfer.fts_monitoring_state";
const OPTIMIZER: &str = "transfer.fts_monitoring_queue_state";

fn at(prefix: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|it| format!("/{prefix}/{it}")).collect()
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn file(name: &str, source: &str, destination: &str) -> Value {
    json!({
        "sources": [format!("mock://source.example/{name}?{source}")],
        "destinations": [format!("mock://destination.example/{name}?{destination}")],
        "metadata": {"request_id": name},
    })
}

fn job(files: Vec<Value>) -> Value {
    json!({ "files": files, "params": { "retry": -1, "job_metadata": {"issuer": "rucio"} } })
}

/// States of each transfer in the order in which they came, doubles left out.
fn paths(got: &[Value]) -> BTreeMap<u64, Vec<String>> {
    let mut paths: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let states = got.iter().filter(|it| ends_with(it, STATE));
    for body in states.map(|it| &it["body"]) {
        let path = paths.entry(body["file_id"].as_u64().unwrap()).or_default();
        let state = body["file_state"].as_str().unwrap().to_owned();
        if !path.contains(&state) {
            path.push(state);
        }
    }
    paths
}

fn ends_with(message: &Value, name: &str) -> bool {
    message["destination"].as_str().unwrap().ends_with(name)
}

fn of<'a>(got: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    got.iter().filter(move |it| ends_with(it, name))
}

/// Waits until the gateway has noticed whether the broker is there.
async fn receiver_is(gateway: &Gateway, up: &str) {
    let line = format!("causeway_message_receiver_up{{receiver=\"stomp\"}} {up}\n");
    let start = std::time::Instant::now();
    loop {
        let metrics = gateway.get_text("/metrics").await;
        if metrics.contains(&line) {
            return;
        }
        assert!(start.elapsed() < LIMIT, "{metrics}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_broker_gets_every_kind_of_message() {
    let state = tempfile::tempdir().unwrap();
    let broker = Broker::start(state.path());
    let destinations = at("topic", &[START, COMPLETE, STATE, OPTIMIZER]);
    let consumer = broker.consumer(&borrowed(&destinations));
    let options = broker.configure(GatewayOptions::default());
    let gateway = Gateway::start(state.path(), &options);
    let good = file("good", "size=10", "size_post=10&time=0");
    let bad = file("bad", "size=10", "errno=13&time=0");
    let id = gateway.submit(&job(vec![good, bad])).await;
    let ended = gateway.wait(&id, LIMIT).await;
    assert_eq!(ended["job_state"], "FINISHEDDIRTY");
    let got = consumer
        .until(LIMIT, |got| {
            of(got, COMPLETE).count() >= 2
                && of(got, START).count() >= 2
                && of(got, OPTIMIZER).count() >= 1
                && paths(got).values().filter(|it| it.len() == 4).count() == 2
        })
        .await;
    for message in of(&got, COMPLETE) {
        let (headers, body) = (&message["headers"], &message["body"]);
        assert_eq!(headers["vo"], body["vo"]);
        assert_eq!(body["endpnt"], gateway.endpoint());
        assert_eq!(body["job_id"], id.as_str());
    }
    let expected = |end: &str| ["SUBMITTED", "READY", "ACTIVE", end].map(str::to_owned);
    let paths: Vec<_> = paths(&got).into_values().collect();
    let ends = ["FINISHED", "FAILED"];
    assert_eq!(paths, ends.map(expected));
    let link = &of(&got, OPTIMIZER).next().unwrap()["body"];
    assert_eq!(link["source_se"], "mock://source.example");
    assert!(link["connections"].as_i64().unwrap() > 0, "{link}");
    // The last word about the job is in its last state message.
    let last = of(&got, STATE).last().unwrap();
    assert_eq!(last["body"]["job_state"], "FINISHEDDIRTY");
}

/// Every transfer of a job that finished: its states in order, its start, its result.
fn has_everything(got: &[Value], transfers: usize) -> bool {
    let paths = paths(got);
    let whole = |it: &Vec<String>| it.last().is_some_and(|it| it == "FINISHED");
    paths.len() == transfers
        && paths.values().all(whole)
        && ids(got, START) == transfers
        && ids(got, COMPLETE) == transfers
}

fn ids(got: &[Value], name: &str) -> usize {
    let mut ids: Vec<u64> = of(got, name)
        .map(|it| it["body"]["file_id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

fn assert_in_order(got: &[Value]) {
    for (file, path) in paths(got) {
        assert_eq!(path, ["SUBMITTED", "READY", "ACTIVE", "FINISHED"], "{file}");
    }
}

#[tokio::test]
async fn no_message_is_missing_after_kill_9() {
    const JOBS: usize = 12;
    const FILES: usize = 20;
    let state = tempfile::tempdir().unwrap();
    let broker = Broker::start(state.path());
    let destinations = at("queue", &[START, COMPLETE, STATE]);
    let consumer = broker.consumer(&borrowed(&destinations));
    let options = broker
        .configure(GatewayOptions::default())
        .env("CAUSEWAY__MESSAGES__TOPIC", "false");
    let mut random = rand::rngs::StdRng::seed_from_u64(20_261_122);
    let mut jobs = Vec::new();
    for number in 0..JOBS {
        let gateway = Gateway::start(state.path(), &options);
        let files = (0..FILES).map(|index| {
            let name = format!("{number}-{index}");
            file(&name, "size=10", "size_post=10&time=0")
        });
        jobs.push(gateway.submit(&job(files.collect())).await);
        tokio::time::sleep(Duration::from_millis(random.random_range(0..400))).await;
        gateway.kill();
    }
    let gateway = Gateway::start(state.path(), &options);
    for id in &jobs {
        assert_eq!(gateway.wait(id, LIMIT).await["job_state"], "FINISHED");
    }
    let got = consumer
        .until(LIMIT, |got| has_everything(got, JOBS * FILES))
        .await;
    assert_in_order(&got);
}

#[tokio::test]
async fn a_broker_that_was_away_gets_everything_in_order() {
    const FILES: usize = 50;
    let state = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(state.path());
    let destinations = at("queue", &[START, COMPLETE, STATE]);
    let consumer = broker.consumer(&borrowed(&destinations));
    let options = broker
        .configure(GatewayOptions::default())
        .env("CAUSEWAY__MESSAGES__TOPIC", "false");
    let gateway = Gateway::start(state.path(), &options);
    let files = |round: &str| {
        let file = |index| {
            file(
                &format!("{round}-{index}"),
                "size=10",
                "size_post=10&time=0",
            )
        };
        job((0..FILES).map(file).collect())
    };
    let first = gateway.submit(&files("before")).await;
    gateway.wait(&first, LIMIT).await;
    consumer
        .until(LIMIT, |got| has_everything(got, FILES))
        .await;
    broker.go_away();
    let second = gateway.submit(&files("while")).await;
    assert_eq!(gateway.wait(&second, LIMIT).await["job_state"], "FINISHED");
    receiver_is(&gateway, "0").await;
    // A restart in between changes nothing.
    drop(gateway);
    let gateway = Gateway::start(state.path(), &options);
    broker.come_back();
    let got = consumer
        .until(LIMIT, |got| has_everything(got, 2 * FILES))
        .await;
    assert_in_order(&got);
    receiver_is(&gateway, "1").await;
}

#[tokio::test]
async fn a_webhook_gets_signed_events_and_again_when_it_failed() {
    let state = tempfile::tempdir().unwrap();
    let hook = Hook::start(2).await;
    std::fs::write(state.path().join("hook.key"), "key of the hook\n").unwrap();
    let webhook = format!(
        "[{{name = \"test\", url = \"{}\", secret_file = \"{}\", kinds = [\"complete\", \"job\"]}}]",
        hook.url(),
        state.path().join("hook.key").display()
    );
    let options = GatewayOptions::default().env("CAUSEWAY__MESSAGES__WEBHOOKS", webhook);
    let gateway = Gateway::start(state.path(), &options);
    let good = file("good", "size=10", "size_post=10&time=0");
    let id = gateway.submit(&job(vec![good])).await;
    gateway.wait(&id, LIMIT).await;
    let began = std::time::Instant::now();
    let events = loop {
        let taken = hook.taken("key of the hook");
        let events: Vec<Value> = taken
            .iter()
            .flat_map(|it| it["events"].as_array().unwrap().clone())
            .collect();
        if events
            .iter()
            .any(|it| it["data"]["job_state"] == "FINISHED")
        {
            break events;
        }
        assert!(began.elapsed() < LIMIT, "{events:#?}\n{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(hook.refused(), 2);
    let words: Vec<(&str, &str)> = events
        .iter()
        .map(|it| {
            (
                it["type"].as_str().unwrap(),
                it["data"]["job_state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(words.first(), Some(&("job", "SUBMITTED")));
    assert!(words.contains(&("job", "ACTIVE")) && words.contains(&("complete", "UNKNOWN")));
    assert_eq!(words.last(), Some(&("job", "FINISHED")));
}

#[tokio::test]
async fn a_listener_hears_what_happens_and_finds_the_log() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    let mut listener = gateway.listen("/events?types=state,complete", None).await;
    let good = file("good", "size=10", "size_post=10&time=0");
    let id = gateway.submit(&job(vec![good])).await;
    let mut last = None;
    let mut states = Vec::new();
    while states.last().is_none_or(|it| it != "FINISHED") {
        let (kind, place, data) = listener.next().await;
        last = place.or(last);
        if kind == "state" {
            states.push(data["file_state"].as_str().unwrap().to_owned());
        }
        assert_eq!(data["job_id"], id.as_str());
    }
    assert_eq!(states, ["SUBMITTED", "READY", "ACTIVE", "FINISHED"]);
    // Another life of the gateway: the listener goes on where it was.
    drop((listener, gateway));
    let monitoring = free_port();
    let options = GatewayOptions::default().env(
        "CAUSEWAY__SERVER__MONITORING_LISTEN",
        format!("127.0.0.1:{monitoring}"),
    );
    let gateway = Gateway::start(state.path(), &options);
    let more = file("more", "size=10", "size_post=10&time=0");
    let next = gateway.submit(&job(vec![more])).await;
    let mut listener = gateway.listen("/events?types=state", last.as_deref()).await;
    assert_eq!(listener.next().await.2["job_id"], next.as_str());
    gateway.wait(&next, LIMIT).await;
    let files = gateway.get(&format!("/jobs/{next}/files")).await;
    let path = files[0]["log_file"].as_str().unwrap();
    assert!(
        path.ends_with(&format!("__{}__{next}", files[0]["file_id"])),
        "{path}"
    );
    let route = format!("/jobs/{next}/files/{}/log", files[0]["file_id"]);
    let began = std::time::Instant::now();
    loop {
        let log = gateway.get_text(&route).await;
        if log.contains("INFO") {
            break;
        }
        assert!(began.elapsed() < LIMIT, "{log}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Where links lead: on the port of the API, and on that of the monitoring.
    let ca = gateway.pki("ca.pem");
    for endpoint in [
        gateway.endpoint(),
        &format!("https://localhost:{monitoring}"),
    ] {
        let page = rest::request(&ca, None, "GET", &format!("{endpoint}/fts3/ftsmon/"), None);
        assert!(page.text.contains("<title>Job</title>"), "{page:?}");
    }
}
