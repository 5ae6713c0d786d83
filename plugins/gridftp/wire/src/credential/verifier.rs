//! Judging the other end of a connection for the TLS library, as its client or as its server.
//!
//! The chain must be trusted, and the end-entity certificate must be who the rule says.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

use super::PeerRule;
use crate::trust::{Purpose, Trust, other};
use crate::x509::{Certificate, dn, signature};

#[derive(Debug)]
pub(super) struct Judge {
    trust: Trust,
    rule: Named,
}

/// A rule with its names made ready.
#[derive(Debug)]
enum Named {
    Host(String),
    Subject(String),
}

impl Judge {
    pub(super) fn new(trust: Trust, rule: PeerRule, own: &str) -> Self {
        let rule = match rule {
            PeerRule::Host(host) => Named::Host(host),
            PeerRule::Subject(subject) => Named::Subject(dn::comparable(&subject)),
            PeerRule::SameIdentity => Named::Subject(dn::comparable(own)),
        };
        Self { trust, rule }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let chain: Vec<CertificateDer<'_>> = std::iter::once(leaf)
            .chain(others)
            .map(|it| CertificateDer::from(it.as_ref()))
            .collect();
        let purpose = match self.rule {
            Named::Host(_) => Purpose::Server,
            Named::Subject(_) => Purpose::Either,
        };
        let at = self.trust.judge(&chain, purpose, now)?;
        self.check_name(&chain[at])
            .map_err(rustls::Error::InvalidCertificate)
    }

    fn check_name(&self, eec: &CertificateDer<'_>) -> Result<(), CertificateError> {
        let parsed = Certificate::parse(eec).map_err(|why| other(&why))?;
        let subject = dn::render(parsed.subject()).ok_or(CertificateError::BadEncoding)?;
        match &self.rule {
            Named::Subject(wanted) if dn::comparable(&subject) == *wanted => Ok(()),
            Named::Subject(wanted) => Err(other(&format!("it is {subject}, not {wanted}"))),
            Named::Host(host) if is_host(&parsed, eec, host) => Ok(()),
            Named::Host(host) => Err(other(&format!(
                "{subject} is not the certificate of {host}"
            ))),
        }
    }
}

/// RFC 2818: alternative names decide where there are any, else the common names.
fn is_host(parsed: &Certificate<'_>, eec: &CertificateDer<'_>, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let by_names = EndEntityCert::try_from(eec).is_ok_and(|eec| {
        ServerName::try_from(host).is_ok_and(|it| eec.verify_is_valid_for_subject_name(&it).is_ok())
    });
    let has_names = matches!(parsed.x509.subject_alternative_name(), Ok(Some(_)) | Err(_));
    let is_common = |name: &String| {
        let bare = name
            .split_once('/')
            .map_or(name.as_str(), |(service, bare)| match service {
                "host" | "ftp" => bare,
                _ => "",
            });
        bare.eq_ignore_ascii_case(host)
    };
    by_names || (!has_names && dn::common_names(parsed.subject()).iter().any(is_common))
}

fn check_handshake(
    leaf: &CertificateDer<'_>,
    message: &[u8],
    signed: &DigitallySignedStruct,
    is_tls13: bool,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let leaf = Certificate::parse(leaf).map_err(|_| CertificateError::BadEncoding)?;
    let (scheme, bytes) = (signed.scheme, signed.signature());
    if signature::is_handshake_signature(&leaf, message, scheme, bytes, is_tls13) {
        return Ok(HandshakeSignatureValid::assertion());
    }
    Err(CertificateError::BadSignature.into())
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(leaf, others, now)?;
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

impl ClientCertVerifier for Judge {
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
        self.judge(leaf, others, now)?;
        Ok(ClientCertVerified::assertion())
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
