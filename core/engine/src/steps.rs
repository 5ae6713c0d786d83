//! How long the steps of an attempt take, and the spans that show it in a trace.
//!
//! A step lasts as long as its [`Lap`]: dropping it ends the step, however the attempt ends. Spans
//! of steps are opened but never entered, so that an attempt costs no more to poll; they are below
//! the span of their attempt, which [`open`] makes and whoever runs the attempt enters.

use causeway_model::observe::{Step, StepTimes};
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::messages::{AttemptFailure, AttemptResult, AttemptSpec};

/// Target of all spans of attempts: what an exporter of traces asks for.
pub const TRACE_TARGET: &str = "causeway::trace";

/// Times of the steps of one attempt.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch(Mutex<StepTimes>);

/// A step that is under way.
pub(crate) struct Lap<'a> {
    watch: &'a Stopwatch,
    step: Step,
    began: Instant,
    _span: Span,
}

impl Stopwatch {
    /// Begins a step, in the span of the attempt.
    pub(crate) fn lap(&self, step: Step) -> Lap<'_> {
        Lap {
            watch: self,
            step,
            began: Instant::now(),
            _span: span(step),
        }
    }

    /// Times so far.
    pub(crate) fn times(&self) -> StepTimes {
        *self.0.lock()
    }
}

impl Drop for Lap<'_> {
    fn drop(&mut self) {
        self.watch.0.lock().add(self.step, self.began.elapsed());
    }
}

/// The name of a span is part of its place in the program, so there is one for each step.
fn span(step: Step) -> Span {
    macro_rules! step {
        ($name:literal) => {
            tracing::debug_span!(target: TRACE_TARGET, $name)
        };
    }
    match step {
        Step::Prepare => step!("prepare"),
        Step::SourceChecksum => step!("source_checksum"),
        Step::Copy => step!("copy"),
        Step::Commit => step!("commit"),
        Step::Verify => step!("verify"),
        Step::CleanUp => step!("clean_up"),
    }
}

/// The trace id in a `traceparent`.
pub(crate) fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

/// The span of an attempt; none when it is not traced.
pub(crate) fn open(spec: &AttemptSpec) -> Span {
    let Some(traceparent) = spec.trace.as_deref() else {
        return Span::none();
    };
    tracing::info_span!(
        target: TRACE_TARGET,
        "attempt",
        traceparent,
        trace.id = trace_id(traceparent),
        job.id = %spec.job_id,
        file.id = spec.file_id.0,
        retry = spec.retry,
        source = %Host(&spec.source),
        destination = %Host(&spec.destination),
        rung = Empty,
        bytes = Empty,
        error = Empty,
    )
}

/// Writes down in the span of an attempt what became of it.
pub(crate) fn close(span: &Span, outcome: &Result<AttemptResult, AttemptFailure>) {
    match outcome {
        Ok(result) => {
            if let Some(rung) = result.rung {
                span.record("rung", rung.name());
            }
            if let Some(bytes) = result.size {
                span.record("bytes", bytes);
            }
        }
        Err(failure) => {
            span.record("error", display(&failure.fault));
            tracing::debug!(error = %failure.fault, "attempt failed");
        }
    }
}

/// The storage of a URL: path and query may hold what is nobody else's business.
struct Host<'a>(&'a causeway_sdk::Url);

impl std::fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_step_is_named_like_its_span() {
        let guard = tracing::subscriber::set_default(Names);
        for step in Step::ALL {
            let span = span(step);
            let name = span.metadata().map(|it| it.name());
            assert_eq!(name, Some(step.name()));
        }
        drop(guard);
    }

    /// Wants every span and keeps none.
    struct Names;

    impl tracing::Subscriber for Names {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {}
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn laps_of_one_step_add_up_and_a_dropped_one_counts() {
        let watch = Stopwatch::default();
        for _ in 0..2 {
            let lap = watch.lap(Step::Prepare);
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(lap);
        }
        let given_up = tokio::time::timeout(Duration::from_secs(3), async {
            let _lap = watch.lap(Step::Copy);
            std::future::pending::<()>().await;
        });
        assert!(given_up.await.is_err());
        let seconds: Vec<_> = watch.times().seconds().collect();
        assert_eq!(seconds, [(Step::Prepare, 2.0), (Step::Copy, 3.0)]);
    }

    #[test]
    fn a_trace_id_is_the_second_part() {
        assert_eq!(trace_id("00-abc-def-01"), Some("abc"));
        assert_eq!(trace_id("nonsense"), None);
    }
}
