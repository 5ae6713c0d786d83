//! The pages of the configuration, as data: which columns come first, and which forms change what
//! the tables show.

use super::form::Kind::{Choice, Flag, Integer, Json, Number, Secret, Text};
use super::form::{Field, Form, Place, needed, optional};
use super::pages::{Page, style};

const fn post(title: &'static str, action: &'static str, fields: &'static [Field]) -> Form {
    Form {
        title,
        method: "POST",
        action,
        place: Place::Plain,
        fields,
    }
}

const fn delete(title: &'static str, action: &'static str, fields: &'static [Field]) -> Form {
    Form {
        method: "DELETE",
        ..post(title, action, fields)
    }
}

const fn delete_one(
    title: &'static str,
    action: &'static str,
    fields: &'static [Field],
    part: &'static str,
) -> Form {
    Form {
        place: Place::Path(part),
        ..delete(title, action, fields)
    }
}

pub(super) static PAGES: &[Page] = &[
    Page {
        route: "/config",
        title: "Hosts",
        about: "The engine hosts and their last sign of life.",
        style: style(&["hostname", "service_name", "beat", "drain"]),
        forms: &[post(
            "Drain a host",
            "/config/drain",
            &[
                needed("hostname", Text, "as above"),
                needed("drain", Flag, "yes: start nothing new there"),
            ],
        )],
    },
    Page {
        route: "/config/audit",
        title: "Audit",
        about: "The latest changes of the configuration, newest first.",
        style: style(&["datetime", "dn", "action", "config"]),
        forms: &[],
    },
    Page {
        route: "/config/global",
        title: "Global settings",
        about: "For everybody (*) and for single VOs.",
        style: style(&["vo_name", "retry", "max_time_queue"]),
        forms: &[
            post(
                "Change settings",
                "/config/global",
                &[
                    optional("vo_name", Text, "blank: everybody"),
                    optional("retry", Integer, "attempts after the first"),
                    optional("max_time_queue", Integer, "hours"),
                    optional("global_timeout", Integer, "seconds for a copy"),
                    optional("sec_per_mb", Integer, "seconds added for each MiB"),
                    optional("no_streaming", Flag, ""),
                    optional("show_user_dn", Flag, "in messages"),
                ],
            ),
            delete(
                "Forget a VO's settings",
                "/config/global",
                &[needed("vo_name", Text, "")],
            ),
        ],
    },
    Page {
        route: "/config/links",
        title: "Links",
        about: "How many transfers may run between two storages.",
        style: style(&[
            "symbolicname",
            "source",
            "destination",
            "min_active",
            "max_active",
        ]),
        forms: &[
            post(
                "Set a link",
                "/config/links",
                &[
                    needed("symbolicname", Text, "name of the link"),
                    optional("source", Text, "storage, or * for any"),
                    optional("destination", Text, "storage, or * for any"),
                    optional("min_active", Integer, ""),
                    optional("max_active", Integer, ""),
                    optional("optimizer_mode", Integer, "0 to 3"),
                    optional("tcp_buffer_size", Integer, "bytes"),
                    optional("nostreams", Integer, "streams per transfer"),
                    optional("no_delegation", Flag, ""),
                ],
            ),
            delete_one(
                "Remove a link",
                "/config/links",
                &[needed("symbolicname", Text, "")],
                "symbolicname",
            ),
            post(
                "Set a share of a link",
                "/config/shares",
                &[
                    needed("source", Text, "scheme and host"),
                    needed("destination", Text, "scheme and host"),
                    needed("vo", Text, "or public"),
                    needed("share", Integer, "weight"),
                ],
            ),
            delete(
                "Remove a share",
                "/config/shares",
                &[
                    needed("source", Text, ""),
                    needed("destination", Text, ""),
                    needed("vo", Text, ""),
                ],
            ),
        ],
    },
    Page {
        route: "/config/se",
        title: "Storages",
        about: "Limits and properties of single storages.",
        style: style(&["se_info", "operations"]),
        forms: &[
            Form {
                place: Place::Under {
                    field: "se",
                    heading: "se_info",
                },
                ..post(
                    "Set a storage",
                    "/config/se",
                    &[
                        needed("se", Text, "storage"),
                        optional("inbound_max_active", Integer, ""),
                        optional("outbound_max_active", Integer, ""),
                        optional("inbound_max_throughput", Number, "MiB/s"),
                        optional("outbound_max_throughput", Number, "MiB/s"),
                        optional("ipv6", Flag, ""),
                        optional("udt", Flag, ""),
                        optional("debug_level", Integer, ""),
                        optional("site", Text, ""),
                        optional("se_metadata", Text, ""),
                    ],
                )
            },
            delete("Forget a storage", "/config/se", &[needed("se", Text, "")]),
        ],
    },
    Page {
        route: "/config/activity_shares",
        title: "Activities",
        about: "How the activities of a VO share its transfers.",
        style: style(&["active", "share"]),
        forms: &[
            post(
                "Set a VO's shares",
                "/config/activity_shares",
                &[
                    needed("vo", Text, ""),
                    needed("share", Json, "{\"production\": 0.6, \"default\": 0.4}"),
                    optional("active", Flag, ""),
                ],
            ),
            delete_one(
                "Remove a VO's shares",
                "/config/activity_shares",
                &[needed("vo", Text, "")],
                "vo",
            ),
        ],
    },
    Page {
        route: "/config/authorize",
        title: "Authorizations",
        about: "Users who may do more than their roles say.",
        style: style(&["dn", "operation"]),
        forms: &[
            post(
                "Authorize a user",
                "/config/authorize",
                &[
                    needed("dn", Text, ""),
                    needed(
                        "operation",
                        Choice(&["config", "transfer", "datamanagement", "deleg"]),
                        "",
                    ),
                ],
            ),
            delete(
                "Revoke",
                "/config/authorize",
                &[
                    needed("dn", Text, ""),
                    optional("operation", Text, "blank: all of them"),
                ],
            ),
        ],
    },
    Page {
        route: "/config/cloud_storage",
        title: "Cloud storages",
        about: "Providers and who may use them. Secrets are kept, and not shown here.",
        style: style(&["storage_name", "service_api_url", "app_key"]),
        forms: &[
            post(
                "Add a cloud storage",
                "/config/cloud_storage",
                &[
                    needed("storage_name", Text, "S3:host, GCLOUD:host, DROPBOX"),
                    optional("app_key", Text, ""),
                    optional("app_secret", Secret, ""),
                    optional("service_api_url", Text, ""),
                ],
            ),
            delete_one(
                "Remove a cloud storage",
                "/config/cloud_storage",
                &[needed("storage_name", Text, "")],
                "storage_name",
            ),
        ],
    },
];
