//! A storage in memory that can be told to refuse, to be slow, to be able to less, and that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use causeway_sdk::{
    BoxFuture, Bytes, Capabilities, Checksum, Copied, CopyRequest, Ctx, DynRead, DynStorage,
    DynWrite, Erased, Error, Host, Opened, Operation, ProgressSink, ReadOptions, Result, Storage,
    Url, WriteOptions, Written,
};
use causeway_testkit::{Layer, Layered, MemoryStorage};
use parking_lot::Mutex;

/// Chunks that were read and not yet written.
#[derive(Debug, Default)]
pub struct Gauge {
    open: AtomicI64,
    most: AtomicI64,
}

impl Gauge {
    fn add(&self, n: i64) {
        let open = self.open.fetch_add(n, Ordering::SeqCst) + n;
        self.most.fetch_max(open, Ordering::SeqCst);
    }

    pub fn most(&self) -> i64 {
        self.most.load(Ordering::SeqCst)
    }
}

type Change = Box<dyn Fn(&mut Capabilities) + Send + Sync>;

/// The storage. Build it, then [`Probe::shared`].
pub struct Probe {
    inner: Arc<dyn DynStorage>,
    change: Option<Change>,
    copy_error: Option<Error>,
    copy_leaves_part: bool,
    write_delay: Duration,
    read_delay: Duration,
    silent_copy: Option<Duration>,
    told_at_commit: Option<Written>,
    calls: Arc<Mutex<Vec<String>>>,
    gauge: Arc<Gauge>,
}

/// What a test sees of a probe afterwards.
#[derive(Clone)]
pub struct Seen {
    pub calls: Arc<Mutex<Vec<String>>>,
    pub gauge: Arc<Gauge>,
    pub inner: Arc<dyn DynStorage>,
}

impl Seen {
    pub fn count(&self, call: &str) -> usize {
        self.calls.lock().iter().filter(|it| *it == call).count()
    }

    pub async fn put(&self, at: &str, bytes: &Bytes) {
        let (cx, at) = (Ctx::new("test"), at.parse().unwrap());
        let options = WriteOptions {
            parents: true,
            overwrite: true,
            ..WriteOptions::default()
        };
        let mut sink = self.inner.open_write(&cx, &at, options).await.unwrap();
        sink.write(0, bytes.clone()).await.unwrap();
        sink.commit().await.unwrap();
    }

    /// The bytes of a file; `None` when there is none.
    pub async fn get(&self, at: &str) -> Option<Vec<u8>> {
        let (cx, at) = (Ctx::new("test"), at.parse().unwrap());
        let opened = self.inner.open_read(&cx, &at, ReadOptions::default());
        let mut reader = opened.await.ok()?;
        let mut all = Vec::new();
        while let Some(chunk) = reader.next().await.ok()? {
            all.extend_from_slice(&chunk);
        }
        Some(all)
    }
}

impl Probe {
    pub fn new() -> Self {
        let memory = MemoryStorage::create("", Host::silent()).unwrap();
        Self::around(Erased::shared(memory))
    }

    pub fn around(inner: Arc<dyn DynStorage>) -> Self {
        Self {
            inner,
            change: None,
            copy_error: None,
            copy_leaves_part: false,
            write_delay: Duration::ZERO,
            read_delay: Duration::ZERO,
            silent_copy: None,
            told_at_commit: None,
            calls: Arc::default(),
            gauge: Arc::default(),
        }
    }

    pub fn able(mut self, change: impl Fn(&mut Capabilities) + Send + Sync + 'static) -> Self {
        self.change = Some(Box::new(change));
        self
    }

    pub fn refuses_copy(mut self, error: Error) -> Self {
        self.copy_error = Some(error);
        self
    }

    /// A refused copy leaves something at the destination.
    pub fn leaves_part(mut self) -> Self {
        self.copy_leaves_part = true;
        self
    }

    pub fn slow_writes(mut self, delay: Duration) -> Self {
        self.write_delay = delay;
        self
    }

    pub fn slow_reads(mut self, delay: Duration) -> Self {
        self.read_delay = delay;
        self
    }

    /// A third-party copy takes this long and reports nothing.
    pub fn silent_copy(mut self, time: Duration) -> Self {
        self.silent_copy = Some(time);
        self
    }

    /// What a commit answers, whatever was written.
    pub fn tells_at_commit(mut self, told: Written) -> Self {
        self.told_at_commit = Some(told);
        self
    }

    pub fn shared(self) -> (Arc<dyn DynStorage>, Seen) {
        let seen = Seen {
            calls: self.calls.clone(),
            gauge: self.gauge.clone(),
            inner: self.inner.clone(),
        };
        (Arc::new(Layered(self)), seen)
    }
}

impl Layer for Probe {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn before<'a>(&'a self, operation: Operation) -> BoxFuture<'a, Result<()>> {
        self.calls.lock().push(operation.name().to_owned());
        Box::pin(async { Ok(()) })
    }

    fn describe(&self) -> Capabilities {
        let mut able = self.inner.describe();
        if let Some(change) = &self.change {
            change(&mut able);
        }
        able
    }

    fn copy<'a>(
        &'a self,
        cx: &'a Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> BoxFuture<'a, Result<Copied>> {
        Box::pin(async move {
            self.calls.lock().push(format!("{:?}", request.direction));
            if let Some(time) = self.silent_copy {
                tokio::time::sleep(time).await;
            }
            if let Some(error) = &self.copy_error {
                if self.copy_leaves_part {
                    let options = WriteOptions::default();
                    let at = &request.destination;
                    let mut sink = self.inner.open_write(cx, at, options).await?;
                    sink.write(0, Bytes::from_static(b"part")).await?;
                    sink.commit().await?;
                }
                return Err(error.clone());
            }
            self.inner.copy(cx, request, progress).await
        })
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: ReadOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        Box::pin(async move {
            self.calls.lock().push("open_read".into());
            let inner = self.inner.open_read(cx, at, options).await?;
            Ok(Box::new(Reader {
                inner,
                gauge: self.gauge.clone(),
                delay: self.read_delay,
            }) as Box<dyn DynRead>)
        })
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        Box::pin(async move {
            self.calls.lock().push("open_write".into());
            Ok(Box::new(Writer {
                inner: self.inner.open_write(cx, at, options).await?,
                gauge: self.gauge.clone(),
                calls: self.calls.clone(),
                delay: self.write_delay,
                told: self.told_at_commit.clone(),
            }) as Box<dyn DynWrite>)
        })
    }
}

struct Reader {
    inner: Box<dyn DynRead>,
    gauge: Arc<Gauge>,
    delay: Duration,
}

impl causeway_sdk::ReadBody for Reader {
    fn opened(&self) -> Opened {
        self.inner.opened()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        tokio::time::sleep(self.delay).await;
        let chunk = self.inner.next().await?;
        self.gauge.add(i64::from(chunk.is_some()));
        Ok(chunk)
    }
}

struct Writer {
    inner: Box<dyn DynWrite>,
    gauge: Arc<Gauge>,
    calls: Arc<Mutex<Vec<String>>>,
    delay: Duration,
    told: Option<Written>,
}

impl causeway_sdk::WriteBody for Writer {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        tokio::time::sleep(self.delay).await;
        self.inner.write(offset, chunk).await?;
        self.gauge.add(-1);
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        self.calls.lock().push("commit".into());
        let written = self.inner.commit().await?;
        Ok(self.told.unwrap_or(written))
    }

    async fn abort(self) {
        self.calls.lock().push("abort".into());
        self.inner.abort().await;
    }

    fn held(&self) -> u64 {
        self.inner.held()
    }

    async fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> Result<bool> {
        self.calls.lock().push("keep".into());
        self.inner.keep(offset, len, expected).await
    }

    async fn suspend(self) {
        self.calls.lock().push("suspend".into());
        self.inner.suspend().await;
    }
}
