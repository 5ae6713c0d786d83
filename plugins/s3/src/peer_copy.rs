//! Bytes past us: copies that one server does within itself.
//!
//! Between two servers S3 copies nothing: then the answer is "unsupported", and the gateway takes
//! another way. What fits one request goes in one: a server that only refers to what it has anyway
//! is done at once then, and one that is given parts has to write them all again.

use std::pin::pin;
use std::time::Duration;

use causeway_sdk::{Copied, CopyRequest, ErrorKind, Progress, ProgressSink, Result, Stat};
use http::Method;

use crate::caller::Caller;
use crate::earlier::remove_earlier;
use crate::error::at;
use crate::exchange::{Request, send};
use crate::inspect::{nothing, object};
use crate::part::Source;
use crate::parts::part_for;
use crate::place::Place;
use crate::upload;

/// A server that copies in one request says nothing until it is done. So often it is counted as alive.
const BEAT: Duration = Duration::from_secs(30);
/// As long as it may still be done at so many bytes per second; one that is slower is taken to hang.
const SLOWEST: u64 = 4 << 20;

/// Lets the server copy, whoever was asked.
pub(crate) async fn copy(
    caller: &Caller,
    request: &CopyRequest,
    progress: &ProgressSink,
) -> Result<Copied> {
    let is_ours = |it: &causeway_sdk::Url| {
        crate::place::SCHEMES
            .iter()
            .any(|scheme| scheme.eq_ignore_ascii_case(it.scheme()))
    };
    if !is_ours(&request.source) || !is_ours(&request.destination) {
        let text = format!(
            "copy {} to {}: another protocol",
            request.source, request.destination
        );
        return Err(causeway_sdk::Error::new(ErrorKind::Unsupported, text));
    }
    let (from, to) = (
        caller.place(&request.source)?,
        caller.place(&request.destination)?,
    );
    if !from.is_same_endpoint(&to) {
        let why = format!("{to} is on another endpoint");
        return Err(at(ErrorKind::Unsupported, "copy", &from, &why));
    }
    if from.key.is_empty() || to.key.is_empty() {
        return Err(at(
            ErrorKind::IsDirectory,
            "copy",
            &from,
            "it is a directory",
        ));
    }
    let source = object(caller, &from).await?;
    let source = source.ok_or_else(|| nothing("copy", &from))?;
    refuse_if_taken(caller, &to, request.overwrite, "copy to").await?;
    within(caller, (&from, &to), &source, request.overwrite, progress).await?;
    caller.inner.subdirs.made(&to);
    Ok(Copied {
        bytes: source.size,
        checksum: None,
    })
}

/// What is there stays when it shall not be replaced.
pub(crate) async fn refuse_if_taken(
    caller: &Caller,
    to: &Place,
    overwrite: bool,
    doing: &str,
) -> Result<()> {
    if overwrite || object(caller, to).await?.is_none() {
        return Ok(());
    }
    Err(at(
        ErrorKind::Exists,
        doing,
        to,
        "something is there already",
    ))
}

/// Copies an object of which this much is known.
pub(crate) async fn within(
    caller: &Caller,
    (from, to): (&Place, &Place),
    source: &Stat,
    overwrite: bool,
    progress: &ProgressSink,
) -> Result<()> {
    let size = source.size.unwrap_or(0);
    if size > caller.inner.config.copy_whole_bytes {
        return in_parts(caller, (from, to), source, overwrite, progress).await;
    }
    let mut request = Request::new(Method::PUT).with("x-amz-copy-source", from.copy_source())?;
    if let Some(etag) = &source.etag {
        request = request.with("x-amz-copy-source-if-match", etag)?;
    }
    let copied = async { send(caller, to, request).await?.document("copy to").await };
    alive_while(copied, size, progress).await?;
    progress.report(Progress { bytes: size });
    Ok(())
}

/// Waits for a copy of so many bytes that shows no progress.
async fn alive_while<T>(copy: impl Future<Output = T>, size: u64, progress: &ProgressSink) -> T {
    let mut copy = pin!(copy);
    for _ in 0..size / SLOWEST / BEAT.as_secs() {
        if let Ok(done) = tokio::time::timeout(BEAT, &mut copy).await {
            return done;
        }
        progress.report(Progress { bytes: 0 });
    }
    copy.await
}

async fn in_parts(
    caller: &Caller,
    (from, to): (&Place, &Place),
    source: &Stat,
    overwrite: bool,
    progress: &ProgressSink,
) -> Result<()> {
    let config = &caller.inner.config;
    let (size, parallel) = (source.size.unwrap_or(0), config.parallel_parts);
    let part = part_for(size, config.copy_part_bytes);
    remove_earlier(caller, to);
    let mut upload = upload::begin(caller, to, false).await?;
    let (mut first, mut done) = (0, 0);
    let copied = async {
        while first < size {
            let len = part.min(size - first);
            let range = format!("bytes={first}-{}", first + len - 1);
            let piece = Source::Object(from.copy_source(), range, source.etag.clone());
            upload.put(piece, len, parallel).await?;
            first += len;
            done = report(upload.sent(), done, progress);
        }
        while upload.join_one().await?.is_some() {
            done = report(upload.sent(), done, progress);
        }
        Ok(())
    };
    if let Err(error) = copied.await {
        upload.abort().await;
        return Err(error);
    }
    upload.complete(overwrite).await.map(drop)
}

fn report(sent: u64, done: u64, progress: &ProgressSink) -> u64 {
    if sent > done {
        progress.report(Progress { bytes: sent });
    }
    sent
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::time::{Instant, sleep};

    use super::*;

    /// How often a copy of this size is counted as alive that ends after so long.
    async fn beats(size: u64, after: Duration) -> u64 {
        let seen = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&seen);
        let progress = ProgressSink::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let begin = Instant::now();
        alive_while(sleep(after), size, &progress).await;
        assert_eq!(begin.elapsed().as_secs(), after.as_secs());
        seen.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_copy_in_one_request_is_alive_as_long_as_its_size_allows() {
        let hour = Duration::from_secs(3600);
        assert_eq!(beats(5 << 30, Duration::from_secs(29)).await, 0);
        assert_eq!(beats(5 << 30, Duration::from_secs(95)).await, 3);
        // 5 GiB may take 1,280 seconds.
        assert_eq!(beats(5 << 30, hour).await, 42);
        assert_eq!(beats(1 << 20, hour).await, 0);
    }
}
