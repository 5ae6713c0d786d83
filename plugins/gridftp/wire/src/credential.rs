//! Offers [`Credential`]: a certificate chain with its key and the trust to judge peers by. Makes TLS
//! settings for either end of a connection, judging the peer by a [`PeerRule`], and signs
//! delegated proxies. Cheap to clone.
//!
//! Both the control channel and data channels take their TLS settings here, so there is one place
//! that decides who is believed. Proxies are presented unparsed: the TLS library refuses the
//! critical extension that makes them proxies.

mod verifier;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::x509::{Certificate, chain, delegate, dn};
use crate::{Error, ErrorKind, Result, Trust};
use verifier::Judge;

/// Certificates a chain may have; more than anybody needs.
pub const MAX_CHAIN: usize = 32;

/// Who the other end must be. Its chain must be trusted in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerRule {
    /// The host of this name or address. Alternative names win over the common name, which may
    /// also be `host/NAME` or `ftp/NAME`.
    Host(String),
    /// Exactly this subject without its proxies, in slash form.
    Subject(String),
    /// Whoever this credential belongs to: `DCAU A`.
    SameIdentity,
}

/// A certificate chain, its private key, and whom it believes.
#[derive(Clone)]
pub struct Credential(Arc<Inner>);

struct Inner {
    chain: Vec<CertificateDer<'static>>,
    certified: Arc<CertifiedKey>,
    trust: Trust,
    identity: String,
    not_after: u64,
    fingerprint: [u8; 32],
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("identity", &self.0.identity)
            .field("not_after", &self.0.not_after)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// From the text of a proxy file: certificate, key, chain, in any order, the leaf first among
    /// the certificates.
    ///
    /// # Errors
    /// [`ErrorKind::BadCredential`], never quoting the text.
    pub fn from_pem(pem: &[u8], trust: Trust) -> Result<Self> {
        let chain = CertificateDer::pem_slice_iter(pem)
            .take(MAX_CHAIN + 1)
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|_| unusable("its certificates cannot be read"))?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| unusable("it has no private key that can be read"))?;
        Self::new(chain, key, trust)
    }

    /// From a chain, leaf first, and the leaf's key.
    ///
    /// # Errors
    /// [`ErrorKind::BadCredential`]
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        trust: Trust,
    ) -> Result<Self> {
        if chain.is_empty() || chain.len() > MAX_CHAIN {
            return Err(unusable("it has no certificate, or too many"));
        }
        let key = aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|_| unusable("its private key is of an unknown kind"))?;
        let certified = CertifiedKey::new(chain.clone(), key);
        let parsed = chain::parse(&chain).map_err(|why| unusable(&why))?;
        let is_its_own = certified
            .key
            .public_key()
            .is_none_or(|spki| spki.as_ref() == parsed[0].public_key_info());
        if !is_its_own {
            return Err(unusable("its private key is another certificate's"));
        }
        let identity = chain::end_entity(&parsed);
        let identity = dn::render(identity.subject()).unwrap_or_default();
        let not_after = parsed.iter().map(Certificate::not_after).min().unwrap_or(0);
        let fingerprint = x509_fingerprint(&chain);
        Ok(Self(Arc::new(Inner {
            certified: Arc::new(certified),
            trust,
            identity,
            not_after,
            fingerprint,
            chain,
        })))
    }

    /// The chain, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.chain
    }

    /// Subject of the end-entity certificate (no proxies) in slash form.
    pub fn identity(&self) -> &str {
        &self.0.identity
    }

    /// Last second of its validity, since 1970.
    pub fn not_after(&self) -> u64 {
        self.0.not_after
    }

    /// True when its time is over.
    pub fn is_expired(&self) -> bool {
        now() > self.0.not_after
    }

    /// Equal for equal chains; says nothing about the key.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.0.fingerprint
    }

    /// Whom it believes.
    pub fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// TLS settings for the end that connects. Shows this credential; no resumption, no ALPN.
    /// TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// [`ErrorKind::BadCredential`], [`ErrorKind::Tls`]
    pub fn client_config(&self, peer: PeerRule) -> Result<Arc<ClientConfig>> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|source| Error::tls("set up TLS", &source))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(self.judge(peer)))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.0.certified.clone())));
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// TLS settings for the end that was connected to. Shows this credential and wants one of the
    /// peer; no resumption, no tickets. TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// [`ErrorKind::BadCredential`], [`ErrorKind::Tls`]
    pub fn server_config(&self, peer: PeerRule) -> Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|source| Error::tls("set up TLS", &source))?
            .with_client_cert_verifier(Arc::new(self.judge(peer)))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.0.certified.clone())));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// Answers a delegation request (PKCS#10, DER): the signed proxy in DER, that one alone.
    /// It ends when this credential does, at the latest after `lifetime` seconds.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for a request that proves nothing; [`ErrorKind::CredentialExpired`].
    pub fn sign_delegation(&self, request: &[u8], lifetime: u64) -> Result<Vec<u8>> {
        let leaf = Certificate::parse(&self.0.chain[0]).map_err(|why| unusable(&why))?;
        delegate::sign(
            &leaf,
            self.0.certified.key.as_ref(),
            request,
            lifetime,
            now(),
        )
    }

    fn judge(&self, peer: PeerRule) -> Judge {
        Judge::new(self.0.trust.clone(), peer, &self.0.identity)
    }
}

static VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

pub(crate) fn now() -> u64 {
    // A clock before 1970 counts as 1970: every certificate is then not yet valid.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn x509_fingerprint(chain: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut context = ::aws_lc_rs::digest::Context::new(&::aws_lc_rs::digest::SHA256);
    for certificate in chain {
        context.update(certificate);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn unusable(why: &str) -> Error {
    Error::new(
        ErrorKind::BadCredential,
        format!("use the credential: {why}"),
    )
}
