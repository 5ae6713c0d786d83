//! Worker processes: what they keep away from the service, and what their end costs.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use causeway_tests::processes::{is_alive, maps, signal, until};
use causeway_tests::programs::{built, install};
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);

struct Place {
    dir: tempfile::TempDir,
    gateway: Gateway,
}

impl Place {
    fn with(options: &GatewayOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let gateway = Gateway::start(dir.path(), options);
        Self { dir, gateway }
    }

    fn new() -> Self {
        Self::with(&GatewayOptions::default())
    }

    /// Transfers of one job, as REST shows them.
    async fn files(&self, id: &str) -> Vec<Value> {
        let files = self.gateway.get(&format!("/jobs/{id}/files")).await;
        files.as_array().unwrap().clone()
    }

    async fn reason(&self, id: &str) -> String {
        let file = self.files(id).await.remove(0);
        file["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until as many workers as usual are at work.
    fn staffed(&self, number: usize) -> Vec<u32> {
        let works = || {
            let workers = self.gateway.workers();
            let loaded = |pid: &u32| maps(*pid).contains("libcauseway_plugin");
            workers.into_iter().filter(loaded).collect::<Vec<_>>()
        };
        until(LIMIT, "workers", || works().len() == number);
        works()
    }

    async fn active(&self, id: &str) {
        let active = |job: &Value| job["job_state"] == "ACTIVE";
        self.gateway.wait_for(id, LIMIT, active).await;
    }
}

/// Two workers, whatever the machine has.
fn two() -> GatewayOptions {
    GatewayOptions::default().env("CAUSEWAY__ENGINE__WORKERS", "2")
}

fn mock(number: usize, seconds: f64, parameters: Value) -> Value {
    let file = |index: usize| {
        json!({
            "sources": [format!("mock://source{}.example/f{index}?size=10", index % 7)],
            "destinations": [format!(
                "mock://destination{}.example/f{index}?size_post=10&time={seconds}", index % 5
            )],
        })
    };
    json!({ "files": (0..number).map(file).collect::<Vec<_>>(), "params": parameters })
}

fn one(source: &str, destination: &str, parameters: Value) -> Value {
    json!({
        "files": [{ "sources": [source], "destinations": [destination] }],
        "params": parameters,
    })
}

/// A transfer in whose middle the plugin sends a signal to its own process.
fn deadly(number: u32, parameters: Value) -> Value {
    let source = format!("mock://a.example/deadly?size=10&signal={number}");
    one(
        &source,
        "mock://b.example/deadly?size_post=10&time=1",
        parameters,
    )
}

fn tried_again() -> Value {
    json!({ "retry": 20, "retry_delay": 1 })
}

#[tokio::test]
async fn the_server_opens_no_library_and_workers_do() {
    let place = Place::with(&two());
    let workers = place.staffed(2);
    let id = place.gateway.submit(&mock(20, 0.0, json!({}))).await;
    assert_eq!(
        place.gateway.wait(&id, LIMIT).await["job_state"],
        "FINISHED"
    );
    // Asked through a worker: whether something is there, and what.
    let stat = place
        .gateway
        .get("/dm/stat?surl=mock://x.example/y?size=4")
        .await;
    assert_eq!(stat["size"], 4, "{stat}");
    // Asked when a job is submitted: only the plugin knows which files are served.
    let refused = one("file:///etc/passwd", "mock://b.example/x", json!({}));
    let answer = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = answer
        .post(format!("{}/jobs", place.gateway.plain()))
        .json(&refused)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    let text = answer.text().await.unwrap();
    assert!(text.contains("/etc/passwd"), "{text}");

    assert!(!maps(place.gateway.pid()).contains("libcauseway_plugin"));
    for pid in &workers {
        for plugin in ["mock", "file", "http"] {
            assert!(maps(*pid).contains(&format!("libcauseway_plugin_{plugin}")));
        }
    }
    // A process that was started a moment ago may not take work yet.
    let known: BTreeSet<_> = workers.iter().map(|it| Some(u64::from(*it))).collect();
    let mut pids = BTreeSet::new();
    for _ in 0..50 {
        let id = place.gateway.submit(&mock(20, 0.0, json!({}))).await;
        place.gateway.wait(&id, LIMIT).await;
        pids.extend(place.files(&id).await.iter().map(|it| it["pid"].as_u64()));
        if pids == known {
            break;
        }
    }
    assert_eq!(pids, known, "work is shared");
}

#[tokio::test]
async fn killed_workers_cost_retries_and_nothing_else() {
    let place = Place::with(&two());
    let server = place.gateway.pid();
    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(place.gateway.submit(&mock(100, 0.7, tried_again())).await);
    }
    for round in 0..6 {
        let workers = place.staffed(2);
        std::thread::sleep(Duration::from_millis(400));
        // One after the other, then both.
        let victims = if round % 3 == 2 {
            &workers[..]
        } else {
            &workers[..1]
        };
        for pid in victims {
            signal(*pid, "KILL");
        }
    }
    for id in &jobs {
        let job = place.gateway.wait(id, LIMIT).await;
        assert_eq!(
            job["job_state"],
            "FINISHED",
            "{job}\n{}",
            place.gateway.log()
        );
        for file in place.files(id).await {
            for retry in file["retries"].as_array().into_iter().flatten() {
                let text = "GENERAL_FAILURE [4] Transfer process died with: signal 9 (SIGKILL)";
                assert_eq!(retry["reason"], text);
            }
        }
    }
    assert_eq!(place.gateway.pid(), server);
    assert!(is_alive(server));
    place.staffed(2);
}

#[tokio::test]
async fn a_crash_costs_the_attempts_of_its_plugin_and_spares_the_others() {
    let options = two()
        .env("CAUSEWAY__ENGINE__WORKERS", "1")
        .env("CAUSEWAY__PLUGINS__MOCK__SIGNALS", "true");
    let place = Place::with(&options);
    // A transfer by another plugin, in the same worker, slow enough to be there.
    let data = place.dir.path().join("data");
    let file = |name: &str| format!("file://{}", data.join(name).display());
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("here"), vec![7_u8; 1 << 20]).unwrap();
    let copy = place
        .gateway
        .submit(&one(&file("here"), &file("there"), json!({ "retry": -1 })))
        .await;
    let sharing = place.gateway.submit(&mock(10, 2.0, tried_again())).await;
    place.active(&sharing).await;
    let deadly = place
        .gateway
        .submit(&deadly(11, json!({ "retry": -1 })))
        .await;
    let job = place.gateway.wait(&deadly, LIMIT).await;
    assert_eq!(job["job_state"], "FAILED", "{job}");
    let text = "GENERAL_FAILURE [4] Transfer process died with: signal 11 (SIGSEGV)";
    assert_eq!(place.reason(&deadly).await, text);
    for id in [&sharing, &copy] {
        let job = place.gateway.wait(id, LIMIT).await;
        assert_eq!(job["job_state"], "FINISHED", "{}", place.gateway.log());
    }
    assert!(data.join("there").exists());
}

#[tokio::test]
async fn a_reload_under_load_drops_nothing_and_the_old_workers_leave() {
    let place = Place::with(&two());
    let before = place.staffed(2);
    let parameters = json!({ "retry": -1 });
    let long = place
        .gateway
        .submit(&mock(50, 4.0, parameters.clone()))
        .await;
    place.active(&long).await;
    let mut jobs = vec![long];
    for _ in 0..4 {
        place.gateway.signal("HUP");
        jobs.push(
            place
                .gateway
                .submit(&mock(40, 0.2, parameters.clone()))
                .await,
        );
        std::thread::sleep(Duration::from_millis(300));
    }
    for id in &jobs {
        let job = place.gateway.wait(id, LIMIT).await;
        assert_eq!(job["job_state"], "FINISHED", "{}", place.gateway.log());
        assert!(place.files(id).await.iter().all(|it| it["retry"] == 0));
    }
    until(LIMIT, "the first workers leave", || {
        !before.iter().any(|pid| is_alive(*pid))
    });
    let after = place.staffed(2);
    assert!(after.iter().all(|pid| !before.contains(pid)));
    assert!(
        !place.gateway.log().contains("worker process ended"),
        "{}",
        place.gateway.log()
    );
}

#[tokio::test]
async fn workers_end_with_their_server_and_the_next_one_goes_on() {
    let place = Place::with(&two());
    let workers = place.staffed(2);
    let id = place
        .gateway
        .submit(&mock(30, 2.0, json!({ "retry": -1 })))
        .await;
    place.active(&id).await;
    // One cannot even look at its socket.
    assert!(signal(workers[0], "STOP"));
    let Place { dir, gateway } = place;
    gateway.kill();
    assert!(signal(workers[0], "CONT"));
    until(LIMIT, "no worker is left", || {
        !workers.iter().any(|pid| is_alive(*pid))
    });
    let gateway = Gateway::start(dir.path(), &two());
    let job = gateway.wait(&id, LIMIT).await;
    assert_eq!(job["job_state"], "FINISHED", "{}", gateway.log());
}

#[tokio::test]
async fn a_clean_stop_leaves_no_worker_behind() {
    let place = Place::new();
    let id = place.gateway.submit(&mock(3, 0.0, json!({}))).await;
    place.gateway.wait(&id, LIMIT).await;
    let workers = place.gateway.workers();
    assert!(!workers.is_empty());
    // As a service manager does it: to all at once.
    for pid in &workers {
        assert!(signal(*pid, "TERM"));
    }
    assert!(
        workers.iter().all(|pid| is_alive(*pid)),
        "they leave when they are told"
    );
    place.gateway.signal("TERM");
    assert!(place.gateway.ended(LIMIT).success());
    let gone = || !workers.iter().any(|pid| is_alive(*pid));
    until(LIMIT, "no worker is left", gone);
    let log = std::fs::read_to_string(place.dir.path().join("serve.log")).unwrap();
    assert!(!log.contains("worker process ended"), "{log}");
}

#[tokio::test]
async fn one_that_does_not_answer_is_ended() {
    let options = two()
        .env("CAUSEWAY__ENGINE__WORKERS", "1")
        .env("CAUSEWAY__ENGINE__WORKER_PING_TIMEOUT_SECONDS", "2");
    let place = Place::with(&options);
    let id = place
        .gateway
        .submit(&mock(1, 60.0, json!({ "retry": -1 })))
        .await;
    place.active(&id).await;
    let worker = place.gateway.workers()[0];
    assert!(signal(worker, "STOP"));
    assert_eq!(place.gateway.wait(&id, LIMIT).await["job_state"], "FAILED");
    let text = "GENERAL_FAILURE [4] Transfer process died with: no answer for 2 s";
    assert_eq!(place.reason(&id).await, text);
    assert!(!is_alive(worker));
    let id = place.gateway.submit(&mock(1, 0.0, json!({}))).await;
    assert_eq!(
        place.gateway.wait(&id, LIMIT).await["job_state"],
        "FINISHED"
    );
}

/// A copy of the mock library with other bytes, which the loader does not look at.
fn other_library(dir: &Path, mark: u8) -> std::path::PathBuf {
    let mut bytes = std::fs::read(built().join("libcauseway_plugin_mock.so")).unwrap();
    bytes.push(mark);
    let path = dir.join("libcauseway_plugin_mock.so");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn a_plugin_that_kills_is_taken_out_of_service_and_a_new_file_puts_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let plugins = dir.path().join("plugins");
    install(&other_library(dir.path(), 1), &plugins);
    let options = two()
        .env("CAUSEWAY__ENGINE__WORKERS", "1")
        .env("CAUSEWAY__ENGINE__PLUGIN_DEATHS_MAX", "2")
        .env("CAUSEWAY__PLUGINS__MOCK__SIGNALS", "true")
        .plugin_dir(&plugins);
    let place = Place::with(&options);
    for _ in 0..2 {
        let id = place
            .gateway
            .submit(&deadly(11, json!({ "retry": -1 })))
            .await;
        place.gateway.wait(&id, LIMIT).await;
        let died = "Transfer process died with: signal 11 (SIGSEGV)";
        assert!(
            place.reason(&id).await.ends_with(died),
            "{}",
            place.gateway.log()
        );
        place.staffed(1);
    }
    let out = "plugin mock is out of service: it ended 2 workers within 600 s, the last with signal 11 (SIGSEGV)";
    let refused = async || {
        let id = place
            .gateway
            .submit(&mock(1, 0.0, json!({ "retry": -1 })))
            .await;
        assert_eq!(place.gateway.wait(&id, LIMIT).await["job_state"], "FAILED");
        let reason = place.reason(&id).await;
        assert!(
            reason.starts_with("SOURCE [11] ") && reason.ends_with(out),
            "{reason}"
        );
    };
    refused().await;
    let answer = place
        .gateway
        .get("/dm/stat?surl=mock://x.example/y?size=4")
        .await;
    assert!(answer.to_string().contains(out), "{answer}");
    assert!(
        place.gateway.log().contains("ALERT"),
        "{}",
        place.gateway.log()
    );

    // The same file again changes nothing.
    let workers = place.staffed(1);
    place.gateway.signal("HUP");
    until(LIMIT, "new workers", || place.staffed(1) != workers);
    refused().await;

    install(&other_library(dir.path(), 2), &plugins);
    place.gateway.signal("HUP");
    until(LIMIT, "the plugin is back", || {
        place.gateway.log().contains("plugin is back in service")
    });
    place.staffed(1);
    let id = place.gateway.submit(&mock(5, 0.0, tried_again())).await;
    assert_eq!(
        place.gateway.wait(&id, LIMIT).await["job_state"],
        "FINISHED"
    );
}

#[tokio::test]
async fn in_one_process_when_asked_so() {
    let place = Place::with(&two().env("CAUSEWAY__ENGINE__ISOLATION", "in_process"));
    let id = place.gateway.submit(&mock(5, 0.0, json!({}))).await;
    assert_eq!(
        place.gateway.wait(&id, LIMIT).await["job_state"],
        "FINISHED"
    );
    assert!(place.gateway.workers().is_empty());
    assert!(maps(place.gateway.pid()).contains("libcauseway_plugin_mock"));
}
