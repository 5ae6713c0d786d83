//! Brings what happened to one receiver: at least once, in order, however long it is away.
//!
//! Reads a page of the feed, has it told in messages, and delivers them; only then is the place
//! after them acknowledged, at most once a second, since an acknowledgement that is lost in a crash
//! costs nothing but a message told twice.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use causeway_model::Timestamp;
use causeway_model::feed::{EventFeed, Position};
use causeway_model::ports::Clock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::message::{Kind, Message};
use crate::narrator::Narrator;
use crate::tally::SinkTally;

/// Time between two acknowledgements.
const ACKNOWLEDGE: Duration = Duration::from_secs(1);
/// First pause after a failure.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a receiver did not take a message. The text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// A receiver.
#[async_trait]
pub trait Sink: Send {
    /// Whether it is told messages of a kind at all.
    fn wants(&self, kind: Kind) -> bool;

    /// Whether it is told this one.
    fn wants_message(&self, _message: &Message) -> bool {
        true
    }

    /// Delivers from the front. Tells how many were taken, and what stopped it if not all were.
    async fn deliver(&mut self, messages: &[Message]) -> (usize, Result<(), Refusal>);

    /// Keeps its connection while there is nothing to deliver. Returns when it has a new one, or
    /// has lost or not found one; may be dropped at any time.
    async fn idle(&mut self) -> Result<(), Refusal> {
        std::future::pending().await
    }

    /// Nothing more will come.
    async fn close(&mut self) {}
}

/// How a pump works.
#[derive(Clone, Copy, Debug)]
pub struct PumpOptions {
    /// Older messages are dropped.
    pub max_age: Duration,
    /// Longest pause between two tries.
    pub pause_max: Duration,
}

/// Brings what happened to one receiver.
pub struct Pump {
    /// Name under which its place is kept.
    pub name: String,
    /// What happened.
    pub feed: Arc<dyn EventFeed>,
    /// Makes messages of it.
    pub narrator: Narrator,
    /// The receiver.
    pub sink: Box<dyn Sink>,
    /// Counts.
    pub tally: Arc<SinkTally>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// How.
    pub options: PumpOptions,
}

/// Where a pump is.
struct Place {
    /// Everything before is delivered.
    done: Position,
    /// Everything before is acknowledged.
    noted: Position,
    /// When that was.
    at: Instant,
    /// Next pause after a failure while there is nothing to deliver.
    pause: Duration,
}

impl Pump {
    /// Works from a place on until it is stopped; then what is delivered is acknowledged.
    pub async fn run(mut self, from: Position, stop: CancellationToken) {
        let mut place = Place {
            done: from,
            noted: from,
            at: Instant::now(),
            pause: PAUSE,
        };
        tokio::select! {
            () = self.work(&mut place) => {}
            () = stop.cancelled() => {}
        }
        self.acknowledge(&mut place).await;
        self.sink.close().await;
    }

    async fn work(&mut self, place: &mut Place) {
        let mut pause = PAUSE;
        loop {
            match self.page(place).await {
                Ok(()) => pause = PAUSE,
                Err(error) => {
                    tracing::error!(receiver = self.name, %error, "failed to read what happened");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(self.options.pause_max);
                }
            }
        }
    }

    /// One page: read, told, delivered.
    async fn page(&mut self, place: &mut Place) -> Result<(), causeway_model::ports::StoreError> {
        let page = self.feed.read(place.done).await?;
        if page.gap {
            self.tally.add_gap();
            tracing::error!(
                receiver = self.name,
                "events were given up before it took them"
            );
        }
        if page.next == place.done {
            self.rest(place).await;
            return Ok(());
        }
        let sink = &self.sink;
        let wanted: Vec<Kind> = Kind::ALL.into_iter().filter(|it| sink.wants(*it)).collect();
        let told = self.narrator.tell(&page.events, |it| wanted.contains(&it));
        let mut messages = told.await?;
        messages.retain(|it| self.sink.wants_message(it));
        self.deliver(&messages, place).await;
        place.done = page.next;
        if place.at.elapsed() >= ACKNOWLEDGE {
            self.acknowledge(place).await;
        }
        Ok(())
    }

    /// Waits for something to happen.
    async fn rest(&mut self, place: &mut Place) {
        self.tally.rest(place.done);
        let unnoted = place.noted != place.done;
        let outcome = tokio::select! {
            () = self.feed.wait(place.done) => return,
            outcome = self.sink.idle() => outcome,
            () = tokio::time::sleep_until(place.at + ACKNOWLEDGE), if unnoted => {
                return self.acknowledge(place).await;
            }
        };
        match outcome {
            Ok(()) => {
                place.pause = PAUSE;
                self.note_well();
            }
            Err(error) => {
                self.note_trouble(&error, false);
                // Something to deliver is tried at once.
                let pause = tokio::time::sleep(spread(place.pause));
                tokio::select! {
                    () = self.feed.wait(place.done) => {}
                    () = pause => {}
                }
                place.pause = (place.pause * 2).min(self.options.pause_max);
            }
        }
    }

    fn note_well(&self) {
        if self.tally.set_well(true) {
            tracing::info!(receiver = self.name, "it takes messages");
        }
    }

    /// Told once for each time that it goes away, not for each try.
    fn note_trouble(&self, error: &Refusal, is_news: bool) {
        if self.tally.set_well(false) || is_news {
            tracing::warn!(receiver = self.name, %error, "messages wait");
        }
    }

    /// Delivers all of them, however often it takes.
    async fn deliver(&mut self, messages: &[Message], place: &mut Place) {
        let mut at = 0;
        let mut pause = PAUSE;
        loop {
            at += self.too_old(&messages[at..]);
            let Some(first) = messages.get(at) else {
                return;
            };
            self.tally.set_oldest(first.at.0);
            let (taken, outcome) = self.sink.deliver(&messages[at..]).await;
            at += taken;
            self.tally.add_delivered(taken);
            place.done = done(messages, at).unwrap_or(place.done);
            match outcome {
                Ok(()) => {
                    pause = PAUSE;
                    place.pause = PAUSE;
                    self.note_well();
                }
                Err(error) => {
                    self.note_trouble(&error, taken > 0);
                    self.acknowledge(place).await;
                    tokio::time::sleep(spread(pause)).await;
                    pause = (pause * 2).min(self.options.pause_max);
                }
            }
        }
    }

    /// Number of messages in front that nobody wants to hear any more.
    fn too_old(&self, messages: &[Message]) -> usize {
        let age = i64::try_from(self.options.max_age.as_millis()).unwrap_or(i64::MAX);
        let Timestamp(now) = self.clock.now();
        let old = messages
            .iter()
            .take_while(|it| now.saturating_sub(it.at.0) > age);
        let old = old.count();
        if old > 0 {
            self.tally.add_dropped(old);
            tracing::error!(receiver = self.name, messages = old, "dropped: too old");
        }
        old
    }

    async fn acknowledge(&mut self, place: &mut Place) {
        place.at = Instant::now();
        if place.noted == place.done {
            return;
        }
        match self.feed.acknowledge(&self.name, place.done).await {
            Ok(()) => place.noted = place.done,
            // Tried again with the next one; at worst messages are told twice.
            Err(error) => {
                tracing::warn!(receiver = self.name, %error, "failed to note what is delivered");
            }
        }
    }
}

/// The place after the last event of which every message is done.
fn done(messages: &[Message], at: usize) -> Option<Position> {
    let next = messages.get(at).map(|it| it.after);
    let whole = messages[..at].iter().rev().map(|it| it.after);
    whole.into_iter().find(|it| Some(*it) != next)
}

/// Not all at once when a broker comes back.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
#[path = "tests/pump.rs"]
mod tests;
