//! Who stands behind an `Authorization` header: a certificate that signed it, else a bearer token.
//! Both count before the certificate of the connection. One that is there and no good is an error
//! and never falls through to the next way.
//!
//! Tokens of this service are looked up in the store by their hash; those of other issuers, and
//! signed certificates, are judged by the [`HeaderIdentity`] the server brings.
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

/// An issuer of tokens that transfers may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenIssuer {
    /// Its tokens are traded in for some that can be renewed.
    pub renews: bool,
}

/// Why there is nobody behind a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderRefusal {
    /// It is no good.
    Invalid(String),
    /// That cannot be found out now.
    Unavailable(String),
}

/// Says who stands behind a header, and what they may do by the rules of now.
#[async_trait]
pub trait HeaderIdentity: Send + Sync {
    /// The holder of a token of another issuer.
    async fn holder(&self, token: &str, now: Timestamp) -> Result<Caller, HeaderRefusal>;

    /// The holder of the certificate in what follows `Signed-Cert`.
    ///
    /// # Errors
    /// Its time, signature or certificate is no good.
    fn signer(&self, header: &str, now: Timestamp) -> Result<Caller, HeaderRefusal>;

    /// An issuer by the name in its tokens, as far as submissions know it; nothing for a stranger.
    fn issuer(&self, name: &str) -> Option<TokenIssuer>;

    /// Somebody who once came with a certificate.
    fn user(&self, user: &OAuthUser) -> Principal;
}

/// Knows no issuer and nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyKnown;

#[async_trait]
impl HeaderIdentity for NobodyKnown {
    async fn holder(&self, _token: &str, _now: Timestamp) -> Result<Caller, HeaderRefusal> {
        let text = "this service accepts no tokens";
        Err(HeaderRefusal::Invalid(text.to_owned()))
    }

    fn signer(&self, _header: &str, _now: Timestamp) -> Result<Caller, HeaderRefusal> {
        let text = "this service accepts no signed certificates";
        Err(HeaderRefusal::Invalid(text.to_owned()))
    }

    fn issuer(&self, _name: &str) -> Option<TokenIssuer> {
        None
    }

    fn user(&self, _user: &OAuthUser) -> Principal {
        Principal::anonymous()
    }
}

/// Who sends a request: who signed it, the holder of its token, else whoever the connection belongs
/// to.
pub(crate) async fn caller(
    state: &ApiState,
    headers: &HeaderMap,
    connection: Option<Caller>,
) -> Result<Caller, ApiError> {
    if let Some(signed) = presented(headers, "signed-cert")? {
        let signer = state.identity.signer(signed, state.clock.now());
        return signer.map_err(refused);
    }
    match presented(headers, "bearer")? {
        Some("") => Err(invalid("the token is missing")),
        Some(token) => holder(state, token).await,
        None => Ok(connection.unwrap_or_else(Caller::anonymous)),
    }
}

/// What a request presents by this way of proving oneself, if it does.
fn presented<'a>(headers: &'a HeaderMap, way: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let found = values.find_map(|value| {
        let (kind, rest) = value.as_bytes().split_at_checked(way.len())?;
        let is_way = kind.eq_ignore_ascii_case(way.as_bytes());
        let is_word = rest.first().is_none_or(|it| *it == b' ');
        (is_way && is_word).then_some(rest)
    });
    let Some(found) = found else {
        return Ok(None);
    };
    let text = std::str::from_utf8(found).map_err(|_| invalid("the token is no text"))?;
    Ok(Some(text.trim()))
}

async fn holder(state: &ApiState, token: &str) -> Result<Caller, ApiError> {
    // Tokens of this service are letters and digits; those of others have parts.
    if !token.contains('.')
        && let Some(caller) = own(state, token).await?
    {
        return Ok(caller);
    }
    let found = state.identity.holder(token, state.clock.now()).await;
    found.map_err(refused)
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

fn refused(refusal: HeaderRefusal) -> ApiError {
    match refusal {
        HeaderRefusal::Invalid(why) => invalid(&why),
        HeaderRefusal::Unavailable(why) => ApiError::unavailable(format!("Try again later: {why}")),
    }
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
        match presented(&headers, "bearer") {
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
            assert_eq!(of(&[nothing]), token(""), "{nothing}");
        }
    }
}
