//! GridFTP through REST: two real servers with GSI beside storages of other protocols. What arrives
//! is compared byte by byte, copies between the two are proven by the logs of both.

use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::time::Duration;

use causeway_tests::data::{adler32, content, eventually, md5, put, tree};
use causeway_tests::depots::Depots;
use causeway_tests::processes::children_of;
use causeway_tests::{GatewayOptions, Grid, Server};
use serde_json::{Value, json};

/// Nothing, a byte, a block and its neighbours, and more than the largest that goes in company.
const SIZES: [usize; 6] = [0, 1, 262_143, 262_144, 262_145, (5 << 20) + 3];

fn both() -> (Grid, Server, Server) {
    let grid = Grid::start(GatewayOptions::default());
    let (one, other) = (grid.server("gridftp"), grid.server("gridftp"));
    (grid, one, other)
}

/// The line a server writes about a transfer that ended well.
fn moved(server: &Server, kind: &str, name: &str, bytes: usize) -> bool {
    server.read("TRANSFERS").lines().any(|line| {
        let ends = |field: &str| line.contains(&format!("{field} "));
        line.contains(&format!("TYPE={kind} CODE=226"))
            && ends(&format!("FILE={}", server.data(name).display()))
            && ends(&format!("NBYTES={bytes}"))
    })
}

#[tokio::test]
async fn servers_copy_between_each_other_and_the_bytes_do_not_pass_here() {
    let (grid, one, other) = both();
    for size in SIZES {
        let (name, bytes) = (format!("f{size}"), content(size));
        put(&one.data(&name), &bytes);
        // Into a directory that is not there yet.
        let target = format!("new/dir/{name}");
        let checksum = json!(format!("ADLER32:{}", adler32(&bytes)));
        let params = json!({ "verify_checksum": "both" });
        let (from, to) = (one.url(&name), other.url(&target));
        let done = grid
            .transfer_as("alice.proxy", &from, &to, checksum, params)
            .await;
        assert_eq!(done.finished().file["filesize"], size, "{done:#?}");
        assert!(done.mode().starts_with("third-party"), "{}", done.mode());
        assert!(
            std::fs::read(other.data(&target)).unwrap() == bytes,
            "{size}"
        );
        eventually(
            "both servers have written it down",
            Duration::from_secs(10),
            || moved(&one, "RETR", &name, size) && moved(&other, "STOR", &target, size),
        );
    }
    // The senders connected to where the receivers listened, and to nowhere else.
    let ports = |log: &str, before: &str| {
        let told = log.split(before).skip(1);
        let mut ports: Vec<String> = told
            .filter_map(|it| it.split([')', '\n']).next())
            .map(|it| it.trim().to_owned())
            .collect();
        ports.sort();
        ports
    };
    let told = ports(&one.log(), "[CLIENT]: PORT ");
    assert!(!told.is_empty(), "{}", one.log());
    assert_eq!(told, ports(&other.log(), "227 Entering Passive Mode ("));
}

#[tokio::test]
async fn a_wrong_checksum_is_found_and_nothing_is_left() {
    let (grid, one, other) = both();
    put(&one.data("f"), &content(100_000));
    let checksum = json!(format!("ADLER32:{}", adler32(b"other bytes")));
    let params = json!({ "verify_checksum": "target" });
    let (from, to) = (one.url("f"), other.url("f"));
    let done = grid
        .transfer_as("alice.proxy", &from, &to, checksum, params)
        .await;
    assert!(
        done.failed().to_lowercase().contains("checksum"),
        "{done:#?}"
    );
    assert!(!other.data("f").exists());
}

#[tokio::test]
async fn bytes_go_to_and_from_every_other_kind_of_storage() {
    let depots = Depots::start();
    let grid = &depots.grid;
    let server = grid.server("gridftp");
    for size in SIZES {
        let bytes = content(size);
        let seed = format!("seed-{size}");
        put(&server.data(&seed), &bytes);
        for kind in ["file", "https", "s3"] {
            let there = depots.url(kind, &seed);
            let done = grid.transfer(&server.url(&seed), &there, json!({})).await;
            assert_eq!(done.finished().file["filesize"], size, "to {kind}");
            assert_eq!(done.mode(), "streamed", "to {kind}");
            assert!(depots.stored(kind, &seed).unwrap() == bytes, "to {kind}");
            let back = format!("back-{kind}-{size}");
            let done = grid.transfer(&there, &server.url(&back), json!({})).await;
            assert_eq!(done.finished().file["filesize"], size, "from {kind}");
            assert!(
                std::fs::read(server.data(&back)).unwrap() == bytes,
                "from {kind}"
            );
        }
    }
}

/// Whether a session of a server has a file open, removed or not.
fn holds(server: &Server, name: &str) -> bool {
    let path = server.data(name).display().to_string();
    let sessions = children_of(server.value("PID").parse().unwrap());
    let open = |session: &u32| std::fs::read_dir(format!("/proc/{session}/fd"));
    // A session that has ended meanwhile holds nothing.
    let files = sessions.iter().filter_map(|it| open(it).ok()).flatten();
    let mut targets = files.filter_map(|it| std::fs::read_link(it.ok()?.path()).ok());
    targets.any(|it| it.to_string_lossy().starts_with(&path))
}

#[tokio::test]
async fn a_cancelled_copy_stops_both_servers_and_leaves_nothing() {
    let (grid, one, other) = both();
    // So large that it is not copied before it is cancelled.
    let file = std::fs::File::create(one.data("large")).unwrap();
    file.set_len(8 << 30).unwrap();
    let job = causeway_tests::grid::job(&one.url("large"), &other.url("b"), Value::Null, json!({}));
    let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    eventually("the copy has begun", Duration::from_secs(60), || {
        std::fs::metadata(other.data("b")).is_ok_and(|it| it.len() > 0)
    });
    assert!(holds(&one, "large") && holds(&other, "b"));
    let path = format!("/jobs/{id}");
    let alice = grid.user("alice.proxy");
    let answer = grid.gateway.rest(Some(&alice), "DELETE", &path, None);
    assert_eq!(answer.expect(200)["job_state"], "CANCELED");
    eventually("nothing is left", Duration::from_secs(60), || {
        !other.data("b").exists()
    });
    // Nobody goes on reading or writing: the file would appear again.
    eventually("both have let go of it", Duration::from_secs(60), || {
        !holds(&one, "large") && !holds(&other, "b")
    });
    assert_eq!(
        tree(&other.data("")),
        ["file", "readonly/", "readonly/file"]
    );
}

#[tokio::test]
async fn what_servers_refuse_is_said() {
    let (grid, one, other) = both();
    let done = grid
        .transfer(&one.url("none"), &other.url("b"), json!({}))
        .await;
    assert!(done.failed().contains("No such file"), "{done:#?}");
    let done = grid
        .transfer(&one.url("file"), &other.url("file"), json!({}))
        .await;
    assert!(done.failed().to_lowercase().contains("exists"), "{done:#?}");
    let done = grid
        .transfer(
            &one.url("file"),
            &other.url("file"),
            json!({ "overwrite": true }),
        )
        .await;
    done.finished();
    // After a good handshake, nobody knows Bob.
    grid.delegate("bob.proxy");
    let (from, to) = (one.url("file"), other.url("c"));
    let done = grid
        .transfer_as("bob.proxy", &from, &to, Value::Null, json!({}))
        .await;
    assert!(done.failed().contains("530"), "{done:#?}");
    assert!(!other.data("c").exists());
}

#[tokio::test]
async fn a_killed_gateway_copies_again_and_leaves_nothing_else() {
    /// Caught in the middle; sparse, so that only the copy costs disk.
    const SIZE: u64 = 768 << 20;
    let options = GatewayOptions::default().env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1");
    let grid = Grid::start(options.clone());
    let (one, other) = (grid.server("gridftp"), grid.server("gridftp"));
    let source = std::fs::File::create(one.data("large")).unwrap();
    source.set_len(SIZE).unwrap();
    for place in [0, 300 << 20, SIZE - 8] {
        source.write_all_at(b"contents", place).unwrap();
    }
    let params = json!({ "verify_checksum": "both", "retry": 5 });
    let (from, to) = (one.url("large"), other.url("b"));
    let job = causeway_tests::grid::job(&from, &to, json!("ADLER32"), params);
    let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let stored = || std::fs::metadata(other.data("b")).map_or(0, |it| it.blocks() * 512);
    eventually("a third of it is there", Duration::from_secs(60), || {
        stored() >= SIZE / 3
    });
    let grid = grid.restarted(&options);
    grid.gateway.wait(&id, Duration::from_secs(120)).await;
    let done = grid.done(&id).await;
    assert!(done.finished().mode().starts_with("third-party"));
    assert_eq!(md5(&other.data("b")), md5(&one.data("large")));
    assert_eq!(
        tree(&other.data("")),
        ["b", "file", "readonly/", "readonly/file"]
    );
    // It was in the middle, then: it was begun twice, and went over whole once.
    let begun = format!("[CLIENT]: STOR {}", other.data("b").display());
    assert!(other.log().matches(&begun).count() >= 2, "{}", other.log());
    let bytes = usize::try_from(SIZE).unwrap();
    eventually("it is written down", Duration::from_secs(10), || {
        moved(&other, "STOR", "b", bytes)
    });
    // A transfer that was given up is written down as well, with fewer bytes.
    let log = other.read("TRANSFERS");
    let whole = log
        .lines()
        .filter(|it| it.contains(&format!("NBYTES={SIZE} ")));
    assert_eq!(whole.count(), 1, "{log}");
}

#[tokio::test]
async fn a_proxy_with_attributes_of_a_vo_opens_both_servers() {
    let pki = causeway_tests::Pki::shared();
    let (one, other) = (
        Server::start("gridftp", &pki),
        Server::start("gridftp", &pki),
    );
    let trusted = GatewayOptions::default().env("CAUSEWAY__TLS__VOMS_DIR", one.value("VOMSDIR"));
    let grid = Grid::start(trusted);
    let proxy = one.value("VOMS_PROXY");
    grid.delegate(proxy);
    let (from, to) = (one.url("file"), other.url("b"));
    let done = grid
        .transfer_as(proxy, &from, &to, Value::Null, json!({}))
        .await;
    assert!(done.finished().mode().starts_with("third-party"));
    assert_eq!(done.job["vo_name"], "testvo", "{done:#?}");
    assert!(std::fs::read(other.data("b")).unwrap() == std::fs::read(one.data("file")).unwrap());
}
