//! Bytes past us: two servers copy, we hold both control connections and listen.
//!
//! It does not matter which side is called: both are driven from here, each in its own name. A copy
//! that breaks is taken up again from what the receiver said it has, as long as the source is the
//! same file.

use std::sync::Arc;

use causeway_gridftp_wire::copy::{CopyPlan, News, copy as copy_between};
use causeway_gridftp_wire::data::{Progress as Markers, Ranges};
use causeway_gridftp_wire::{Endpoint, Error as WireError, ErrorKind as Wire};
use causeway_sdk::{
    Copied, CopyRequest, Credential, Ctx, Direction, Error, ErrorKind, LogLevel, Progress,
    ProgressSink, Result, Stat, Url,
};

use crate::cleanup::{Guard, Opened};
use crate::client::path;
use crate::error::{at, own};
use crate::lanes::Fared;
use crate::namespace::{look, stat};
use crate::sights::{Eye, Sight};
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
    let eye = Eye::of(cx, &job.to, &job.plan.destination);
    let before = match inner.sights.take(&eye, job.destination) {
        Some(Sight::Nothing) => None,
        _ => look(&inner.client, job.destination_credential, job.destination).await?,
    };
    refuse_if_taken(
        "copy to",
        job.destination,
        before.as_ref(),
        request.overwrite,
    )?;
    let credential = job.destination_credential;
    let guard = Guard::new(inner, credential, job.destination, before);
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
        Ok(told) => {
            let is_all = told.is_some() && told == request.size;
            guard.keep(told.filter(|_| is_all).map(|bytes| (eye, bytes)));
            Ok(Copied {
                bytes: told,
                checksum: None,
            })
        }
        Err(error) => Err(failed(inner, guard, &request, credential, error).await),
    }
}

/// Removes what a copy left, and answers with what is to be told. As long as the server has not said that it opened the
/// file, what still stands there is somebody else's who came after it was looked at: that is told, so that nobody else
/// takes it for ours either.
async fn failed(
    inner: &Arc<Inner>,
    guard: Guard,
    request: &CopyRequest,
    credential: &Credential,
    error: Error,
) -> Error {
    let is_ours = guard.opened() == Opened::Yes;
    guard.remove().await;
    if is_ours || request.overwrite {
        return error;
    }
    let url = &request.destination;
    match look(&inner.client, credential, url).await {
        Ok(Some(_)) => {
            let why = format!("something is there already, and before it was: {error}");
            own(ErrorKind::Exists, "copy to", url, &why)
        }
        // What cannot be seen is not said to be there.
        _ => error,
    }
}

struct Job<'a> {
    inner: &'a Arc<Inner>,
    cx: &'a Ctx,
    source: &'a Url,
    source_credential: &'a Credential,
    destination: &'a Url,
    destination_credential: &'a Credential,
    /// Both servers, each with its credential.
    from: Endpoint,
    to: Endpoint,
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
            from: inner.client.endpoint(source_credential, source)?,
            to: inner.client.endpoint(destination_credential, destination)?,
            plan,
            sink,
        })
    }

    /// Copies, small files in company. The guard comes back with the outcome: how many bytes the receiver told of.
    async fn run(self, guard: Guard) -> Option<(Result<Option<u64>>, Guard)> {
        if !self.is_small() {
            return Some((self.alone(&guard).await, guard));
        }
        let lanes = &self.inner.lanes;
        let copying = lanes.copy(&self.from, &self.to, self.plan.clone(), guard);
        let (fared, guard) = copying.await?;
        let outcome = match fared {
            Fared::Complete(told) => {
                self.tell_all();
                Ok(told)
            }
            Fared::Failed(why) => Err(at(self.destination, &why)),
            Fared::Untried => self.alone(&guard).await,
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

    /// Copies, and takes up again what broke.
    async fn alone(mut self, guard: &Guard) -> Result<Option<u64>> {
        let mut left = self.inner.config.restarts;
        let mut seen: Option<Stat> = None;
        loop {
            let (why, safe) = match self.once(guard).await {
                Ok(told) => {
                    // The last markers of several stripes need not come.
                    self.tell_all();
                    return Ok(told);
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
    async fn once(&self, guard: &Guard) -> std::result::Result<Option<u64>, (WireError, Ranges)> {
        let done = || self.plan.done.clone();
        let pair = self.inner.client.pool.pair(&self.from, &self.to).await;
        let (mut from, mut to) = pair.map_err(|why| (why, done()))?;
        let base = self.plan.done.bytes();
        let mut markers = Markers::new(self.plan.size);
        let mut told = None;
        let mut hear = |news: News<'_>| match news {
            News::Asked => guard.notes(Opened::Perhaps),
            News::Refused => guard.notes(Opened::No),
            News::Begun => guard.notes(Opened::Yes),
            News::Marker(markers) => {
                let bytes = base + markers.bytes();
                self.sink.report(Progress { bytes });
            }
            News::Complete(bytes) => told = bytes,
        };
        let copied = copy_between(&mut from, &mut to, &self.plan, &mut markers, &mut hear).await;
        copied.map(|()| told).map_err(|why| {
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
