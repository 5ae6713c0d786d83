//! The gateway as a provider of tokens for applications of others.

use crate::openapi::doc::{Doc, FORM, Group, HTML, JSON, delete, get, post};
use crate::openapi::kind::object;

const NO_APP: &str = "There is no such application.";
const FOREIGN: &str = "The application is somebody else's.";

pub(super) fn group() -> Group {
    let mut docs = applications();
    docs.extend(tokens());
    Group {
        id: "oauth2",
        about: "Tokens for applications of others.",
        docs,
        models: vec![
            (
                "OAuth2Applications",
                object(&[
                    ("apps!", "[OAuth2Application]", "The caller's own."),
                    (
                        "authorized!",
                        "[AuthorizedApplication]",
                        "Those that may act for the caller.",
                    ),
                ]),
            ),
            ("OAuth2Application", object(APPLICATION)),
            ("AuthorizedApplication", object(AUTHORIZED)),
            ("RegisterApplication", object(REGISTER)),
            ("UpdateApplication", object(UPDATE)),
            (
                "AuthorizeForm",
                object(&[
                    ("accept", "string?", "Given when the user agrees."),
                    ("reject", "string?", "Given when they do not."),
                    (
                        "CSRFToken!",
                        "string",
                        "The one of the page, which is also in the cookie.",
                    ),
                ]),
            ),
            ("AuthorizationRequest", object(ASKED)),
            ("TokenRequest", object(TOKEN_REQUEST)),
            (
                "Token",
                object(&[
                    ("access_token!", "string", ""),
                    ("token_type!", "string", "`Bearer`."),
                    ("expires_in!", "integer", "Seconds."),
                    ("refresh_token!", "string", ""),
                ]),
            ),
            (
                "OAuth2Error",
                object(&[
                    ("error!", "string", "For instance `invalid_grant`."),
                    (
                        "error_description",
                        "string",
                        "What is missing or makes no sense.",
                    ),
                ]),
            ),
        ],
    }
}

fn applications() -> Vec<Doc> {
    vec![
        get("/oauth2", "To the applications").empty(302, "See `Location`."),
        get("/oauth2/apps", "Applications")
            .ok(
                "OAuth2Applications",
                "The caller's own, and those that may act for the caller.",
            )
            .or_page()
            .fails(406, "Neither JSON nor HTML is accepted."),
        get("/oauth2/register", "Form for an application").gives(200, HTML, "string", "A page."),
        post("/oauth2/register", "Register an application")
            .body("RegisterApplication", "The application.")
            .or_form()
            .gives(201, JSON, "string", "Its id.")
            .empty(303, "To the applications, for those who prefer a page.")
            .fails(400, "A member is missing, or a scope is no right.")
            .fails(403, "The name is taken."),
        get("/oauth2/apps/{client_id}", "One application")
            .ok("OAuth2Application", "The application with its secret.")
            .or_page()
            .fails(403, FOREIGN)
            .fails(404, NO_APP)
            .fails(406, "Neither JSON nor HTML is accepted."),
        post("/oauth2/apps/{client_id}", "Change an application")
            .body(
                "UpdateApplication",
                "What shall change. With `delete` it is removed.",
            )
            .or_form()
            .empty(303, "Done; see `Location`.")
            .fails(400, "A scope is no right.")
            .fails(403, FOREIGN)
            .fails(404, NO_APP),
        delete("/oauth2/apps/{client_id}", "Remove an application")
            .ok("null", "It is gone.")
            .fails(403, FOREIGN)
            .fails(404, NO_APP),
        get(
            "/oauth2/revoke/{client_id}",
            "Revoke all tokens of an application",
        )
        .about("Those that act for the caller.")
        .empty(303, "To the applications."),
    ]
}

fn tokens() -> Vec<Doc> {
    let token = |doc: Doc| {
        doc.about("Trades a code, or a refresh token, for a token.")
            .gives(200, JSON, "Token", "The token.")
            .gives(
                400,
                JSON,
                "OAuth2Error|Error",
                "A member is missing, or makes no sense.",
            )
    };
    vec![
        get(
            "/oauth2/authorize",
            "Ask the user whether an application may act for them",
        )
        .needs("client_id", "string", "Id of the application.")
        .needs("redirect_uri", "string", "One of the addresses registered.")
        .needs("scope", "string", "Rights, with commas or blanks.")
        .needs("response_type", "string", "`code`.")
        .query("state", "string", "Given back to the application.")
        .query(
            "code_challenge",
            "string",
            "For proving with `code_verifier` who traded the code in.",
        )
        .query("code_challenge_method", "string", "`S256`.")
        .ok(
            "AuthorizationRequest",
            "What the user is asked; the token is in a cookie, too.",
        )
        .or_page()
        .fails(400, "An argument is missing or makes no sense.")
        .fails(406, "Neither JSON nor HTML is accepted."),
        post("/oauth2/authorize", "What the user decided")
            .query("client_id", "string", "As above.")
            .query("redirect_uri", "string", "As above.")
            .query("scope", "string", "As above.")
            .query("response_type", "string", "As above.")
            .query("state", "string", "As above.")
            .body_of(FORM, "AuthorizeForm", "The form of the page.")
            .ok(
                "object",
                "The code, for applications without an address of their own.",
            )
            .or_page()
            .empty(303, "To the application, with a code or with an error.")
            .fails(400, "An argument is missing or makes no sense.")
            .fails(403, "The form is not of the page that was shown."),
        token(
            get("/oauth2/token", "Get a token")
                .query(
                    "grant_type",
                    "string",
                    "`authorization_code` or `refresh_token`.",
                )
                .query("client_id", "string", "Id of the application.")
                .query("client_secret", "string", "Its secret.")
                .query("redirect_uri", "string", "As for the code.")
                .query("scope", "string", "As for the code.")
                .query("code", "string", "The code.")
                .query("refresh_token", "string", "The refresh token."),
        ),
        token(post("/oauth2/token", "Get a token").body_of(
            FORM,
            "TokenRequest",
            "As a form; arguments in the query do, too.",
        )),
    ]
}

const APPLICATION: &[(&str, &str, &str)] = &[
    ("client_id", "string", ""),
    ("client_secret", "string", ""),
    ("owner", "string", "DN."),
    ("name", "string", ""),
    ("description", "string?", ""),
    ("website", "string?", ""),
    ("redirect_to", "string", "Addresses, one a line."),
    ("scope", "any", "Rights that tokens may have."),
];

const AUTHORIZED: &[(&str, &str, &str)] = &[
    ("client_id", "string", ""),
    ("name", "string", ""),
    ("website", "string?", ""),
    ("description", "string?", ""),
    ("scope", "any", ""),
    ("expires", "DateTime?", ""),
];

const REGISTER: &[(&str, &str, &str)] = &[
    ("name!", "string", ""),
    ("website!", "string", ""),
    (
        "redirect_to!",
        "string",
        "Addresses, one a line: https, or http on localhost.",
    ),
    ("description", "string?", ""),
    (
        "scope",
        "[string]|string?",
        "Rights, as a list or with commas.",
    ),
];

const UPDATE: &[(&str, &str, &str)] = &[
    ("description", "string?", ""),
    ("website", "string?", ""),
    ("redirect_to", "string?", "Addresses, one a line."),
    (
        "scope",
        "[string]|string?",
        "Rights, as a list or with commas.",
    ),
    ("delete", "string?", "Given when it shall be removed."),
];

const ASKED: &[(&str, &str, &str)] = &[
    ("client_id", "string", ""),
    ("name", "string", ""),
    ("website", "string", ""),
    ("description", "string", ""),
    ("redirect_uri", "string", ""),
    ("scope", "string", "With commas."),
    ("CSRFToken", "string", "For the answer."),
];

const TOKEN_REQUEST: &[(&str, &str, &str)] = &[
    (
        "grant_type",
        "string",
        "`authorization_code` or `refresh_token`.",
    ),
    ("client_id", "string", ""),
    ("client_secret", "string", ""),
    ("redirect_uri", "string", "As for the code."),
    ("scope", "string", "As for the code."),
    ("code", "string", ""),
    ("refresh_token", "string", ""),
];
