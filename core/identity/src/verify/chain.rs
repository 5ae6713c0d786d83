//! The value that stands for a verified identity.

use rustls_pki_types::CertificateDer;

use crate::pki::chain_to_pem;
use crate::proxy::ProxyStyle;

/// An identity whose chain was verified.
#[derive(Debug, Clone)]
pub struct VerifiedChain {
    pub(crate) user_dn: String,
    pub(crate) dns: Vec<String>,
    pub(crate) eec: CertificateDer<'static>,
    pub(crate) presented: Vec<CertificateDer<'static>>,
    /// Which of the presented ones are its proxies, from the leaf inwards.
    pub(crate) proxies: Vec<usize>,
    pub(crate) not_after: u64,
    pub(crate) is_limited: bool,
    pub(crate) leaf_is_limited: bool,
    pub(crate) issuer_is_limited: bool,
    pub(crate) proxy_style: Option<ProxyStyle>,
    pub(crate) key_bits: Option<usize>,
}

impl VerifiedChain {
    /// DN of the end-entity certificate in slash form.
    pub fn user_dn(&self) -> &str {
        &self.user_dn
    }

    /// That DN first, then each proxy's outward; the presented leaf comes last.
    pub fn dns(&self) -> &[String] {
        &self.dns
    }

    /// The end-entity certificate.
    pub fn eec(&self) -> &CertificateDer<'static> {
        &self.eec
    }

    /// The chain as it was presented, leaf first.
    pub fn presented(&self) -> &[CertificateDer<'static>] {
        &self.presented
    }

    /// The holder's own certificates: the proxies from the leaf inwards, then the end-entity one.
    pub(crate) fn holder_certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        let proxies = self
            .proxies
            .iter()
            .filter_map(|index| self.presented.get(*index));
        proxies.chain([&self.eec])
    }

    /// The presented chain as PEM text.
    pub fn presented_pem(&self) -> String {
        chain_to_pem(&self.presented)
    }

    /// Earliest end of validity on the path, in seconds since 1970: the last second in which the
    /// identity may be believed. A connection may last longer.
    pub fn not_after(&self) -> u64 {
        self.not_after
    }

    /// True when any proxy of the chain is a limited one.
    pub fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// The generation of the proxies, if there are any.
    pub fn proxy_style(&self) -> Option<ProxyStyle> {
        self.proxy_style
    }

    /// Length of the presented leaf's RSA key; nothing for other keys.
    pub fn key_bits(&self) -> Option<usize> {
        self.key_bits
    }
}
