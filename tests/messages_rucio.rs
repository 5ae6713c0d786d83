//! Complete messages of the whole program, over a real broker, and what Rucio's own receiver makes of
//! them: plain transfers, several sources, several hops, and destinations that exist already.

use std::time::Duration;

use causeway_tests::broker::{Broker, Consumer};
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const COMPLETE: &str = "/topic/transfer.fts_monitoring_complete";
/// That of the development user.
const VO: &str = "DevUser@causeway.org";
const FREE: &str = "mock://destination.example/f?size_post=10&checksum=24&time=0";

/// A broker with a consumer, and a gateway that tells them.
struct World {
    gateway: Gateway,
    consumer: Consumer,
    _broker: Broker,
    _state: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let broker = Broker::start(state.path());
        let consumer = broker.consumer(&[COMPLETE]);
        let options = broker.configure(GatewayOptions::default());
        Self {
            gateway: Gateway::start(state.path(), &options),
            consumer,
            _broker: broker,
            _state: state,
        }
    }

    /// Runs a job of Rucio's to its end, and waits for so many further complete messages.
    async fn run(&self, files: Vec<Value>, params: Value, messages: usize) -> String {
        let mut all = json!({"retry": -1, "job_metadata": {"issuer": "rucio"}});
        for (name, value) in params.as_object().unwrap() {
            all[name] = value.clone();
        }
        let before = self.consumer.got().len();
        let job = json!({"files": files, "params": all});
        let id = self.gateway.submit(&job).await;
        self.gateway.wait(&id, LIMIT).await;
        let enough = |got: &[Value]| got.len() >= before + messages;
        self.consumer.until(LIMIT, enough).await;
        id
    }
}

/// A file with what Rucio sends along.
fn file(request: &str, sources: &[&str], destination: &str) -> Value {
    json!({
        "sources": sources,
        "destinations": [destination],
        "filesize": 10,
        "checksum": "ADLER32:00000024",
        "selection_strategy": "orderly",
        "metadata": {
            "request_id": request, "scope": "user.jdoe", "name": request, "filesize": 10,
            "adler32": "00000024", "md5": null, "src_rse": "first.example", "dst_rse": "DESTINATION",
            "src_rse_id": "id of first.example", "dest_rse_id": "x", "src_type": "DISK",
            "dst_type": "DISK",
        },
    })
}

#[tokio::test]
async fn plain_transfers() {
    let it = World::start();
    let good = file("good", &["mock://source.example/f?size=10"], FREE);
    let bad = file("bad", &["mock://source.example/f?errno=13"], FREE);
    let stranger = json!({"job_metadata": {"issuer": "somebody else"}});
    it.run(vec![good.clone()], stranger, 1).await;
    let id = it.run(vec![good, bad], json!({}), 2).await;
    // Another VO's receiver leaves all of it alone, and ours what it did not ask for.
    assert_eq!(it.consumer.received("atlas"), vec![Value::Null; 3]);
    let mut got = it.consumer.received(VO);
    assert_eq!(got.remove(0), json!(null));
    got.sort_by_key(|it| it["request_id"].to_string());
    let (bad, good) = (&got[0], &got[1]);
    for (request, state, got) in [("bad", "FAILED", bad), ("good", "DONE", good)] {
        assert_eq!(
            (&got["request_id"], &got["state"]),
            (&json!(request), &json!(state)),
            "{got}"
        );
        assert_eq!(got["external_id"], id);
        // Where Rucio leads its users to: what it submitted to, with the job.
        let link = format!("{}/fts3/ftsmon/#/job/{id}", it.gateway.endpoint());
        assert_eq!(got["link"], link.replace("8446", "8449"));
        let seconds = |name: &str| got[name].as_f64().unwrap();
        assert!(
            seconds("started_at") > 1.0e9 && seconds("transferred_at") >= seconds("started_at")
        );
        assert_eq!(got["dst_url"], FREE);
    }
    assert!(good.get("err_msg").is_none());
    let reason = bad["err_msg"].as_str().unwrap();
    assert!(reason.contains("Permission denied"), "{reason}");
}

#[tokio::test]
async fn several_sources_are_one_request() {
    let it = World::start();
    let gone = "mock://first.example/f?errno=2";
    let there = "mock://second.example/f?size=10";
    let params = || json!({"job_metadata": {"issuer": "rucio", "multi_sources": true}});
    let id = it
        .run(vec![file("second", &[gone, there], FREE)], params(), 2)
        .await;
    it.run(vec![file("none", &[gone, gone], FREE)], params(), 2)
        .await;
    let got = it.consumer.received(VO);
    // The one that failed is not the last word, and is left alone.
    assert_eq!((&got[0], &got[2]), (&json!(null), &json!(null)));
    assert_eq!(
        (&got[1]["request_id"], &got[1]["state"]),
        (&json!("second"), &json!("DONE"))
    );
    assert_eq!(got[1]["external_id"], id);
    // It says which source it was in the end.
    assert_eq!(got[1]["src_rse"], "second.example");
    assert_eq!(got[1]["source_rse_id"], "id of second.example");
    assert_eq!(
        (&got[3]["request_id"], &got[3]["state"]),
        (&json!("none"), &json!("FAILED"))
    );
}

#[tokio::test]
async fn every_hop_is_a_request_of_its_own() {
    let it = World::start();
    let source = "mock://first.example/f?size=10";
    let middle = "mock://middle.example/f?size=10&size_post=10&checksum=24&time=0";
    let hops = |last: &str| vec![file("in", &[source], middle), file("out", &[middle], last)];
    let id = it.run(hops(FREE), json!({"multihop": true}), 2).await;
    let fails = "mock://destination.example/f?size_post=11&time=0";
    it.run(hops(fails), json!({"multihop": true}), 2).await;
    let got = it.consumer.received(VO);
    let told: Vec<_> = got
        .iter()
        .map(|it| (&it["request_id"], &it["state"]))
        .collect();
    let wanted = [
        ("in", "DONE"),
        ("out", "DONE"),
        ("in", "DONE"),
        ("out", "FAILED"),
    ];
    let wanted = wanted.map(|(request, state)| (json!(request), json!(state)));
    assert_eq!(
        told,
        wanted.iter().map(|it| (&it.0, &it.1)).collect::<Vec<_>>()
    );
    assert_eq!(
        (&got[0]["external_id"], &got[1]["external_id"]),
        (&json!(id), &json!(id))
    );
}

#[tokio::test]
async fn a_destination_that_is_right_already_is_as_good_as_done() {
    let it = World::start();
    let source = "mock://first.example/f?size=10";
    let there = |size: u32, place: &str| {
        format!(
            "mock://destination.example/f?exists=1&size_pre={size}&size_post={size}\
             &checksum=24&user.status={place}"
        )
    };
    let on_tape = |request: &str, place: &str| {
        let mut file = file(request, &[source], &there(10, place));
        file["metadata"]["dst_type"] = json!("TAPE");
        file
    };
    let report = json!({"dst_file_report": true});
    let mut only_disk = report.clone();
    only_disk["overwrite_when_only_on_disk"] = json!(true);
    only_disk["archive_timeout"] = json!(3600);
    let right = file("right", &[source], &there(10, "ONLINE"));
    let wrong = file("wrong", &[source], &there(11, "ONLINE"));
    it.run(vec![right.clone()], report.clone(), 1).await;
    it.run(vec![wrong], report.clone(), 1).await;
    it.run(vec![on_tape("on tape", "NEARLINE")], only_disk, 1)
        .await;
    it.run(vec![on_tape("not yet on tape", "ONLINE")], report, 1)
        .await;
    it.run(vec![right], json!({}), 1).await;
    let got = it.consumer.received(VO);
    let told: Vec<_> = got
        .iter()
        .map(|it| (&it["request_id"], &it["state"]))
        .collect();
    let wanted = [
        ("right", "DONE"),
        ("wrong", "FAILED"),
        ("on tape", "DONE"),
        ("not yet on tape", "FAILED"),
        // Nobody asked for the report.
        ("right", "FAILED"),
    ];
    let wanted = wanted.map(|(request, state)| (json!(request), json!(state)));
    assert_eq!(
        told,
        wanted.iter().map(|it| (&it.0, &it.1)).collect::<Vec<_>>()
    );
}
