//! Servers with TLS, and the authorities that vouch for them and for users.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// Certificate and key of a user.
pub(crate) struct User {
    pub(crate) pem: String,
    /// How servers call the certificate.
    pub(crate) fingerprint: String,
}

fn params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = params(name, 1000);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A user's certificate with the extension of a proxy (RFC 3820).
    pub(crate) fn proxy(&self, name: &str) -> User {
        let mut params = params(name, 2000);
        // Any length, and all that its owner may do: SEQUENCE { SEQUENCE { id-ppl-inheritAll } }.
        let policy = vec![0x30, 0x0c, 0x30, 0x0a, 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x15, 1];
        let mut extension =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 14], policy);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        User {
            pem: format!("{}{}", certificate.pem(), key.serialize_pem()),
            fingerprint: fingerprint(certificate.der()),
        }
    }

    /// A list that revokes this serial number.
    pub(crate) fn revoked(&self, serial: u64) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            // One that ran out still names the revoked.
            next_update: date_time_ymd(2024, 2, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// Enough of a certificate to tell it from others.
fn fingerprint(certificate: &[u8]) -> String {
    let end = &certificate[certificate.len() - 16..];
    end.iter().map(|it| format!("{it:02x}")).collect()
}

/// A server that tells its callers who they are; below `/to/` it sends them elsewhere. It ends with
/// the test's process.
pub(crate) struct Server(SocketAddr);

impl Server {
    /// One with a certificate for that name and of that serial number.
    pub(crate) fn start(authority: &Authority, name: &str, serial: u64) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, serial).signed_by(&key, &authority.issuer);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(Anybody))
            .with_single_cert(
                vec![certificate.unwrap().der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let config = Arc::clone(&config);
                std::thread::spawn(move || answer(config, stream));
            }
        });
        Self(address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.0.port())
    }
}

/// Answers requests until the caller goes; one that does not like us has gone before the first.
fn answer(config: Arc<ServerConfig>, mut stream: TcpStream) {
    static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
    let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let mut connection = rustls::ServerConnection::new(config).unwrap();
    loop {
        let mut tls = rustls::Stream::new(&mut connection, &mut stream);
        let mut asked = Vec::new();
        let mut byte = [0];
        while !asked.ends_with(b"\r\n\r\n") {
            match tls.read(&mut byte) {
                Ok(1) if asked.len() < 1 << 16 => asked.push(byte[0]),
                _ => return,
            }
        }
        let asked = String::from_utf8_lossy(&asked).into_owned();
        let shown = tls.conn.peer_certificates().and_then(<[_]>::first);
        let shown = shown.map_or_else(|| "nothing".to_owned(), |it| fingerprint(it));
        let path = asked.split(' ').nth(1).unwrap_or("/");
        let head = match path.strip_prefix("/to/") {
            Some(place) => format!("302 Found\r\nlocation: {place}"),
            None => "200 OK".to_owned(),
        };
        let text = format!("{number} {shown}");
        let length = text.len();
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{text}");
        if tls.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Asks for a certificate and takes whichever comes, or none.
#[derive(Debug)]
struct Anybody;

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    // That the caller has the key is not looked at: what counts is which certificate was shown.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
