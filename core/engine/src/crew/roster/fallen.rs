//! What a worker had when it ended, and who is told so.

use std::sync::Arc;

use super::line::{Asked, Held, Line};
use crate::crew::loss::{Loss, Part};
use crate::messages::{AttemptEvent, AttemptId, Report};

/// A worker that ended.
pub(in crate::crew) struct Fallen {
    pub(in crate::crew) line: Line,
    attempts: Vec<(AttemptId, Held)>,
    calls: Vec<Asked>,
}

impl Fallen {
    pub(super) fn new(mut line: Line) -> Self {
        let (attempts, calls) = line.drain();
        Self {
            line,
            attempts,
            calls,
        }
    }

    /// Attempts that were lost.
    pub(super) fn lost(&self) -> impl Iterator<Item = AttemptId> {
        self.attempts.iter().map(|(attempt, _)| *attempt)
    }

    /// Nothing was lost.
    pub(in crate::crew) fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.calls.is_empty()
    }

    /// Number of attempts that were lost.
    pub(in crate::crew) fn attempts(&self) -> usize {
        self.attempts.len()
    }

    /// The one plugin that everything in this worker used, if there is one.
    pub(in crate::crew) fn only_plugin(&self) -> Option<&str> {
        let of_attempts = self.attempts.iter().flat_map(|(_, held)| &held.plugins);
        let of_calls = self.calls.iter().filter_map(|it| it.plugin.as_ref());
        let mut all = of_attempts.chain(of_calls);
        let first = all.next()?;
        all.all(|it| it == first).then_some(first.as_ref())
    }

    /// Tells everybody who waited; gives the last reports of the attempts.
    pub(in crate::crew) fn mourn(self, how: &str, culprits: &[String]) -> Vec<Report> {
        let loss = |plugins: &[Arc<str>]| Loss {
            how: how.to_owned(),
            part: Part::of(plugins, culprits),
        };
        for asked in self.calls {
            let loss = loss(asked.plugin.as_slice());
            // Whoever asked may have gone.
            drop(asked.answer.send(Err(loss)));
        }
        let report = |(attempt, held): (AttemptId, Held)| Report {
            attempt,
            event: AttemptEvent::Lost(loss(&held.plugins)),
        };
        self.attempts.into_iter().map(report).collect()
    }
}
