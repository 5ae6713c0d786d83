//! How many questions a copy between two servers costs, and when one must be asked again. The calls are those of an
//! attempt, in its order.

mod support;

use std::time::Duration;

use causeway_plugin_gridftp::GridftpStorage;
use causeway_sdk::types::Direction;
use causeway_sdk::{
    Copied, CopyRequest, Credential, Ctx, Error, ErrorKind, Host, ProgressSink, Result, Stat,
    Storage as _, Url,
};
use support::double::{Double, Store};
use support::{Server, request};

const SIZE: u64 = 10_240;
const TOLD: Store = Store::Tells(SIZE, SIZE);

struct Bench {
    one: Double,
    other: Double,
    storage: GridftpStorage,
}

impl Bench {
    async fn start(store: Store) -> Self {
        let (one, other) = (Double::start(TOLD).await, Double::start(store).await);
        one.put("/a", SIZE);
        let host = Host::new(|_, text| eprintln!("{text}"));
        let options = r#"{"plain_ftp":true,"restarts":0}"#;
        let storage = GridftpStorage::create(options, host).unwrap();
        Self {
            one,
            other,
            storage,
        }
    }

    async fn copy(&self, cx: &Ctx, to: &str) -> Result<Copied> {
        self.copy_of(cx, "/a", to, false).await
    }

    async fn copy_of(&self, cx: &Ctx, from: &str, to: &str, overwrite: bool) -> Result<Copied> {
        let request = CopyRequest {
            direction: Direction::Pull,
            source: self.one.url(from),
            destination: self.other.url(to),
            peer_credential: Credential::None,
            overwrite,
            streams: 1,
            size: Some(SIZE),
            expect: None,
        };
        self.storage.copy(cx, request, ProgressSink::ignore()).await
    }

    async fn is_free(&self, cx: &Ctx, to: &str) -> bool {
        !self.storage.exists(cx, &self.other.url(to)).await.unwrap()
    }

    async fn size(&self, cx: &Ctx, to: &str) -> Option<u64> {
        let stat: Stat = self.storage.stat(cx, &self.other.url(to)).await.unwrap();
        stat.size
    }

    fn looks(&self) -> usize {
        self.other.asked("MLST")
    }
}

fn attempt(number: usize) -> Ctx {
    Ctx::new(format!("{number}.0"))
}

#[tokio::test]
async fn a_file_costs_a_question_at_each_side() {
    let it = Bench::start(TOLD).await;
    for number in 0..4 {
        let (cx, to) = (attempt(number), format!("/b{number}"));
        it.storage.stat(&cx, &it.one.url("/a")).await.unwrap();
        assert!(it.is_free(&cx, &to).await);
        assert_eq!(it.copy(&cx, &to).await.unwrap().bytes, Some(SIZE));
        assert_eq!(it.size(&cx, &to).await, Some(SIZE));
    }
    for (server, copies, once) in [
        (&it.one, "RETR", ["MODE", "OPTS", "PORT"].as_slice()),
        (&it.other, "STOR", &["MODE", "PASV"]),
    ] {
        let mut asked = server.take_asked();
        // What a session begins with; there is one for copies, and there are some for questions.
        asked.retain(|it| !["USER", "PASS", "FEAT", "TYPE", "SITE"].contains(&it.as_str()));
        let count = |verb: &str| asked.iter().filter(|it| *it == verb).count();
        assert_eq!((count("MLST"), count(copies)), (4, 4), "{asked:?}");
        assert!(once.iter().all(|it| count(it) == 1), "{asked:?}");
        assert_eq!(asked.len(), 4 + 4 + once.len(), "{asked:?}");
    }
}

#[tokio::test]
async fn a_size_that_was_not_told_is_asked_for() {
    for (store, size) in [
        (Store::IsSilent(SIZE), SIZE),
        (Store::Tells(SIZE, SIZE - 1), SIZE),
        (Store::Tells(77, 77), 77),
    ] {
        let (it, cx) = (Bench::start(store).await, attempt(0));
        assert!(it.is_free(&cx, "/b").await);
        it.copy(&cx, "/b").await.unwrap();
        assert_eq!(it.size(&cx, "/b").await, Some(size), "{store:?}");
        assert_eq!(it.looks(), 2, "{store:?}");
    }
}

#[tokio::test]
async fn a_size_that_was_told_is_an_answer_once_and_to_who_copied() {
    let (it, cx) = (Bench::start(TOLD).await, attempt(0));
    it.copy(&cx, "/b").await.unwrap();
    it.size(&attempt(1), "/b").await;
    assert_eq!(it.looks(), 2);
    // Somebody looked in between: the server answers.
    it.size(&cx, "/b").await;
    assert_eq!(it.looks(), 3);
    it.copy(&cx, "/c").await.unwrap();
    it.other.put("/c", 5);
    assert_eq!(it.size(&cx, "/c").await, Some(SIZE));
    assert_eq!(it.size(&cx, "/c").await, Some(5));
    it.copy(&cx, "/d").await.unwrap();
    it.storage.unlink(&cx, &it.other.url("/d")).await.unwrap();
    assert!(it.is_free(&cx, "/d").await);
}

#[tokio::test]
async fn a_name_is_asked_about_again_unless_this_attempt_has_just_seen_it_free() {
    let (it, cx) = (Bench::start(TOLD).await, attempt(0));
    let asks = async |to: &str| {
        let before = it.looks();
        it.copy(&cx, to).await.unwrap();
        it.looks() > before
    };
    assert!(asks("/never").await);
    it.is_free(&cx, "/a").await;
    assert!(!asks("/a").await);
    it.is_free(&attempt(1), "/other").await;
    assert!(asks("/other").await);
    it.is_free(&cx, "/late").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(asks("/late").await);
    it.is_free(&cx, "/removed").await;
    let nothing = it.storage.unlink(&cx, &it.other.url("/removed")).await;
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(asks("/removed").await);
    it.is_free(&cx, "/renamed").await;
    let (from, to) = (it.other.url("/a"), it.other.url("/b"));
    it.storage.rename(&cx, &from, &to, true).await.unwrap();
    assert!(asks("/renamed").await);
    // What was written is not free, whatever was seen before.
    it.is_free(&cx, "/twice").await;
    assert!(!asks("/twice").await);
    let again = it.copy(&cx, "/twice").await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Exists, "{again}");
}

#[tokio::test]
async fn what_was_there_when_it_was_looked_at_is_not_written_over() {
    let (it, cx) = (Bench::start(TOLD).await, attempt(0));
    it.other.put("/b", 77);
    assert!(!it.is_free(&cx, "/b").await);
    let taken = it.copy(&cx, "/b").await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Exists, "{taken}");
    assert_eq!((it.other.asked("STOR"), it.other.asked("DELE")), (0, 0));
    it.copy_of(&cx, "/a", "/b", true).await.unwrap();
}

/// A copy to a name that was free, from a source that is there or not.
async fn failure(store: Store, from: &str) -> (Bench, Error) {
    let (it, cx) = (Bench::start(store).await, attempt(0));
    assert!(it.is_free(&cx, "/b").await);
    let error = it.copy_of(&cx, from, "/b", false).await.unwrap_err();
    (it, error)
}

#[tokio::test]
async fn a_file_that_the_server_did_not_open_for_us_is_not_removed() {
    for (store, from, why) in [
        (Store::Refuses(77), "/a", "Permission denied"),
        (Store::Refuses(0), "/a", "Permission denied"),
        (Store::Hides(77), "/none", "No such file"),
    ] {
        let (it, error) = failure(store, from).await;
        assert_eq!(error.kind(), ErrorKind::Exists, "{error}");
        assert!(error.message().contains(why), "{error}");
        assert!(it.other.holds("/b"), "{store:?}");
        assert_eq!(it.other.asked("DELE"), 0, "{store:?}");
    }
}

#[tokio::test]
async fn a_file_that_the_server_opened_for_us_is_removed() {
    for (store, from, kind) in [
        (Store::Breaks, "/a", ErrorKind::Network),
        (Store::Waits, "/none", ErrorKind::NotFound),
        (Store::SaysLate, "/none", ErrorKind::NotFound),
        // Nothing was said of it, but it is empty.
        (Store::Hides(0), "/none", ErrorKind::NotFound),
    ] {
        let (it, error) = failure(store, from).await;
        assert_eq!(error.kind(), kind, "{store:?}: {error}");
        assert!(!it.other.holds("/b"), "{store:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_is_asked_as_little() {
    const FILES: usize = 12;
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let storage = other.storage("");
    let url = |server: &Server, number: usize| -> Url { server.url(&format!("f{number}")) };
    for number in 0..FILES {
        let bytes = vec![7; number * 1000];
        std::fs::write(one.file(&format!("f{number}")), &bytes).unwrap();
        let cx = Ctx::new(format!("{number}.0")).with_credential(other.voms());
        let (from, to) = (url(&one, number), url(&other, number));
        let size = storage.stat(&cx, &from).await.unwrap().size;
        assert!(!storage.exists(&cx, &to).await.unwrap());
        let request = CopyRequest {
            size,
            streams: 1,
            ..request(&one, from, to.clone())
        };
        let copied = storage.copy(&cx, request, ProgressSink::ignore()).await;
        assert_eq!(copied.unwrap().bytes, size);
        assert_eq!(storage.stat(&cx, &to).await.unwrap().size, size);
        assert!(std::fs::read(other.file(&format!("f{number}"))).unwrap() == bytes);
    }
    // The servers write their logs when a session ends.
    drop(storage);
    for (server, verb) in [(&one, "RETR"), (&other, "STOR")] {
        let all = |log: &str, verb| log.matches(&format!("[CLIENT]: {verb} ")).count();
        let log = server.log_once("LOG", |log| {
            all(log, "MLST") >= FILES && all(log, verb) >= FILES
        });
        let log = log.await;
        assert_eq!(
            (all(&log, "MLST"), all(&log, verb)),
            (FILES, FILES),
            "{log}"
        );
    }
}
