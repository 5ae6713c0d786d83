//! Tokens of transfers, kept alive at their issuers.
//!
//! A user's token lives for an hour, a queue for days. Where this service is known to the issuer as
//! a client, it trades the token once for one that renews it (RFC 8693), and renews it (RFC 6749,
//! section 6) when a transfer is about to start and little of it is left. Where it is not, a token
//! is used as it is for as long as it lasts.
//!
//! # Invariants
//! - A token is traded in once at a time, however many transfers wait for it: `tests/tokens/exchange.rs`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use async_trait::async_trait;
use causeway_model::Timestamp;
use causeway_model::oauth::{
    Bearer, TokenId, TokenSource, TokenTrouble, TransferToken, TransferTokens,
};
use causeway_model::ports::Clock;
use causeway_sdk::Secret;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::issuer::{Client, Issuer};
use super::{TokenError, TokenVerifier};

/// With less left than this, in seconds, a token is renewed before it is used.
const MARGIN: i64 = 300;
/// How long a token that can be renewed is kept after it was last used, in milliseconds.
const KEPT_MILLIS: i64 = 30 * 86_400_000;
/// What is assumed when an issuer does not say how long a token lasts, in seconds.
const LIFE: i64 = 600;

const TRADE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";

/// The tokens of transfers, with those who can renew them.
pub struct Exchange {
    tokens: Arc<dyn TransferTokens>,
    verifier: Arc<TokenVerifier>,
    clock: Arc<dyn Clock>,
    /// Held by whoever talks to an issuer about a token.
    turns: std::sync::Mutex<HashMap<TokenId, Weak<Mutex<()>>>>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

/// What an issuer answers.
#[derive(Deserialize)]
struct Granted {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    expires_in: Option<i64>,
}

impl Exchange {
    /// Keeps tokens where `tokens` keeps them, and renews those of the verifier's issuers.
    pub fn new(
        tokens: Arc<dyn TransferTokens>,
        verifier: Arc<TokenVerifier>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tokens,
            verifier,
            clock,
            turns: std::sync::Mutex::default(),
        }
    }

    async fn kept(&self, id: TokenId) -> Result<TransferToken, TokenTrouble> {
        let kept = self.tokens.transfer_token(id).await;
        let kept = kept.map_err(|error| TokenTrouble::Later(error.to_string()))?;
        kept.ok_or_else(|| TokenTrouble::Never(format!("the token {id} is not known any more")))
    }

    async fn keep(&self, token: TransferToken) -> Result<(), TokenTrouble> {
        let until = self.clock.now().plus_millis(KEPT_MILLIS);
        let kept = self.tokens.renew_token(token, until).await;
        kept.map_err(|error| TokenTrouble::Later(error.to_string()))
    }

    /// The lock of a token; locks that nobody holds are forgotten.
    fn turn(&self, id: TokenId) -> Arc<Mutex<()>> {
        // Nothing is done while it is held that could panic.
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(&id).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, it| it.strong_count() > 0);
        let turn = Arc::new(Mutex::new(()));
        turns.insert(id, Arc::downgrade(&turn));
        turn
    }

    /// A token that could not be renewed is used for as long as it lasts.
    fn make_do(
        &self,
        token: TransferToken,
        trouble: TokenTrouble,
    ) -> Result<TransferToken, TokenTrouble> {
        if token.expires <= self.clock.now() {
            return Err(trouble);
        }
        tracing::warn!(token = %token.id, %trouble, "a token is used though it was not renewed");
        Ok(token)
    }

    /// The issuer of a token and what we are there, if we are anything.
    fn client(&self, token: &TransferToken) -> Option<(Arc<Issuer>, Client)> {
        let issuer = self.verifier.issuer(&token.issuer)?;
        let client = issuer.provider.client.clone()?;
        Some((issuer, client))
    }

    async fn ask(
        &self,
        issuer: &Issuer,
        client: &Client,
        form: &[(&str, &str)],
    ) -> Result<Granted, TokenTrouble> {
        let name = &issuer.provider.issuer;
        let later = |why: &dyn std::fmt::Display| {
            TokenTrouble::Later(format!("the token issuer {name} does not answer: {why}"))
        };
        let http = self.verifier.http();
        let published = issuer.published(http, self.clock.now(), |_| true).await;
        let published = published.map_err(|error: TokenError| later(&error))?;
        let Some(endpoint) = &published.token_endpoint else {
            return Err(TokenTrouble::Never(format!(
                "the token issuer {name} renews no tokens"
            )));
        };
        let answer = http
            .post_form(endpoint, form, (&client.id, &client.secret))
            .await;
        let (status, body) = answer.map_err(|error| later(&error))?;
        match status {
            200 => serde_json::from_slice(&body).map_err(|_| later(&"it cannot be understood")),
            // Whatever it says about the token may quote it.
            400..=499 if status != 408 && status != 429 => Err(TokenTrouble::Never(format!(
                "the token issuer {name} refuses to renew a token ({status})"
            ))),
            _ => Err(later(&format_args!("status {status}"))),
        }
    }

    async fn trade(
        &self,
        issuer: &Issuer,
        client: &Client,
        mut token: TransferToken,
    ) -> Result<(), TokenTrouble> {
        let mut scope = token.scope.clone();
        if !scope
            .split_ascii_whitespace()
            .any(|it| it == "offline_access")
        {
            scope.push_str(" offline_access");
        }
        let mut form = vec![
            ("grant_type", TRADE),
            ("subject_token_type", ACCESS_TOKEN),
            ("subject_token", token.access_token.expose()),
            ("requested_token_type", REFRESH_TOKEN),
            ("scope", scope.trim_start()),
        ];
        form.extend(token.audience.iter().map(|it| ("audience", it.as_str())));
        let granted = self.ask(issuer, client, &form).await?;
        // By the standard, what was asked for comes as access token, whatever it is.
        let refresh = granted.refresh_token.or(granted.access_token);
        let refresh = refresh.filter(|it| !it.is_empty());
        token.refresh_token = Some(refresh.ok_or_else(|| {
            let name = &issuer.provider.issuer;
            TokenTrouble::Never(format!("the token issuer {name} gave nothing for a token"))
        })?);
        self.keep(token).await
    }

    async fn renew(
        &self,
        issuer: &Issuer,
        client: &Client,
        mut token: TransferToken,
        refresh: &Secret,
    ) -> Result<TransferToken, TokenTrouble> {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
        ];
        if !token.scope.is_empty() {
            form.push(("scope", &token.scope));
        }
        form.extend(token.audience.iter().map(|it| ("audience", it.as_str())));
        let now = self.clock.now();
        let granted = self.ask(issuer, client, &form).await?;
        let access = granted.access_token.filter(|it| !it.is_empty());
        let access = access.ok_or_else(|| {
            let name = &issuer.provider.issuer;
            TokenTrouble::Later(format!("the token issuer {name} gave no token"))
        })?;
        token.expires = end(&access, granted.expires_in, now);
        token.access_token = access;
        if granted.refresh_token.is_some() {
            token.refresh_token = granted.refresh_token;
        }
        self.keep(token.clone()).await?;
        Ok(token)
    }
}

/// When a token ends: as it says itself, else as its issuer says.
fn end(access: &Secret, expires_in: Option<i64>, now: Timestamp) -> Timestamp {
    let own = super::claims::unverified(access.expose()).ok();
    let own = own.and_then(|it| it.expires);
    let life = expires_in.unwrap_or(LIFE).clamp(0, 366 * 86_400);
    Timestamp::from_seconds(own.unwrap_or_else(|| now.seconds().saturating_add(life)))
}

fn lasts(token: &TransferToken, now: Timestamp) -> bool {
    token.expires.seconds() - now.seconds() >= MARGIN
}

#[async_trait]
impl TokenSource for Exchange {
    async fn prepare(&self, id: TokenId) -> Result<(), TokenTrouble> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        let token = self.kept(id).await?;
        match self.client(&token) {
            Some((issuer, client)) if token.refresh_token.is_none() => {
                self.trade(&issuer, &client, token).await
            }
            // It can be renewed already, or nobody can do that.
            _ => Ok(()),
        }
    }

    async fn bearer(&self, id: TokenId) -> Result<Bearer, TokenTrouble> {
        let mut token = self.kept(id).await?;
        if !lasts(&token, self.clock.now()) && token.refresh_token.is_some() {
            let turn = self.turn(id);
            let _turn = turn.lock().await;
            // Somebody else may have renewed it while we waited.
            token = self.kept(id).await?;
            let refresh = token.refresh_token.clone();
            if !lasts(&token, self.clock.now())
                && let Some(refresh) = refresh
                && let Some((issuer, client)) = self.client(&token)
            {
                let renewed = self.renew(&issuer, &client, token.clone(), &refresh).await;
                token = renewed.or_else(|trouble| self.make_do(token, trouble))?;
            }
        }
        if token.expires <= self.clock.now() {
            return Err(TokenTrouble::Never(format!("the token {id} has expired")));
        }
        Ok(Bearer {
            token: token.access_token,
            until: token.expires,
        })
    }
}
