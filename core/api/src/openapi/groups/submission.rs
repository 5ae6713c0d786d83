//! What may be submitted: every member with its default and its older spellings.

use serde_json::{Value, json};

use crate::openapi::kind::{object, one_of};

pub(super) fn models() -> Vec<(&'static str, Value)> {
    vec![
        ("Submission", object(SUBMISSION)),
        ("SubmittedFile", file()),
        ("SubmittedDeletion", object(DELETION)),
        ("SubmittedParams", params()),
        (
            "SelectionStrategy",
            one_of(STRATEGIES, "How the first of several replicas is chosen."),
        ),
    ]
}

/// A submission that shows the usual members.
pub(super) fn example() -> Value {
    json!({
        "files": [{
            "sources": ["https://source.example.org/data/file"],
            "destinations": ["https://dest.example.org/data/file"],
            "checksum": "ADLER32:00001234",
            "filesize": 1024,
            "metadata": {"dataset": "example"},
            "activity": "default",
        }],
        "params": {"overwrite": true, "verify_checksum": true, "retry": 3, "priority": 3},
    })
}

const SUBMISSION: &[(&str, &str, &str)] = &[
    (
        "files",
        "[SubmittedFile]?",
        "Transfers; also spelt `Files`. Either this or `delete`.",
    ),
    (
        "delete",
        "[string|SubmittedDeletion]?",
        "URLs to delete; one that stands twice is deleted once.",
    ),
    (
        "params",
        "SubmittedParams?",
        "For the whole job; also spelt `Params`.",
    ),
];

const DELETION: &[(&str, &str, &str)] = &[
    ("surl!", "string", "URL."),
    ("metadata", "object|string?", "As for a transfer."),
];

const STRATEGIES: [&str; 10] = [
    "orderly",
    "auto",
    "queue",
    "success",
    "throughput",
    "file-throughput",
    "pending-data",
    "waiting-time",
    "waiting-time-with-error",
    "duration",
];

fn file() -> Value {
    let mut file = object(FILE);
    for name in ["sources", "destinations"] {
        file["properties"][name]["minItems"] = json!(1);
    }
    file["properties"]["filesize"]["minimum"] = json!(0);
    file["properties"]["scitag"]["minimum"] = json!(65);
    file["properties"]["scitag"]["maximum"] = json!(65_535);
    file
}

const FILE: &[(&str, &str, &str)] = &[
    (
        "sources!",
        "[string]",
        "URLs. Several are replicas of one file, one of which is enough.",
    ),
    (
        "destinations!",
        "[string]",
        "URLs. Every source goes with every destination.",
    ),
    (
        "checksum",
        "string?",
        "`ALGORITHM:value`, the algorithm alone, or an Adler-32 value alone. Turns verification of the \
         destination on unless `verify_checksum` says otherwise.",
    ),
    (
        "filesize",
        "number?",
        "Bytes; 0 for unknown. A source of another size fails.",
    ),
    (
        "metadata",
        "object|string?",
        "Comes back unchanged. A text is read as JSON, else kept as `{\"label\": text}`.",
    ),
    (
        "activity",
        "string?",
        "For shares between the activities of a VO; `default`.",
    ),
    (
        "selection_strategy",
        "SelectionStrategy?",
        "For several replicas; `auto`.",
    ),
    ("priority", "integer?", "1 to 5; that of the job."),
    (
        "source_tokens",
        "[string]?",
        "With a submission by token: one for each source, to be shown to its storage.",
    ),
    (
        "destination_tokens",
        "[string]?",
        "The same for each destination.",
    ),
    ("scitag", "integer?", "For marking packets."),
    (
        "staging_metadata",
        "object?",
        "For the source storage, when it brings the file online.",
    ),
    (
        "archive_metadata",
        "object?",
        "For the destination storage, when it puts the file on tape.",
    ),
];

fn params() -> Value {
    let mut params = object(PARAMS);
    params["properties"]["copy_pin_lifetime"]["minimum"] = json!(-1);
    params
}

const PARAMS: &[(&str, &str, &str)] = &[
    (
        "verify_checksum",
        "boolean|string?",
        "True or `both`: source against destination, and both against the checksum given. `source`, \
         `target`, `none`, or first letters.",
    ),
    (
        "overwrite",
        "Flag",
        "Replace what stands at the destination.",
    ),
    (
        "overwrite_on_retry",
        "Flag",
        "Only from the second attempt on.",
    ),
    (
        "overwrite_hop",
        "Flag",
        "At every hop but the last; needs `multihop`.",
    ),
    (
        "overwrite_when_only_on_disk",
        "Flag",
        "Only what is not on tape; needs `archive_timeout`. May go together with `overwrite_hop`.",
    ),
    (
        "reuse",
        "Flag",
        "One session for all transfers, which must share source and destination storage. Null: where \
         the server thinks it is worth it, if it may.",
    ),
    (
        "multihop",
        "Flag",
        "The entries are hops, one after the other.",
    ),
    (
        "bring_online",
        "integer?",
        "Seconds in which the source must be staged; positive asks for staging.",
    ),
    (
        "copy_pin_lifetime",
        "integer?",
        "Seconds for which it stays staged; positive asks for staging.",
    ),
    (
        "archive_timeout",
        "integer?",
        "Seconds to wait until the copy is on tape; from 0 on it is waited for.",
    ),
    (
        "target_qos",
        "string?",
        "Quality of service at the destination.",
    ),
    (
        "dst_file_report",
        "Flag",
        "When the destination exists, say what stands there.",
    ),
    ("job_metadata", "object|string?", "As for a transfer."),
    (
        "retry",
        "integer?",
        "Attempts after the first; 0 for the server's default, negative for none.",
    ),
    (
        "retry_delay",
        "integer?",
        "Seconds between attempts; 0 for the server's default.",
    ),
    (
        "priority",
        "integer?",
        "1 to 5, 5 first; 3. What lies outside is moved to the bound.",
    ),
    (
        "max_time_in_queue",
        "integer|string?",
        "Hours, or a number with `s`, `m`, `h` or `d` behind it; then it fails. 0 for no limit.",
    ),
    ("source_spacetoken", "string?", "Space token at the source."),
    (
        "spacetoken",
        "string?",
        "Space token at the destination; also spelt `destination_spacetoken`.",
    ),
    ("nostreams", "integer?", "Parallel streams."),
    (
        "timeout",
        "integer?",
        "Seconds for a copy; by size when not given.",
    ),
    ("buffer_size", "integer?", "Bytes of the TCP buffer."),
    (
        "strict_copy",
        "Flag",
        "Copy only: no stat, no checksum, no check of the size, no directories made.",
    ),
    (
        "disable_cleanup",
        "Flag",
        "Leave the destination as it is when a copy fails.",
    ),
    ("ipv4", "Flag", "Only IPv4; wins over `ipv6`."),
    ("ipv6", "Flag", "Only IPv6."),
    ("s3alternate", "Flag", "Path-style S3 URLs."),
    (
        "id_generator",
        "string?",
        "`deterministic`: the id is made from the VO and `sid`; else it is random.",
    ),
    (
        "sid",
        "string?",
        "Needed with `deterministic`; submitted twice it is a conflict.",
    ),
    (
        "unmanaged_tokens",
        "Flag",
        "The tokens of transfers are not renewed.",
    ),
    (
        "gridftp",
        "any",
        "Taken and ignored, like `credential` and `fail_nearline`.",
    ),
];
