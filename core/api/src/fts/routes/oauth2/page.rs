//! Pages of the applications' routes that are more than a table.

use axum::response::Response;
use causeway_model::Principal;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};

use super::agreement::Agreement;
use super::redirect::BY_HAND;
use crate::error::escape_html;
use crate::fts::wire;

const HTML: &str = "text/html; charset=utf-8";

/// Tells caches to keep nothing: there is a secret in it.
pub(super) fn not_kept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn page(title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/css/causeway.css\"><main><h1>{title}</h1>{body}</main></html>\n"
    );
    wire::with_body(StatusCode::OK, HTML, page)
}

/// The form with which an application is registered.
pub(super) fn register() -> Response {
    let field = |name: &str, hint: &str, more: &str| {
        format!(
            "<label><span>{name} <small>{hint}</small></span><input name=\"{name}\"{more}></label>"
        )
    };
    let lines = format!(
        "<label><span>redirect_to <small>where users are sent back to, one a line; or \
         {BY_HAND}</small></span><textarea name=\"redirect_to\" required></textarea></label>"
    );
    let body = format!(
        "<p>An application that users may let act for them.</p>\
         <form method=\"post\" action=\"/oauth2/register\">{}{}{}{lines}{}\
         <button>Register</button></form>",
        field("name", "", " required"),
        field("website", "where users can read more", " required"),
        field("description", "", ""),
        field(
            "scope",
            "of transfer, datamanagement, config, deleg; with commas",
            ""
        ),
    );
    page("Register an application", &body)
}

/// The question whether an application may act for the user.
pub(super) fn agree(agreement: &Agreement, user: &Principal, csrf: &str) -> Response {
    let app = &agreement.app;
    let hidden = |name: &str, value: &str| {
        let value = escape_html(value);
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
    };
    let scope: String = agreement
        .scope
        .iter()
        .map(|it| format!("<li>{}</li>", escape_html(it)))
        .collect();
    let mut fields = String::new();
    fields.push_str(&hidden("CSRFToken", csrf));
    fields.push_str(&hidden("client_id", &app.client_id));
    fields.push_str(&hidden("redirect_uri", &agreement.redirect_uri));
    fields.push_str(&hidden("scope", &agreement.scope.join(",")));
    fields.push_str(&hidden("response_type", "code"));
    if let Some(state) = &agreement.state {
        fields.push_str(&hidden("state", state));
    }
    if let Some(challenge) = &agreement.challenge {
        fields.push_str(&hidden("code_challenge", challenge));
        fields.push_str(&hidden("code_challenge_method", "S256"));
    }
    let body = format!(
        "<p>The application <b>{}</b> ({}) wants to act for you, {}.</p><p>{}</p>\
         <p>It asks for:</p><ul>{scope}</ul><p>You will be sent to {}.</p>\
         <form method=\"post\" action=\"/oauth2/authorize\">{fields}\
         <button name=\"accept\" value=\"yes\">Accept</button> \
         <button class=\"remove\" name=\"reject\" value=\"yes\">Reject</button></form>",
        escape_html(&app.name),
        escape_html(&app.website),
        escape_html(&user.user_dn),
        escape_html(&app.description),
        escape_html(&agreement.redirect_uri),
    );
    page("Let an application act for you?", &body)
}

/// A code for the user to carry over, or that there is none.
pub(super) fn code(code: Option<&str>) -> Response {
    match code {
        Some(code) => page(
            "Accepted",
            &format!(
                "<p>Give this code to the application:</p><p><code>{}</code></p>",
                escape_html(code)
            ),
        ),
        None => page("Rejected", "<p>The application may not act for you.</p>"),
    }
}
