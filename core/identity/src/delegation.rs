//! The delegation protocol: a request for a proxy, and judging the proxy that comes back.
//!
//! The API calls it and stores its two values; it keeps nothing itself. The private key never
//! leaves the server: the client gets a certificate request and returns a signed proxy with its
//! own chain, which is verified here as a whole before it is joined with the key.
//!
//! # Invariants
//! - An accepted credential verifies to the caller's own DN, and fits the key we made.

mod extend;

pub use extend::{ExtendError, extend};

use causeway_sdk::Secret;
use rustls_pki_types::UnixTime;
use serde::{Deserialize, Serialize};

use crate::issue::{IssueError, IssuingKey, available_bits, certificate_request};
use crate::pki::{Certificate, chain_to_pem, parse_chain_pem, to_pem};
use crate::verify::{VerifiedChain, Verifier};
use crate::{dn, proxy, signature};

/// Subject of our requests. Clients take the public key and ignore it.
const REQUEST_SUBJECT: &str = "/O=Dummy";

/// A request waiting for its proxy: what is kept between the two steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DelegationRequest {
    /// The certificate request in PEM, as the client gets it.
    pub csr_pem: String,
    /// The key that belongs to it, in PEM.
    pub private_key: Secret,
    /// Length of that key.
    pub key_bits: usize,
    /// VO attributes of the session that asked, joined by one blank.
    pub voms_attrs: String,
}

/// A credential somebody left with us.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DelegatedCredential {
    /// Proxy certificate, its private key, the rest of the chain, in PEM.
    pub proxy: Secret,
    /// Earliest end of validity in the chain, in seconds since 1970.
    pub termination: u64,
    /// VO attributes of the request.
    pub voms_attrs: String,
}

/// Why a proxy is refused. The texts are what clients get with status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DelegationError {
    /// The client never asked for a request, or it is gone.
    #[error("No credential cache found")]
    NoRequest,
    /// Less than two certificates, or no PEM.
    #[error("Could not process the proxy: Malformed proxy")]
    Malformed,
    /// The proxy is for another key.
    #[error(
        "Could not process the proxy: The public key of the proxy does not match the stored associated private key"
    )]
    KeyMismatch,
    /// The proxy is not signed by the certificate behind it.
    #[error(
        "Could not process the proxy: Failed to verify the proxy with the certificate that follows it"
    )]
    BadSignature,
    /// The proxy's name is not its issuer's plus one part.
    #[error("Could not process the proxy: The subject and the issuer of the proxy do not match")]
    SubjectMismatch,
    /// The added part is no common name.
    #[error(
        "Could not process the proxy: Missing trailing Common Name in the subject of the proxy"
    )]
    NoCommonName,
    /// The chain is somebody else's.
    #[error("Could not process the proxy: The proxy belongs to {owner}, not to {caller}")]
    NotTheCaller {
        /// Whose proxy it is.
        owner: String,
        /// Who brought it.
        caller: String,
    },
    /// The chain as a whole does not verify: expired, unknown CA, broken rule.
    #[error("Could not process the proxy: {0}")]
    Chain(String),
    /// A limited proxy may only pass on a limited one.
    #[error("Could not process the proxy: A limited proxy cannot delegate a full proxy")]
    LimitedIssuer,
}

impl DelegationRequest {
    /// Makes a key and its request. `leaf_bits` is the RSA key length of the caller's certificate,
    /// nothing for other keys. Takes a good part of a second of processor time.
    pub fn create(leaf_bits: Option<usize>, fqans: &[String]) -> Result<Self, IssueError> {
        let key_bits = wanted_bits(leaf_bits);
        let key = IssuingKey::generate_rsa(key_bits)?;
        let request = certificate_request(&dn::encode(REQUEST_SUBJECT)?, &key)?;
        Ok(Self {
            csr_pem: to_pem("CERTIFICATE REQUEST", &request),
            private_key: key.to_pem(),
            key_bits,
            voms_attrs: fqans.join(" "),
        })
    }

    /// True when this request serves a caller with such a key, so that it is handed out again.
    pub fn is_reusable_for(&self, leaf_bits: Option<usize>) -> bool {
        self.key_bits == wanted_bits(leaf_bits)
    }
}

/// The caller's own length as far as it can be made, or 2048.
fn wanted_bits(leaf_bits: Option<usize>) -> usize {
    available_bits(leaf_bits.unwrap_or(2048))
}

/// Judges the proxy a client sends for `request` and joins it with the private key.
pub fn accept(
    request: Option<&DelegationRequest>,
    body: &[u8],
    caller_dn: &str,
    verifier: &Verifier,
    now: UnixTime,
) -> Result<DelegatedCredential, DelegationError> {
    let request = request.ok_or(DelegationError::NoRequest)?;
    let chain = parse_chain_pem(body).map_err(|_| DelegationError::Malformed)?;
    let [first, second, ..] = chain.as_slice() else {
        return Err(DelegationError::Malformed);
    };
    let first = Certificate::parse(first).map_err(|_| DelegationError::Malformed)?;
    let second = Certificate::parse(second).map_err(|_| DelegationError::Malformed)?;
    check_proxy(request, &first, &second)?;
    let verified = verifier
        .verify(&chain, now)
        .map_err(|error| DelegationError::Chain(error.to_string()))?;
    check_owner(&verified, caller_dn)?;
    let (leaf, rest) = chain.split_at(1);
    let proxy = format!(
        "{}{}{}",
        chain_to_pem(leaf),
        request.private_key.expose(),
        chain_to_pem(rest)
    );
    Ok(DelegatedCredential {
        proxy: Secret::new(proxy),
        termination: verified.not_after(),
        voms_attrs: request.voms_attrs.clone(),
    })
}

/// The checks whose texts clients know, in the order in which they are known.
fn check_proxy(
    request: &DelegationRequest,
    first: &Certificate<'_>,
    second: &Certificate<'_>,
) -> Result<(), DelegationError> {
    let key = IssuingKey::from_pem(request.private_key.expose().as_bytes());
    // A stored key that cannot be read fits no proxy; the client gets a new one by asking again.
    if !key.is_ok_and(|key| key.public_key() == first.public_key_info()) {
        return Err(DelegationError::KeyMismatch);
    }
    if !signature::is_signed_by(first, second) {
        return Err(DelegationError::BadSignature);
    }
    let added = proxy::added_rdn(first).ok_or(DelegationError::SubjectMismatch)?;
    if !proxy::is_single_common_name(added) {
        return Err(DelegationError::NoCommonName);
    }
    Ok(())
}

fn check_owner(verified: &VerifiedChain, caller_dn: &str) -> Result<(), DelegationError> {
    if verified.user_dn() != caller_dn {
        return Err(DelegationError::NotTheCaller {
            owner: verified.user_dn().to_owned(),
            caller: caller_dn.to_owned(),
        });
    }
    if verified.issuer_is_limited && !verified.leaf_is_limited {
        return Err(DelegationError::LimitedIssuer);
    }
    // Without a proxy at its head the chain is a bare certificate, which nobody may leave here.
    if verified.proxy_style().is_none() {
        return Err(DelegationError::Chain(
            "the first certificate is not a proxy".to_owned(),
        ));
    }
    Ok(())
}
