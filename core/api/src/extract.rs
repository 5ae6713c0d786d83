//! What a handler gets: the caller, the parts of the path, the query, the body.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use causeway_model::{AuthMethod, Level, Principal};
use http::{HeaderMap, Method};

use crate::authorization::TokenFacts;
use crate::error::ApiError;
use crate::fts::path::Params;
use crate::middleware::body;
use crate::state::ApiState;

/// Who sends a request. The server puts one into the request's extensions; without it the caller
/// is nobody.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Identity and rights.
    pub principal: Principal,
    /// Certificates presented in the handshake, PEM, leaf first; empty when there were none.
    pub chain_pem: String,
    /// Length of the leaf's key when that is an RSA key.
    pub rsa_bits: Option<u32>,
    /// Why what they presented is not accepted: every request is refused with it.
    pub refusal: Option<String>,
    /// What their token says, when they came with one.
    pub token: Option<TokenFacts>,
}

impl Caller {
    /// Nobody.
    pub fn anonymous() -> Self {
        Self {
            principal: Principal::anonymous(),
            chain_pem: String::new(),
            rsa_bits: None,
            refusal: None,
            token: None,
        }
    }

    /// Proved by a certificate.
    pub fn has_certificate(&self) -> bool {
        self.principal.method == AuthMethod::Certificate
    }
}

/// Names and values of a query or of a form, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl Pairs {
    /// Reads `a=1&b=2`, percent-encoded, with `+` for a blank.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|it| !it.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(name), decode_form(value))
        });
        Self(pairs.collect())
    }

    /// The last value under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The last value under a name, unless that is empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|it| !it.is_empty())
    }
}

fn decode_form(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text)
        .decode_utf8_lossy()
        .into_owned()
}

/// One request on its way to a handler.
pub struct Call {
    /// What the handler may use.
    pub state: ApiState,
    /// Who asks.
    pub caller: Arc<Caller>,
    /// Method after an override.
    pub method: Method,
    /// Headers.
    pub headers: HeaderMap,
    /// Query.
    pub query: Pairs,
    /// Names the request in logs.
    pub request_id: String,
    pub(crate) params: Params,
    pub(crate) body: Mutex<Body>,
}

impl Call {
    /// A part of the path by its name in the route, decoded.
    pub fn param(&self, name: &str) -> &str {
        self.params.get(name)
    }

    /// The caller's identity.
    pub fn principal(&self) -> &Principal {
        &self.caller.principal
    }

    /// How far the caller's right reaches.
    ///
    /// # Errors
    /// 403 when there is none.
    pub fn level(&self, operation: &str) -> Result<Level, ApiError> {
        let level = self.principal().level(operation);
        level.ok_or_else(ApiError::not_enough_permissions)
    }

    /// The body as it came.
    ///
    /// # Errors
    /// 413 when it is too large, 400 when it breaks off.
    pub async fn take_body(&mut self) -> Result<Bytes, ApiError> {
        // The lock is never taken; it only lets references to a call pass between threads.
        let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        let body = std::mem::take(body);
        body::read(body, &self.headers, self.state.config.body_limit_bytes).await
    }

    /// The text of a JSON object, by the general rules for bodies.
    ///
    /// # Errors
    /// 400 for a body of another kind.
    pub async fn take_object(&mut self) -> Result<Bytes, ApiError> {
        let raw = self.take_body().await?;
        body::as_object(raw, &self.method, &self.headers, &self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_the_last_one_wins() {
        let it = Pairs::parse("a=1&b=x+y%26&a=2&c&=d");
        assert_eq!(it.get("a"), Some("2"));
        assert_eq!(it.get("b"), Some("x y&"));
        assert_eq!((it.get("c"), it.given("c")), (Some(""), None));
        assert_eq!(it.get("z"), None);
    }
}
