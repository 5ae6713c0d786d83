//! The cases about a failing network: a storage that bears it passes, and each way to take it wrongly is
//! found by a case of its own.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_sdk::{
    BoxFuture, Bytes, Ctx, DirPage, DynRead, DynStorage, DynWrite, Erased, Error, ErrorKind, Host,
    Opened, Page, ReadOptions, Result, Retry, Stat, Storage, Url, WriteOptions, Written,
};
use causeway_testkit::{
    Layer, Layered, MemoryStorage, Network, NetworkFault, Outcome, Report, Suite,
};

/// What a plugin makes of a network that fails.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    SaysNotFound,
    SaysNever,
    EndsInSilence,
    ListsHalf,
    CommitsHalf,
    NeverAsks,
}

/// The network of a storage in memory, and what its plugin makes of it.
struct Remote {
    inner: Arc<dyn DynStorage>,
    manner: Manner,
    network: Arc<Shaky>,
}

#[derive(Default)]
struct Shaky {
    fault: Mutex<Option<NetworkFault>>,
    hits: AtomicU64,
}

impl Network for Shaky {
    fn disturb(&self, fault: Option<NetworkFault>) {
        *self.fault.lock().unwrap() = fault;
    }

    fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }
}

impl Remote {
    fn fault(&self) -> Option<NetworkFault> {
        if self.manner == Manner::NeverAsks {
            return None;
        }
        let fault = *self.network.fault.lock().unwrap();
        if fault.is_some() {
            self.network.hits.fetch_add(1, Ordering::SeqCst);
        }
        fault
    }

    /// An exchange that breaks, or not.
    fn exchange(&self) -> Result<()> {
        match self.fault() {
            None | Some(NetworkFault::Delay | NetworkFault::Drip) => Ok(()),
            Some(_) => Err(self.error()),
        }
    }

    fn error(&self) -> Error {
        match self.manner {
            Manner::SaysNotFound => Error::new(ErrorKind::NotFound, "no such file"),
            Manner::SaysNever => {
                Error::new(ErrorKind::Network, "it broke").with_retry(Retry::Never)
            }
            _ => Error::new(ErrorKind::Network, "it broke"),
        }
    }
}

impl Layer for Remote {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn stat<'a>(&'a self, cx: &'a Ctx, at: &'a Url) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move {
            self.exchange()?;
            self.inner.stat(cx, at).await
        })
    }

    fn exists<'a>(&'a self, cx: &'a Ctx, at: &'a Url) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            match self.exchange() {
                Ok(()) => self.inner.exists(cx, at).await,
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn list<'a>(&'a self, cx: &'a Ctx, at: &'a Url, page: Page) -> BoxFuture<'a, Result<DirPage>> {
        Box::pin(async move {
            let broken = self.exchange();
            let mut page = self.inner.list(cx, at, page).await?;
            match (broken, self.manner) {
                (Ok(()), _) => Ok(page),
                (Err(_), Manner::ListsHalf) => {
                    page.entries.pop();
                    Ok(page)
                }
                (Err(error), _) => Err(error),
            }
        })
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: ReadOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        Box::pin(async move {
            let broken = self.exchange();
            let body = self.inner.open_read(cx, at, options).await?;
            match (broken, self.manner) {
                (Ok(()), _) => Ok(body),
                (Err(_), Manner::EndsInSilence) => Ok(Box::new(Nothing(body.opened())) as _),
                (Err(error), _) => Err(error),
            }
        })
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        Box::pin(async move {
            let broken = self.exchange();
            let half = self.manner == Manner::CommitsHalf;
            if let Err(error) = broken {
                if !half {
                    return Err(error);
                }
                let size = options.size.map(|it| it / 2);
                let options = WriteOptions { size, ..options };
                let body = self.inner.open_write(cx, at, options).await?;
                return Ok(Box::new(Half(Some(body))) as _);
            }
            self.inner.open_write(cx, at, options).await
        })
    }
}

/// A file whose bytes did not come.
struct Nothing(Opened);

impl DynRead for Nothing {
    fn opened(&self) -> Opened {
        self.0.clone()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        Box::pin(async { Ok(None) })
    }
}

/// A file of which half the bytes arrive.
struct Half(Option<Box<dyn DynWrite>>);

impl DynWrite for Half {
    fn held(&self) -> u64 {
        0
    }

    fn keep(&mut self, _: u64, _: u64, _: causeway_sdk::Checksum) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        let left = 150_000_u64.saturating_sub(offset).min(chunk.len() as u64);
        let body = self.0.as_mut().unwrap();
        Box::pin(async move { body.write(offset, chunk.slice(..left as usize)).await })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        Box::pin(async move { self.0.take().unwrap().commit().await })
    }

    fn abort(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.0.take().unwrap().abort().await })
    }

    fn suspend(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.0.take().unwrap().suspend().await })
    }
}

async fn run(manner: Manner) -> Report {
    let network = Arc::new(Shaky::default());
    let remote = Remote {
        inner: Erased::shared(MemoryStorage::create("", Host::silent()).unwrap()),
        manner,
        network: Arc::clone(&network),
    };
    Suite::new(Arc::new(Layered(remote)), "memory://test/")
        .time_limit(Duration::from_secs(20))
        .network(network)
        .only("faults/")
        .run()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_plugin_passes_all_of_them() {
    let report = run(Manner::Honest).await;
    report.assert();
    assert_eq!((report.passed, report.skipped), (7, 0), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_take_it_wrongly_is_found() {
    for (manner, case) in [
        (Manner::SaysNotFound, "faults/broken-stat"),
        (Manner::SaysNotFound, "faults/broken-read"),
        (Manner::SaysNever, "faults/broken-stat"),
        (Manner::EndsInSilence, "faults/short-read"),
        (Manner::ListsHalf, "faults/broken-list"),
        (Manner::CommitsHalf, "faults/broken-write"),
    ] {
        let report = run(manner).await;
        let found = report.case(case).unwrap();
        assert_eq!(found.outcome, Outcome::Failed, "{case}\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_use_the_network_is_not_judged() {
    let report = run(Manner::NeverAsks).await;
    let outcomes: Vec<Outcome> = report.cases.iter().map(|it| it.outcome).collect();
    assert_eq!(outcomes, [Outcome::Skipped; 7], "{report}");
}
