//! An issuer that the tests own: it signs what it is told to, and answers as it is told to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_identity::token::{Client, Http, HttpTrouble, Provider, Rules, TokenVerifier};
use causeway_model::Timestamp;
use causeway_sdk::Secret;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const ISSUER: &str = "https://issuer.example/";
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

/// A key of one kind or another.
pub(crate) enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(key) => {
                let it: PublicKeyComponents<Vec<u8>> = key.public_key().into();
                json!({"kty": "RSA", "kid": id, "use": "sig", "n": text(&it.n), "e": text(&it.e)})
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = (text(&point[1..33]), text(&point[33..65]));
                json!({"kty": "EC", "crv": "P-256", "kid": id, "x": x, "y": y})
            }
            Self::Ed(key) => {
                let x = text(key.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x})
            }
        }
    }

    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let padding: &dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
                    "PS256" => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                key.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}

/// Header and claims, and whatever signature `sign` makes of them.
pub(crate) fn put_together(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", text(header), text(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

pub(crate) fn signed(key: &Key, algorithm: &str, id: &str, claims: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": algorithm, "kid": id});
    put_together(&header, claims, |message| key.sign(algorithm, message))
}

/// Claims of an honest token.
pub(crate) fn claims() -> Value {
    json!({
        "wlcg.ver": "1.0", "iss": ISSUER, "sub": "sub-1", "aud": "https://fts.example:8446",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 3600, "jti": "1",
        "scope": "openid fts", "wlcg.groups": ["/dteam", "/dteam/cern"],
    })
}

/// The same with one of them changed; null takes it away.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut all = claims();
    match value {
        Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
        value => all[name] = value,
    }
    all
}

/// What stands at the issuer's URLs.
#[derive(Default)]
pub(crate) struct Site {
    pub(crate) keys: Mutex<Vec<Value>>,
    pub(crate) discovery: Mutex<Option<Value>>,
    pub(crate) is_down: AtomicBool,
    pub(crate) asked: AtomicUsize,
    /// Forms that were sent, and what is answered to them.
    pub(crate) forms: Mutex<Vec<Vec<(String, String)>>>,
    pub(crate) answer: Mutex<(u16, Value)>,
}

impl Site {
    pub(crate) fn with(keys: Vec<Value>) -> Arc<Self> {
        Arc::new(Self {
            keys: Mutex::new(keys),
            ..Self::default()
        })
    }

    pub(crate) fn publish(&self, keys: Vec<Value>) {
        *self.keys.lock().unwrap() = keys;
    }

    /// How often the keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }
}

#[async_trait]
impl Http for Site {
    async fn get(&self, url: &str) -> Result<Vec<u8>, HttpTrouble> {
        let answer = match url {
            "https://issuer.example/.well-known/openid-configuration" => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let other = self.discovery.lock().unwrap().clone();
                other.unwrap_or_else(|| {
                    json!({
                        "issuer": ISSUER,
                        "jwks_uri": "https://issuer.example/jwk",
                        "token_endpoint": "https://issuer.example/token",
                    })
                })
            }
            "https://issuer.example/jwk" => json!({"keys": *self.keys.lock().unwrap()}),
            other => panic!("nobody should ask for {other}"),
        };
        // Others have the time to ask, too.
        tokio::task::yield_now().await;
        if self.is_down.load(Ordering::SeqCst) {
            return Err(HttpTrouble("connection refused".into()));
        }
        Ok(answer.to_string().into_bytes())
    }

    async fn post_form(
        &self,
        url: &str,
        form: &[(&str, &str)],
        (id, secret): (&str, &Secret),
    ) -> Result<(u16, Vec<u8>), HttpTrouble> {
        assert_eq!(url, "https://issuer.example/token");
        assert_eq!((id, secret.expose()), ("us", "hunter2"));
        let form = form.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        self.forms.lock().unwrap().push(form.collect());
        // Others have the time to ask, too.
        tokio::task::yield_now().await;
        let (status, body) = self.answer.lock().unwrap().clone();
        match status {
            0 => Err(HttpTrouble("connection refused".into())),
            status => Ok((status, body.to_string().into_bytes())),
        }
    }
}

pub(crate) fn provider() -> Provider {
    Provider {
        issuer: ISSUER.to_owned(),
        client: Some(Client {
            id: "us".to_owned(),
            secret: Secret::new("hunter2"),
        }),
        vo: None,
        require_scope: false,
    }
}

pub(crate) fn verifier(site: &Arc<Site>) -> TokenVerifier {
    let rules = Rules {
        audiences: vec!["https://fts.example:8446".into(), "any".into()],
        leeway_seconds: 60,
        keys_kept_seconds: 86_400,
        plain_on_loopback: false,
    };
    TokenVerifier::new(vec![provider()], rules, site.clone()).unwrap()
}
