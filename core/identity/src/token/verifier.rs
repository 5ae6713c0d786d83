//! The judgement of a token of another issuer.

use std::sync::Arc;

use arc_swap::ArcSwap;
use causeway_model::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::IgnoredAny;

use super::claims::Claims;
use super::issuer::{Issuer, Provider, ProviderError};
use super::{Http, TokenError, jws};

/// Keys that are tried for a token that does not name its own.
const TRIES: usize = 8;

/// What holds for tokens of all issuers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Audiences of which a token must name one.
    pub audiences: Vec<String>,
    /// Seconds by which clocks may differ.
    pub leeway_seconds: i64,
    /// Seconds for which the keys of an issuer are used without asking again.
    pub keys_kept_seconds: i64,
    /// Issuers on this machine need no encryption.
    pub plain_on_loopback: bool,
}

/// A token that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    pub(super) claims: Claims,
    pub(super) provider: Provider,
}

impl VerifiedToken {
    /// What it says.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// Judges tokens of the issuers an operator trusts.
pub struct TokenVerifier {
    trusted: ArcSwap<Trusted>,
    http: Arc<dyn Http>,
}

/// What an operator says, as one: issuers and rules change together.
struct Trusted {
    issuers: Vec<Arc<Issuer>>,
    rules: Rules,
}

impl Trusted {
    /// Issuers that are trusted as before keep what they published.
    fn new(
        providers: Vec<Provider>,
        rules: Rules,
        before: &[Arc<Issuer>],
    ) -> Result<Self, ProviderError> {
        let (kept, plain) = (rules.keys_kept_seconds.max(1), rules.plain_on_loopback);
        let mut issuers = Vec::with_capacity(providers.len());
        for provider in providers {
            provider.check(plain)?;
            let known = before
                .iter()
                .find(|it| it.is_trusted_as(&provider, kept, plain));
            issuers.push(match known {
                Some(known) => known.clone(),
                None => Arc::new(Issuer::new(provider, kept, plain)),
            });
        }
        Ok(Self { issuers, rules })
    }

    fn issuer(&self, issuer: &str) -> Option<&Arc<Issuer>> {
        self.issuers.iter().find(|it| it.provider.is_named(issuer))
    }

    fn is_meant(&self, claims: &Claims) -> bool {
        let accepted = &self.rules.audiences;
        claims.audiences.iter().any(|it| accepted.contains(it))
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut list = f.debug_list();
        let trusted = self.trusted.load();
        list.entries(trusted.issuers.iter().map(|it| &it.provider.issuer));
        list.finish()
    }
}

impl TokenVerifier {
    /// A verifier that trusts these. It asks none of them yet.
    ///
    /// # Errors
    /// An issuer whose URL cannot be trusted.
    pub fn new(
        providers: Vec<Provider>,
        rules: Rules,
        http: Arc<dyn Http>,
    ) -> Result<Self, ProviderError> {
        Ok(Self {
            trusted: ArcSwap::from_pointee(Trusted::new(providers, rules, &[])?),
            http,
        })
    }

    /// Trusts these instead, from the next token on.
    ///
    /// # Errors
    /// An issuer whose URL cannot be trusted: those before stay.
    pub fn replace(&self, providers: Vec<Provider>, rules: Rules) -> Result<(), ProviderError> {
        let before = self.trusted.load();
        let fresh = Trusted::new(providers, rules, &before.issuers)?;
        self.trusted.store(Arc::new(fresh));
        Ok(())
    }

    /// Judges a token.
    ///
    /// # Errors
    /// Why it is not believed.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, TokenError> {
        let (header, payload) = jws::parts(token)?;
        let header = jws::header(&header)?;
        let claims = Claims::read(&payload)?;
        let trusted = self.trusted.load_full();
        let issuer = trusted.issuer(&claims.issuer);
        let issuer = issuer.ok_or(TokenError::UnknownIssuer)?;
        // Cheap questions come first: a token that is not for us makes nobody ask its issuer.
        claims.check_time(now, trusted.rules.leeway_seconds)?;
        if !trusted.is_meant(&claims) {
            return Err(TokenError::Audience);
        }
        claims.name()?;

        let (id, algorithm) = (header.key_id.as_deref(), header.algorithm);
        let has_key = |keys: &super::keys::KeySet| keys.candidates(id, algorithm).next().is_some();
        let published = issuer
            .published(&*self.http, now, |it| has_key(&it.keys))
            .await?;
        let mut candidates = published.keys.candidates(id, algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        let mut candidates = candidates.take(TRIES);
        if !candidates.any(|key| is_signed(token, key, algorithm)) {
            return Err(TokenError::Signature);
        }
        Ok(VerifiedToken {
            claims,
            provider: issuer.provider.clone(),
        })
    }

    /// An issuer that is trusted, by the name in its tokens.
    pub fn provider(&self, issuer: &str) -> Option<Provider> {
        self.issuer(issuer).map(|it| it.provider.clone())
    }

    pub(super) fn issuer(&self, issuer: &str) -> Option<Arc<Issuer>> {
        self.trusted.load().issuer(issuer).cloned()
    }

    pub(super) fn http(&self) -> &dyn Http {
        &*self.http
    }
}

/// Whether a key signed a token. Time and audience were looked at before, by our own clock.
fn is_signed(token: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode::<IgnoredAny>(token, key, &validation).is_ok()
}
