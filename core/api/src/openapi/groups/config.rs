//! The configuration that is not about links: who did what, nodes, server-wide values, rights,
//! storages.

use serde_json::json;

use crate::openapi::doc::{Group, delete, get, post};
use crate::openapi::kind::object;

pub(super) const NO_RIGHT: &str = "No right to configure.";
pub(super) const WRONG: &str = "A member is missing, unknown or of the wrong type.";

pub(super) fn groups() -> Vec<Group> {
    vec![nodes(), audit(), drain(), global(), authorize(), storages()]
}

fn nodes() -> Group {
    Group {
        id: "config",
        about: "Configuration.",
        docs: vec![
            get("/config", "Nodes of the service")
                .ok("[Node]", "All that ever reported.")
                .or_page()
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
        ],
        models: vec![(
            "Node",
            object(&[
                ("hostname", "string", ""),
                ("service_name", "string", ""),
                ("beat", "DateTime?", "Its last sign of life."),
                ("drain", "boolean", "It takes up no work."),
            ]),
        )],
    }
}

fn audit() -> Group {
    Group {
        id: "config/audit",
        about: "Who changed what.",
        docs: vec![
            get("/config/audit", "The latest changes")
                .ok("[ConfigAudit]", "At most 100, the newest first.")
                .or_page()
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
        ],
        models: vec![(
            "ConfigAudit",
            object(&[
                ("datetime", "DateTime", ""),
                ("dn", "string?", "Who."),
                ("action", "string", "What was done, for instance `ban-se`."),
                ("config", "any", "What it was done with."),
            ]),
        )],
    }
}

fn drain() -> Group {
    Group {
        id: "config/drain",
        about: "Nodes that take up no work.",
        docs: vec![
            post("/config/drain", "Drain a node, or take it back")
                .about("What runs goes on; nothing new is started there.")
                .body("Drain", "Which node.")
                .ok("null", "Done.")
                .fails(400, "There is no such node, or a member makes no sense.")
                .fails(403, NO_RIGHT),
        ],
        models: vec![(
            "Drain",
            object(&[
                ("hostname!", "string", "The node."),
                ("drain", "boolean?", "True if not given."),
            ]),
        )],
    }
}

fn global() -> Group {
    Group {
        id: "config/global",
        about: "Values for the whole server, or for a VO.",
        docs: vec![
            get("/config/global", "Server-wide values")
                .ok("{Global}", "By VO; `*` for all.")
                .or_page()
                .fails(400, "Not sent.")
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
            post("/config/global", "Change server-wide values")
                .about("Members that are not given stay as they are.")
                .body("Global", "What shall change.")
                .example(json!({"vo_name": "*", "retry": 3}))
                .ok("{Global}", "As they are now, by VO.")
                .fails(400, WRONG)
                .fails(403, NO_RIGHT),
            delete("/config/global", "Forget the values of a VO")
                .needs("vo_name", "string", "The VO; not `*`.")
                .empty(204, "They are gone.")
                .fails(400, "No VO is named, or it is `*`.")
                .fails(403, NO_RIGHT),
        ],
        models: vec![(
            "Global",
            object(&[
                ("vo_name", "string?", "`*`, for all, if not given."),
                ("retry", "integer?", "Attempts after the first."),
                ("max_time_queue", "integer?", "Hours."),
                ("global_timeout", "integer?", "Seconds for a copy."),
                ("sec_per_mb", "integer?", "Seconds added for each MiB."),
                (
                    "no_streaming",
                    "boolean?",
                    "Bytes never go through the gateway.",
                ),
                ("show_user_dn", "boolean?", "Messages name the user."),
            ]),
        )],
    }
}

fn authorize() -> Group {
    let row = object(&[
        ("dn!", "string", "DN of the user."),
        ("operation!", "string", "Name of the right."),
    ]);
    Group {
        id: "config/authz",
        about: "Rights given to single users.",
        docs: vec![
            get("/config/authorize", "Rights given")
                .query("dn", "string", "Only of this user.")
                .query("operation", "string", "Only this right.")
                .ok("[Authorization]", "All that fit.")
                .or_page()
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
            post("/config/authorize", "Give a right to a user")
                .body("Authorization", "Who, and what.")
                .ok("Authorization", "As it is kept.")
                .fails(400, "Somebody or something is not named.")
                .fails(403, "No right to configure, or the right cannot be given."),
            delete("/config/authorize", "Take a right from a user")
                .needs("dn", "string", "DN of the user.")
                .query(
                    "operation",
                    "string",
                    "The right; all of them if not given.",
                )
                .empty(204, "They do not have it.")
                .fails(400, "No user is named.")
                .fails(403, NO_RIGHT),
        ],
        models: vec![("Authorization", row)],
    }
}

fn storages() -> Group {
    Group {
        id: "config/se",
        about: "Storages.",
        docs: vec![
            get("/config/se", "What is set for storages")
                .query("se", "string", "Only this storage.")
                .ok(
                    "{StorageConfig}",
                    "By storage; an empty object for one that nobody knows.",
                )
                .or_page()
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
            post("/config/se", "Change what is set for storages")
                .about("Members that are not given stay as they are.")
                .body("{StorageConfig}", "By storage.")
                .example(json!({"https://host.example.org": {
                    "se_info": {"inbound_max_active": 100, "outbound_max_throughput": 500.0},
                    "operations": {"vo": {"delete": 10, "staging": 20}},
                }}))
                .ok(
                    "[any]",
                    "`se_info` and `operations` of the last storage, as they are now.",
                )
                .fails(400, WRONG)
                .fails(403, NO_RIGHT),
            delete("/config/se", "Forget what is set for a storage")
                .needs("se", "string", "The storage.")
                .empty(204, "It is gone.")
                .fails(400, "No storage is named.")
                .fails(403, NO_RIGHT),
        ],
        models: vec![
            (
                "StorageConfig",
                object(&[
                    ("se_info", "StorageInfo?", ""),
                    (
                        "operations",
                        "{{integer}}?",
                        "By VO and operation (`delete`, `staging`): how many at the same time; 0 and less for no limit.",
                    ),
                ]),
            ),
            ("StorageInfo", object(INFO)),
        ],
    }
}

const INFO: &[(&str, &str, &str)] = &[
    (
        "inbound_max_active",
        "integer?",
        "Transfers to it at the same time.",
    ),
    (
        "outbound_max_active",
        "integer?",
        "Transfers from it at the same time.",
    ),
    ("inbound_max_throughput", "number?", "MiB per second."),
    ("outbound_max_throughput", "number?", "MiB per second."),
    ("ipv6", "boolean|integer?", ""),
    ("udt", "boolean|integer?", ""),
    ("debug_level", "integer?", ""),
    ("se_metadata", "string?", "Also spelt `metadata`."),
    ("site", "string?", ""),
    ("eviction", "boolean?", ""),
    (
        "skip_eviction",
        "boolean?",
        "What was staged is not released after the copy.",
    ),
    ("tape_endpoint", "boolean|string?", ""),
    ("overwrite_disk_enabled", "boolean?", ""),
    (
        "tpc_support",
        "string?",
        "`FULL`, `PULL`, `PUSH` or `NONE`.",
    ),
];
