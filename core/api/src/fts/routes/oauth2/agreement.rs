//! What a user is asked to agree to: the parameters of an authorization request, judged.

use causeway_model::oauth::OAuthApp;

use super::fields::{Fields, words};
use super::{redirect, store};
use crate::error::ApiError;
use crate::extract::Call;

/// Longest `state`, and longest redirect.
const LONGEST: usize = 2048;

/// An authorization request that makes sense.
pub(super) struct Agreement {
    pub(super) app: OAuthApp,
    pub(super) redirect_uri: String,
    pub(super) scope: Vec<String>,
    /// Goes back to the application as it came.
    pub(super) state: Option<String>,
    /// What whoever trades the code in must know the origin of.
    pub(super) challenge: Option<String>,
}

impl Agreement {
    /// Judges a request. Nothing of it leads anywhere before it is found good.
    pub(super) async fn of(call: &Call, fields: &Fields) -> Result<Self, ApiError> {
        let bad = |text: &str| Err(ApiError::bad_request(text));
        let client_id = fields.needed("client_id", 64)?;
        let Some(app) = store(call)?.app(&client_id).await? else {
            return bad("Invalid client_id");
        };
        let redirect_uri = fields.needed("redirect_uri", LONGEST)?;
        let known = redirect::is_registered(&app.redirect_to, &redirect_uri);
        if !known || !redirect::is_allowed(&redirect_uri) {
            return bad("Invalid redirect_uri");
        }
        if fields.needed("response_type", 32)? != "code" {
            return bad("Invalid response_type");
        }
        let scope = words(&fields.needed("scope", 256)?);
        if scope.is_empty() || !scope.iter().all(|it| app.scope.contains(it)) {
            return bad("Invalid scope");
        }
        Ok(Self {
            challenge: challenge(fields)?,
            state: state(fields)?,
            app,
            redirect_uri,
            scope,
        })
    }
}

/// As it came: the application compares it.
fn state(fields: &Fields) -> Result<Option<String>, ApiError> {
    match fields.as_it_came("state")? {
        Some(state) if state.len() > LONGEST => Err(ApiError::bad_request("Invalid state")),
        state => Ok(state.map(str::to_owned)),
    }
}

/// The plain method would protect nothing.
fn challenge(fields: &Fields) -> Result<Option<String>, ApiError> {
    let challenge = fields.text("code_challenge")?;
    let method = fields.text("code_challenge_method")?;
    match (challenge, method) {
        (None, None) => Ok(None),
        (Some(challenge), Some("S256")) if challenge.len() == 43 => Ok(Some(challenge.to_owned())),
        _ => Err(ApiError::bad_request(
            "Invalid code_challenge: use the method S256",
        )),
    }
}
