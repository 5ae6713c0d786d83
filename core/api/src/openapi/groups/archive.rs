//! Jobs that ended long ago.

use serde_json::Value;

use super::jobs_model::JOB;
use crate::openapi::doc::{Group, get};
use crate::openapi::kind::object;

pub(super) fn group() -> Group {
    Group {
        id: "archive",
        about: "Jobs that ended long ago.",
        docs: vec![
            get("/archive", "What the archive offers").ok("object", "Links."),
            get("/archive/{job_id}", "An archived job with its transfers")
                .ok("ArchivedJob", "The job.")
                .fails(403, "The job was somebody else's.")
                .fails(404, "The archive has no such job."),
            get("/archive/{job_id}/{field}", "One member of an archived job")
                .ok("any", "The bare value.")
                .fails(403, "The job was somebody else's.")
                .fails(
                    404,
                    "The archive has no such job, or jobs have no such member.",
                ),
        ],
        models: vec![("ArchivedJob", job()), ("ArchivedFile", object(FILE))],
    }
}

/// A job without what archived jobs never had, and with what only they have.
fn job() -> Value {
    let common = JOB
        .iter()
        .filter(|it| !["job_type", "retry_delay"].contains(&it.0));
    let members: Vec<_> = common.chain(OWN).copied().collect();
    object(&members)
}

const OWN: &[(&str, &str, &str)] = &[
    ("reuse_job", "boolean", "One session for all transfers."),
    ("job_params", "string", "Empty, as it always was."),
    ("files", "[ArchivedFile]", ""),
    ("dm", "[DataManagement]", ""),
];

const FILE: &[(&str, &str, &str)] = &[
    ("file_id", "string", "A text here, unlike elsewhere."),
    ("file_index", "integer", ""),
    ("job_id", "uuid", ""),
    ("file_state", "string", ""),
    ("source_surl", "string", ""),
    ("dest_surl", "string?", ""),
    ("source_se", "string", ""),
    ("dest_se", "string?", ""),
    ("staging_host", "string?", ""),
    ("transferhost", "string?", ""),
    ("reason", "string?", ""),
    ("current_failures", "integer?", ""),
    ("filesize", "integer?", ""),
    ("user_filesize", "integer?", ""),
    ("checksum", "string?", ""),
    ("start_time", "DateTime?", ""),
    ("finish_time", "DateTime?", ""),
    ("staging_start", "DateTime?", ""),
    ("staging_finished", "DateTime?", ""),
    ("job_finished", "DateTime?", ""),
    ("internal_file_params", "string?", ""),
    ("pid", "integer?", ""),
    ("tx_duration", "number?", ""),
    ("throughput", "number?", ""),
    ("retry", "integer", ""),
    ("file_metadata", "any", "As the user gave it."),
    ("selection_strategy", "string?", ""),
    ("bringonline_token", "string?", ""),
];
