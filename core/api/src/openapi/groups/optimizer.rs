//! What the optimizer found, and setting it.

use serde_json::json;

use crate::openapi::doc::{Doc, Group, get, post};
use crate::openapi::kind::object;

pub(super) fn group() -> Group {
    let pair = |doc: Doc| {
        doc.query("source_se", "string", "Source storage.").query(
            "dest_se",
            "string",
            "Destination storage.",
        )
    };
    Group {
        id: "optimizer",
        about: "How many transfers run between two storages, and why.",
        docs: vec![
            get("/optimizer", "Whether the optimizer is on").ok("boolean", "True when it is."),
            pair(get("/optimizer/evolution", "Decisions of the optimizer"))
                .ok("[OptimizerEvolution]", "At most 50, the newest first."),
            pair(get("/optimizer/current", "Current values"))
                .ok("[Optimizer]", "One for each link, the newest first."),
            post("/optimizer/current", "Set the value of a link")
                .about("The optimizer goes on from there.")
                .body("SetOptimizer", "The value, and what shall be written into the history.")
                .example(json!({
                    "source_se": "https://a.example.org", "dest_se": "https://b.example.org", "active": 4,
                }))
                .ok("[OptimizerEvolution|Optimizer]", "The decision as it stands in the history, and the value.")
                .fails(400, "A storage is not named, or a value is of the wrong type."),
        ],
        models: vec![
            ("Optimizer", object(VALUE)),
            ("OptimizerEvolution", object(DECISION)),
            ("SetOptimizer", object(SET)),
        ],
    }
}

const VALUE: &[(&str, &str, &str)] = &[
    ("source_se", "string", ""),
    ("dest_se", "string", ""),
    ("datetime", "DateTime", ""),
    (
        "active",
        "integer",
        "Transfers that may run at the same time.",
    ),
    ("nostreams", "integer", "Parallel streams of one transfer."),
    ("ema", "number", "Moving average of the throughput."),
];

const DECISION: &[(&str, &str, &str)] = &[
    ("source_se", "string", ""),
    ("dest_se", "string", ""),
    ("datetime", "DateTime", ""),
    (
        "active",
        "integer",
        "Transfers that may run at the same time, as decided.",
    ),
    ("actual_active", "integer", "Transfers that were running."),
    ("diff", "integer", "Change against the value before."),
    ("queue_size", "integer", "Transfers that were waiting."),
    ("throughput", "number", ""),
    ("ema", "number", "Moving average of the throughput."),
    ("success", "number", "Percent."),
    ("filesize_avg", "number", "Bytes."),
    ("filesize_stddev", "number", "Bytes."),
    ("rationale", "string?", "Why."),
];

const SET: &[(&str, &str, &str)] = &[
    ("source_se!", "string", ""),
    ("dest_se!", "string", ""),
    ("active", "integer?", "2 if not given."),
    ("nostreams", "integer?", "1 if not given."),
    ("diff", "integer?", "1 if not given."),
    ("actual_active", "integer?", "1 if not given."),
    ("queue_size", "integer?", "1 if not given."),
    ("ema", "number?", "0 if not given."),
    ("throughput", "number?", "0 if not given."),
    ("success", "number?", "0 if not given."),
    ("filesize_avg", "number?", "0 if not given."),
    ("filesize_stddev", "number?", "0 if not given."),
    ("rationale", "string?", "Why."),
];
