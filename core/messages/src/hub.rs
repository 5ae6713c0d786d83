//! What happens, for listeners who come and go.
//!
//! While somebody listens, and a little longer, one task reads the feed and keeps the last messages
//! in a ring; every listener reads the ring at its own pace. One that falls behind the ring is cut
//! off, so that nobody slow costs memory. One that comes back with the place of the last event it
//! saw reads what it missed from the feed, then goes on in the ring.
//!
//! Nobody is held for a listener: what the store has let go is told as a gap.

mod ring;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::feed::{EventFeed, Position};
use causeway_model::ports::JobStore;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::message::Message;
use crate::narrator::{Narrator, Voice};
use ring::Ring;

/// The ring is kept for so long after the last listener has left.
const LINGER: Duration = Duration::from_secs(60);
/// Pause after the feed could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// Lets listeners in. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    feed: Arc<dyn EventFeed>,
    store: Arc<dyn JobStore>,
    voice: Voice,
    kept: usize,
    ring: Mutex<Ring>,
    /// Number of the next message.
    head: watch::Sender<u64>,
    clients: Arc<Semaphore>,
    max_clients: usize,
    stop: CancellationToken,
}

/// What a listener gets next.
#[derive(Clone, Debug)]
pub enum Next {
    /// A message.
    Message(Arc<Message>),
    /// Events before the next message are gone.
    Gap,
    /// The listener was too slow: nothing more comes.
    Late,
    /// What happened cannot be read: nothing more comes.
    Broken,
    /// The gateway stops.
    Closed,
}

impl Hub {
    /// One that nobody listens to yet. Keeps so many messages, for so many listeners.
    pub fn new(
        feed: Arc<dyn EventFeed>,
        store: Arc<dyn JobStore>,
        voice: Voice,
        kept: usize,
        max_clients: usize,
    ) -> Self {
        Self(Arc::new(Shared {
            feed,
            store,
            voice,
            kept,
            ring: Mutex::default(),
            head: watch::Sender::new(0),
            clients: Arc::new(Semaphore::new(max_clients)),
            max_clients,
            stop: CancellationToken::new(),
        }))
    }

    /// Nothing more is told to anybody.
    pub fn close(&self) {
        self.0.stop.cancel();
    }

    /// Listens from now on, or to what happened after a place. `None` when there is no room.
    pub fn listen(&self, after: Option<Position>) -> Option<Subscription> {
        let permit = Arc::clone(&self.0.clients).try_acquire_owned().ok()?;
        let head = self.0.head.subscribe();
        let place = self.begin(after);
        let narrator = Narrator::new(self.0.voice.clone(), Arc::clone(&self.0.store));
        Some(Subscription {
            shared: Arc::clone(&self.0),
            head,
            place,
            narrator,
            waiting: VecDeque::new(),
            _permit: permit,
        })
    }

    /// Makes sure that the ring turns; gives where a listener begins.
    fn begin(&self, after: Option<Position>) -> Place {
        let mut ring = self.0.ring.lock();
        if !ring.is_running {
            let end = self.0.feed.end();
            ring.is_running = true;
            ring.begins = end;
            ring.messages.clear();
            ring.first = *self.0.head.borrow();
            let (shared, stop) = (Arc::clone(&self.0), self.0.stop.clone());
            tokio::spawn(async move { stop.run_until_cancelled(turn(shared, end)).await });
        }
        match after {
            Some(place) if place < ring.begins => Place::Feed(place),
            Some(place) => Place::Ring(ring.after(place)),
            None => Place::Ring(ring.next()),
        }
    }
}

/// Keeps the ring turning while somebody listens.
async fn turn(shared: Arc<Shared>, from: Position) {
    let mut narrator = Narrator::new(shared.voice.clone(), Arc::clone(&shared.store));
    let mut at = from;
    let mut alone = None;
    loop {
        if shared.is_alone() {
            let since = alone.get_or_insert_with(Instant::now);
            if since.elapsed() >= LINGER && shared.may_rest() {
                return;
            }
        } else {
            alone = None;
        }
        let page = match shared.feed.read(at).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "failed to read what happened for listeners");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if page.next == at {
            tokio::select! {
                () = shared.feed.wait(at) => {}
                // To look whether somebody is still there.
                () = tokio::time::sleep(LINGER) => {}
            }
            continue;
        }
        match narrator.tell(&page.events, |_| true).await {
            Ok(messages) => shared.take(messages, page.gap, page.next),
            Err(error) => {
                tracing::error!(%error, "failed to tell listeners what happened");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        at = page.next;
    }
}

impl Shared {
    fn take(&self, messages: Vec<Message>, gap: bool, next: Position) {
        let mut ring = self.ring.lock();
        if gap {
            // Whoever comes back from before it must hear of the gap.
            ring.begins = messages.first().map_or(next, |it| it.after);
            ring.first = ring.next();
            ring.messages.clear();
        }
        for message in messages {
            ring.push(message, self.kept);
        }
        self.head.send_replace(ring.next());
    }

    fn is_alone(&self) -> bool {
        self.clients.available_permits() == self.max_clients
    }

    /// True when nobody listens any more; the ring is empty then.
    fn may_rest(&self) -> bool {
        // Whoever begins to listen takes the permit first and then asks for the ring.
        let mut ring = self.ring.lock();
        if !self.is_alone() {
            return false;
        }
        ring.is_running = false;
        ring.messages = VecDeque::new();
        true
    }
}

/// Where a listener is.
enum Place {
    /// Behind the ring: it reads the feed.
    Feed(Position),
    /// In the ring: the number of its next message.
    Ring(u64),
}

/// One listener.
pub struct Subscription {
    shared: Arc<Shared>,
    head: watch::Receiver<u64>,
    place: Place,
    narrator: Narrator,
    /// Read from the feed and not yet given.
    waiting: VecDeque<Next>,
    _permit: OwnedSemaphorePermit,
}

impl Subscription {
    /// What comes next, for as long as it takes. May be dropped at any time.
    pub async fn next(&mut self) -> Next {
        let stop = self.shared.stop.clone();
        let next = stop.run_until_cancelled(self.wait()).await;
        next.unwrap_or(Next::Closed)
    }

    async fn wait(&mut self) -> Next {
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return next;
            }
            match self.place {
                Place::Feed(at) => {
                    if let Err(error) = self.catch_up(at).await {
                        tracing::error!(%error, "failed to read what a listener missed");
                        return Next::Broken;
                    }
                }
                Place::Ring(number) => match self.take_next(number) {
                    Some(next) => return next,
                    None => {
                        let waited = self.head.wait_for(|head| *head > number).await;
                        if waited.is_err() {
                            return Next::Broken;
                        }
                    }
                },
            }
        }
    }

    fn take_next(&mut self, number: u64) -> Option<Next> {
        let ring = self.shared.ring.lock();
        let Some(at) = number.checked_sub(ring.first) else {
            return Some(Next::Late);
        };
        let message = ring.messages.get(usize::try_from(at).ok()?)?;
        self.place = Place::Ring(number + 1);
        Some(Next::Message(Arc::clone(message)))
    }

    /// Reads one page of what was missed, or goes over to the ring.
    async fn catch_up(&mut self, at: Position) -> Result<(), causeway_model::ports::StoreError> {
        {
            let ring = self.shared.ring.lock();
            if at >= ring.begins {
                self.place = Place::Ring(ring.after(at));
                return Ok(());
            }
        }
        let page = self.shared.feed.read(at).await?;
        let told = self.narrator.tell(&page.events, |_| true).await?;
        if page.gap {
            self.waiting.push_back(Next::Gap);
        }
        let messages = told.into_iter().map(|it| Next::Message(Arc::new(it)));
        self.waiting.extend(messages);
        self.place = Place::Feed(page.next);
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests/hub.rs"]
mod tests;
