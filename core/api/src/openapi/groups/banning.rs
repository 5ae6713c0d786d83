//! Storages and users that are shut out.

use crate::openapi::doc::{Doc, Group, delete, get, post};
use crate::openapi::kind::object;

const NO_RIGHT: &str = "No right to configure.";

pub(super) fn group() -> Group {
    Group {
        id: "banning",
        about: "Storages and users that are shut out.",
        docs: vec![
            ban_storage(),
            delete("/ban/se", "Lift the ban of a storage")
                .about("Held transfers go back to the queue.")
                .needs("storage", "string", "The storage.")
                .empty(204, "It is not banned, whether or not it was.")
                .fails(400, "No storage is named.")
                .fails(403, NO_RIGHT),
            get("/ban/se", "Banned storages")
                .ok("[BannedStorage]", "All of them.")
                .fails(403, NO_RIGHT),
            post("/ban/dn", "Ban a user")
                .about("Cancels what the user has under way. Everything they ask for is answered with 403.")
                .body("BanUser", "Or as arguments in the query, or both; the body wins.")
                .or_form()
                .query("user_dn", "string", "DN.")
                .query("message", "string", "Why.")
                .ok("[uuid]", "Ids of the jobs that were cancelled.")
                .fails(400, "No user is named.")
                .fails(403, NO_RIGHT)
                .fails(409, "That is the caller."),
            delete("/ban/dn", "Lift the ban of a user")
                .needs("user_dn", "string", "DN.")
                .empty(204, "They are not banned, whether or not they were.")
                .fails(400, "No user is named.")
                .fails(403, NO_RIGHT),
            get("/ban/dn", "Banned users")
                .ok("[BannedUser]", "All of them.")
                .fails(403, NO_RIGHT),
        ],
        models: vec![
            ("BanStorage", object(BAN_STORAGE)),
            ("BannedStorage", object(STORAGE)),
            (
                "BanUser",
                object(&[("user_dn", "string", "DN."), ("message", "string?", "Why.")]),
            ),
            ("BannedUser", object(USER)),
        ],
    }
}

fn ban_storage() -> Doc {
    post("/ban/se", "Ban a storage")
        .about(
            "With `cancel` queued and running transfers with it are cancelled and new ones refused. With \
             `wait` queued ones are held, running ones go on, and new ones are refused unless \
             `allow_submit`. Banning again replaces the ban.",
        )
        .body("BanStorage", "Or as arguments in the query, or both; the body wins.")
        .or_form()
        .query("storage", "string", "The storage.")
        .query("status", "string", "`cancel` or `wait`.")
        .query("timeout", "integer", "With `wait`: seconds until held transfers are cancelled.")
        .query("allow_submit", "string", "With `wait`: take new transfers and hold them.")
        .query("vo_name", "string", "Only for this VO.")
        .query("message", "string", "Why.")
        .ok("[uuid]", "Ids of the jobs that were cancelled or held.")
        .fails(400, "No storage is named, or an argument makes no sense.")
        .fails(403, NO_RIGHT)
}

const BAN_STORAGE: &[(&str, &str, &str)] = &[
    (
        "storage",
        "string",
        "The storage, for instance `davs://host.example.org`.",
    ),
    ("status", "string?", "`cancel`, or `wait`."),
    (
        "timeout",
        "integer|string?",
        "With `wait`: seconds until held transfers are cancelled; 0 for never.",
    ),
    (
        "allow_submit",
        "Flag",
        "With `wait`: take new transfers and hold them.",
    ),
    ("vo_name", "string?", "Only for this VO."),
    ("message", "string?", "Why."),
];

const STORAGE: &[(&str, &str, &str)] = &[
    ("se", "string", ""),
    ("message", "string?", ""),
    ("addition_time", "DateTime?", ""),
    ("admin_dn", "string?", "Who did it."),
    ("vo", "string?", "The VO it is limited to."),
    (
        "status",
        "string?",
        "`CANCEL`, `WAIT`, or `WAIT_AS` for a ban that takes submissions.",
    ),
];

const USER: &[(&str, &str, &str)] = &[
    ("dn", "string", ""),
    ("message", "string?", ""),
    ("addition_time", "DateTime?", ""),
    ("admin_dn", "string?", "Who did it."),
    ("status", "string?", ""),
];
