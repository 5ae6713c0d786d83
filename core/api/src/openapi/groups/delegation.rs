//! Who the caller is, and the two steps in which a proxy is left with the service.

use crate::openapi::doc::{Group, TEXT, get};
use crate::openapi::kind::object;

const PEM: &str = "application/x-pem-file";
const FOREIGN: &str = "The id is not the caller's, or there is no certificate.";

pub(super) fn group() -> Group {
    let credential = super::super::doc::put(
        "/delegation/{dlg_id}/credential",
        "Second step: leave the signed proxy",
    )
    .about(
        "A proxy over the key of the request got before, signed by the caller, with the caller's \
         chain behind it.",
    )
    .body_of("*/*", "string", "PEM, whatever the content type.")
    .empty(201, "It is stored.")
    .fails(
        400,
        "There was no request before, or the proxy does not pass the checks.",
    )
    .fails(403, FOREIGN);
    Group {
        id: "delegation",
        about: "Identity, and delegation of credentials.",
        docs: vec![
            get("/whoami", "The caller as the service sees them")
                .ok("Identity", "Identity and rights."),
            get("/whoami/certificate", "The caller's certificate")
                .gives(
                    200,
                    PEM,
                    "string",
                    "The certificate and the chain that came with it, PEM.",
                )
                .fails(403, "The caller showed no certificate."),
            get("/delegation", "Delegation id and VOs")
                .ok("DelegationIndex", "What a client needs to begin.")
                .or_page()
                .fails(403, "The caller showed no certificate.")
                .fails(406, "Neither JSON nor HTML is accepted."),
            get("/delegation/{dlg_id}", "How long the stored proxy lasts")
                .ok("Delegation?", "Null when nothing is stored.")
                .fails(403, FOREIGN),
            super::super::doc::delete("/delegation/{dlg_id}", "Forget the stored proxy")
                .empty(204, "It is gone.")
                .fails(403, FOREIGN)
                .fails(404, "Nothing was stored."),
            get(
                "/delegation/{dlg_id}/request",
                "First step: get a certificate request",
            )
            .about("The same request until the length of the caller's key changes.")
            .gives(
                200,
                TEXT,
                "string",
                "A certificate request, PEM; the id is in `X-Delegation-ID`.",
            )
            .fails(403, FOREIGN),
            credential.also("POST", "/delegation/{dlg_id}/credential"),
            credential,
            super::super::doc::post(
                "/delegation/{dlg_id}/voms",
                "Add VO attributes to the stored proxy",
            )
            .body(
                "[string]",
                "VOMS commands, for instance `[\"dteam\", \"dteam:/dteam/Role=lcgadmin\"]`.",
            )
            .gives(203, TEXT, "string", "Until when the new proxy lasts.")
            .fails(400, "The body is no list of strings.")
            .fails(403, "Nothing is stored, or it has expired.")
            .fails(424, "The VOMS server did not give the attributes."),
        ],
        models: vec![
            ("Identity", identity()),
            (
                "DelegationIndex",
                object(&[("delegation_id!", "string", ""), ("vos!", "[string]", "")]),
            ),
            (
                "Delegation",
                object(&[
                    (
                        "termination_time!",
                        "DateTime",
                        "When the first certificate of the chain ends.",
                    ),
                    (
                        "voms_attrs!",
                        "[string]",
                        "One text with all FQANs, separated by blanks.",
                    ),
                ]),
            ),
        ],
    }
}

fn identity() -> serde_json::Value {
    object(&[
        (
            "method!",
            "string",
            "`certificate`, `oauth2` or `unauthenticated`.",
        ),
        ("user_dn!", "string", "`anon` for nobody."),
        ("dn!", "[string]", "DN, and those of the proxies below it."),
        ("base_id!", "uuid", "Namespace of deterministic job ids."),
        ("vos!", "[string]", "The first one counts."),
        (
            "vos_id!",
            "[uuid]",
            "Ids of the VOs, for deterministic job ids.",
        ),
        ("voms_cred!", "[string]", "FQANs."),
        ("roles!", "[string]", ""),
        (
            "level!",
            "{string}|[string]",
            "How far each right reaches: empty for own things, `vo`, `all`. An empty list for nobody.",
        ),
        ("delegation_id!", "string?", ""),
        ("oauth2_scope", "string", "With a token."),
        ("wlcg_profile", "boolean", "With a token."),
        ("is_root!", "boolean", "True for the service itself."),
    ])
}
