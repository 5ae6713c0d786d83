//! Bytes past us: two servers copy, we hold both control connections and listen.
//!
//! It does not matter which side is called: both are driven from here, each in its own name. A copy
//! that breaks is taken up again from what the receiver said it has, as long as the source is the
//! same file.

use std::sync::Arc;

use causeway_gridftp_wire::copy::{CopyPlan, copy as copy_between};
use causeway_gridftp_wire::data::{Progress as Markers, Ranges};
use causeway_gridftp_wire::{Endpoint, Error as WireError, ErrorKind as Wire};
use causeway_sdk::{
    Copied, CopyRequest, Credential, Ctx, Direction, ErrorKind, LogLevel, Progress, ProgressSink,
    Result, Stat, Url,
};

use crate::cleanup::Guard;
use crate::client::path;
use crate::error::{at, own};
use crate::lanes::Fared;
use crate::namespace::{look, stat};
use crate::storage::Inner;
use crate::writer::refuse_if_taken;

/// Lets two servers copy.
pub(crate) async fn copy(
    inner: &Arc<Inner>,
    cx: &Ctx,
    request: CopyRequest,
    sink: ProgressSink,
) -> Result<Copied> {
    let job = Job::of(inner, cx, &request, sink)?;
    let before = look(&inner.client, job.destination_credential, job.destination).await?;
    refuse_if_taken(
        "copy to",
        job.destination,
        before.as_ref(),
        request.overwrite,
    )?;
    let guard = Guard::new(inner, job.destination_credential, job.destination, before);
    let Some((outcome, guard)) = job.run(guard).await else {
        let why = "the gateway's runtime is gone";
        return Err(own(
            ErrorKind::Canceled,
            "copy to",
            &request.destination,
            why,
        ));
    };
    match outcome {
        Ok(()) => {
            guard.keep();
            Ok(Copied::default())
        }
        Err(error) => {
            guard.remove().await;
            Err(error)
        }
    }
}

struct Job<'a> {
    inner: &'a Arc<Inner>,
    cx: &'a Ctx,
    source: &'a Url,
    source_credential: &'a Credential,
    destination: &'a Url,
    destination_credential: &'a Credential,
    plan: CopyPlan,
    sink: ProgressSink,
}

impl<'a> Job<'a> {
    fn of(
        inner: &'a Arc<Inner>,
        cx: &'a Ctx,
        request: &'a CopyRequest,
        sink: ProgressSink,
    ) -> Result<Self> {
        let (source, destination) = (&request.source, &request.destination);
        for url in [source, destination] {
            let is_ours = |scheme: &&str| url.scheme().eq_ignore_ascii_case(scheme);
            if !inner.config.schemes().iter().any(is_ours) {
                return Err(own(
                    ErrorKind::Unsupported,
                    "copy to or from",
                    url,
                    "another protocol",
                ));
            }
        }
        // These servers always want somebody: who brings nothing for the peer means himself.
        let peer = match &request.peer_credential {
            Credential::None => cx.credential(),
            other => other,
        };
        let (source_credential, destination_credential) = match request.direction {
            Direction::Pull => (peer, cx.credential()),
            Direction::Push => (cx.credential(), peer),
        };
        let config = &inner.config;
        let plan = CopyPlan {
            source: path(source)?,
            destination: path(destination)?,
            size: request.size,
            streams: config.streams(request.streams),
            striped: config.striped,
            buffer: config.buffer(),
            ..CopyPlan::default()
        };
        Ok(Self {
            inner,
            cx,
            source,
            source_credential,
            destination,
            destination_credential,
            plan,
            sink,
        })
    }

    /// Copies, small files in company. The guard comes back with the outcome.
    async fn run(self, guard: Guard) -> Option<(Result<()>, Guard)> {
        if !self.is_small() {
            return Some((self.alone().await, guard));
        }
        let (from, to) = match self.endpoints() {
            Ok(both) => both,
            Err(why) => return Some((Err(why), guard)),
        };
        let lanes = &self.inner.lanes;
        let (fared, guard) = lanes.copy(&from, &to, self.plan.clone(), guard).await?;
        let outcome = match fared {
            Fared::Complete => {
                self.tell_all();
                Ok(())
            }
            Fared::Failed(why) => Err(at(self.destination, &why)),
            Fared::Untried => self.alone().await,
        };
        Some((outcome, guard))
    }

    fn tell_all(&self) {
        if let Some(bytes) = self.plan.size {
            self.sink.report(Progress { bytes });
        }
    }

    fn is_small(&self) -> bool {
        let config = &self.inner.config;
        let fits = self.plan.size.is_some_and(|it| it <= config.lane_max_bytes);
        fits && config.lanes > 0 && !self.plan.striped
    }

    /// Both servers, each with its credential.
    fn endpoints(&self) -> Result<(Endpoint, Endpoint)> {
        let client = &self.inner.client;
        Ok((
            client.endpoint(self.source_credential, self.source)?,
            client.endpoint(self.destination_credential, self.destination)?,
        ))
    }

    /// Copies, and takes up again what broke.
    async fn alone(mut self) -> Result<()> {
        let mut left = self.inner.config.restarts;
        let mut seen: Option<Stat> = None;
        let (from, to) = self.endpoints()?;
        loop {
            let (why, safe) = match self.once(&from, &to).await {
                Ok(()) => {
                    // The last markers of several stripes need not come.
                    self.tell_all();
                    return Ok(());
                }
                Err(failed) => failed,
            };
            let error = at(self.destination, &why);
            if left == 0 || !is_broken(why.kind()) || safe.is_empty() {
                return Err(error);
            }
            left -= 1;
            if !self.is_same_source(&mut seen).await? {
                return Err(error);
            }
            let text = format!(
                "copy broke and is taken up again with {} bytes: {why}",
                safe.bytes()
            );
            self.cx.log(LogLevel::Warn, &text);
            self.plan.done = safe;
        }
    }

    /// One try. When it fails, what the receiver has by then.
    async fn once(
        &self,
        from: &Endpoint,
        to: &Endpoint,
    ) -> std::result::Result<(), (WireError, Ranges)> {
        let done = || self.plan.done.clone();
        let pair = self.inner.client.pool.pair(from, to).await;
        let (mut from, mut to) = pair.map_err(|why| (why, done()))?;
        let base = self.plan.done.bytes();
        let mut markers = Markers::new(self.plan.size);
        let mut report = |markers: &Markers| {
            let bytes = base + markers.bytes();
            self.sink.report(Progress { bytes });
        };
        let copied = copy_between(&mut from, &mut to, &self.plan, &mut markers, &mut report).await;
        copied.map_err(|why| {
            let mut safe = done();
            for range in markers.safe().iter() {
                if safe.insert(range).is_err() {
                    break; // too many pieces: what fits is kept
                }
            }
            (why, safe)
        })
    }

    /// Whether the source is still what was begun with; asked before each restart.
    async fn is_same_source(&self, seen: &mut Option<Stat>) -> Result<bool> {
        let now = stat(&self.inner.client, self.source_credential, self.source).await?;
        let fits = self.plan.size.is_none_or(|size| now.size == Some(size));
        let is_same = seen
            .as_ref()
            .is_none_or(|it| it.mtime == now.mtime && it.size == now.size);
        *seen = Some(now);
        Ok(fits && is_same)
    }
}

/// True when the copy broke on the way, and nobody said that it cannot be.
fn is_broken(kind: Wire) -> bool {
    matches!(kind, Wire::Io | Wire::TimedOut | Wire::Refused | Wire::Tls)
}
