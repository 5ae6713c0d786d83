//! Who stands behind a bearer token: the second of the ways in which a caller can prove who they
//! are, before the certificate of the connection. A token that is there and no good is an error and
//! never falls through to the certificate.
//!
//! Tokens of this service are looked up in the store by their hash; those of other issuers are
//! judged by the [`TokenIdentity`] the server brings.
//!
//! # Invariants
//! - A token of this service allows no more than its user may do now, and nothing that asks for a
//!   certificate: `core/api/tests/api/bearer.rs`.

use async_trait::async_trait;
use causeway_identity::token::{Permitted, restricted, secret};
use causeway_model::oauth::OAuthUser;
use causeway_model::{Principal, Timestamp};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::error::ApiError;
use crate::extract::Caller;
use crate::state::ApiState;

/// What a token says besides who its holder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// What it allows, in its issuer's words.
    pub scope: String,
    /// It follows the WLCG profile.
    pub wlcg_profile: bool,
}

/// Why there is nobody behind a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// The token is no good.
    Invalid(String),
    /// That cannot be found out now.
    Unavailable(String),
}

/// Says who holds a token, and what they may do by the rules of now.
#[async_trait]
pub trait TokenIdentity: Send + Sync {
    /// The holder of a token of another issuer.
    async fn holder(&self, token: &str, now: Timestamp) -> Result<Caller, TokenRefusal>;

    /// Somebody who once came with a certificate.
    fn user(&self, user: &OAuthUser) -> Principal;
}

/// Knows no issuer and nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTokens;

#[async_trait]
impl TokenIdentity for NoTokens {
    async fn holder(&self, _token: &str, _now: Timestamp) -> Result<Caller, TokenRefusal> {
        let text = "this service accepts no tokens";
        Err(TokenRefusal::Invalid(text.to_owned()))
    }

    fn user(&self, _user: &OAuthUser) -> Principal {
        Principal::anonymous()
    }
}

/// Who sends a request: the holder of its token, else whoever the connection belongs to.
pub(crate) async fn caller(
    state: &ApiState,
    headers: &HeaderMap,
    connection: Option<Caller>,
) -> Result<Caller, ApiError> {
    match presented(headers)? {
        Some(token) => holder(state, token).await,
        None => Ok(connection.unwrap_or_else(Caller::anonymous)),
    }
}

/// The bearer token of a request, if it has one.
fn presented(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let bearer = values.find_map(|value| {
        let (kind, rest) = value.as_bytes().split_at_checked(6)?;
        let is_bearer = kind.eq_ignore_ascii_case(b"bearer");
        let is_word = rest.first().is_none_or(|it| *it == b' ');
        (is_bearer && is_word).then_some(rest)
    });
    let Some(bearer) = bearer else {
        return Ok(None);
    };
    let token = std::str::from_utf8(bearer).map_err(|_| invalid("the token is no text"))?;
    match token.trim() {
        "" => Err(invalid("the token is missing")),
        token => Ok(Some(token)),
    }
}

async fn holder(state: &ApiState, token: &str) -> Result<Caller, ApiError> {
    // Tokens of this service are letters and digits; those of others have parts.
    if !token.contains('.')
        && let Some(caller) = own(state, token).await?
    {
        return Ok(caller);
    }
    let found = state.identity.holder(token, state.clock.now()).await;
    found.map_err(|refusal| match refusal {
        TokenRefusal::Invalid(why) => invalid(&why),
        TokenRefusal::Unavailable(why) => ApiError::unavailable(format!("Try again later: {why}")),
    })
}

/// The user for whom a token of this service acts.
async fn own(state: &ApiState, token: &str) -> Result<Option<Caller>, ApiError> {
    let Some(store) = &state.oauth else {
        return Ok(None);
    };
    let row = store.token(secret::hash(token)).await?;
    let Some(row) = row else {
        return Ok(None);
    };
    if row.expires <= state.clock.now() {
        return Err(invalid("the token has expired"));
    }
    let user = state.identity.user(&row.user);
    let mut principal = restricted(user, &Permitted::by_names(&row.scope));
    principal.delegation_id = Some(row.user.delegation_id);
    Ok(Some(Caller {
        principal,
        token: Some(TokenFacts {
            scope: row.scope.join(","),
            wlcg_profile: false,
        }),
        ..Caller::anonymous()
    }))
}

fn invalid(why: &str) -> ApiError {
    ApiError::forbidden(format!("Invalid credentials ({why})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        match presented(&headers) {
            Ok(token) => Ok(token.map(str::to_owned)),
            Err(error) => Err(error.message().to_owned()),
        }
    }

    #[test]
    fn tokens_by_header() {
        let token = |it: &str| Ok(Some(it.to_owned()));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["Bearer abc"]), token("abc"));
        assert_eq!(of(&["bearer   abc "]), token("abc"));
        assert_eq!(of(&["Basic abc"]), Ok(None));
        assert_eq!(of(&["BearerX abc"]), Ok(None));
        assert_eq!(of(&["Basic abc", "Bearer def"]), token("def"));
        for nothing in ["Bearer", "Bearer  "] {
            let text = "Invalid credentials (the token is missing)";
            assert_eq!(of(&[nothing]), Err(text.to_owned()), "{nothing}");
        }
    }
}
