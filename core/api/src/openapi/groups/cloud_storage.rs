//! A user's session with a cloud storage, in the manner of OAuth 1.

use crate::openapi::doc::{Doc, Group, TEXT, delete, get};

const ANONYMOUS: &str = "Nobody knows who the caller is.";
const NO_TOKEN: &str = "The caller has no token for this storage.";

pub(super) fn group() -> Group {
    let docs = vec![
        get("/cs/registered/{service}", "Whether the caller has a token")
            .ok("boolean", "True with one."),
        get(
            "/cs/access_request/{service}",
            "Whether a token was asked for",
        )
        .ok("string", "Name of the storage.")
        .fails(404, "None was asked for."),
        get(
            "/cs/access_request/{service}/request",
            "First step: ask for a token",
        )
        .gives(
            200,
            TEXT,
            "string",
            "The request token of the provider, as a form.",
        )
        .fails(403, "The storage is not configured."),
        get("/cs/access_grant/{service}", "Third step: get the token")
            .about("After the user has agreed on the provider's page, which is the second step.")
            .gives(200, TEXT, "string", "The access token.")
            .fails(400, "None was asked for, or the provider refuses.")
            .fails(404, "The storage is not configured."),
        delete("/cs/access_grant/{service}", "Forget the token")
            .empty(204, "It is gone.")
            .fails(404, NO_TOKEN),
        get("/cs/remote_content/{service}", "List a directory there")
            .query("surl", "string", "The directory.")
            .ok("any", "The provider's answer.")
            .fails(403, NO_TOKEN),
        get(
            "/cs/file_urllink/{service}/{path}",
            "A direct link to a file there",
        )
        .ok("any", "The link.")
        .fails(403, NO_TOKEN),
    ];
    Group {
        id: "cloudStorage",
        about: "Sessions with cloud storages.",
        docs: docs.into_iter().map(authenticated).collect(),
        models: Vec::new(),
    }
}

fn authenticated(doc: Doc) -> Doc {
    doc.fails(401, ANONYMOUS)
}
