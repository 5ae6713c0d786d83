//! The sessions of one server and account: those in use are counted, the others kept for a while.
//!
//! # Invariants
//! - Only a session in step comes back.
//! - One that was unused for too long is closed, whether or not anybody comes again.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::features::Features;
use crate::session::Session;

/// A session unused for so long is asked whether it is alive.
const FRESH: Duration = Duration::from_secs(3);
const GOODBYE: Duration = Duration::from_secs(2);

/// One server under one account.
pub(crate) struct Endpoint {
    idle: Mutex<Idle>,
    places: Arc<Semaphore>,
    features: Mutex<Option<Arc<Features>>>,
    lifetime: Duration,
}

#[derive(Default)]
struct Idle {
    /// Used last is last.
    sessions: Vec<Session>,
    is_swept: bool,
}

/// A session that goes back when it is dropped, if it is in step.
pub(crate) struct Lease {
    // `None` only while it is dropped.
    session: Option<Session>,
    endpoint: Arc<Endpoint>,
    // Given back after the session.
    _place: OwnedSemaphorePermit,
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
            .as_ref()
            .expect("a lease has its session until it is dropped")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        self.session
            .as_mut()
            .expect("a lease has its session until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && session.is_in_step()
        {
            self.endpoint.keep(session);
        }
    }
}

impl Endpoint {
    pub(crate) fn new(max_connections: usize, lifetime: Duration) -> Arc<Self> {
        Arc::new(Self {
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(max_connections)),
            features: Mutex::new(None),
            lifetime,
        })
    }

    /// What the server said it can do, if it was asked.
    pub(crate) fn features(&self) -> Option<Arc<Features>> {
        self.features.lock().clone()
    }

    pub(crate) fn learn(&self, features: &Arc<Features>) {
        *self.features.lock() = Some(features.clone());
    }

    /// Waits until one more session may be in use.
    pub(crate) async fn place(&self) -> OwnedSemaphorePermit {
        let place = self.places.clone().acquire_owned().await;
        place.expect("the semaphore of an endpoint is never closed")
    }

    pub(crate) fn lend(self: &Arc<Self>, session: Session, place: OwnedSemaphorePermit) -> Lease {
        Lease {
            session: Some(session),
            endpoint: self.clone(),
            _place: place,
        }
    }

    /// An idle session that still works. The others that are found dead are thrown away.
    pub(crate) async fn alive(&self) -> Option<Session> {
        loop {
            let mut session = self.idle.lock().sessions.pop()?;
            if session.is_disturbed().await {
                continue;
            }
            if session.used.elapsed() < FRESH || session.is_alive().await {
                return Some(session);
            }
        }
    }

    fn keep(self: &Arc<Self>, session: Session) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // Nobody would close it.
            return;
        };
        let mut idle = self.idle.lock();
        idle.sessions.push(session);
        if !idle.is_swept {
            idle.is_swept = true;
            runtime.spawn(sweep(Arc::downgrade(self), self.lifetime));
        }
    }

    /// Takes out what was unused for too long; `None` when nothing is left to come back for.
    fn outdated(&self) -> Option<Vec<Session>> {
        let mut idle = self.idle.lock();
        if idle.sessions.is_empty() {
            idle.is_swept = false;
            return None;
        }
        let lifetime = self.lifetime;
        let old = idle
            .sessions
            .iter()
            .take_while(|it| it.used.elapsed() >= lifetime)
            .count();
        Some(idle.sessions.drain(..old).collect())
    }
}

/// Closes idle sessions of an endpoint until there are none.
async fn sweep(endpoint: Weak<Endpoint>, lifetime: Duration) {
    let pause = (lifetime / 2).max(Duration::from_millis(50));
    loop {
        tokio::time::sleep(pause).await;
        let Some(outdated) = endpoint.upgrade().and_then(|it| it.outdated()) else {
            return;
        };
        let began = Instant::now();
        for session in outdated {
            // A server that does not say goodbye keeps nobody waiting.
            session.quit(GOODBYE.saturating_sub(began.elapsed())).await;
        }
    }
}
