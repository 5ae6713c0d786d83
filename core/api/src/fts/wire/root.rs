//! The first thing a client asks for: versions and links.

use serde_json::{Value, json};

/// The object at the root. Clients refuse to start unless the versions of `api` are integers.
pub fn root(public_url: &str) -> Value {
    json!({
        "delegation": {"major": 1, "minor": 0, "patch": 0},
        "api": {"major": 3, "minor": 14, "patch": 0},
        "core": {"major": "3", "minor": "14", "patch": "0"},
        "schema": {"major": 10, "minor": 0, "patch": 0, "message": "Schema 10.0.0"},
        "_links": {
            "curies": [{"name": "fts", "href": public_url}],
            "fts:whoami": {"href": "/whoami", "title": "Check user certificate"},
            "fts:joblist": {
                "href": "/jobs{?vo_name,user_dn,dlg_id,state_in}",
                "title": "List of active jobs",
                "templated": true
            },
            "fts:job": {
                "href": "/jobs/{id}",
                "title": "Job information",
                "templated": true,
                "hints": {"allow": ["GET", "DELETE"]}
            },
            "fts:configaudit": {"href": "/config/audit", "title": "Configuration"},
            "fts:submitschema": {
                "href": "/api-docs/schema/submit",
                "title": "JSON schema of messages"
            },
            "fts:apidocs": {"href": "/api-docs/", "title": "API Documentation"},
            "fts:jobsubmit": {
                "href": "/jobs",
                "hints": {"allow": ["POST"], "representations": ["fts:submitschema"]}
            },
            "fts:optimizer": {"href": "/optimizer/"},
            "fts:archive": {"href": "/archive/", "title": "Archive"}
        }
    })
}
