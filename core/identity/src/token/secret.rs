//! Tokens, codes and passwords that this service makes itself, and how they are compared.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_model::oauth::TokenHash;
use causeway_sdk::Secret;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Bytes of the largest multiple of the alphabet: those beyond it would make some letters likelier.
const FAIR: u8 = 248;

/// Random letters and digits.
///
/// # Errors
/// The system gives no random bytes.
pub fn random_text(length: usize) -> Result<Secret, NoRandomness> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        fill(&mut bytes)?;
        let fair = bytes.iter().filter(|it| **it < FAIR);
        let letters = fair.map(|it| char::from(ALPHABET[usize::from(*it) % ALPHABET.len()]));
        text.extend(letters.take(length - text.len()));
    }
    Ok(Secret::new(text))
}

/// So many random bytes in URL-safe base64 without padding.
///
/// # Errors
/// The system gives no random bytes.
pub fn random_base64(bytes: usize) -> Result<Secret, NoRandomness> {
    let mut random = vec![0; bytes];
    fill(&mut random)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random)))
}

/// The system gives no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)
}

/// Under what a token of this service is kept. They are long and random, so one round will do.
pub fn hash(token: &str) -> TokenHash {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    TokenHash(bytes)
}

/// Whether two secrets are the same; the time it takes does not tell where they differ.
pub fn is_same(given: &str, kept: &str) -> bool {
    verify_slices_are_equal(&hash(given).0, &hash(kept).0).is_ok()
}

/// Whether a text is what a challenge was made of (RFC 7636, method `S256`).
pub fn meets_challenge(verifier: &str, challenge: &str) -> bool {
    let made = URL_SAFE_NO_PAD.encode(hash(verifier).0);
    is_same(&made, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_have_their_length_and_differ() {
        let one = random_text(40).unwrap();
        let other = random_text(40).unwrap();
        assert_eq!(one.expose().len(), 40);
        assert!(one.expose().bytes().all(|it| it.is_ascii_alphanumeric()));
        assert_ne!(one, other);
        assert_eq!(random_base64(16).unwrap().expose().len(), 22);
        assert_eq!(random_base64(32).unwrap().expose().len(), 43);
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(is_same("a", "a") && is_same("", ""));
        assert!(!is_same("a", "b") && !is_same("a", "aa") && !is_same("", "a"));
    }

    #[test]
    fn the_challenge_of_the_standard() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(meets_challenge(verifier, challenge));
        assert!(!meets_challenge("other", challenge));
        assert!(!meets_challenge(challenge, challenge));
    }
}
