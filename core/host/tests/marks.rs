//! What is counted of a plugin: calls, failures, panics, and the time they took.

use std::time::Duration;

use causeway_host::{Host, Marks};
use causeway_sdk::{
    Bytes, Capabilities, Ctx, Erased, Error, ErrorKind, NoBody, Opened, Operation, ReadBody,
    ReadOptions, Result, Stat, Storage, Url,
};
use futures_util::FutureExt as _;

/// Does what the path says.
struct Moody;

impl Storage for Moody {
    type Read = Broken;
    type Write = NoBody;

    fn create(_: &str, _: causeway_sdk::Host) -> Result<Self> {
        Ok(Self)
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            name: "moody".into(),
            schemes: vec!["moody".into()],
            operations: [Operation::Stat, Operation::Read].into(),
            ..Capabilities::default()
        }
    }

    async fn stat(&self, _: &Ctx, at: &Url) -> Result<Stat> {
        match at.path() {
            "/slow" => tokio::time::sleep(Duration::from_millis(100)).await,
            "/never" => std::future::pending().await,
            "/panic" => panic!("as it was told"),
            "/nothing" => return Err(Error::new(ErrorKind::NotFound, "nothing there")),
            "/down" => return Err(Error::new(ErrorKind::Network, "nobody there")),
            _ => {}
        }
        Ok(Stat::file(1))
    }

    async fn open_read(&self, _: &Ctx, _: &Url, _: ReadOptions) -> Result<Broken> {
        Ok(Broken)
    }
}

struct Broken;

impl ReadBody for Broken {
    fn opened(&self) -> Opened {
        Opened::default()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        Err(Error::new(ErrorKind::Network, "it broke"))
    }
}

fn host() -> Host {
    let moody = Moody::create("{}", causeway_sdk::Host::silent()).unwrap();
    Host::new().builtin(Erased::shared(moody))
}

async fn stat(host: &Host, path: &str) -> Result<Stat> {
    let at: Url = format!("moody://h{path}").parse().unwrap();
    let storage = host.storage_for(&at).unwrap();
    storage.stat(&Ctx::new("test"), &at).await
}

fn marks(host: &Host) -> Marks {
    host.handles()[0].marks()
}

#[tokio::test]
async fn calls_and_what_speaks_against_the_plugin() {
    let host = host();
    assert_eq!(marks(&host), Marks::default());
    stat(&host, "/fine").await.unwrap();
    stat(&host, "/nothing").await.unwrap_err();
    let seen = marks(&host);
    assert_eq!((seen.calls, seen.failures, seen.panics), (2, 0, 0));
    stat(&host, "/down").await.unwrap_err();
    stat(&host, "/panic").await.unwrap_err();
    let seen = marks(&host);
    assert_eq!((seen.calls, seen.failures, seen.panics), (4, 2, 1));
    assert_eq!((seen.traps, seen.is_degraded), (0, false));

    // What is read belongs to the call that opened the file.
    let at: Url = "moody://h/f".parse().unwrap();
    let storage = host.storage_for(&at).unwrap();
    let cx = Ctx::new("test");
    let mut body = storage
        .open_read(&cx, &at, ReadOptions::default())
        .await
        .unwrap();
    body.next().await.unwrap_err();
    let seen = marks(&host);
    assert_eq!((seen.calls, seen.failures), (5, 3));
    for _ in 0..4 {
        stat(&host, "/panic").await.unwrap_err();
    }
    assert!(marks(&host).is_degraded);
}

#[tokio::test]
async fn time_counts_from_the_call_to_its_answer_or_its_end() {
    let host = host();
    stat(&host, "/slow").await.unwrap();
    let slept = marks(&host).micros;
    assert!(slept >= 50_000, "{slept}");
    let given_up = tokio::time::timeout(Duration::from_millis(100), stat(&host, "/never"));
    assert!(given_up.await.is_err());
    let both = marks(&host).micros;
    assert!(both >= slept + 50_000, "{both}");
    assert!(stat(&host, "/fine").now_or_never().is_some());
}
