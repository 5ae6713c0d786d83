//! Whether a worker process lives, and how much it takes: questions that it must answer, and a
//! look at its memory. Knows no socket; a question is a letter like any other.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::LOOK;
use crate::crew::loss::Sentence;
use crate::crew::processes::Shared;
use crate::crew::wire::ToWorker;

/// Time a process may take until it can work: it loads libraries.
const START: Duration = Duration::from_secs(120);

/// Whether a process lives, and how much it takes.
pub(super) struct Vitals {
    pub(super) pid: Option<u32>,
    pub(super) ready: bool,
    outbox: mpsc::UnboundedSender<ToWorker>,
    patience: Duration,
    most_bytes: u64,
    pub(super) rss_bytes: u64,
    looked: Instant,
    heard: Instant,
    /// The question that waits for its answer.
    asked: Option<(u64, Instant)>,
    questions: u64,
}

impl Vitals {
    pub(super) fn new(
        shared: &Shared,
        pid: Option<u32>,
        outbox: mpsc::UnboundedSender<ToWorker>,
    ) -> Self {
        let now = Instant::now();
        Self {
            pid,
            ready: false,
            outbox,
            patience: shared.options.ping_timeout,
            most_bytes: shared.options.memory_bytes,
            rss_bytes: 0,
            looked: now,
            heard: now,
            asked: None,
            questions: 0,
        }
    }

    /// Whatever it says is a sign of life.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    pub(super) fn answered(&mut self, number: u64) {
        if self.asked.is_some_and(|(asked, _)| asked == number) {
            self.asked = None;
        }
    }

    /// Looks at it. A sentence when it must end.
    pub(super) fn judge(&mut self) -> Option<Sentence> {
        let now = Instant::now();
        if now - self.looked > LOOK * 4 {
            // It was us who were away; nobody can be blamed for not being heard.
            self.heard = now;
        }
        self.looked = now;
        if self.weigh() {
            return Some(Sentence::Memory);
        }
        let patience = if self.ready { self.patience } else { START };
        let Some((_, asked)) = self.asked else {
            if !patience.is_zero() && now - self.heard >= LOOK {
                self.questions += 1;
                self.asked = Some((self.questions, now));
                // When it is gone its end is on the way.
                drop(self.outbox.send(ToWorker::Ping(self.questions)));
            }
            return None;
        };
        let silent = now - asked.max(self.heard) > patience;
        (silent && !patience.is_zero()).then_some(Sentence::Silent(patience.as_secs()))
    }

    fn weigh(&mut self) -> bool {
        if let Some(bytes) = self.pid.and_then(resident_bytes) {
            self.rss_bytes = bytes;
        }
        self.most_bytes > 0 && self.rss_bytes > self.most_bytes
    }
}

/// Memory of a process; `None` when it is gone.
fn resident_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
