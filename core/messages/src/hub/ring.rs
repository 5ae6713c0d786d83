//! The last messages, in order, under numbers that never come back.

use std::collections::VecDeque;
use std::sync::Arc;

use causeway_model::feed::Position;

use crate::message::Message;

/// The last messages.
#[derive(Default)]
pub(super) struct Ring {
    pub(super) messages: VecDeque<Arc<Message>>,
    /// Number of the first one.
    pub(super) first: u64,
    /// All that happened after this place is in the ring.
    pub(super) begins: Position,
    pub(super) is_running: bool,
}

impl Ring {
    pub(super) fn next(&self) -> u64 {
        self.first + self.messages.len() as u64
    }

    /// Number of the first message about an event after a place.
    pub(super) fn after(&self, place: Position) -> u64 {
        self.first + self.messages.partition_point(|it| it.after <= place) as u64
    }

    pub(super) fn push(&mut self, message: Message, kept: usize) {
        self.messages.push_back(Arc::new(message));
        while self.messages.len() > kept.max(1) {
            if let Some(old) = self.messages.pop_front() {
                self.first += 1;
                self.begins = old.after;
            }
        }
    }
}
