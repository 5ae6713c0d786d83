//! Tokens that a submission brings for the storages of its transfers.
//!
//! They are not judged here: the storage they are for does that. What is checked is what makes them
//! useless for certain. Their text goes into the vault alone; rows know them by their id.

use std::collections::{HashMap, HashSet};

use causeway_identity::token::{Claims, claims};
use causeway_model::oauth::{TokenId, TransferToken};
use causeway_model::{AuthMethod, FileState, Timestamp, Transfer};
use causeway_sdk::Secret;

use super::Context;
use super::document::{Key, Object, list};
use super::params::Params;
use super::value::{invalid, malformed};
use crate::error::ApiError;

/// The tokens of a submission.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    by_id: HashMap<TokenId, TransferToken>,
    /// Those whose issuer renews tokens.
    renewable: HashSet<TokenId>,
}

impl Tokens {
    /// Reads the tokens beside a list of URLs: one for each, or none at all.
    pub(super) fn read(
        &mut self,
        object: &Object<'_>,
        name: &str,
        urls: usize,
        cx: &Context<'_>,
    ) -> Result<Vec<TokenId>, ApiError> {
        let Some(raw) = object.get(name) else {
            return Ok(Vec::new());
        };
        let texts: Vec<Key<'_>> = list(raw, cx.config.transfers_limit)
            .map_err(|_| malformed(format!("{name}: expecting a list of tokens")))?;
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        if cx.principal.method != AuthMethod::Oauth2 {
            return Err(invalid(format!("{name} needs a submission by token")));
        }
        if texts.len() != urls {
            return Err(invalid(format!("{name} must have one token for each URL")));
        }
        let tokens = texts.iter().enumerate();
        tokens
            .map(|(index, Key(text))| {
                let id = self.add(text, cx);
                id.map_err(|why| invalid(format!("{name}[{index}]: {why}")))
            })
            .collect()
    }

    fn add(&mut self, text: &str, cx: &Context<'_>) -> Result<TokenId, String> {
        let id = TokenId::of(text);
        if self.by_id.contains_key(&id) {
            return Ok(id);
        }
        let claims = claims::unverified(text).map_err(|error| error.to_string())?;
        let issuer = cx.identity.issuer(&claims.issuer);
        let issuer = issuer.ok_or("the claim iss names no issuer that is known here")?;
        let expires = check(&claims, cx)?;
        if issuer.renews {
            self.renewable.insert(id);
        }
        let token = TransferToken {
            id,
            access_token: Secret::new(text),
            expires,
            refresh_token: None,
            scope: claims.scope.unwrap_or_default(),
            audience: claims.audiences,
            issuer: claims.issuer,
        };
        self.by_id.insert(id, token);
        Ok(id)
    }

    /// None of them is traded in.
    pub(super) fn use_as_they_are(&mut self) {
        self.renewable.clear();
    }

    /// Lets transfers wait whose tokens are to be traded in before anything else happens to them.
    pub(super) fn hold(&self, files: &mut [Transfer]) {
        let waits = |id: Option<TokenId>| id.is_some_and(|it| self.renewable.contains(&it));
        for file in files {
            let begins = matches!(file.state, FileState::Submitted | FileState::OnHold);
            if begins && (waits(file.src_token_id) || waits(file.dst_token_id)) {
                file.state = FileState::TokenPrep;
                file.file_state_initial = Some(FileState::Submitted);
            }
        }
    }

    /// The tokens themselves, for the vault.
    pub fn into_rows(self) -> Vec<TransferToken> {
        self.by_id.into_values().collect()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// What makes a token useless for certain; gives its end.
fn check(claims: &Claims, cx: &Context<'_>) -> Result<Timestamp, &'static str> {
    let now = cx.now.seconds();
    let least = now.saturating_add(cx.config.token_life_min_seconds.max(0));
    match (claims.expires, claims.not_before) {
        (None, _) => Err("the claim exp is missing"),
        (Some(end), _) if end <= least => Err("the claim exp is over, or too near"),
        (_, Some(begin)) if begin > now => Err("the claim nbf is in the future"),
        _ if claims.scopes().next().is_none() => Err("the claim scope is missing"),
        _ if claims.audiences.is_empty() => Err("the claim aud is missing"),
        (Some(end), _) => Ok(Timestamp::from_seconds(end)),
    }
}

/// Work that takes days is not done with tokens that last for hours.
pub(super) fn refuse_long_work(tokens: &Tokens, params: &Params<'_>) -> Result<(), ApiError> {
    let waits = params.stages() || params.archive_timeout > -1 || params.target_qos.is_some();
    match waits && !tokens.is_empty() {
        true => Err(ApiError::bad_request(
            "Staging and archiving are not supported with source_tokens or destination_tokens",
        )),
        false => Ok(()),
    }
}
