//! A storage that fails at will: the n-th call, or bytes that are lost, wrong or late.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use causeway_sdk::{
    BoxFuture, Ctx, DynRead, DynStorage, Error, Opened, Operation, ReadOptions, Result, Url,
};

use crate::layer::{Chunk, Layer, Layered};

/// What happens to bytes that are read. Positions count from the first byte that is read.
#[derive(Clone, Debug)]
pub enum ReadFault {
    /// The body ends there without an error.
    Truncate(u64),
    /// The byte there is another one.
    Corrupt(u64),
    /// The body fails there.
    Fail(u64, Error),
    /// Every chunk comes so much later.
    Delay(Duration),
}

/// Bytes that were read from a storage, over all its files. Clones count the same bytes.
#[derive(Clone, Debug, Default)]
pub struct Traffic(Arc<AtomicU64>);

impl Traffic {
    /// So many until now.
    pub fn bytes_read(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Connections that break once, when so many bytes were read in all.
type Breaks = Arc<Mutex<Vec<(u64, Error)>>>;

/// A storage with faults. Calls of an operation are counted from 1.
pub struct FaultStorage {
    inner: Arc<dyn DynStorage>,
    traffic: Traffic,
    breaks: Breaks,
    calls: Mutex<BTreeMap<Operation, u64>>,
    failures: Vec<(Operation, u64, Error)>,
    read: Vec<ReadFault>,
}

impl FaultStorage {
    /// A storage that has no faults yet.
    pub fn new(inner: Arc<dyn DynStorage>) -> Self {
        Self {
            inner,
            traffic: Traffic::default(),
            breaks: Breaks::default(),
            calls: Mutex::default(),
            failures: Vec::new(),
            read: Vec::new(),
        }
    }

    /// Lets the n-th call of an operation fail.
    #[must_use]
    pub fn fail(mut self, operation: Operation, nth: u64, error: Error) -> Self {
        self.failures.push((operation, nth, error));
        self
    }

    /// Does something to everything that is read.
    #[must_use]
    pub fn read_fault(mut self, fault: ReadFault) -> Self {
        self.read.push(fault);
        self
    }

    /// Lets one read fail: the one that comes to this many bytes, over all files and since the
    /// beginning.
    #[must_use]
    pub fn break_once(self, at: u64, error: Error) -> Self {
        lock(&self.breaks).push((at, error));
        self
    }

    /// What was read, for whoever wants to count.
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }

    /// The storage behind a shared pointer.
    pub fn shared(self) -> Arc<dyn DynStorage> {
        Arc::new(Layered(self))
    }

    fn count(&self, operation: Operation) -> u64 {
        let mut calls = lock(&self.calls);
        let count = calls.entry(operation).or_default();
        *count += 1;
        *count
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Layer for FaultStorage {
    fn inner(&self) -> &dyn DynStorage {
        &*self.inner
    }

    fn before<'a>(&'a self, operation: Operation) -> BoxFuture<'a, Result<()>> {
        let call = self.count(operation);
        let hit = self
            .failures
            .iter()
            .find(|(which, nth, _)| *which == operation && *nth == call);
        let answer = hit.map_or(Ok(()), |(_, _, error)| Err(error.clone()));
        Box::pin(async { answer })
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: ReadOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        Box::pin(async move {
            self.before(Operation::Read).await?;
            let inner = self.inner.open_read(cx, at, options).await?;
            let body = FaultyRead {
                inner,
                faults: self.read.clone(),
                traffic: self.traffic.clone(),
                breaks: Arc::clone(&self.breaks),
                offset: 0,
                ended: false,
            };
            Ok(Box::new(Faulty(body)) as Box<dyn DynRead>)
        })
    }
}

struct FaultyRead {
    inner: Box<dyn DynRead>,
    faults: Vec<ReadFault>,
    traffic: Traffic,
    breaks: Breaks,
    offset: u64,
    ended: bool,
}

/// Keeps [`FaultyRead`] apart from the blanket implementation for typed bodies.
struct Faulty(FaultyRead);

impl DynRead for Faulty {
    fn opened(&self) -> Opened {
        self.0.inner.opened()
    }

    fn next(&mut self) -> BoxFuture<'_, Chunk> {
        Box::pin(self.0.next())
    }
}

impl FaultyRead {
    async fn next(&mut self) -> Chunk {
        if self.ended {
            return Ok(None);
        }
        for fault in &self.faults {
            if let ReadFault::Delay(time) = fault {
                tokio::time::sleep(*time).await;
            }
        }
        let Some(chunk) = self.inner.next().await? else {
            return Ok(None);
        };
        let (start, end) = (self.offset, self.offset + chunk.len() as u64);
        self.offset = end;
        let before = self.traffic.0.fetch_add(end - start, Ordering::SeqCst);
        let read = before + (end - start);
        let broken = lock(&self.breaks)
            .extract_if(.., |(at, _)| *at < read)
            .next();
        if let Some((_, error)) = broken {
            return Err(error);
        }
        let chunk = self.damage(chunk, start..end)?;
        Ok(Some(chunk).filter(|it| !it.is_empty()))
    }

    fn damage(&mut self, mut chunk: Bytes, range: std::ops::Range<u64>) -> Result<Bytes> {
        for fault in &self.faults {
            match fault {
                ReadFault::Truncate(at) if *at < range.end => {
                    self.ended = true;
                    chunk.truncate(at.saturating_sub(range.start) as usize);
                }
                ReadFault::Fail(at, error) if range.contains(at) => return Err(error.clone()),
                ReadFault::Corrupt(at) if range.contains(at) => {
                    let mut copy = BytesMut::from(&chunk[..]);
                    if let Some(byte) = copy.get_mut((at - range.start) as usize) {
                        *byte ^= 0x20;
                    }
                    chunk = copy.freeze();
                }
                _ => {}
            }
        }
        Ok(chunk)
    }
}
