//! Tokens that are good, and all kinds that are not.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_identity::token::TokenError;
use serde_json::{Value, json};

use crate::issuer::{
    ISSUER, Key, NOW, Site, claims, claims_with, now, put_together, signed, verifier,
};

#[tokio::test]
async fn honest_tokens_of_every_kind() {
    let keys = [
        ("RS256", Key::rsa()),
        ("ES256", Key::ec()),
        ("EdDSA", Key::ed()),
    ];
    let site = Site::with(keys.iter().map(|(name, key)| key.jwk(name)).collect());
    let verifier = verifier(&site);
    for (name, key) in &keys {
        let token = signed(key, name, name, &claims());
        let good = verifier.verify(&token, now()).await.unwrap();
        assert_eq!(good.claims().subject.as_deref(), Some("sub-1"), "{name}");
        assert_eq!(good.claims().groups, ["/dteam", "/dteam/cern"]);
    }
    // One that does not name its key, and one with the other padding of the same key.
    let header = json!({"alg": "RS256"});
    let nameless = put_together(&header, &claims(), |message| {
        keys[0].1.sign("RS256", message)
    });
    assert!(verifier.verify(&nameless, now()).await.is_ok());
    let pss = signed(&keys[0].1, "PS256", "RS256", &claims());
    assert!(verifier.verify(&pss, now()).await.is_ok());
    assert_eq!(site.asked(), 1);
}

async fn error(verifier: &causeway_identity::token::TokenVerifier, token: &str) -> TokenError {
    let error = verifier
        .verify(token, now())
        .await
        .expect_err("it is no good");
    let shown = format!("{error} {error:?}");
    for part in token.split('.').filter(|it| it.len() > 8) {
        assert!(!shown.contains(part), "{shown}");
    }
    error
}

#[tokio::test]
async fn tokens_without_an_honest_signature() {
    let key = Key::rsa();
    let site = Site::with(vec![key.jwk("a"), Key::ec().jwk("b")]);
    let verifier = verifier(&site);

    for name in ["none", "None", "NONE", ""] {
        let header = json!({"alg": name, "kid": "a"});
        let token = put_together(&header, &claims(), |_| Vec::new());
        assert_eq!(
            error(&verifier, &token).await,
            TokenError::Algorithm,
            "{name}"
        );
    }
    // The public key as a shared secret, in every form somebody may have taken it for one.
    let jwk = key.jwk("a");
    let modulus = jwk["n"].as_str().unwrap().as_bytes().to_vec();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&modulus)
    );
    for secret in [modulus, pem.into_bytes(), jwk.to_string().into_bytes()] {
        let header = json!({"alg": "HS256", "kid": "a"});
        let token = put_together(&header, &claims(), |message| {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            hmac::sign(&secret, message).as_ref().to_vec()
        });
        assert_eq!(error(&verifier, &token).await, TokenError::Algorithm);
    }
    // A key of the same name that somebody else made, and one that nobody published.
    let forged = signed(&Key::rsa(), "RS256", "a", &claims());
    assert_eq!(error(&verifier, &forged).await, TokenError::Signature);
    let unknown = signed(&Key::rsa(), "RS256", "c", &claims());
    assert_eq!(error(&verifier, &unknown).await, TokenError::UnknownKey);
    // The right name for the wrong kind of key.
    let mixed = signed(&Key::ec(), "ES256", "a", &claims());
    assert_eq!(error(&verifier, &mixed).await, TokenError::UnknownKey);
    // No signature, a changed one, and changed claims under an honest one.
    let honest = signed(&key, "RS256", "a", &claims());
    let (message, signature) = honest.rsplit_once('.').unwrap();
    assert_eq!(
        error(&verifier, &format!("{message}.")).await,
        TokenError::Signature
    );
    let turned: String = signature.chars().rev().collect();
    assert_eq!(
        error(&verifier, &format!("{message}.{turned}")).await,
        TokenError::Signature
    );
    let other = signed(&key, "RS256", "a", &claims_with("sub", json!("root")));
    let payload = other.split('.').nth(1).unwrap();
    let header = message.split('.').next().unwrap();
    let swapped = format!("{header}.{payload}.{signature}");
    assert_eq!(error(&verifier, &swapped).await, TokenError::Signature);
    // A key that comes along with the token is nobody's.
    let own = Key::rsa();
    let header =
        json!({"alg": "RS256", "kid": "a", "jwk": own.jwk("a"), "jku": "https://evil.example/"});
    let token = put_together(&header, &claims(), |message| own.sign("RS256", message));
    assert_eq!(error(&verifier, &token).await, TokenError::Signature);
}

#[tokio::test]
async fn tokens_with_claims_that_do_not_fit() {
    let key = Key::ec();
    let site = Site::with(vec![key.jwk("a")]);
    let verifier = verifier(&site);
    let rows: Vec<(&str, Value, TokenError)> = vec![
        ("exp", json!(NOW - 61), TokenError::Expired),
        ("exp", json!(0), TokenError::Expired),
        ("exp", json!(-1), TokenError::Expired),
        ("exp", Value::Null, TokenError::Claim("exp")),
        ("exp", json!("tomorrow"), TokenError::Claim("exp")),
        ("nbf", json!(NOW + 61), TokenError::TooEarly),
        ("iat", json!(NOW + 61), TokenError::TooEarly),
        ("aud", json!("https://other.example"), TokenError::Audience),
        (
            "aud",
            json!(["https://other.example", ""]),
            TokenError::Audience,
        ),
        (
            "aud",
            json!("https://fts.example:8446/"),
            TokenError::Audience,
        ),
        ("aud", json!([]), TokenError::Audience),
        ("aud", Value::Null, TokenError::Audience),
        (
            "iss",
            json!("https://evil.example/"),
            TokenError::UnknownIssuer,
        ),
        (
            "iss",
            json!("https://issuer.example/x"),
            TokenError::UnknownIssuer,
        ),
        (
            "iss",
            json!("https://ISSUER.example/"),
            TokenError::UnknownIssuer,
        ),
        ("iss", Value::Null, TokenError::Claim("iss")),
        ("sub", Value::Null, TokenError::Claim("sub")),
        ("sub", json!("/DC=ch/CN=Somebody"), TokenError::Claim("sub")),
        (
            "wlcg.groups",
            json!(["no slash"]),
            TokenError::Claim("wlcg.groups"),
        ),
    ];
    for (name, value, expected) in rows {
        let token = signed(&key, "ES256", "a", &claims_with(name, value.clone()));
        assert_eq!(error(&verifier, &token).await, expected, "{name} {value}");
    }
    for (name, value) in [
        ("exp", json!(NOW - 59)),
        ("nbf", json!(NOW + 59)),
        ("aud", json!(["x", "any"])),
        ("iss", json!(ISSUER.trim_end_matches('/'))),
        ("wlcg.groups", Value::Null),
    ] {
        let token = signed(&key, "ES256", "a", &claims_with(name, value.clone()));
        assert!(
            verifier.verify(&token, now()).await.is_ok(),
            "{name} {value}"
        );
    }
}

#[tokio::test]
async fn texts_that_are_no_tokens() {
    let key = Key::ec();
    let site = Site::with(vec![key.jwk("a")]);
    let verifier = verifier(&site);
    let honest = signed(&key, "ES256", "a", &claims());
    let long = signed(
        &key,
        "ES256",
        "a",
        &claims_with("x", json!("y".repeat(20_000))),
    );
    assert_eq!(error(&verifier, &long).await, TokenError::TooLong);
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "eyJ.eyJ.sig",
        "e30.e30.e30",
        "{}.{}.{}",
    ] {
        assert_eq!(
            error(&verifier, text).await,
            TokenError::Malformed,
            "{text}"
        );
    }
    let spoiled = honest.replacen('.', "=.", 1);
    assert_eq!(error(&verifier, &spoiled).await, TokenError::Malformed);
    let five_parts = format!("{honest}.a.b");
    assert_eq!(error(&verifier, &five_parts).await, TokenError::Malformed);
    // None of them made anybody ask the issuer.
    assert_eq!(site.asked(), 0);
}

#[tokio::test]
async fn arbitrary_bytes_never_panic() {
    let key = Key::ec();
    let site = Site::with(vec![key.jwk("a")]);
    let verifier = verifier(&site);
    let honest = signed(&key, "ES256", "a", &claims());
    for cut in 0..honest.len() {
        assert!(
            verifier.verify(&honest[..cut], now()).await.is_err(),
            "{cut}"
        );
        let mut bytes = honest.clone().into_bytes();
        bytes[cut] = if bytes[cut] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        // The last letter of a part has bits that say nothing.
        if let Ok(good) = verifier.verify(&changed, now()).await {
            assert_eq!(good.claims().subject.as_deref(), Some("sub-1"));
        }
    }
}
