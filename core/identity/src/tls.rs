//! The TLS side: asking clients for a certificate, proxies included, and the server's settings.
//!
//! The server builds its listener's configuration here, and after each handshake asks
//! [`identify`] for the caller. During the handshake only "is this chain good" is answered;
//! the identity is made from the same chain right afterwards.
//!
//! # Invariants
//! - A handshake with an unverifiable certificate fails; one without a certificate succeeds.
//! - Sessions are never resumed. A resumed session would bring back a certificate chain that was
//!   verified when the session began: by now the proxy may be over, or its owner revoked. Grid
//!   clients open a connection per command and keep no session, so little is lost.

mod client;

pub use client::client_config;

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig, ServerConnection};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use crate::issue::Credential;
use crate::pki::Certificate;
use crate::proxy::ProxyError;
use crate::signature;
use crate::verify::{ChainError, VerifiedChain, Verifier};

/// Judges client certificates for rustls.
#[derive(Debug)]
struct ClientVerifier {
    verifier: Verifier,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Empty: clients then send what they have. A list of CAs would keep proxies back, whose
    /// issuer is in no such list.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(leaf)
            .chain(others)
            .map(|der| CertificateDer::from(der.as_ref()))
            .collect();
        match self.verifier.verify(&chain, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(error) => {
                tracing::info!(%error, "refused a client certificate");
                Err(to_alert(error))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        check_handshake(leaf, message, signed, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        check_handshake(leaf, message, signed, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signature::offered_schemes()
    }
}

fn check_handshake(
    leaf: &CertificateDer<'_>,
    message: &[u8],
    signed: &DigitallySignedStruct,
    is_tls13: bool,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let malformed = |_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    let leaf = Certificate::parse(leaf).map_err(malformed)?;
    if signature::is_handshake_signature(
        &leaf,
        message,
        signed.scheme,
        signed.signature(),
        is_tls13,
    ) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(rustls::Error::InvalidCertificate(
            CertificateError::BadSignature,
        ))
    }
}

/// The alert a client sees: the well known reasons by name, the rest as "bad certificate".
fn to_alert(error: ChainError) -> rustls::Error {
    let reason = match &error {
        ChainError::Proxy(ProxyError::Expired) | ChainError::AnchorExpired { .. } => {
            CertificateError::Expired
        }
        ChainError::Proxy(ProxyError::NotYetValid) => CertificateError::NotValidYet,
        ChainError::Proxy(ProxyError::IssuerMissing) => CertificateError::UnknownIssuer,
        ChainError::Path { source, .. } => match source {
            webpki::Error::CertExpired { .. } => CertificateError::Expired,
            webpki::Error::CertNotValidYet { .. } => CertificateError::NotValidYet,
            webpki::Error::CertRevoked => CertificateError::Revoked,
            webpki::Error::UnknownIssuer => CertificateError::UnknownIssuer,
            _ => CertificateError::Other(OtherError(Arc::new(error))),
        },
        _ => CertificateError::Other(OtherError(Arc::new(error))),
    };
    rustls::Error::InvalidCertificate(reason)
}

/// Settings of a listener: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, client certificate optional.
pub fn server_config(
    host_chain: Vec<CertificateDer<'static>>,
    host_key: PrivateKeyDer<'static>,
    verifier: Verifier,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(Arc::new(ClientVerifier { verifier }))
        .with_single_cert(host_chain, host_key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What a client presents, proxies included.
///
/// The library's usual way (`with_client_auth_cert`) parses the leaf and refuses a proxy for its
/// critical extension; a resolver hands the chain over unparsed.
pub fn present(credential: &Credential) -> Result<Arc<dyn ResolvesClientCert>, rustls::Error> {
    let key = aws_lc_rs::sign::any_supported_type(&credential.key().to_der())?;
    let certified = CertifiedKey::new(credential.chain().to_vec(), key);
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}

/// The verified identity of a connection after its handshake; nothing when the client presented
/// no certificate.
///
/// The chain is verified a second time, a few signature checks: the handshake's own answer cannot
/// carry a value, and this way the only road to a [`VerifiedChain`] is verification.
pub fn identify(
    connection: &ServerConnection,
    verifier: &Verifier,
    now: UnixTime,
) -> Result<Option<VerifiedChain>, ChainError> {
    match connection.peer_certificates() {
        None | Some([]) => Ok(None),
        Some(chain) => verifier.verify(chain, now).map(Some),
    }
}
