//! How an attempt comes to a storage: the one that serves a URL, and what accompanies every call.
//!
//! The context is the same for all calls of an attempt to one side, so that a storage finds under it
//! what an earlier call left.

use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::{Credential, Ctx};

use crate::channel::Channel;
use crate::messages::AttemptSpec;
use crate::site::{Directory, Site};

/// One side of an attempt.
pub(crate) fn site(
    spec: &AttemptSpec,
    directory: &Directory,
    channel: &Channel,
    scope: Scope,
) -> Result<Site, Fault> {
    let (url, space_token, credential) = match scope {
        Scope::Source => (&spec.source, &spec.source_space_token, &spec.credential),
        _ => (&spec.destination, &spec.space_token, spec.for_destination()),
    };
    let (storage, abilities) = directory
        .find(url)
        .map_err(|error| Fault::new(scope, Phase::Preparation, error.errno(), error.message()))?;
    Ok(Site {
        url: url.clone(),
        storage,
        abilities,
        cx: context(spec, channel, space_token, credential),
        scope,
        operation_limit: spec.limits.operation_timeout_seconds,
        checksum_limit: spec.limits.checksum_timeout_seconds,
    })
}

fn context(
    spec: &AttemptSpec,
    channel: &Channel,
    space_token: &str,
    credential: &Credential,
) -> Ctx {
    // The same for a run that takes up an attempt after a restart.
    let mut cx = Ctx::new(format!("{}.{}", spec.file_id, spec.retry))
        .with_credential(credential.clone())
        .with_cancel(channel.cancel_token());
    if !space_token.is_empty() {
        cx = cx.with_option("space_token", space_token);
    }
    if let Some(ip) = spec.params.ip {
        let v6 = ip == causeway_model::IpFamily::V6;
        cx = cx.with_option("ipv6", if v6 { "true" } else { "false" });
    }
    if spec.params.s3_alternate {
        cx = cx.with_option("path_style", "true");
    }
    if spec.limits.buffer_bytes > 0 {
        cx = cx.with_option("buffer_bytes", spec.limits.buffer_bytes.to_string());
    }
    if let Some(log) = channel.log_buffer() {
        let log = log.clone();
        cx = cx.with_log(move |level, text| log.write(level, causeway_sdk::secret::mask(text)));
    }
    cx
}
