//! Peeling proxies off a chain: from the presented leaf down to the end-entity certificate.
//!
//! Path libraries refuse proxies, because a proxy's issuer is a person's certificate and no CA. So
//! the proxies are checked here, each against its issuer, and what remains (the person's
//! certificate and the CAs above it) goes to the library: see `verify`. See ADR 0006 for the why.
//!
//! # Invariants
//! - Every peeled proxy was signed by the key of the certificate that follows it, carries that
//!   certificate's name plus one common name, and is valid at the time asked.
//! - The loop takes each presented certificate at most once, so it ends.

pub(crate) mod kind;

pub use kind::ProxyStyle;
pub(crate) use kind::{ProxyKind, recognise};

use crate::der::{self, Reader};
use crate::dn;
use crate::pki::Certificate;
use crate::signature;

/// How far a client's clock may run ahead before its new proxy is "not yet valid".
pub const CLOCK_TOLERANCE: u64 = 5 * 60;

/// Shortest RSA key accepted for a proxy; old clients still make these.
const MIN_PROXY_RSA_BITS: usize = 1024;

/// Why a proxy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// RFC 3820 wants the extension critical.
    #[error("verify proxy: its policy extension is not critical")]
    PolicyNotCritical,
    /// The extension's content is not ProxyCertInfo.
    #[error("verify proxy: its policy extension is malformed")]
    PolicyMalformed,
    /// An independent proxy has no rights.
    #[error("verify proxy: an independent proxy carries no rights")]
    Independent,
    /// A policy nobody here can apply.
    #[error("verify proxy: policy language {0} is not supported")]
    UnknownLanguage(String),
    /// The certificate that issued the proxy was not presented.
    #[error("verify proxy: the issuer's certificate is missing from the chain")]
    IssuerMissing,
    /// The signature is not the issuer's.
    #[error("verify proxy: signature does not match the issuer's key")]
    BadSignature,
    /// Only people and proxies issue proxies.
    #[error("verify proxy: issued by a certificate authority")]
    IssuedByAuthority,
    /// A proxy that claims to be a CA.
    #[error("verify proxy: it claims to be a certificate authority")]
    IsAuthority,
    /// Subject is not issuer plus one common name.
    #[error("verify proxy: subject is not the issuer's subject with one common name added")]
    SubjectMismatch,
    /// Validity has not begun, beyond the tolerance.
    #[error("verify proxy: not yet valid")]
    NotYetValid,
    /// Validity is over.
    #[error("verify proxy: expired")]
    Expired,
    /// The issuer's key usage excludes signing.
    #[error("verify proxy: the issuer's key usage lacks digitalSignature")]
    IssuerMayNotSign,
    /// Other names are forbidden in proxies.
    #[error("verify proxy: it carries an alternative name")]
    AlternativeName,
    /// A critical extension nobody here understands.
    #[error("verify proxy: critical extension {0} is not supported")]
    CriticalExtension(String),
    /// More proxies follow than one of them allows.
    #[error("verify proxy: path length exceeded")]
    PathLength,
    /// Different generations of proxies in one chain.
    #[error("verify proxy: chain mixes proxy generations")]
    Mixed,
    /// The RSA key is too short.
    #[error("verify proxy: rsa key of {0} bits is too short")]
    WeakKey(usize),
}

/// The outcome of peeling: indexes into the presented chain.
#[derive(Debug)]
pub(crate) struct Peeled {
    /// Proxies from the leaf inwards.
    pub(crate) proxies: Vec<usize>,
    /// The end-entity certificate.
    pub(crate) eec: usize,
    /// What else was presented: CA certificates, or nothing of use.
    pub(crate) others: Vec<usize>,
    /// For each proxy, whether it is a limited one.
    pub(crate) limited: Vec<bool>,
    pub(crate) style: Option<ProxyStyle>,
}

/// Walks from the leaf (`chain[0]`) to the end-entity certificate and checks every proxy passed.
pub(crate) fn peel(chain: &[Certificate<'_>], now: u64) -> Result<Peeled, ProxyError> {
    let mut remaining: Vec<usize> = (1..chain.len()).collect();
    let mut peeled = Peeled {
        proxies: Vec::new(),
        eec: 0,
        others: Vec::new(),
        limited: Vec::new(),
        style: None,
    };
    while let Some(kind) = recognise(&chain[peeled.eec])? {
        let proxy = &chain[peeled.eec];
        let issuer = find_issuer(chain, &remaining, proxy);
        // A legacy proxy shows by its name only; a CA may call a person "proxy", too.
        if kind.style == ProxyStyle::Legacy && issuer.is_none_or(|found| chain[found].is_ca()) {
            break;
        }
        let issuer = issuer.ok_or(ProxyError::IssuerMissing)?;
        check_proxy(proxy, &chain[issuer], now)?;
        check_position(&peeled, kind)?;
        peeled.proxies.push(peeled.eec);
        peeled.limited.push(kind.is_limited);
        peeled.style = Some(kind.style);
        peeled.eec = issuer;
        remaining.retain(|index| *index != issuer);
    }
    peeled.others = remaining;
    Ok(peeled)
}

/// The certificate that issued `proxy`: by name, and among several by the signature.
fn find_issuer(
    chain: &[Certificate<'_>],
    remaining: &[usize],
    proxy: &Certificate<'_>,
) -> Option<usize> {
    let named: Vec<usize> = remaining
        .iter()
        .copied()
        .filter(|index| chain[*index].subject() == proxy.issuer())
        .collect();
    match named.as_slice() {
        [] => None,
        [only] => Some(*only),
        several => several
            .iter()
            .copied()
            .find(|index| signature::is_signed_by(proxy, &chain[*index]))
            .or(Some(several[0])),
    }
}

fn check_proxy(
    proxy: &Certificate<'_>,
    issuer: &Certificate<'_>,
    now: u64,
) -> Result<(), ProxyError> {
    if issuer.is_ca() {
        return Err(ProxyError::IssuedByAuthority);
    }
    if !is_subject_of_issuer(proxy) {
        return Err(ProxyError::SubjectMismatch);
    }
    check_extensions(proxy)?;
    if let Some(bits) = proxy.rsa_bits().filter(|bits| *bits < MIN_PROXY_RSA_BITS) {
        return Err(ProxyError::WeakKey(bits));
    }
    if now.saturating_add(CLOCK_TOLERANCE) < proxy.not_before() {
        return Err(ProxyError::NotYetValid);
    }
    if now > proxy.not_after() {
        return Err(ProxyError::Expired);
    }
    if !may_sign(issuer) {
        return Err(ProxyError::IssuerMayNotSign);
    }
    if !signature::is_signed_by(proxy, issuer) {
        return Err(ProxyError::BadSignature);
    }
    Ok(())
}

/// What a proxy's place in the chain must satisfy: one generation, and the path lengths. RFC 3820
/// counts a length as the number of proxies below, so the leaf has none below it.
fn check_position(peeled: &Peeled, kind: ProxyKind) -> Result<(), ProxyError> {
    if peeled.style.is_some_and(|style| style != kind.style) {
        return Err(ProxyError::Mixed);
    }
    let below = peeled.proxies.len();
    match kind.path_length {
        Some(allowed) if below as u64 > u64::from(allowed) => Err(ProxyError::PathLength),
        _ => Ok(()),
    }
}

/// True when the subject is the issuer's name and exactly one relative name with one `CN` behind.
pub(crate) fn is_subject_of_issuer(proxy: &Certificate<'_>) -> bool {
    added_rdn(proxy).is_some_and(is_single_common_name)
}

/// The one relative name the subject has beyond the issuer's name, if that is how they differ.
pub(crate) fn added_rdn<'a>(proxy: &Certificate<'a>) -> Option<&'a [u8]> {
    let subject = der::only(proxy.subject(), der::SEQUENCE)?.content;
    let issuer = der::only(proxy.issuer(), der::SEQUENCE)?.content;
    let mut added = Reader::new(subject.strip_prefix(issuer)?);
    let rdn = added.expect(der::SET)?;
    added.is_empty().then_some(rdn.raw)
}

pub(crate) fn is_single_common_name(rdn: &[u8]) -> bool {
    let name = der::element(der::SEQUENCE, rdn);
    let Ok(rdns) = dn::rdns(&name) else {
        return false; // not a relative name at all
    };
    matches!(rdns.as_slice(), [one] if matches!(one.as_slice(), [only] if only.oid == dn::attributes::COMMON_NAME))
}

fn check_extensions(proxy: &Certificate<'_>) -> Result<(), ProxyError> {
    const UNDERSTOOD: [&str; 6] = [
        "2.5.29.15",
        "2.5.29.19",
        "2.5.29.37",
        "2.5.29.35",
        kind::RFC_3820,
        kind::DRAFT,
    ];
    if proxy.is_ca() {
        return Err(ProxyError::IsAuthority);
    }
    for extension in proxy.x509.extensions() {
        let oid = extension.oid.to_id_string();
        match oid.as_str() {
            "2.5.29.17" | "2.5.29.18" => return Err(ProxyError::AlternativeName),
            known if UNDERSTOOD.contains(&known) => {}
            _ if extension.critical => return Err(ProxyError::CriticalExtension(oid)),
            _ => {}
        }
    }
    Ok(())
}

/// Absent key usage means no restriction; present but unreadable means no.
pub(crate) fn may_sign(issuer: &Certificate<'_>) -> bool {
    match issuer.x509.key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.digital_signature(),
        Err(_) => false,
    }
}
