//! Bytes past us: copies that one server does within itself.
//!
//! Between two servers S3 copies nothing: then the answer is "unsupported", and the gateway takes
//! another way. What fits one request goes in one: a server that only refers to what it has anyway
//! is done at once then, and one that is given parts has to write them all again.

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
    send(caller, to, request).await?.document("copy to").await?;
    progress.report(Progress { bytes: size });
    Ok(())
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
