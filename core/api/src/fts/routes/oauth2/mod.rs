//! `/oauth2`: this service lets applications act for its users (RFC 6749, authorization code).
//!
//! A user registers an application; another is sent here by it, agrees, and goes back with a code;
//! the application trades the code for a token, and uses that like the user, for what was agreed to.
//! Codes and tokens are kept as hashes, so they are seen once: when they are given out.
//!
//! # Invariants
//! - A code is good once, for its application and its redirect alone: `core/api/tests/api/oauth2`.
//! - Nobody is sent to a place their application did not register: the same.

mod agreement;
mod apps;
mod authorize;
mod fields;
mod page;
mod redirect;
mod register;
mod token;

use axum::response::Response;
use causeway_identity::token::secret::NoRandomness;
use causeway_model::oauth::{OAuthApp, OAuthStore};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use serde_json::{Value, json};

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

pub use apps::{change, list, remove, revoke, show};
pub use authorize::{answer, ask};
pub use register::{form, register};
pub use token::grant;

const APPS: &str = "/oauth2/apps";

/// `GET /oauth2`
pub async fn index(_call: Call) -> Outcome {
    Ok(go_to(StatusCode::FOUND, APPS))
}

/// Where applications are kept.
fn store(call: &Call) -> Result<&dyn OAuthStore, ApiError> {
    let store = call.state.oauth.as_deref();
    store.ok_or_else(|| ApiError::not_found("This service gives no tokens to applications"))
}

/// An application of the caller.
async fn own_app(call: &Call) -> Result<OAuthApp, ApiError> {
    let app = store(call)?.app(call.param("client_id")).await?;
    let app = app.ok_or_else(|| ApiError::not_found("Application not found"))?;
    match app.owner == call.principal().user_dn {
        true => Ok(app),
        false => Err(ApiError::forbidden(
            "The application belongs to somebody else",
        )),
    }
}

/// An application as its owner sees it.
fn app_shape(app: &OAuthApp) -> Value {
    json!({
        "client_id": app.client_id,
        "client_secret": app.client_secret.expose(),
        "owner": app.owner,
        "name": app.name,
        "description": app.description,
        "website": app.website,
        "redirect_to": app.redirect_to,
        "scope": app.scope.join(","),
    })
}

/// Sends the browser elsewhere on this service.
fn go_to(status: StatusCode, place: &'static str) -> Response {
    let mut response = wire::empty(status);
    let place = HeaderValue::from_static(place);
    response.headers_mut().insert(LOCATION, place);
    response
}

fn no_randomness(error: NoRandomness) -> ApiError {
    tracing::error!(%error, "failed to make a secret");
    ApiError::internal("Internal error")
}
