//! Worker processes: what they keep away from the service, and what their end costs.

use std::collections::BTreeSet;
use std::time::Duration;

use causeway_tests::Gateway;
use causeway_tests::place::{LIMIT, Place, deadly, mock, one, tried_again, two};
use causeway_tests::processes::{is_alive, maps, signal, until};
use serde_json::json;

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
    let place = Place::usual();
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

/// Connections are kept by plugins, and plugins live in processes.
#[tokio::test]
async fn the_files_of_a_session_stay_with_one_worker() {
    let place = Place::with(&two());
    place.staffed(2);
    let mut sessions = Vec::new();
    for _ in 0..6 {
        let mut job = mock(12, 0.1, json!({ "reuse": true }));
        // One link, as sessions want it.
        for (index, file) in job["files"].as_array_mut().unwrap().iter_mut().enumerate() {
            file["sources"] = json!([format!("mock://source.example/f{index}?size=10")]);
            let to = format!("mock://destination.example/f{index}?size_post=10&time=0.1");
            file["destinations"] = json!([to]);
        }
        sessions.push(place.gateway.submit(&job).await);
    }
    // Others come and go, so that now the one and now the other worker has less to do.
    for round in 0..20 {
        let seconds = [0.05, 0.3, 0.15, 0.6][round % 4];
        place.gateway.submit(&mock(7, seconds, json!({}))).await;
        std::thread::sleep(Duration::from_millis(70));
    }
    for id in &sessions {
        let job = place.gateway.wait(id, LIMIT).await;
        assert_eq!(job["job_state"], "FINISHED", "{}", place.gateway.log());
        let files = place.files(id).await;
        let pids: BTreeSet<_> = files.iter().map(|it| it["pid"].as_u64()).collect();
        assert_eq!(
            pids.len(),
            1,
            "a session went from one to the other: {files:?}"
        );
    }
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
