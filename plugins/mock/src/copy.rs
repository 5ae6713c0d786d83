//! Third-party copy between two mocks: time passes, nothing moves.

use causeway_sdk::{Copied, CopyRequest, Ctx, Error, ErrorKind, Progress, ProgressSink, Result};
use tokio::time::{Duration, Instant, sleep_until};

use crate::journal::Event;
use crate::reader::bad_luck;
use crate::script::{Script, fail};
use crate::signal;
use crate::storage::{MockStorage, SCHEME, attempt};

/// How often a running copy reports, and when a wished error comes.
const TICK: Duration = Duration::from_secs(1);

/// Runs one copy to its end.
pub(crate) async fn run(
    storage: &MockStorage,
    cx: &Ctx,
    request: &CopyRequest,
    progress: &ProgressSink,
) -> Result<Copied> {
    for at in [&request.source, &request.destination] {
        if !at.scheme().eq_ignore_ascii_case(SCHEME) {
            return Err(Error::unsupported("copy"));
        }
    }
    let source = Script::of(&request.source);
    let destination = Script::of(&request.destination);
    for script in [&source, &destination] {
        signal::obey(&storage.config, script).await?;
    }
    let attempt = attempt(cx);
    if source.unlucky(&request.source, attempt)
        || destination.unlucky(&request.destination, attempt)
    {
        return Err(bad_luck());
    }
    let told = source.size.or(source.size_pre).or(source.size_post);
    let size = request.size.unwrap_or(told.unwrap_or(0).max(0) as u64);
    let duration = duration(storage, &source, &destination, size);
    if !duration.is_zero() {
        pass_time(cx, &destination, duration, size, progress).await?;
    }
    progress.report(Progress { bytes: size });
    let copied = Event::Copied {
        source: request.source.clone(),
        size,
    };
    let at = &request.destination;
    storage.memory.wrote(cx.request_id(), at, &copied)?;
    Ok(Copied::default())
}

fn duration(storage: &MockStorage, source: &Script, destination: &Script, size: u64) -> Duration {
    if let Some(time) = destination.time {
        return time;
    }
    // The slower side sets the pace.
    let paced = source.pace(size).max(destination.pace(size));
    if source.throughput > 0 || destination.throughput > 0 {
        return paced;
    }
    let (min, max) = (storage.config.min_seconds, storage.config.max_seconds);
    storage.chance.seconds(min, max)
}

/// Lets the time of a copy pass, a tick at a time, as the reference does.
async fn pass_time(
    cx: &Ctx,
    destination: &Script,
    duration: Duration,
    size: u64,
    progress: &ProgressSink,
) -> Result<()> {
    let start = Instant::now();
    let end = start + duration;
    let mut due = start;
    progress.report(Progress { bytes: 0 });
    while due < end {
        due = (due + TICK).min(end);
        tokio::select! {
            biased;
            () = cx.cancel().cancelled() => return Err(canceled()),
            () = sleep_until(due) => {}
        }
        fail(destination.transfer_errno)?;
        let part = (due - start).as_secs_f64() / duration.as_secs_f64();
        let bytes = ((size as f64 * part) as u64).min(size);
        progress.report(Progress { bytes });
    }
    Ok(())
}

fn canceled() -> Error {
    Error::new(ErrorKind::Canceled, "Transfer canceled")
}
