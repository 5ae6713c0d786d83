//! The other direction: reaching a grid server in the name of a user.
//!
//! The server's certificate goes the road of all certificates here: CA directory, revocation lists,
//! signing policies. Its name must be the host's, or the DN that the operator wrote down for it:
//! grid servers are often known by that alone.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

use super::{aws_lc_rs, check_handshake, present, to_alert};
use crate::issue::Credential;
use crate::verify::{Purpose, Verifier};
use crate::{dn, pki, signature};

/// Judges the certificate of one server for rustls.
#[derive(Debug)]
struct ServerVerifier {
    verifier: Verifier,
    /// Its DN in slash form; empty when nobody wrote one down.
    dn: String,
}

/// Settings for a connection in the name of `credential` to a server that is known by its host name
/// or by `dn`.
pub fn client_config(
    credential: &Credential,
    verifier: Verifier,
    dn: &str,
) -> Result<ClientConfig, rustls::Error> {
    let judge = ServerVerifier {
        verifier,
        dn: dn::normalise(dn),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge))
        .with_client_cert_resolver(present(credential)?);
    Ok(config)
}

impl ServerVerifier {
    fn is_named(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
        let by_host = EndEntityCert::try_from(leaf)
            .and_then(|leaf| leaf.verify_is_valid_for_subject_name(name))
            .is_ok();
        let by_dn = || pki::subject_dn(leaf).is_ok_and(|subject| subject == self.dn);
        by_host || (!self.dn.is_empty() && by_dn())
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(leaf)
            .chain(others)
            .map(|der| CertificateDer::from(der.as_ref()))
            .collect();
        self.verifier
            .verify_plain(&chain, Purpose::Server, now)
            .map_err(to_alert)?;
        if !self.is_named(leaf, name) {
            return Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName,
            ));
        }
        Ok(ServerCertVerified::assertion())
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
