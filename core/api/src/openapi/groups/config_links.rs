//! The configuration of links, of shares on them, and of cloud storages.

use serde_json::json;

use super::config::{NO_RIGHT, WRONG};
use crate::openapi::doc::{Group, JSON, delete, get, post};
use crate::openapi::kind::object;

const NO_STORAGE: &str = "There is no such cloud storage.";

pub(super) fn groups() -> Vec<Group> {
    vec![links(), shares(), activities(), cloud()]
}

fn links() -> Group {
    Group {
        id: "config/links",
        about: "How much runs between two storages.",
        docs: vec![
            get("/config/links", "All links")
                .ok("[Link]", "All of them.")
                .or_page()
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
            post("/config/links", "Set a link")
                .body("Link", "The link; one with the same symbolic name is replaced.")
                .example(json!({
                    "symbolicname": "to-tape", "source": "*", "destination": "https://tape.example.org",
                    "min_active": 2, "max_active": 20,
                }))
                .ok("Link", "As it is kept.")
                .fails(400, WRONG)
                .fails(403, NO_RIGHT),
            get("/config/links/{sym_name}", "One link")
                .ok("Link", "The link.")
                .fails(403, NO_RIGHT)
                .fails(404, "There is no such link."),
            delete("/config/links/{sym_name}", "Remove a link")
                .about("Shares that refer to it are removed, too.")
                .empty(204, "It is gone, whether or not it was there.")
                .fails(403, NO_RIGHT)
                .fails(404, "Not sent for a link that is not there."),
        ],
        models: vec![(
            "Link",
            object(&[
                ("symbolicname", "string", "Its name."),
                ("source", "string", "Source storage, or `*`."),
                ("destination", "string", "Destination storage, or `*`."),
                ("min_active", "integer?", "Transfers at the same time, at least."),
                ("max_active", "integer?", "Transfers at the same time, at most."),
                ("optimizer_mode", "integer?", "0 to 3, or 4 for this gateway's own."),
                ("tcp_buffer_size", "integer?", "Bytes."),
                ("nostreams", "integer?", "Parallel streams."),
                ("no_delegation", "boolean|string?", ""),
            ]),
        )],
    }
}

fn shares() -> Group {
    let share = object(&[
        ("source!", "string", "Source storage, or `*`."),
        ("destination!", "string", "Destination storage, or `*`."),
        ("vo!", "string", "The VO; `public` for all others."),
        ("share!", "integer", "Its weight."),
    ]);
    Group {
        id: "config/shares",
        about: "Weights of VOs on links.",
        docs: vec![
            get("/config/shares", "All shares")
                .ok("[Share]", "All of them.")
                .fails(403, NO_RIGHT),
            post("/config/shares", "Set a share")
                .body("Share", "The share.")
                .ok("integer", "The weight.")
                .fails(400, WRONG)
                .fails(403, NO_RIGHT),
            delete("/config/shares", "Remove a share")
                .needs("source", "string", "Source storage.")
                .needs("destination", "string", "Destination storage.")
                .needs("vo", "string", "The VO.")
                .empty(204, "It is gone.")
                .fails(400, "Something is not named.")
                .fails(403, NO_RIGHT),
        ],
        models: vec![("Share", share)],
    }
}

fn activities() -> Group {
    Group {
        id: "config/activities",
        about: "Weights of activities within a VO.",
        docs: vec![
            get("/config/activity_shares", "All activity shares")
                .ok("{ActivityShare}", "By VO.")
                .or_page()
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
            post("/config/activity_shares", "Set the activity shares of a VO")
                .body("SetActivityShare", "The weights; those set before are replaced.")
                .example(json!({"vo": "dteam", "active": true, "share": {"production": 0.6, "default": 0.4}}))
                .ok("StoredActivityShare", "As they are kept.")
                .fails(400, WRONG)
                .fails(403, NO_RIGHT),
            get("/config/activity_shares/{vo_name}", "Activity shares of a VO")
                .ok("ActivityShare", "The weights.")
                .fails(403, NO_RIGHT)
                .fails(404, "None are set for this VO."),
            delete("/config/activity_shares/{vo_name}", "Remove the activity shares of a VO")
                .empty(204, "They are gone.")
                .fails(403, NO_RIGHT)
                .fails(404, "None are set for this VO."),
        ],
        models: vec![
            (
                "ActivityShare",
                object(&[("share", "{number}", "By activity."), ("active", "boolean", "They count.")]),
            ),
            (
                "SetActivityShare",
                object(&[
                    ("vo!", "string", ""),
                    ("share!", "{number}|[{number}]", "By activity; also as a list of objects with one member each."),
                    ("active", "boolean?", "True if not given."),
                ]),
            ),
            (
                "StoredActivityShare",
                object(&[
                    ("vo", "string", ""),
                    ("active", "boolean", ""),
                    ("activity_share", "[{number}]", "One object with one member for each activity."),
                ]),
            ),
        ],
    }
}

fn cloud() -> Group {
    Group {
        id: "config/cloud",
        about: "Cloud storages and the keys to them.",
        docs: vec![
            get("/config/cloud_storage", "Cloud storages")
                .ok("[CloudStorage]", "All of them, without secrets.")
                .or_page()
                .fails(403, NO_RIGHT)
                .fails(406, "Neither JSON nor HTML is accepted."),
            post(
                "/config/cloud_storage",
                "Add a cloud storage, or change one",
            )
            .body("SetCloudStorage", "The storage.")
            .gives(201, JSON, "string", "Its name.")
            .fails(400, "No name is given, or a member is of the wrong type.")
            .fails(403, NO_RIGHT),
            get(
                "/config/cloud_storage/{storage_name}",
                "Who has keys to a cloud storage",
            )
            .ok("[CloudUser]", "Users and VOs.")
            .fails(403, NO_RIGHT)
            .fails(404, NO_STORAGE),
            post(
                "/config/cloud_storage/{storage_name}",
                "Add keys of a user or of a VO",
            )
            .body("SetCloudUser", "Either a user or a VO, and the keys.")
            .gives(201, JSON, "CloudOwner", "Whose keys they are.")
            .fails(400, "Neither a user nor a VO is named, or both.")
            .fails(403, NO_RIGHT)
            .fails(404, NO_STORAGE),
            delete(
                "/config/cloud_storage/{storage_name}",
                "Remove a cloud storage",
            )
            .empty(204, "It is gone, and all keys with it.")
            .fails(403, NO_RIGHT)
            .fails(404, NO_STORAGE),
            delete(
                "/config/cloud_storage/{storage_name}/{id}",
                "Remove keys of a user or of a VO",
            )
            .empty(204, "They are gone.")
            .fails(403, NO_RIGHT)
            .fails(
                404,
                "There is no such cloud storage, or nobody of that name has keys.",
            ),
        ],
        models: vec![
            ("CloudStorage", object(CLOUD)),
            ("SetCloudStorage", object(SET_CLOUD)),
            ("CloudUser", object(USER)),
            (
                "CloudOwner",
                object(&[
                    ("storage_name", "string", ""),
                    ("user_dn", "string?", ""),
                    ("vo_name", "string?", ""),
                ]),
            ),
            ("SetCloudUser", object(SET_USER)),
        ],
    }
}

const CLOUD: &[(&str, &str, &str)] = &[
    (
        "storage_name",
        "string",
        "For instance `S3:host.example.org`, `DROPBOX`.",
    ),
    ("app_key", "string?", ""),
    ("service_api_url", "string?", ""),
    ("users", "[CloudUser]", "Who has keys to it."),
];

const USER: &[(&str, &str, &str)] = &[
    ("storage_name", "string", ""),
    ("user_dn", "string?", "Either this or `vo_name`."),
    ("vo_name", "string?", ""),
    ("access_token", "string", "The key without its secret."),
];

const SET_CLOUD: &[(&str, &str, &str)] = &[
    (
        "storage_name!",
        "string",
        "For instance `S3:host.example.org`, `DROPBOX`.",
    ),
    ("app_key", "string?", ""),
    ("app_secret", "string?", "Kept encrypted."),
    ("service_api_url", "string?", ""),
];

const SET_USER: &[(&str, &str, &str)] = &[
    ("user_dn", "string?", "Either this or `vo_name`."),
    ("vo_name", "string?", ""),
    ("access_key", "string?", "Also spelt `access_token`."),
    (
        "secret_key",
        "string?",
        "Also spelt `access_token_secret`; kept encrypted.",
    ),
    ("request_token", "string?", ""),
    ("request_token_secret", "string?", ""),
];
