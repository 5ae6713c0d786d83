//! When an issuer is asked for its keys, and what happens when it does not answer.

use std::sync::atomic::Ordering;

use causeway_identity::token::TokenError;
use causeway_model::Timestamp;
use serde_json::json;

use crate::issuer::{ISSUER, Key, NOW, Site, claims, claims_with, signed, verifier};

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(NOW + second)
}

#[tokio::test]
async fn new_keys_are_found_and_old_ones_forgotten() {
    let (old, new) = (Key::ec(), Key::ec());
    let site = Site::with(vec![old.jwk("old")]);
    let verifier = verifier(&site);
    let by_old = signed(&old, "ES256", "old", &claims());
    let by_new = signed(&new, "ES256", "new", &claims());
    assert!(verifier.verify(&by_old, at(0)).await.is_ok());
    assert_eq!(
        verifier.verify(&by_new, at(1)).await,
        Err(TokenError::UnknownKey)
    );
    site.publish(vec![new.jwk("new")]);
    // It was asked a moment ago, and is not asked again so soon.
    assert_eq!(
        verifier.verify(&by_new, at(9)).await,
        Err(TokenError::UnknownKey)
    );
    assert_eq!(site.asked(), 1);
    assert!(verifier.verify(&by_new, at(11)).await.is_ok());
    assert_eq!(
        verifier.verify(&by_old, at(12)).await,
        Err(TokenError::UnknownKey)
    );
    assert_eq!(site.asked(), 2);
}

#[tokio::test]
async fn a_flood_of_strange_keys_does_not_reach_the_issuer() {
    let key = Key::ec();
    let site = Site::with(vec![key.jwk("a")]);
    let verifier = verifier(&site);
    for number in 0..200 {
        let token = signed(&key, "ES256", &format!("k{number}"), &claims());
        assert_eq!(
            verifier.verify(&token, at(number / 10)).await,
            Err(TokenError::UnknownKey)
        );
    }
    // Twenty seconds, ten at least in between.
    assert_eq!(site.asked(), 2);
}

#[tokio::test]
async fn many_at_once_make_one_question() {
    let key = Key::ec();
    let site = Site::with(vec![key.jwk("a")]);
    let verifier = verifier(&site);
    let token = signed(&key, "ES256", "a", &claims());
    let asks = (0..50).map(|_| verifier.verify(&token, at(0)));
    for answer in futures(asks).await {
        assert!(answer.is_ok());
    }
    assert_eq!(site.asked(), 1);
}

/// All of them, side by side.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    use std::task::Poll;
    let mut all: Vec<_> = all.map(|it| (Box::pin(it), None)).collect();
    std::future::poll_fn(move |cx| {
        for (future, done) in &mut all {
            if done.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *done = Some(value);
            }
        }
        match all.iter().all(|(_, done)| done.is_some()) {
            true => Poll::Ready(all.iter_mut().filter_map(|(_, done)| done.take()).collect()),
            false => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn keys_are_kept_for_a_day_and_for_one_more_in_need() {
    let key = Key::ec();
    let site = Site::with(vec![key.jwk("a")]);
    let verifier = verifier(&site);
    let token = signed(
        &key,
        "ES256",
        "a",
        &claims_with("exp", json!(NOW + 400_000)),
    );
    assert!(verifier.verify(&token, at(0)).await.is_ok());
    assert!(verifier.verify(&token, at(86_399)).await.is_ok());
    assert_eq!(site.asked(), 1);
    site.set_down(true);
    assert!(verifier.verify(&token, at(86_401)).await.is_ok());
    assert!(verifier.verify(&token, at(86_402)).await.is_ok());
    assert_eq!(site.asked(), 2);
    let late = verifier.verify(&token, at(2 * 86_400)).await;
    assert_eq!(late, Err(TokenError::KeysUnavailable));
    site.set_down(false);
    assert!(verifier.verify(&token, at(2 * 86_400 + 10)).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_no_reason_to_believe_anything() {
    let key = Key::ec();
    let site = Site::with(vec![key.jwk("a")]);
    let verifier = verifier(&site);
    let token = signed(&key, "ES256", "a", &claims());
    site.is_down.store(true, Ordering::SeqCst);
    for second in [0, 1, 2] {
        let answer = verifier.verify(&token, at(second)).await;
        assert_eq!(answer, Err(TokenError::KeysUnavailable));
    }
    assert_eq!(site.asked(), 1);
    site.set_down(false);
    assert!(verifier.verify(&token, at(10)).await.is_ok());
}

#[tokio::test]
async fn what_an_issuer_says_about_itself_must_fit() {
    let key = Key::ec();
    let token = signed(&key, "ES256", "a", &claims());
    for (issuer, keys) in [
        ("https://evil.example/", "https://issuer.example/jwk"),
        (ISSUER, "http://issuer.example/jwk"),
        (ISSUER, "http://127.0.0.1/jwk"),
        (ISSUER, "file:///etc/passwd"),
        (ISSUER, ""),
    ] {
        let site = Site::with(vec![key.jwk("a")]);
        let said = json!({"issuer": issuer, "jwks_uri": keys});
        *site.discovery.lock().unwrap() = Some(said);
        let answer = verifier(&site).verify(&token, at(0)).await;
        assert_eq!(answer, Err(TokenError::KeysUnavailable), "{issuer} {keys}");
    }
    for keys in [
        json!([]),
        json!([{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]),
    ] {
        let site = Site::with(keys.as_array().unwrap().clone());
        let answer = verifier(&site).verify(&token, at(0)).await;
        assert_eq!(answer, Err(TokenError::KeysUnavailable), "{keys}");
    }
}
