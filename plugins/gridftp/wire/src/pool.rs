//! Offers [`Pool`]: sessions kept for the next caller, by endpoint and credential; and pairs of
//! sessions whose servers are still connected to each other from their last copy.
//!
//! # Invariants
//! - Only an idle session is given out or taken back (`Session::is_idle`); all others are closed.
//! - Sessions of one credential are never given to another (`Endpoint::key`).

mod gate;
mod lease;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::features::Features;
use crate::{Endpoint, Options, Result, Session};
use gate::Gates;
pub use lease::Lease;

/// An unused session of that age is asked for a sign of life first.
const DOUBTFUL: Duration = Duration::from_secs(5);
/// Servers whose features are remembered.
const MAX_SERVERS: usize = 1000;

/// How many sessions to keep, and for how long.
#[derive(Debug, Clone)]
pub struct PoolLimits {
    /// Unused sessions that are kept for one endpoint and credential.
    pub per_endpoint: usize,
    /// Unused sessions that are kept in all.
    pub total: usize,
    /// How long an unused session is kept.
    pub idle: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            per_endpoint: 32,
            total: 256,
            idle: Duration::from_secs(60),
        }
    }
}

/// Sessions for whoever comes next. Cheap to clone.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    options: Arc<Options>,
    limits: PoolLimits,
    idle: Mutex<HashMap<String, Vec<Idle>>>,
    gates: Gates,
    features: Mutex<HashMap<(String, u16), Arc<Features>>>,
}

struct Idle {
    session: Session,
    since: Instant,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("idle", &self.idle_sessions())
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// An empty pool.
    pub fn new(options: Options, limits: PoolLimits) -> Self {
        Self(Arc::new(Inner {
            options: Arc::new(options),
            limits,
            idle: Mutex::default(),
            gates: Gates::default(),
            features: Mutex::default(),
        }))
    }

    /// Settings of its sessions.
    pub fn options(&self) -> &Arc<Options> {
        &self.0.options
    }

    /// Number of unused sessions.
    pub fn idle_sessions(&self) -> usize {
        self.0.idle.lock().values().map(Vec::len).sum()
    }

    /// A session: an unused one, or a new one.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn session(&self, endpoint: &Endpoint) -> Result<Lease> {
        match self.unused(&endpoint.key(), true).await {
            Some(lease) => Ok(lease),
            None => self.fresh(endpoint).await,
        }
    }

    /// A session for a command or two: rather one that is about to be free than a new one.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn brief(&self, endpoint: &Endpoint) -> Result<Lease> {
        let key = endpoint.key();
        let gate = self.0.gates.of(&key);
        // Pairs that are connected to each other are wanted back soon, unless it is quiet.
        let any = gate.is_quiet();
        let opening = gate.may_open();
        tokio::pin!(opening);
        loop {
            if let Some(lease) = self.unused(&key, any).await {
                return Ok(lease);
            }
            tokio::select! {
                () = gate.freed() => {}
                _only_one_opens = &mut opening => {
                    return match self.unused(&key, any).await {
                        Some(lease) => Ok(lease),
                        None => self.fresh(endpoint).await,
                    };
                }
            }
        }
    }

    /// A session that nobody uses: a lone one, or else, if `any` will do, one of a pair.
    async fn unused(&self, key: &str, any: bool) -> Option<Lease> {
        let unlinked = |all: &[Idle]| {
            let lone = all.iter().rposition(|it| it.session.link.is_none());
            lone.or(all.len().checked_sub(1).filter(|_| any))
        };
        while let Some(idle) = self.0.take(key, unlinked) {
            if let Some(session) = alive(idle).await {
                return Some(self.lease(key.to_owned(), session));
            }
        }
        None
    }

    /// A session that was not used before, for who found an unused one broken.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn fresh(&self, endpoint: &Endpoint) -> Result<Lease> {
        let server = (endpoint.host().to_owned(), endpoint.port());
        let known = self.0.features.lock().get(&server).cloned();
        let is_new = known.is_none();
        let session = Session::open_knowing(endpoint, self.0.options.clone(), known).await?;
        if is_new {
            let mut all = self.0.features.lock();
            if all.len() >= MAX_SERVERS {
                all.clear();
            }
            all.insert(server, session.features().clone());
        }
        Ok(self.lease(endpoint.key(), session))
    }

    /// A session with each of two servers, if possible two that copied to each other before.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn pair(&self, source: &Endpoint, destination: &Endpoint) -> Result<(Lease, Lease)> {
        let (from, to) = (source.key(), destination.key());
        while let Some((one, other)) = self.0.take_linked(&from, &to) {
            if let (Some(one), Some(other)) = tokio::join!(alive(one), alive(other)) {
                return Ok((self.lease(from, one), self.lease(to, other)));
            }
        }
        tokio::try_join!(self.session(source), self.session(destination))
    }

    /// Takes a session back that was on loan.
    fn give_back(&self, key: String, session: Session) {
        self.0.put(key.clone(), session);
        self.0.gates.freed(&key);
    }

    fn lease(&self, key: String, session: Session) -> Lease {
        Lease::new(session, key, self.clone())
    }
}

async fn alive(idle: Idle) -> Option<Session> {
    let Idle { mut session, since } = idle;
    if !session.is_idle() {
        return None;
    }
    // One that does not answer is as good as none.
    if since.elapsed() > DOUBTFUL && session.noop().await.is_err() {
        return None;
    }
    Some(session)
}

impl Inner {
    /// Takes the session that `pick` chooses by its place; the last one was used last.
    fn take(&self, key: &str, pick: impl Fn(&[Idle]) -> Option<usize>) -> Option<Idle> {
        let mut table = self.idle.lock();
        let all = table.get_mut(key)?;
        all.retain(|it| it.since.elapsed() < self.limits.idle);
        let found = pick(all).map(|at| all.remove(at));
        if all.is_empty() {
            table.remove(key);
        }
        found
    }

    /// Two unused sessions with the same link.
    fn take_linked(&self, from: &str, to: &str) -> Option<(Idle, Idle)> {
        let links: Vec<u64> = {
            let table = self.idle.lock();
            let other = table.get(to)?;
            other.iter().filter_map(|it| it.session.link).collect()
        };
        let has = |all: &[Idle]| {
            let linked = |it: &Idle| it.session.link.is_some_and(|link| links.contains(&link));
            all.iter().rposition(linked)
        };
        let one = self.take(from, has)?;
        let link = one.session.link;
        let other = self.take(to, |all| all.iter().rposition(|it| it.session.link == link))?;
        Some((one, other))
    }

    fn put(&self, key: String, session: Session) {
        let mut table = self.idle.lock();
        let now = Instant::now();
        let total: usize = table.values().map(Vec::len).sum();
        if total >= self.limits.total {
            // Full: who has been unused for too long goes first; else this one is closed.
            table.retain(|_, all| {
                all.retain(|it| now.duration_since(it.since) < self.limits.idle);
                !all.is_empty()
            });
            if table.values().map(Vec::len).sum::<usize>() >= self.limits.total {
                return;
            }
        }
        let all = table.entry(key).or_default();
        all.retain(|it| now.duration_since(it.since) < self.limits.idle);
        if all.len() < self.limits.per_endpoint {
            all.push(Idle {
                session,
                since: now,
            });
        }
    }
}
