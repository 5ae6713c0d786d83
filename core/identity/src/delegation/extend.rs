//! Adding VO attributes to a credential that was left with us.
//!
//! What VOMS servers sent comes in as bytes: asking them is the server's work.

use causeway_sdk::Secret;
use rustls_pki_types::UnixTime;

use super::{DelegatedCredential, wanted_bits};
use crate::issue::{Credential, Extension, IssueError, IssuingKey, ProxyOptions};
use crate::verify::{ChainError, Verifier};
use crate::voms::{self, VomsError};

/// Why VO attributes could not be added to a credential.
#[derive(Debug, thiserror::Error)]
pub enum ExtendError {
    /// The credential cannot sign, or has expired.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The chain, with the new proxy or already without it, does not verify.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// What the server sent is not for this credential.
    #[error(transparent)]
    Attributes(#[from] VomsError),
    /// What the server sent is for another VO.
    #[error("read vo attributes: {0} was asked for, and the server sent {1}")]
    OtherVo(String, String),
}

/// Puts VO attributes into a credential: a further proxy, signed by the one that was left with us.
/// `answers` are the VO asked for and what its server sent. Makes a key, so it takes a good part of
/// a second of processor time.
pub fn extend(
    credential: &Secret,
    answers: &[(String, Vec<u8>)],
    verifier: &Verifier,
    now: UnixTime,
) -> Result<DelegatedCredential, ExtendError> {
    let text = credential.expose().as_bytes();
    let credential = Credential::from_pem(text, text)?;
    let holder = verifier.verify(credential.chain(), now)?;
    let mut certificates = Vec::new();
    let mut fqans = Vec::new();
    for (vo, answer) in answers {
        let membership = voms::read_answer(answer, &holder)?;
        if membership.vo != *vo {
            return Err(ExtendError::OtherVo(vo.clone(), membership.vo));
        }
        fqans.extend(membership.fqans);
        certificates.push(answer.clone());
    }
    let bits = holder.key_bits().unwrap_or_default();
    let key = IssuingKey::generate_rsa(wanted_bits(Some(bits)))?;
    let lifetime = holder.not_after().saturating_sub(now.as_secs());
    let options = ProxyOptions::lasting(lifetime);
    let mut fields = credential.proxy_fields(key.public_key(), options, now.as_secs())?;
    fields
        .extensions
        .push(Extension::vo_attributes(&certificates));
    let extended = credential.proxy_from(&fields, key)?;
    // The old chain may forbid further proxies, or be of a kind that knows no such ones.
    let verified = verifier.verify(extended.chain(), now)?;
    Ok(DelegatedCredential {
        proxy: extended.to_pem(),
        termination: verified.not_after(),
        voms_attrs: fqans.join(" "),
    })
}
