//! What operators look at and push.

use crate::openapi::doc::{Group, get, post};
use crate::openapi::kind::object;

pub(super) fn status() -> Group {
    Group {
        id: "serverstatus",
        about: "What the nodes are doing.",
        docs: vec![
            get("/status/hosts", "Work of each node")
                .ok("{HostStatus}", "By node.")
                .fails(403, "No right to configure, or no certificate."),
            get("/snapshot", "State of each link")
                .query("vo_name", "string", "Only of this VO.")
                .query("source_se", "string", "Source storage.")
                .query("dest_se", "string", "Destination storage.")
                .about(
                    "What runs and waits now, and how the last hour went, since the start at most.",
                )
                .ok("[Snapshot]", "One for each link and VO.")
                .fails(403, "No right to look at transfers."),
        ],
        models: vec![
            (
                "HostStatus",
                object(&[
                    ("active!", "integer", "Transfers that run."),
                    ("staging!", "integer", "Files that are brought online."),
                ]),
            ),
            ("Snapshot", object(SNAPSHOT)),
        ],
    }
}

pub(super) fn group() -> Group {
    Group {
        id: "admin",
        about: "Operators.",
        docs: vec![
            post("/admin/force-start", "Start transfers ahead of all limits")
                .body("[integer]", "Numbers of transfers.")
                .ok("[ForceStart]", "One for each, in order.")
                .fails(400, "The body is no list of integers.")
                .fails(403, "No right to administrate, or no certificate."),
        ],
        models: vec![(
            "ForceStart",
            object(&[
                ("file_id", "integer", ""),
                ("error", "string?", "Why it was not done; null when it was."),
            ]),
        )],
    }
}

const SNAPSHOT: &[(&str, &str, &str)] = &[
    ("vo_name", "string", ""),
    ("source_se", "string", ""),
    ("dest_se", "string", ""),
    ("active", "integer", ""),
    (
        "max_active",
        "integer?",
        "What the optimizer found, else what is set.",
    ),
    ("submitted", "integer", ""),
    ("finished", "integer", "In the last hour."),
    ("failed", "integer", "In the last hour, for good."),
    ("success_ratio", "number?", "0 to 1."),
    ("avg_queued", "number?", "Seconds."),
    ("avg_throughput", "number?", "MiB per second of one copy."),
    ("avg_duration", "number?", "Seconds of one copy."),
    (
        "frequent_error",
        "string?",
        "With what attempts failed most often; of the caller's VOs only, unless they may see all.",
    ),
    (
        "limits",
        "object",
        "By `source` and `destination`: `active` transfers, and `throughput` in MiB per second if any.",
    ),
];
