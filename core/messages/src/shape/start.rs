//! An attempt at a transfer runs.

use causeway_model::{Job, Timestamp, Transfer};

use super::{Body, attempt_name, channel, metadata, user_dn};
use crate::Voice;

/// The body of a start message.
pub fn start(voice: &Voice, job: &Job, file: &Transfer, at: Timestamp) -> String {
    let (source, destination) = (&file.source_surl, &file.dest_surl);
    let begun = file.start_time.unwrap_or(at);
    let name = attempt_name(begun, (source, destination), file.file_id, file.job_id);
    let mut body = Body::default();
    body.put("transfer_id", name)
        .put("job_id", file.job_id.to_string())
        .put("file_id", file.file_id.0)
        .put("endpnt", voice.endpoint())
        .put("timestamp", at.0)
        .put("src_srm_v", "")
        .put("dest_srm_v", "")
        .put("vo", job.vo_name.as_ref())
        .put("src_url", source.as_str())
        .put("dst_url", destination.as_str())
        .put("src_hostname", source.host())
        .put("dst_hostname", destination.host())
        .put("src_site_name", "")
        .put("dst_site_name", "")
        .put("t_channel", channel(source, destination))
        .put("srm_space_token_src", job.source_space_token.as_str())
        .put("srm_space_token_dst", job.space_token.as_str())
        .put("user_dn", user_dn(voice, job))
        .put("is_archiving", job.archive_timeout > -1)
        .put("file_metadata", metadata(file.file_metadata.as_ref()))
        .put("job_metadata", metadata(job.job_metadata.as_ref()));
    body.text()
}
