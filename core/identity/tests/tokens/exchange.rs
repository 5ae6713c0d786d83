//! Tokens of transfers: traded in for some that can be renewed, and renewed when little is left.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_identity::token::{Exchange, Provider, Rules, TokenVerifier};
use causeway_model::Timestamp;
use causeway_model::oauth::{TokenId, TokenSource, TokenTrouble, TransferToken, TransferTokens};
use causeway_model::ports::{Clock, StoreError};
use causeway_sdk::Secret;
use serde_json::{Value, json};

use crate::issuer::{ISSUER, Key, NOW, Site, claims_with, provider, signed};

const ID: TokenId = TokenId(7);

#[derive(Default)]
struct Kept(Mutex<HashMap<TokenId, TransferToken>>);

#[async_trait]
impl TransferTokens for Kept {
    async fn add_tokens(&self, tokens: Vec<TransferToken>) -> Result<(), StoreError> {
        let mut kept = self.0.lock().unwrap();
        kept.extend(tokens.into_iter().map(|it| (it.id, it)));
        Ok(())
    }

    async fn transfer_token(&self, id: TokenId) -> Result<Option<TransferToken>, StoreError> {
        Ok(self.0.lock().unwrap().get(&id).cloned())
    }

    async fn renew_token(&self, token: TransferToken, until: Timestamp) -> Result<(), StoreError> {
        assert!(until.seconds() >= NOW + 86_400);
        self.0.lock().unwrap().insert(token.id, token);
        Ok(())
    }
}

struct Time(AtomicI64);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

struct World {
    site: Arc<Site>,
    kept: Arc<Kept>,
    time: Arc<Time>,
    exchange: Exchange,
}

/// A world with one token that lasts so many seconds.
async fn world(provider: Provider, life: i64, refresh: Option<&str>) -> World {
    let site = Site::with(vec![Key::ec().jwk("a")]);
    let kept = Arc::new(Kept::default());
    let time = Arc::new(Time(AtomicI64::new(NOW)));
    let rules = Rules {
        audiences: vec![],
        leeway_seconds: 0,
        keys_kept_seconds: 100,
        plain_on_loopback: false,
    };
    let verifier = TokenVerifier::new(vec![provider], rules, site.clone()).unwrap();
    let token = TransferToken {
        id: ID,
        access_token: Secret::new("first"),
        expires: Timestamp::from_seconds(NOW + life),
        refresh_token: refresh.map(Secret::new),
        issuer: ISSUER.to_owned(),
        scope: "storage.read:/".to_owned(),
        audience: vec!["https://se.example".to_owned()],
    };
    kept.add_tokens(vec![token]).await.unwrap();
    World {
        exchange: Exchange::new(kept.clone(), Arc::new(verifier), time.clone()),
        site,
        kept,
        time,
    }
}

impl World {
    fn answers(&self, status: u16, body: Value) {
        *self.site.answer.lock().unwrap() = (status, body);
    }

    /// The forms that were sent, as texts.
    fn sent(&self) -> Vec<String> {
        let forms = self.site.forms.lock().unwrap();
        let text = |form: &Vec<(String, String)>| {
            let pairs: Vec<_> = form.iter().map(|(k, v)| format!("{k}={v}")).collect();
            pairs.join("&")
        };
        forms.iter().map(text).collect()
    }

    async fn token(&self) -> Result<String, TokenTrouble> {
        let bearer = self.exchange.bearer(ID).await?;
        Ok(bearer.token.expose().to_owned())
    }
}

#[tokio::test]
async fn a_token_is_traded_in_once() {
    let it = world(provider(), 1000, None).await;
    it.answers(
        200,
        json!({"access_token": "x", "refresh_token": "r1", "expires_in": 1000}),
    );
    let (one, other) = tokio::join!(it.exchange.prepare(ID), it.exchange.prepare(ID));
    assert_eq!((one, other), (Ok(()), Ok(())));
    assert_eq!(it.exchange.prepare(ID).await, Ok(()));
    let sent = it.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(
        sent[0],
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange\
         &subject_token_type=urn:ietf:params:oauth:token-type:access_token\
         &subject_token=first\
         &requested_token_type=urn:ietf:params:oauth:token-type:refresh_token\
         &scope=storage.read:/ offline_access&audience=https://se.example"
    );
    let kept = it.kept.transfer_token(ID).await.unwrap().unwrap();
    assert_eq!(kept.refresh_token.unwrap().expose(), "r1");
    // What the user sent goes on being used as long as it lasts.
    assert_eq!(it.token().await.as_deref(), Ok("first"));
}

#[tokio::test]
async fn a_token_is_renewed_when_little_is_left() {
    let it = world(provider(), 1000, Some("r1")).await;
    assert_eq!(it.token().await.as_deref(), Ok("first"));
    it.time.0.store(NOW + 701, Ordering::SeqCst);
    let new = signed(
        &Key::ec(),
        "ES256",
        "a",
        &claims_with("exp", json!(NOW + 5000)),
    );
    it.answers(200, json!({"access_token": new, "refresh_token": "r2"}));
    let (one, other) = tokio::join!(it.token(), it.token());
    assert_eq!((one.as_ref(), other.as_ref()), (Ok(&new), Ok(&new)));
    assert_eq!(
        it.sent(),
        [
            "grant_type=refresh_token&refresh_token=r1&scope=storage.read:/&audience=https://se.example"
        ]
    );
    let kept = it.kept.transfer_token(ID).await.unwrap().unwrap();
    assert_eq!(kept.expires, Timestamp::from_seconds(NOW + 5000));
    assert_eq!(kept.refresh_token.unwrap().expose(), "r2");
}

#[tokio::test]
async fn an_issuer_that_refuses_is_not_asked_for_ever() {
    let it = world(provider(), 1000, None).await;
    it.answers(
        400,
        json!({"error": "invalid_grant", "error_description": "first is no good"}),
    );
    let Err(TokenTrouble::Never(text)) = it.exchange.prepare(ID).await else {
        panic!("it was refused for good");
    };
    assert!(!text.contains("first"), "{text}");
    for status in [0, 429, 500, 503] {
        it.answers(status, json!("first"));
        let answer = it.exchange.prepare(ID).await;
        let Err(TokenTrouble::Later(text)) = answer else {
            panic!("{status}: {answer:?}");
        };
        assert!(
            !text.contains("first") && !text.contains("hunter2"),
            "{text}"
        );
    }
    it.answers(200, json!({"error": "none"}));
    assert!(matches!(
        it.exchange.prepare(ID).await,
        Err(TokenTrouble::Never(_))
    ));
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_to_its_end() {
    let it = world(provider(), 100, Some("r1")).await;
    it.answers(503, json!({}));
    assert_eq!(it.token().await.as_deref(), Ok("first"));
    it.time.0.store(NOW + 100, Ordering::SeqCst);
    assert!(matches!(it.token().await, Err(TokenTrouble::Later(_))));
    it.answers(400, json!({"error": "invalid_grant"}));
    assert!(matches!(it.token().await, Err(TokenTrouble::Never(_))));
}

#[tokio::test]
async fn without_a_client_a_token_is_used_as_long_as_it_lasts() {
    let alone = Provider {
        client: None,
        ..provider()
    };
    let it = world(alone, 1000, None).await;
    assert_eq!(it.exchange.prepare(ID).await, Ok(()));
    it.time.0.store(NOW + 999, Ordering::SeqCst);
    assert_eq!(it.token().await.as_deref(), Ok("first"));
    it.time.0.store(NOW + 1000, Ordering::SeqCst);
    assert!(matches!(it.token().await, Err(TokenTrouble::Never(_))));
    assert!(it.sent().is_empty());
    let strange = it.exchange.bearer(TokenId(8)).await;
    assert!(matches!(strange, Err(TokenTrouble::Never(_))));
}
