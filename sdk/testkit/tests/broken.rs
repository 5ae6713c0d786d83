//! Storages that break a promise must fail, and the right case must say so.

#[path = "broken/resume.rs"]
mod resume;
#[path = "broken/wrapped.rs"]
mod wrapped;

use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::capability::CredentialKind;
use causeway_sdk::{
    BoxFuture, Bytes, Capabilities, Ctx, DirPage, DynStorage, DynWrite, Erased, Error, Host, Page,
    ReadOptions, Result, Stat, Storage, Url, WriteOptions, Written,
};
use causeway_testkit::{Layer, Layered, MemoryStorage, Outcome, Report, Suite};

fn memory() -> Arc<dyn DynStorage> {
    Erased::shared(MemoryStorage::create("", Host::silent()).unwrap())
}

async fn run(storage: Arc<dyn DynStorage>) -> Report {
    Suite::new(storage, "memory://test/")
        .time_limit(Duration::from_secs(20))
        .settle(Duration::from_millis(100))
        .run()
        .await
}

/// Runs the suite on a storage with a defect; these cases must find it.
async fn must_fail(layer: impl Layer + 'static, cases: &[&str]) {
    expect_failures(&run(Arc::new(Layered(layer))).await, cases);
}

fn expect_failures(report: &Report, cases: &[&str]) {
    for name in cases {
        let case = report
            .case(name)
            .unwrap_or_else(|| panic!("no case {name}"));
        assert_eq!(case.outcome, Outcome::Failed, "{name}\n{report}");
        assert!(!case.reason.is_empty());
    }
    assert!(!report.is_good());
}

struct LosesLastByte(Arc<dyn DynStorage>);

impl Layer for LosesLastByte {
    fn inner(&self) -> &dyn DynStorage {
        &*self.0
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        Box::pin(async move {
            let size = options.size.map(|size| size.saturating_sub(1));
            let options = WriteOptions { size, ..options };
            let inner = self.0.open_write(cx, at, options).await?;
            Ok(Box::new(Shortened(inner, 0, Bytes::new())) as Box<dyn DynWrite>)
        })
    }
}

/// Passes chunks on one late; the last one without its last byte.
struct Shortened(Box<dyn DynWrite>, u64, Bytes);

impl causeway_sdk::WriteBody for Shortened {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        let before = std::mem::replace(&mut self.2, chunk);
        let at = std::mem::replace(&mut self.1, offset);
        if before.is_empty() {
            return Ok(());
        }
        self.0.write(at, before).await
    }

    async fn commit(mut self) -> Result<Written> {
        let last = self.2.slice(..self.2.len().saturating_sub(1));
        self.0.write(self.1, last).await?;
        self.0.commit().await
    }

    async fn abort(self) {
        self.0.abort().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_the_last_byte() {
    must_fail(
        LosesLastByte(memory()),
        &["write/sizes", "write/written", "read/whole", "stat/file"],
    )
    .await;
}

struct IgnoresOffset(Arc<dyn DynStorage>);

impl Layer for IgnoresOffset {
    fn inner(&self) -> &dyn DynStorage {
        &*self.0
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: ReadOptions,
    ) -> BoxFuture<'a, Result<Box<dyn causeway_sdk::DynRead>>> {
        let options = ReadOptions {
            offset: 0,
            ..options
        };
        self.0.open_read(cx, at, options)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ignoring_the_offset() {
    must_fail(
        IgnoresOffset(memory()),
        &["read/ranges", "read/past-the-end", "concurrency/readers"],
    )
    .await;
}

struct ShowsAborted(Arc<dyn DynStorage>);

impl Layer for ShowsAborted {
    fn inner(&self) -> &dyn DynStorage {
        &*self.0
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        Box::pin(async move {
            // An empty file takes the place at once, like a naive `create` would.
            let early = WriteOptions {
                size: None,
                ..options.clone()
            };
            let inner = self.0.open_write(cx, at, early.clone()).await?;
            inner.commit().await?;
            let late = WriteOptions {
                overwrite: true,
                ..options
            };
            self.0.open_write(cx, at, late).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn showing_what_was_given_up() {
    must_fail(
        ShowsAborted(memory()),
        &[
            "write/invisible-before-commit",
            "write/aborted",
            "write/dropped",
            "write/dropped-keeps-old",
            "write/too-little",
            "cancel/write",
        ],
    )
    .await;
}

struct BadPages(Arc<dyn DynStorage>);

impl Layer for BadPages {
    fn inner(&self) -> &dyn DynStorage {
        &*self.0
    }

    fn list<'a>(&'a self, cx: &'a Ctx, at: &'a Url, page: Page) -> BoxFuture<'a, Result<DirPage>> {
        Box::pin(async move {
            let mut found = self.0.list(cx, at, page).await?;
            // The entry at the border of two pages comes twice.
            if found.next.is_some() && found.entries.len() > 1 {
                found.next = Some(found.entries[found.entries.len() - 2].name.clone());
            }
            Ok(found)
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doubling_entries_between_pages() {
    must_fail(BadPages(memory()), &["list/pages"]).await;
}

struct Talkative(Arc<dyn DynStorage>);

impl Layer for Talkative {
    fn inner(&self) -> &dyn DynStorage {
        &*self.0
    }

    fn stat<'a>(&'a self, cx: &'a Ctx, at: &'a Url) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move {
            let told = match cx.credential() {
                causeway_sdk::Credential::Bearer(secret) => secret.expose().to_owned(),
                _ => String::new(),
            };
            let inner = self.0.stat(cx, at).await;
            inner.map_err(|it| Error::new(it.kind(), format!("stat with {told}")))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn showing_a_secret() {
    must_fail(Talkative(memory()), &["secrets/bearer"]).await;
}

struct Boaster(Arc<dyn DynStorage>);

impl Layer for Boaster {
    fn inner(&self) -> &dyn DynStorage {
        &*self.0
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            name: "Not One Word".into(),
            credentials: vec![CredentialKind::None],
            ..self.0.describe()
        }
    }

    fn rmdir<'a>(&'a self, _cx: &'a Ctx, _at: &'a Url) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(Error::unsupported("rmdir")) })
    }

    fn stat<'a>(&'a self, _cx: &'a Ctx, _at: &'a Url) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async { panic!("out of order") })
    }

    fn space<'a>(&'a self, _: &'a Ctx, _: &'a Url) -> BoxFuture<'a, Result<causeway_sdk::Space>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claiming_what_it_cannot_panicking_and_hanging() {
    let storage = Arc::new(Layered(Boaster(memory())));
    let suite = Suite::new(storage, "memory://test/").time_limit(Duration::from_secs(2));
    let report = suite.run().await;
    expect_failures(
        &report,
        &[
            "describe/sound",
            "rmdir/empty",
            "stat/file",
            "space/plausible",
        ],
    );
    let reason = |name| &report.case(name).unwrap().reason;
    assert!(reason("stat/file").contains("out of order"), "{report}");
    assert!(
        reason("space/plausible").contains("no end within"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_is_no_url() {
    let report = Suite::new(memory(), "no url").run().await;
    expect_failures(&report, &["suite/prepare"]);
}
