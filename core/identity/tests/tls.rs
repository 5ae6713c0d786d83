//! Handshakes over memory: certificates, proxies, none, bad ones, both protocol versions.

#[allow(
    dead_code,
    reason = "each test program uses its own part of the support"
)]
mod support;

use std::sync::Arc;

use causeway_identity::issue::{Credential, DAY};
use causeway_identity::tls::{identify, present, server_config};
use causeway_identity::verify::{VerifiedChain, Verifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use rustls_pki_types::UnixTime;
use support::{USER_DN, trust_directory, verifier};

/// The handshake looks at the real clock, so this world lives now.
struct Now {
    server: Arc<ServerConfig>,
    verifier: Verifier,
    ca: causeway_identity::issue::Authority,
    user: Credential,
    _trust: tempfile::TempDir,
}

fn seconds() -> u64 {
    UnixTime::now().as_secs()
}

fn setup() -> Now {
    let ca = causeway_identity::issue::Authority::new(support::CA_DN, seconds() - DAY, 30 * DAY)
        .unwrap();
    let user = ca.user(USER_DN, seconds() - DAY, 20 * DAY).unwrap();
    let host = ca
        .host(
            "/DC=ch/DC=test/CN=localhost",
            &["localhost", "127.0.0.1"],
            seconds() - DAY,
            20 * DAY,
        )
        .unwrap();
    let trust = trust_directory(&[&ca]);
    let verifier = verifier(trust.path());
    let server =
        server_config(host.chain().to_vec(), host.key().to_der(), verifier.clone()).unwrap();
    Now {
        server: Arc::new(server),
        verifier,
        ca,
        user,
        _trust: trust,
    }
}

fn client(
    now: &Now,
    credential: Option<&Credential>,
    version: &'static SupportedProtocolVersion,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(now.ca.certificate().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    match credential {
        Some(credential) => builder.with_client_cert_resolver(present(credential).unwrap()),
        None => builder.with_no_client_auth(),
    }
}

/// Shakes hands over memory and returns the server's view.
fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<(ServerConnection, ClientConnection), rustls::Error> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    for _ in 0..10 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            server.read_tls(&mut unread).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut unread = wire.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    Ok((server, client))
}

fn identity(
    now: &Now,
    credential: Option<&Credential>,
    version: &'static SupportedProtocolVersion,
) -> Result<Option<VerifiedChain>, rustls::Error> {
    let (server, _) = handshake(&now.server, &Arc::new(client(now, credential, version)))?;
    Ok(identify(&server, &now.verifier, UnixTime::now())
        .expect("verified in the handshake a moment ago"))
}

static VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];

#[test]
fn certificates_proxies_and_nothing_are_welcome() {
    let now = setup();
    let proxy = now
        .user
        .proxy(
            causeway_identity::issue::ProxyOptions::lasting(3600),
            seconds(),
        )
        .unwrap();
    let second = proxy
        .proxy(
            causeway_identity::issue::ProxyOptions::lasting(3600).limited(),
            seconds(),
        )
        .unwrap();
    for version in VERSIONS {
        assert!(identity(&now, None, version).unwrap().is_none());
        for (credential, names) in [(&now.user, 1), (&proxy, 2), (&second, 3)] {
            let chain = identity(&now, Some(credential), version)
                .unwrap()
                .expect("an identity");
            assert_eq!(chain.user_dn(), USER_DN);
            assert_eq!(chain.dns().len(), names);
            assert_eq!(chain.presented(), credential.chain());
        }
    }
}

#[test]
fn bad_certificates_fail_the_handshake() {
    let now = setup();
    let foreign = setup();
    let old = now
        .ca
        .user("/DC=ch/DC=test/CN=Old", seconds() - 10 * DAY, DAY)
        .unwrap();
    for version in VERSIONS {
        for credential in [&foreign.user, &old] {
            let (server, client) = (
                &now.server,
                Arc::new(client(&now, Some(credential), version)),
            );
            let error = handshake(server, &client).expect_err("refused");
            assert!(
                matches!(error, rustls::Error::InvalidCertificate(_)),
                "{error}"
            );
        }
    }
}

/// A client that shows somebody's certificate without having the key gets nowhere.
#[test]
fn a_stolen_certificate_without_its_key_is_useless() {
    let now = setup();
    let proxy = now
        .user
        .proxy(
            causeway_identity::issue::ProxyOptions::lasting(3600),
            seconds(),
        )
        .unwrap();
    let thief = now
        .ca
        .user("/DC=ch/DC=test/CN=Thief", seconds() - DAY, 2 * DAY)
        .unwrap();
    #[derive(Debug)]
    struct Stolen(Arc<rustls::sign::CertifiedKey>);
    impl rustls::client::ResolvesClientCert for Stolen {
        fn resolve(
            &self,
            _: &[&[u8]],
            _: &[rustls::SignatureScheme],
        ) -> Option<Arc<rustls::sign::CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
        fn has_certs(&self) -> bool {
            true
        }
    }
    let key = aws_lc_rs::sign::any_supported_type(&thief.key().to_der()).unwrap();
    let stolen = Arc::new(rustls::sign::CertifiedKey::new(proxy.chain().to_vec(), key));
    for version in VERSIONS {
        let mut config = client(&now, None, version);
        config.client_auth_cert_resolver = Arc::new(Stolen(Arc::clone(&stolen)));
        let error = handshake(&now.server, &Arc::new(config)).expect_err("refused");
        assert!(format!("{error}").contains("BadSignature"), "{error}");
    }
}

/// Sessions are not resumed, so no identity outlives its chain.
#[test]
fn sessions_are_never_resumed() {
    let now = setup();
    for version in VERSIONS {
        let config = Arc::new(client(&now, Some(&now.user), version));
        for _ in 0..2 {
            let (server, client) = handshake(&now.server, &config).unwrap();
            assert_eq!(client.handshake_kind(), Some(rustls::HandshakeKind::Full));
            assert!(
                identify(&server, &now.verifier, UnixTime::now())
                    .unwrap()
                    .is_some()
            );
        }
    }
}
