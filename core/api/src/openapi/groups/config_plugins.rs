//! Plugins while transfers run; `docs/plugins/operating.md` says more.

use serde_json::json;

use super::config::NO_RIGHT;
use crate::openapi::doc::{Group, get, post};
use crate::openapi::kind::object;

const SILENT: &str = "The engine does not answer: try again later.";

pub(super) fn group() -> Group {
    Group {
        id: "config/plugins",
        about: "Plugins: which versions are used, what was counted, and changes without an interruption.",
        docs: vec![
            get("/config/plugins", "Plugins, their versions, and what was counted of them")
                .ok("[Plugin]", "By name.")
                .fails(403, NO_RIGHT)
                .fails(503, SILENT),
            post("/config/plugins", "Upgrade, disable, enable or roll back plugins")
                .about(
                    "`reload` takes what lies in the plugin directories by now; a version that does not work is \
                     refused, and the one before serves on. `disable` and `enable` are remembered over a restart. \
                     `rollback` goes back to the version that served before. Transfers that run end with what \
                     they began with; the answer comes when whatever starts obeys.",
                )
                .body("PluginAction", "What to do.")
                .or_form()
                .example(json!({"action": "reload"}))
                .ok("[Plugin]", "As they are then, by name.")
                .fails(400, "There is no such action, or no name was given.")
                .fails(403, NO_RIGHT)
                .fails(404, "There is no such plugin.")
                .fails(409, "There is no earlier version, or it cannot be used.")
                .fails(500, "It could not be stored; nothing has changed.")
                .fails(503, "It is stored, and workers that obey are not there yet; or the engine does not answer."),
        ],
        models: vec![
            (
                "PluginAction",
                object(&[
                    ("action!", "string", "`reload`, `disable`, `enable` or `rollback`."),
                    ("name", "string", "The plugin; not for `reload`."),
                ]),
            ),
            (
                "PluginRefused",
                object(&[
                    ("version!", "string", "Empty when it is not known."),
                    ("sha256!", "string?", "SHA-256 of its file."),
                    ("reason!", "string", "What is wrong, and what to do."),
                ]),
            ),
            (
                "PluginKept",
                object(&[
                    ("version!", "string", ""),
                    ("sha256!", "string", "SHA-256 of its file."),
                ]),
            ),
            (
                "PluginVersion",
                object(&[
                    ("version!", "string", ""),
                    ("sha256!", "string?", "SHA-256 of its file."),
                    ("state!", "string", "`serving`, or `draining`: it ends what it has."),
                    ("workers!", "integer", "Workers that have loaded it."),
                    ("attempts!", "integer", "Attempts that they have and that use the plugin."),
                ]),
            ),
            (
                "PluginMarks",
                object(&[
                    ("calls!", "integer", "Opening a file is one."),
                    (
                        "failures!",
                        "integer",
                        "Calls, reads and writes that failed for another reason than that something is not there, or is there already.",
                    ),
                    ("panics!", "integer", "That were caught."),
                    ("traps!", "integer", "Instances of a component that were stopped."),
                    ("slow_polls!", "integer", "Times that it held a thread for too long."),
                    ("call_micros!", "integer", "Microseconds until calls, reads and writes were answered."),
                ]),
            ),
        ],
    }
}
