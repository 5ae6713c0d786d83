//! One attempt at a deletion. It leaves nothing that would have to be cleaned up.

use std::time::Duration;

use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::Ctx;
use tokio::time::Instant;

use crate::attempt::{ETIMEDOUT, canceled, seconds};
use crate::channel::Channel;
use crate::messages::{AttemptFailure, AttemptResult, DeletionSpec};
use crate::site::Directory;

/// Runs a deletion to its end.
pub(crate) async fn delete(
    spec: &DeletionSpec,
    directory: &Directory,
    channel: &Channel,
) -> Result<AttemptResult, AttemptFailure> {
    let began = Instant::now();
    let fault = |errno, text: &str| Fault::new(Scope::Source, Phase::Transfer, errno, text);
    let (storage, _) = directory
        .find(&spec.url)
        .map_err(|error| fault(error.errno(), error.message()))?;
    let cx = Ctx::new(spec.file_id.to_string())
        .with_credential(spec.credential.clone())
        .with_cancel(channel.cancel_token());
    let limit = Duration::from_secs(spec.timeout_seconds);
    let outcome = tokio::select! {
        biased;
        () = channel.cancelled() => Err(canceled()),
        outcome = tokio::time::timeout(limit, storage.unlink(&cx, &spec.url)) => match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(fault(error.errno(), error.message())),
            Err(_) => Err(fault(ETIMEDOUT, "Connection timed out")),
        },
    };
    outcome?;
    Ok(AttemptResult {
        duration_seconds: seconds(began.elapsed()),
        ..AttemptResult::default()
    })
}
