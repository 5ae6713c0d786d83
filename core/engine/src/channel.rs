//! An attempt's line to the engine: reports go out, permission and cancellation come in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_model::ports::Clock;
use causeway_sdk::{CancelToken, LogLevel};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use crate::messages::{AttemptEvent, AttemptId, LogLine, Report};

/// What the worker keeps of a running attempt, to reach it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reins {
    /// Raised when the attempt is to be given up.
    pub(crate) cancel: CancelToken,
    /// Set before that when the next start of the engine takes it up.
    pub(crate) left: Arc<AtomicBool>,
    /// Signalled when what the attempt announced is journalled.
    pub(crate) granted: Arc<Notify>,
}

impl Reins {
    /// Ends the attempt for now.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::SeqCst);
        self.cancel.cancel();
    }
}

/// The attempt's end of the line.
pub(crate) struct Channel {
    attempt: AttemptId,
    reports: mpsc::Sender<Report>,
    reins: Reins,
    log: Option<LogBuffer>,
}

/// Lines that were written and not yet sent.
#[derive(Clone)]
pub(crate) struct LogBuffer {
    lines: Arc<Mutex<Vec<LogLine>>>,
    clock: Arc<dyn Clock>,
}

impl LogBuffer {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            lines: Arc::default(),
            clock,
        }
    }

    pub(crate) fn write(&self, level: LogLevel, text: String) {
        self.lines.lock().push(LogLine {
            time: self.clock.now(),
            level,
            text,
        });
    }
}

impl Channel {
    pub(crate) fn new(
        attempt: AttemptId,
        reports: mpsc::Sender<Report>,
        reins: Reins,
        log: Option<LogBuffer>,
    ) -> Self {
        Self {
            attempt,
            reports,
            reins,
            log,
        }
    }

    /// Sends a report. When the engine is gone there is nobody left to tell.
    pub(crate) async fn report(&self, event: AttemptEvent) {
        let report = Report {
            attempt: self.attempt,
            event,
        };
        if self.reports.send(report).await.is_err() {
            tracing::debug!(attempt = self.attempt.0, "engine is gone, report dropped");
        }
    }

    /// Announces something and waits until the engine has journalled it.
    pub(crate) async fn announce(&self, event: AttemptEvent) {
        self.report(event).await;
        self.reins.granted.notified().await;
    }

    /// Waits until the attempt is to be given up.
    pub(crate) async fn cancelled(&self) {
        self.reins.cancel.cancelled().await;
    }

    /// True when it is given up for now only.
    pub(crate) fn is_left(&self) -> bool {
        self.reins.left.load(Ordering::SeqCst)
    }

    /// The token for work that a plugin spawns.
    pub(crate) fn cancel_token(&self) -> CancelToken {
        self.reins.cancel.clone()
    }

    /// Where plugins write, when lines are wanted.
    pub(crate) fn log_buffer(&self) -> Option<&LogBuffer> {
        self.log.as_ref()
    }

    /// Writes a line for the log of the transfer; the text is made only when it is wanted.
    pub(crate) fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some(log) = &self.log {
            log.write(level, text());
        }
    }

    /// Sends the lines written so far.
    pub(crate) async fn send_log(&self) {
        let Some(log) = &self.log else { return };
        let lines = std::mem::take(&mut *log.lines.lock());
        if !lines.is_empty() {
            self.report(AttemptEvent::Log(lines)).await;
        }
    }
}
