//! A user's session with a cloud storage, in the manner of OAuth 1.

use crate::openapi::doc::{Doc, Group, TEXT, delete, get};

const ANONYMOUS: &str = "Nobody knows who the caller is.";
const NO_TOKEN: &str = "The caller has no token for this storage.";
const NO_GOOD_TOKEN: &str =
    "The caller has no token for this storage, or the provider does not accept it.";
const NOWHERE: &str = "There is nothing of that name.";
const NO_PATH: &str = "The path goes up.";
const AWAY: &str = "The provider cannot be asked now: try again later.";

pub(super) fn group() -> Group {
    let docs = vec![
        get("/cs/registered/{service}", "Whether the caller has a token")
            .ok("boolean", "True with one."),
        get(
            "/cs/access_request/{service}",
            "Whether a token was asked for",
        )
        .ok("string", "Name of the storage.")
        .fails(404, "None was asked for lately, and there is none."),
        get(
            "/cs/access_request/{service}/request",
            "First step: ask for a token",
        )
        .about("With it the user is sent to the provider's page, to agree there: the second step.")
        .gives(
            200,
            TEXT,
            "string",
            "The request token of the provider, as a form.",
        )
        .fails(
            403,
            "The storage is not configured, or the provider does not accept the keys of this service.",
        )
        .fails(503, AWAY),
        get("/cs/access_grant/{service}", "Third step: get the token")
            .about(
                "After the user has agreed on the provider's page. A request that the provider \
                 refuses is worth nothing any more: begin again.",
            )
            .gives(200, TEXT, "string", "The access token.")
            .fails(400, "None was asked for, or the provider refuses.")
            .fails(404, "The storage is not configured.")
            .fails(503, AWAY),
        delete("/cs/access_grant/{service}", "Forget the token")
            .empty(204, "It is gone.")
            .fails(404, NO_TOKEN),
        get("/cs/remote_content/{service}", "List a directory there")
            .query("surl", "string", "The directory; the uppermost one if none is given.")
            .ok("any", "The provider's answer.")
            .fails(400, NO_PATH)
            .fails(403, NO_GOOD_TOKEN)
            .fails(404, NOWHERE)
            .fails(503, AWAY),
        get(
            "/cs/file_urllink/{service}/{path}",
            "A direct link to a file there",
        )
        .ok("any", "The link, in the provider's form.")
        .fails(400, NO_PATH)
        .fails(403, NO_GOOD_TOKEN)
        .fails(404, NOWHERE)
        .fails(503, AWAY),
    ];
    Group {
        id: "cloudStorage",
        about: "Sessions with cloud storages. A storage may be named in small letters.",
        docs: docs.into_iter().map(authenticated).collect(),
        models: Vec::new(),
    }
}

fn authenticated(doc: Doc) -> Doc {
    doc.fails(401, ANONYMOUS)
}
