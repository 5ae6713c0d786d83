//! The keys that an issuer publishes, as far as this service can and will use them.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Algorithms whose signatures are believed.
pub(super) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Those of them for RSA keys.
const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// Keys of one issuer that are looked at.
const MAX_KEYS: usize = 64;

struct PublicKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Keys of one issuer.
pub(super) struct KeySet(Vec<PublicKey>);

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a key set. Keys of kinds that are not known, or not for signatures, are left out.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let raw: RawSet = serde_json::from_slice(bytes).map_err(|_| "it is no key set")?;
        let keys: Vec<_> = raw.keys.into_iter().filter_map(public_key).collect();
        match keys.len() {
            0 => Err("there is no key in it that can be used".to_owned()),
            1..=MAX_KEYS => Ok(Self(keys)),
            _ => Err(format!("there are more than {MAX_KEYS} keys in it")),
        }
    }

    /// Keys with which a signature may have been made. A token that names its key has that one; of
    /// those who do not name it, every key of the kind is tried.
    pub(super) fn candidates(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        let fits = move |it: &&PublicKey| {
            let is_named = match (id, it.id.as_deref()) {
                (Some(wanted), Some(id)) => wanted == id,
                _ => true,
            };
            is_named && it.algorithms.contains(&algorithm)
        };
        self.0.iter().filter(fits).map(|it| &it.key)
    }
}

fn public_key(value: Value) -> Option<PublicKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let common = &jwk.common;
    let is_for_signatures = match &common.public_key_use {
        Some(PublicKeyUse::Signature) | None => true,
        Some(_) => false,
    };
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => RSA.to_vec(),
        AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P256 => {
            vec![Algorithm::ES256]
        }
        AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P384 => {
            vec![Algorithm::ES384]
        }
        AlgorithmParameters::OctetKeyPair(_) => vec![Algorithm::EdDSA],
        // A shared secret is no public key.
        _ => return None,
    };
    if let Some(only) = common.key_algorithm {
        algorithms.retain(|it| is_same(*it, only));
    }
    if algorithms.is_empty() || !is_for_signatures {
        return None;
    }
    Some(PublicKey {
        id: common.key_id.clone(),
        algorithms,
        key: DecodingKey::from_jwk(&jwk).ok()?,
    })
}

fn is_same(algorithm: Algorithm, name: KeyAlgorithm) -> bool {
    let named: Option<Algorithm> = name.to_string().parse().ok();
    named == Some(algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public key of RFC 7515, A.2, and that of A.3.
    const RSA_KEY: &str = r#""kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ""#;
    const EC_KEY: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

    fn set(keys: &[String]) -> Result<KeySet, String> {
        KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
    }

    fn count(set: &KeySet, id: Option<&str>, algorithm: Algorithm) -> usize {
        set.candidates(id, algorithm).count()
    }

    #[test]
    fn keys_by_name_and_kind() {
        let keys = set(&[
            format!(r#"{{{RSA_KEY},"kid":"a","use":"sig"}}"#),
            format!(r#"{{{RSA_KEY},"kid":"b","alg":"RS256"}}"#),
            format!(r#"{{{EC_KEY}}}"#),
            format!(r#"{{{RSA_KEY},"kid":"c","use":"enc"}}"#),
            r#"{"kty":"oct","k":"c2VjcmV0","kid":"d"}"#.to_owned(),
            r#"{"kty":"new","kid":"e"}"#.to_owned(),
        ])
        .unwrap();
        assert_eq!(count(&keys, None, Algorithm::RS256), 2);
        assert_eq!(count(&keys, Some("a"), Algorithm::PS512), 1);
        assert_eq!(count(&keys, Some("b"), Algorithm::RS384), 0);
        assert_eq!(
            count(&keys, Some("a"), Algorithm::ES256),
            1,
            "the one without a name"
        );
        for id in ["c", "d", "e"] {
            assert_eq!(count(&keys, Some(id), Algorithm::RS256), 0, "{id}");
            assert_eq!(count(&keys, Some(id), Algorithm::HS256), 0, "{id}");
        }
    }

    #[test]
    fn sets_that_are_none() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[]}"#,
            r#"{"keys":[1]}"#,
        ] {
            assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
        }
        let many = vec![format!("{{{EC_KEY}}}"); MAX_KEYS + 1];
        assert!(set(&many).is_err());
    }
}
