//! What the engine tells of its reasons, its workers and its plugins.

use crate::openapi::kind::object;

pub(super) fn models() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        (
            "Wait",
            object(&[
                (
                    "kind!",
                    "string",
                    "What stops it; decides upon the other members.",
                ),
                ("text!", "string", "The same as a sentence."),
            ]),
        ),
        (
            "Explanation",
            object(&[
                ("file_id!", "integer", ""),
                ("job_id!", "uuid", ""),
                ("file_state!", "FileState", ""),
                ("waits!", "[Wait]", "Empty for one that runs or has ended."),
                (
                    "predicted_start!",
                    "DateTime?",
                    "When it is likely to start.",
                ),
                (
                    "credential!",
                    "CredentialOutlook?",
                    "Null for transfers that have ended.",
                ),
            ]),
        ),
        (
            "CredentialOutlook",
            object(&[
                (
                    "expires!",
                    "DateTime?",
                    "When the credential expires; null when there is none.",
                ),
                (
                    "outlives",
                    "boolean",
                    "It is good until the copy has ended at the latest.",
                ),
            ]),
        ),
        (
            "Plan",
            object(&[
                ("job_state!", "JobState", ""),
                ("job_type!", "string?", ""),
                ("vo_name!", "string", ""),
                ("priority!", "integer", ""),
                ("credential!", "CredentialOutlook", ""),
                ("deletions!", "integer", "How many."),
                ("files!", "[PlannedFile]", ""),
            ]),
        ),
        ("PlannedFile", object(PLANNED)),
        (
            "Conditions",
            object(&[
                ("closed!", "object?", "Why nothing starts at all."),
                ("breakers!", "[Breaker]", "Storages that cannot be reached."),
                ("ways!", "[AvoidedWay]", "Ways of copying that come last."),
                (
                    "links!",
                    "[Optimizer]",
                    "What the optimizer found for each link.",
                ),
                ("totals!", "{integer}", "Lengths of the lists."),
            ]),
        ),
        (
            "Breaker",
            object(&[
                ("storage!", "string", ""),
                (
                    "state!",
                    "string",
                    "`open`, or `trial` while one transfer tries.",
                ),
                ("until!", "DateTime?", ""),
                ("trials!", "integer", "Trials that failed."),
            ]),
        ),
        (
            "Worker",
            object(&[
                ("pid!", "integer?", "Its process."),
                (
                    "generation!",
                    "integer",
                    "Which set of plugins it has; the newest counts highest.",
                ),
                (
                    "state!",
                    "string",
                    "`starting`, `working`, or `retiring`: it ends what it has.",
                ),
                ("attempts!", "integer", "Attempts that it has."),
                ("calls!", "integer", "Metadata calls that it has."),
                ("rss_bytes!", "integer", "Memory that it takes."),
            ]),
        ),
        (
            "Plugin",
            object(&[
                ("name!", "string", ""),
                ("version!", "string", ""),
                ("kind!", "string", "How it is loaded."),
                ("schemes!", "[string]", "URL schemes."),
                ("state!", "string", "Whether it works, and if not, why."),
                ("path!", "string?", "Its file."),
                ("sha256!", "string?", "SHA-256 of its file."),
                (
                    "signed_by!",
                    "string?",
                    "The trusted key that it is signed with.",
                ),
                ("disabled!", "boolean", "By an operator."),
                (
                    "refused!",
                    "PluginRefused?",
                    "What lies in the plugin directory and was not taken.",
                ),
                (
                    "previous!",
                    "PluginKept?",
                    "The version that served before, for `rollback`.",
                ),
                ("versions!", "[PluginVersion]", "What workers have loaded."),
                (
                    "marks!",
                    "PluginMarks",
                    "What was counted since the gateway started.",
                ),
                (
                    "counters!",
                    "{integer}",
                    "What it counts itself, by names of its own.",
                ),
                (
                    "ended_workers!",
                    "integer",
                    "Workers that it ended since then.",
                ),
                (
                    "out_of_service!",
                    "PluginOut?",
                    "Set when it ended too many workers.",
                ),
            ]),
        ),
        (
            "PluginOut",
            object(&[
                ("reason!", "string", "What it did."),
                (
                    "returning!",
                    "boolean",
                    "Workers that load it again are being started.",
                ),
            ]),
        ),
        (
            "AvoidedWay",
            object(&[
                ("source!", "string", ""),
                ("destination!", "string", ""),
                ("way!", "string", "`pull`, `push` or `stream`."),
                ("until!", "DateTime", ""),
            ]),
        ),
    ]
}

const PLANNED: &[(&str, &str, &str)] = &[
    ("index!", "integer", "Its number in the plan."),
    ("source_surl!", "string", ""),
    ("dest_surl!", "string", ""),
    ("file_state!", "FileState", ""),
    (
        "ways!",
        "[string]",
        "`pull`, `push`, `stream`, in the order in which they are tried.",
    ),
    (
        "avoided!",
        "[string]",
        "Those that did not work on this link lately.",
    ),
    ("waits!", "[Wait]", ""),
    ("predicted_start!", "DateTime?", ""),
    ("predicted_wait!", "number?", "Seconds."),
    (
        "copy_seconds!",
        "integer",
        "Seconds that its copy may take.",
    ),
    (
        "warnings!",
        "[string]",
        "What will make trouble although it is taken.",
    ),
];
