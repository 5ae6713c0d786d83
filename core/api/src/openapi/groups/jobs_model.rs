//! The rows as they are shown: job, transfer, deletion, failed attempt.

use causeway_model::{DeletionState, FileState, JobState};
use serde_json::{Value, json};

use crate::openapi::kind::{object, one_of};

pub(super) fn models() -> Vec<(&'static str, Value)> {
    vec![
        ("Job", object(JOB)),
        ("JobStatus", job_status()),
        ("File", object(FILE)),
        ("DataManagement", object(DELETION)),
        ("FileRetryLog", object(RETRY)),
        (
            "JobState",
            one_of(JobState::ALL.iter().map(|it| it.name()), "State of a job."),
        ),
        (
            "FileState",
            one_of(
                FileState::ALL.iter().map(|it| it.name()),
                "State of a transfer.",
            ),
        ),
        (
            "DeletionState",
            one_of(
                DeletionState::ALL.iter().map(|it| it.name()),
                "State of a deletion.",
            ),
        ),
    ]
}

/// A job with what answers about several add.
fn job_status() -> Value {
    let more = object(&[
        ("files", "[File]", "With the argument `files` only."),
        (
            "http_status",
            "string",
            "`200 Ok`, or `304 Not Modified` for a job that had ended.",
        ),
        ("http_message", "string?", ""),
    ]);
    json!({"allOf": [{"$ref": "#/components/schemas/Job"}, more]})
}

pub(super) const JOB: &[(&str, &str, &str)] = &[
    ("job_id", "uuid", ""),
    ("job_state", "JobState", ""),
    (
        "job_type",
        "string?",
        "`N` normal, `H` hops, `Y` one session, `R` replicas; null for deletions.",
    ),
    ("cancel_job", "boolean", "The user asked for its end."),
    ("source_se", "string?", "Common source storage."),
    ("dest_se", "string?", "Common destination storage."),
    ("user_dn", "string", ""),
    ("cred_id", "string", "Delegation id of the owner."),
    ("vo_name", "string", ""),
    ("submit_host", "string", ""),
    ("submit_time", "DateTime", ""),
    ("job_finished", "DateTime?", ""),
    ("reason", "string?", ""),
    ("priority", "integer", ""),
    (
        "retry",
        "integer",
        "0 for the server's default, negative for none.",
    ),
    (
        "retry_delay",
        "integer",
        "Seconds; 0 for the server's default.",
    ),
    (
        "max_time_in_queue",
        "integer?",
        "Epoch second at which it leaves the queue.",
    ),
    ("space_token", "string", "At the destination."),
    ("source_space_token", "string", ""),
    (
        "destination_spacetoken",
        "string",
        "The same as `space_token`.",
    ),
    (
        "source_spacetoken",
        "string",
        "The same as `source_space_token`.",
    ),
    (
        "internal_job_params",
        "string?",
        "How to copy, for instance `nostreams:4,timeout:1800`.",
    ),
    (
        "overwrite_flag",
        "boolean|string",
        "Or a letter: `R` on retries, `M` hops, `D` on disk only, `Q` the last two.",
    ),
    (
        "copy_pin_lifetime",
        "integer",
        "Seconds; positive asks for staging.",
    ),
    (
        "bring_online",
        "integer",
        "Seconds; positive asks for staging.",
    ),
    (
        "verify_checksum",
        "string",
        "`b` both sides, `t` target, `s` source, `n` none.",
    ),
    ("job_metadata", "any", "As the user gave it."),
    ("archive_timeout", "integer", "Seconds; -1 for no waiting."),
    ("target_qos", "string?", ""),
    ("dst_file_report", "boolean", ""),
    ("os_project_id", "string?", ""),
];

const FILE: &[(&str, &str, &str)] = &[
    ("file_id", "integer", ""),
    ("job_id", "uuid", ""),
    ("file_state", "FileState", ""),
    ("source_surl", "string", ""),
    ("dest_surl", "string", ""),
    ("source_se", "string", ""),
    ("dest_se", "string", ""),
    (
        "file_index",
        "integer",
        "Position of its entry in the submission.",
    ),
    ("hashed_id", "integer", ""),
    ("retry", "integer", "Attempts after the first."),
    ("priority", "integer", ""),
    ("pid", "integer?", ""),
    ("vo_name", "string", ""),
    ("activity", "string", ""),
    ("selection_strategy", "string?", ""),
    ("reason", "string?", ""),
    (
        "checksum",
        "string?",
        "`ALGORITHM:value`, or the algorithm alone.",
    ),
    ("transfer_host", "string?", ""),
    ("staging_host", "string?", ""),
    ("filesize", "integer?", "Bytes, as found."),
    ("user_filesize", "integer?", "Bytes, as submitted."),
    ("transferred", "integer?", "Bytes."),
    ("start_time", "DateTime?", ""),
    ("finish_time", "DateTime?", ""),
    ("staging_start", "DateTime?", ""),
    ("staging_finished", "DateTime?", ""),
    ("archive_start_time", "DateTime?", ""),
    ("archive_finish_time", "DateTime?", ""),
    ("retry_timestamp", "DateTime?", ""),
    ("internal_file_params", "string?", ""),
    ("bringonline_token", "string?", ""),
    ("log_file", "string?", ""),
    ("log_debug", "integer?", ""),
    ("recoverable", "boolean?", "Whether trying again may help."),
    ("tx_duration", "number?", "Seconds."),
    ("throughput", "number?", "MiB per second."),
    ("file_metadata", "any", "As the user gave it."),
    (
        "dest_surl_uuid",
        "uuid?",
        "Where one live transfer per destination is allowed.",
    ),
    (
        "retries",
        "[FileRetryLog]",
        "Empty; see the route for failed attempts.",
    ),
    ("staging_metadata", "object?", ""),
    ("archive_metadata", "object?", ""),
    ("scitag", "integer?", ""),
    ("src_token_id", "string?", ""),
    ("dst_token_id", "string?", ""),
    ("file_state_initial", "string?", ""),
];

const DELETION: &[(&str, &str, &str)] = &[
    ("file_id", "integer", ""),
    ("job_id", "uuid", ""),
    ("file_state", "DeletionState", ""),
    ("source_surl", "string", "What is deleted."),
    ("source_se", "string", ""),
    ("dest_surl", "string?", ""),
    ("dest_se", "string?", ""),
    ("dmHost", "string?", ""),
    ("reason", "string?", ""),
    ("checksum", "string?", ""),
    ("start_time", "DateTime?", ""),
    ("finish_time", "DateTime?", ""),
    ("job_finished", "DateTime?", ""),
    ("tx_duration", "number?", "Seconds."),
    ("retry", "integer", ""),
    ("retry_timestamp", "DateTime?", ""),
    ("wait_timestamp", "DateTime?", ""),
    ("wait_timeout", "integer?", ""),
    ("user_filesize", "number?", ""),
    ("file_metadata", "any", "As the user gave it."),
    ("activity", "string?", ""),
    ("dm_token", "string?", ""),
    ("hashed_id", "integer", ""),
    ("vo_name", "string", ""),
];

const RETRY: &[(&str, &str, &str)] = &[
    ("file_id", "integer", ""),
    ("attempt", "integer", "From 1."),
    ("datetime", "DateTime", ""),
    ("reason", "string", ""),
    ("transfer_host", "string?", ""),
    ("log_file", "string?", ""),
];
