//! Asking a user whether an application may act for them.
//!
//! The page carries a token that the answer must bring back together with a cookie, so that no other
//! page can answer in the user's place.

use causeway_identity::token::secret::{self, random_base64, random_text};
use causeway_model::oauth::{OAuthCode, OAuthUser};
use http::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::agreement::Agreement;
use super::fields::Fields;
use super::{no_randomness, page, redirect, store};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;
use crate::middleware::negotiate::{Shape, shape};

const CSRF: &str = "fts3oauth2_csrf";
/// Seconds in which a user must have answered.
const CSRF_LIFE: u32 = 300;
/// Milliseconds for which a code is good.
const CODE_LIFE: i64 = 600_000;
/// Characters of a code.
const CODE: usize = 40;

/// `GET /oauth2/authorize`
pub async fn ask(call: Call) -> Outcome {
    let agreement = Agreement::of(&call, &Fields::of_query(&call)).await?;
    let csrf = random_base64(32).map_err(no_randomness)?;
    let mut response = match shape(&call.headers)? {
        Shape::Html => page::agree(&agreement, call.principal(), csrf.expose()),
        Shape::Json => wire::json(&json!({
            "client_id": agreement.app.client_id,
            "name": agreement.app.name,
            "website": agreement.app.website,
            "description": agreement.app.description,
            "redirect_uri": agreement.redirect_uri,
            "scope": agreement.scope.join(","),
            "CSRFToken": csrf.expose(),
        }))?,
    };
    let cookie = format!(
        "{CSRF}={}; Max-Age={CSRF_LIFE}; Path=/oauth2/authorize; Secure; HttpOnly; SameSite=Strict",
        csrf.expose()
    );
    let cookie =
        HeaderValue::from_str(&cookie).map_err(|_| ApiError::internal("Internal error"))?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(page::not_kept(response))
}

/// `POST /oauth2/authorize`
pub async fn answer(mut call: Call) -> Outcome {
    let fields = Fields::of(&mut call).await?;
    let given = fields.text("CSRFToken")?.unwrap_or("");
    let kept = cookie(&call.headers, CSRF).unwrap_or("");
    if given.is_empty() || !secret::is_same(given, kept) {
        return Err(ApiError::forbidden(
            "Cross-site request forgery token mismatch",
        ));
    }
    let agreement = Agreement::of(&call, &fields).await?;
    let accepts = match fields.text("accept")? {
        None => false,
        Some(text) => !["0", "false", "no"].contains(&text.to_ascii_lowercase().as_str()),
    };
    let code = match accepts {
        true => Some(new_code(&call, &agreement).await?),
        false => None,
    };
    let code = code.as_ref().map(|it| it.expose());
    if agreement.redirect_uri == redirect::BY_HAND {
        return by_hand(&call, code);
    }
    let error = code.is_none().then_some("access_denied");
    let state = agreement.state.as_deref();
    let pairs = [("code", code), ("error", error), ("state", state)];
    let place = redirect::with(&agreement.redirect_uri, &pairs);
    let place = HeaderValue::from_str(&place);
    let place = place.map_err(|_| ApiError::bad_request("Invalid redirect_uri"))?;
    let mut response = wire::empty(StatusCode::SEE_OTHER);
    response.headers_mut().insert(LOCATION, place);
    Ok(page::not_kept(response))
}

async fn new_code(call: &Call, agreement: &Agreement) -> Result<causeway_sdk::Secret, ApiError> {
    let caller = call.principal();
    let now = call.state.clock.now();
    let row = OAuthCode {
        client_id: agreement.app.client_id.clone(),
        user: OAuthUser {
            user_dn: caller.user_dn.clone(),
            delegation_id: caller.delegation_id.clone().unwrap_or_default(),
            voms_cred: caller.voms_cred.clone(),
        },
        redirect_uri: agreement.redirect_uri.clone(),
        scope: agreement.scope.clone(),
        expires: now.plus_millis(CODE_LIFE),
        challenge: agreement.challenge.clone(),
    };
    let code = random_text(CODE).map_err(no_randomness)?;
    let hash = secret::hash(code.expose());
    store(call)?.put_code(hash, row, now).await?;
    tracing::info!(
        client_id = %agreement.app.client_id, user_dn = %caller.user_dn,
        "an application may act for a user"
    );
    Ok(code)
}

/// The code on a page, for applications without one of their own.
fn by_hand(call: &Call, code: Option<&str>) -> Outcome {
    let response = match (shape(&call.headers)?, code) {
        (Shape::Html, code) => page::code(code),
        (Shape::Json, Some(code)) => wire::json(&json!({"code": code}))?,
        (Shape::Json, None) => wire::json(&json!({"error": "access_denied"}))?,
    };
    Ok(page::not_kept(response))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter();
    let texts = cookies.filter_map(|it| it.to_str().ok());
    let mut pairs = texts.flat_map(|it| it.split(';'));
    pairs.find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='))
}
