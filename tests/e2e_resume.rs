//! A large transfer that is broken off in the middle goes on where it was: kill -9 of the gateway or
//! of its worker, and the storage sees that only the rest is asked for.

use std::path::Path;
use std::time::Duration;

use causeway_tests::data::adler32;
use causeway_tests::drip::Drip;
use causeway_tests::processes::{children_of, signal, until};
use causeway_tests::{Gateway, GatewayOptions};
use rand::{RngCore as _, SeedableRng as _};
use serde_json::json;

const MIB: u64 = 1 << 20;
const SIZE: u64 = 64 * MIB;
const RANGE: u64 = 4 * MIB;
/// The storage has sent so much when somebody dies.
const CUT: u64 = 40 * MIB;
/// What may be asked for again: an unfinished piece, and what was still in sockets and queues.
const LOST: u64 = 16 * MIB;

struct World {
    state: tempfile::TempDir,
    options: GatewayOptions,
    drip: Drip,
}

fn random(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; SIZE as usize];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

impl World {
    fn new(content: &[u8]) -> Self {
        let options = GatewayOptions::default()
            .env("CAUSEWAY__ENGINE__RESUME_MIN_BYTES", MIB.to_string())
            .env("CAUSEWAY__ENGINE__STREAM_RANGE_BYTES", RANGE.to_string())
            .env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1");
        Self {
            state: tempfile::tempdir().unwrap(),
            options,
            drip: Drip::start(content.to_vec(), Duration::from_millis(10)),
        }
    }

    fn start(&self) -> Gateway {
        Gateway::start(self.state.path(), &self.options)
    }

    /// Submits the transfer, which expects this content, and waits until it is in the middle.
    async fn half_way(&self, gateway: &Gateway, content: &[u8]) -> String {
        let data = self.state.path().join("data").canonicalize().unwrap();
        let file = json!({
            "sources": [self.drip.url()],
            "destinations": [format!("file://{}/in/large", data.display())],
            "checksum": format!("ADLER32:{}", adler32(content)),
        });
        let params = json!({ "verify_checksum": "target", "retry": 5 });
        let job = gateway
            .submit(&json!({ "files": [file], "params": params }))
            .await;
        until(Duration::from_secs(60), "the middle of the file", || {
            assert!(!self.state.path().join("data/in/large").exists());
            self.drip.served() >= CUT
        });
        self.drip.starts();
        job
    }

    async fn finish(&self, gateway: &Gateway, job: &str, content: &[u8]) {
        let ended = gateway.wait(job, Duration::from_secs(120)).await;
        assert_eq!(
            ended["job_state"],
            "FINISHED",
            "{ended}\n{}",
            gateway.get(&format!("/jobs/{job}/files")).await
        );
        let copy = std::fs::read(self.state.path().join("data/in/large")).unwrap();
        assert!(copy == content, "the copy differs from its source");
        assert_eq!(names(&self.state.path().join("data/in")), ["large"]);
        assert!(names(&self.state.path().join("resume")).is_empty());
    }

    fn only_the_rest_was_asked_for(&self) {
        let first = self.drip.starts().into_iter().min().unwrap();
        let log = read_all(&self.state.path().join("log/transfers"));
        assert!(first >= CUT - LOST, "asked again from {first} on\n{log}");
        let again = self.drip.served() - SIZE;
        assert!(again <= LOST + RANGE, "{again} bytes sent again");
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let name = |it: std::fs::DirEntry| it.file_name().to_string_lossy().into_owned();
    entries.flatten().map(name).collect()
}

fn read_all(dir: &Path) -> String {
    let mut all = String::new();
    for name in names(dir) {
        let path = dir.join(name);
        all += &match path.is_dir() {
            true => read_all(&path),
            false => std::fs::read_to_string(&path).unwrap(),
        };
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_of_the_gateway_only_the_rest_is_read() {
    let content = random(1);
    let world = World::new(&content);
    let gateway = world.start();
    let job = world.half_way(&gateway, &content).await;
    gateway.kill();
    let gateway = world.start();
    world.finish(&gateway, &job, &content).await;
    world.only_the_rest_was_asked_for();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_of_both_only_the_rest_is_read() {
    let content = random(5);
    let world = World::new(&content);
    let gateway = world.start();
    let job = world.half_way(&gateway, &content).await;
    let workers = children_of(gateway.pid());
    gateway.signal("STOP");
    for worker in workers {
        signal(worker, "KILL");
    }
    gateway.kill();
    let gateway = world.start();
    world.finish(&gateway, &job, &content).await;
    world.only_the_rest_was_asked_for();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_of_the_worker_only_the_rest_is_read() {
    let content = random(2);
    let world = World::new(&content);
    let gateway = world.start();
    let job = world.half_way(&gateway, &content).await;
    let workers = children_of(gateway.pid());
    assert!(!workers.is_empty(), "the transfer runs in a worker");
    for worker in workers {
        signal(worker, "KILL");
    }
    world.finish(&gateway, &job, &content).await;
    world.only_the_rest_was_asked_for();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_source_after_a_kill_is_read_from_the_beginning() {
    let content = random(3);
    let world = World::new(&content);
    let gateway = world.start();
    let other = random(4);
    let job = world.half_way(&gateway, &other).await;
    gateway.kill();
    world.drip.replace(other.clone());
    let gateway = world.start();
    world.finish(&gateway, &job, &other).await;
    assert!(world.drip.starts().contains(&0));
    assert!(world.drip.served() >= CUT + SIZE);
}
