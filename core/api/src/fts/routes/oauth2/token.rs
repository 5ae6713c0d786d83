//! Codes for tokens, and tokens for new ones.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_identity::token::secret::{self, random_text};
use causeway_model::Timestamp;
use causeway_model::oauth::{OAuthApp, OAuthCode, OAuthToken, OAuthUser};
use causeway_model::ports::StoreError;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

use super::fields::{Fields, words};
use super::{no_randomness, page, redirect, store};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// Seconds for which a token is good.
const LIFE: i64 = 3600;
/// Seconds in which it can be renewed.
const REFRESH_LIFE: i64 = 7 * 86_400;
/// Characters of a token.
const TOKEN: usize = 40;
/// Longest code, token or secret that is looked at.
const LONGEST: usize = 512;

/// Why an application gets nothing, in the words of the standard.
#[derive(Debug)]
enum Refusal {
    /// Something is missing or makes no sense.
    Request(ApiError),
    Code(&'static str),
    /// It is our fault.
    Ours(ApiError),
}

const INVALID_CLIENT: Refusal = Refusal::Code("invalid_client");
const INVALID_GRANT: Refusal = Refusal::Code("invalid_grant");
const INVALID_SCOPE: Refusal = Refusal::Code("invalid_scope");
const UNSUPPORTED: Refusal = Refusal::Code("unsupported_grant_type");

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Ours(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// `GET` and `POST /oauth2/token`
pub async fn grant(mut call: Call) -> Outcome {
    store(&call)?;
    let fields = match call.method == Method::POST {
        true => Fields::of(&mut call).await?,
        false => Fields::of_query(&call),
    };
    match trade(&call, &fields).await {
        Ok(response) => Ok(page::not_kept(response)),
        Err(Refusal::Ours(error)) => Err(error),
        Err(Refusal::Code(code)) => Ok(refused(json!({"error": code}))),
        Err(Refusal::Request(error)) => Ok(refused(json!({
            "error": "invalid_request",
            "error_description": error.message(),
        }))),
    }
}

fn refused(body: serde_json::Value) -> Response {
    let body = body.to_string();
    page::not_kept(wire::with_body(
        StatusCode::BAD_REQUEST,
        "application/json",
        body,
    ))
}

async fn trade(call: &Call, fields: &Fields) -> Result<Response, Refusal> {
    let needed = |name| fields.needed(name, LONGEST).map_err(Refusal::Request);
    let kind = needed("grant_type")?;
    let (id, password) = match basic(&call.headers) {
        Some(pair) => pair,
        None => (needed("client_id")?, needed("client_secret")?),
    };
    let app = store(call)?.app(&id).await?;
    let app = app.filter(|it| secret::is_same(&password, it.client_secret.expose()));
    let app = app.ok_or(INVALID_CLIENT)?;
    match kind.as_str() {
        "authorization_code" => {
            let (code, redirect_uri) = (needed("code")?, needed("redirect_uri")?);
            let row = store(call)?
                .take_code(secret::hash(&code), &app.client_id)
                .await?;
            let row = row.ok_or(INVALID_GRANT)?;
            check_code(call, fields, &row, &redirect_uri)?;
            let scope = narrowed(fields, row.scope)?;
            issue(call, &app, row.user, scope).await
        }
        "refresh_token" => {
            let refresh = needed("refresh_token")?;
            let redirect_uri = fields.text("redirect_uri").map_err(Refusal::Request)?;
            let is_known = |it: &str| redirect::is_registered(&app.redirect_to, it);
            if !redirect_uri.is_none_or(is_known) {
                return Err(INVALID_GRANT);
            }
            let row = store(call)?
                .take_refresh(secret::hash(&refresh), &app.client_id)
                .await?;
            let row = row.filter(|it| it.refresh_expires > call.state.clock.now());
            let row = row.ok_or(INVALID_GRANT)?;
            let scope = narrowed(fields, row.scope)?;
            issue(call, &app, row.user, scope).await
        }
        _ => Err(UNSUPPORTED),
    }
}

/// Name and password of an application that sends them as a header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (kind, encoded) = value.split_once(' ')?;
    if !kind.eq_ignore_ascii_case("basic") || encoded.len() > LONGEST {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, password) = text.split_once(':')?;
    Some((id.to_owned(), password.to_owned()))
}

/// Whether a code is traded in by whom it was made for.
fn check_code(
    call: &Call,
    fields: &Fields,
    row: &OAuthCode,
    redirect_uri: &str,
) -> Result<(), Refusal> {
    let verifier = fields.text("code_verifier").map_err(Refusal::Request)?;
    let is_proved = match (&row.challenge, verifier) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(challenge), Some(verifier)) => secret::meets_challenge(verifier, challenge),
    };
    let is_fresh = row.expires > call.state.clock.now();
    match is_fresh && is_proved && row.redirect_uri == redirect_uri {
        true => Ok(()),
        false => Err(INVALID_GRANT),
    }
}

/// The scope that is asked for, if that is no more than was agreed to.
fn narrowed(fields: &Fields, agreed: Vec<String>) -> Result<Vec<String>, Refusal> {
    let asked = fields.text("scope").map_err(Refusal::Request)?;
    let asked = asked.map(words).filter(|it| !it.is_empty());
    match asked {
        None => Ok(agreed),
        Some(asked) if asked.iter().all(|it| agreed.contains(it)) => Ok(asked),
        Some(_) => Err(INVALID_SCOPE),
    }
}

async fn issue(
    call: &Call,
    app: &OAuthApp,
    user: OAuthUser,
    scope: Vec<String>,
) -> Result<Response, Refusal> {
    let ours = |error| Refusal::Ours(no_randomness(error));
    let access = random_text(TOKEN).map_err(ours)?;
    let refresh = random_text(TOKEN).map_err(ours)?;
    let now = call.state.clock.now();
    let after = |seconds| Timestamp::from_seconds(now.seconds() + seconds);
    let row = OAuthToken {
        client_id: app.client_id.clone(),
        user,
        scope: scope.clone(),
        expires: after(LIFE),
        refresh: secret::hash(refresh.expose()),
        refresh_expires: after(REFRESH_LIFE),
    };
    store(call)?
        .put_token(secret::hash(access.expose()), row, now)
        .await?;
    let answer = wire::json(&json!({
        "access_token": access.expose(),
        "token_type": "Bearer",
        "expires_in": LIFE,
        "refresh_token": refresh.expose(),
        "scope": scope.join(","),
    }));
    Ok(answer?)
}
