//! The outer shape of a signed token: its parts, and what its header says. Nothing is believed here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::TokenError;
use super::keys::ALGORITHMS;

/// Longest token, in bytes. Those of the field have one or two thousand.
const MAX_TOKEN: usize = 16 << 10;
/// Longest name of a key.
const MAX_KEY_ID: usize = 256;

/// What the header says about the signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// Header and payload of a token.
pub(super) fn parts(token: &str) -> Result<(Vec<u8>, Vec<u8>), TokenError> {
    if token.len() > MAX_TOKEN {
        return Err(TokenError::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Malformed);
    };
    let decode = |part| {
        let bytes = URL_SAFE_NO_PAD.decode(part);
        bytes.map_err(|_| TokenError::Malformed)
    };
    Ok((decode(header)?, decode(payload)?))
}

/// Reads a header. Whatever is not on the list of algorithms ends here: no signature at all, and
/// shared secrets, with which a public key could be mistaken for one.
pub(super) fn header(bytes: &[u8]) -> Result<Header, TokenError> {
    let raw: RawHeader = serde_json::from_slice(bytes).map_err(|_| TokenError::Malformed)?;
    if raw.crit.is_some() {
        return Err(TokenError::Critical);
    }
    if raw.kid.as_ref().is_some_and(|it| it.len() > MAX_KEY_ID) {
        return Err(TokenError::Malformed);
    }
    let known: Option<Algorithm> = raw.alg.parse().ok();
    let algorithm = known.filter(|it| ALGORITHMS.contains(it));
    Ok(Header {
        algorithm: algorithm.ok_or(TokenError::Algorithm)?,
        key_id: raw.kid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_key_signatures() {
        let alg = |name: &str| header(format!(r#"{{"alg":"{name}"}}"#).as_bytes());
        for name in ["RS256", "PS384", "ES256", "ES384", "EdDSA"] {
            assert!(alg(name).is_ok(), "{name}");
        }
        for name in [
            "none", "None", "", "HS256", "HS384", "HS512", "ES999", "rs256",
        ] {
            assert_eq!(alg(name), Err(TokenError::Algorithm), "{name}");
        }
        let critical = header(br#"{"alg":"RS256","crit":["b64"]}"#);
        assert_eq!(critical, Err(TokenError::Critical));
        let twice = header(br#"{"alg":"RS256","alg":"none"}"#);
        assert_eq!(twice, Err(TokenError::Malformed));
    }

    #[test]
    fn three_parts_of_base64() {
        assert!(parts("e30.e30.").is_ok());
        for bad in [
            "",
            "e30",
            "e30.e30",
            "e30.e30.x.y",
            "e3=.e30.x",
            "!.e30.x",
            "e30.é.x",
        ] {
            assert_eq!(parts(bad), Err(TokenError::Malformed), "{bad}");
        }
        assert_eq!(parts(&"a".repeat(MAX_TOKEN + 1)), Err(TokenError::TooLong));
    }
}
